"""How many bytes the counts of a shard take once they are packed, from those of a pilot with fewer firms.

Counts of the pilot are scaled to the firms of the shard, with the noise that so many firms have, and packed as a shard
is: what zlib makes of them is seen, and not guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmfate.counts import Counters
from firmfate.shards.file import ShardContent, encode
from firmfate.shards.plan import KEY_BYTES
from firmfate.shards.schema import Schema

Counts = Mapping[str, NDArray[np.int64]]

SIZES = 4
"""Numbers of firms for which bytes are measured; those between are interpolated."""


@dataclass(frozen=True)
class Packing:
    """What it takes to pack the counts of a cell.

    Attributes
    ----------
    shard : float
        Bytes of a shard beside those of its cells.
    firms : (k,) array
        Firms of a cell, ascending.
    bytes_ : (k,) array
        Bytes of its counts in a shard, with the key of the cell.
    seconds : float
        Core-seconds.
    """

    shard: float
    firms: NDArray[np.float64]
    bytes_: NDArray[np.float64]
    seconds: float

    def of(self, firms: int) -> float:
        """Return the bytes of a cell with so many firms."""
        return float(np.interp(np.log(firms), np.log(self.firms), self.bytes_))


def packing(
    schema: Schema, keys: tuple[str, ...], counts: Counts, firms: int, sizes: set[int], clock: Callable[[], float]
) -> Packing:
    """Pack the counts of some cells as those of shards with other numbers of firms.

    Parameters
    ----------
    schema : Schema
        Without records.
    keys : tuple of str
        Of the cells.
    counts : mapping
        Of so many `firms` a cell.
    firms : int
    sizes : set of int
        Firms a cell of the shards.
    clock : callable
        Seconds of this thread.
    """
    wanted = sorted(sizes)
    chosen = sorted({wanted[place] for place in np.linspace(0, len(wanted) - 1, SIZES).astype(int)})
    random, seconds = np.random.default_rng(0), []
    shard = _header_bytes(schema, keys)

    def packed(size: int, table: Counts) -> float:
        begin = clock()
        _, data = encode(ShardContent(0, size, keys, table), schema)
        seconds.append((clock() - begin) / len(keys))
        return max((len(data) - shard) / len(keys), float(KEY_BYTES))

    # Cells that share random numbers are alike and pack better than cells that do not, the less so the more firms they
    # hold: on cars and on `firm` about the root of what a pilot shows is left.
    alike = (packed(firms, counts) / packed(firms, _scaled(schema.counters, counts, 1.0, random))) ** 0.5
    bytes_ = [alike * packed(size, _scaled(schema.counters, counts, size / firms, random)) for size in chosen]
    return Packing(shard, np.array(chosen, np.float64), np.array(bytes_), float(np.mean(seconds)))


def _header_bytes(schema: Schema, keys: tuple[str, ...]) -> float:
    """Return the bytes of a shard without cells: those of one empty cell, less what a second one adds."""
    counters, lengths = schema.counters, []
    for some in (keys[:1], keys[:2]):
        empty = counters.named(counters.empty(len(some)))
        lengths.append(len(encode(ShardContent(0, 1, some, empty), schema)[1]))
    return float(lengths[0] - max(lengths[1] - lengths[0], KEY_BYTES))


def _scaled(counters: Counters, counts: Counts, factor: float, random: np.random.Generator) -> Counts:
    """Return counts of `factor` times as many other firms; batches differ by noise alone."""
    found: dict[str, NDArray[np.int64]] = {}
    in_batch = max(float(counts["batch_firms"].mean()), 1e-9)
    in_cell = max(float(counts["firms"].mean()), 1e-9)
    for name, table in counts.items():
        variable, dims = counters.variables[name], counters.dims(name)
        if variable.lowest:
            found[name] = table
            continue
        mean, spread = table * 1.0, np.zeros(())
        if "batch" in dims:
            axis = table.ndim - len(dims) + dims.index("batch")
            mean = np.broadcast_to(mean.mean(axis=axis, keepdims=True), table.shape)
            held = counts["batch_firms"].reshape(*table.shape[: axis + 1], *[1] * (table.ndim - axis - 1))
            # Batches of a few firms may differ by one: that is no noise.
            spread = (table - mean * held / np.maximum(held.mean(axis=axis, keepdims=True), 1e-9)).std(
                axis=axis, keepdims=True
            )
        if name in ("firms", "batch_firms", "invalid"):
            scaled = np.rint(mean * factor)
        elif variable.units == "1":
            firms = in_batch if "batch" in dims else in_cell
            scaled = random.binomial(max(1, round(firms * factor)), np.clip(mean / firms, 0.0, 1.0))
        else:
            scaled = np.rint(random.normal(mean * factor, spread * np.sqrt(factor))).clip(0)
        found[name] = scaled.astype(np.int64)
    return found
