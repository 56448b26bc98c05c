"""Counts of some cells, added over the shards that hold their firms."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from firmfate.counts import Counters
from firmfate.dataset.layout import coordinate_values
from firmfate.design import Cells
from firmfate.errors import BrokenShardError, IncompleteRunError, command
from firmfate.shards.directory import Holdings, RunDirectory, fingerprint_of
from firmfate.shards.file import ShardContent, ShardFile, read
from firmfate.shards.schema import Schema
from firmfate.study import Study

if TYPE_CHECKING:
    import xarray as xr

Load = Callable[[ShardFile], ShardContent]


class BrokenShards(BrokenShardError):
    """Shards whose content is not what their names say; `shards` are their files."""

    def __init__(self, shards: list[ShardFile]) -> None:
        self.shards = shards
        names = ", ".join(shard.path.name for shard in shards[:3]) + (" ..." if len(shards) > 3 else "")
        run = shards[0].path.parents[1]
        again = command("run", run / "study.toml", "--into", run)
        super().__init__(f"{len(shards)} broken shard(s): {names}; run the study to replace them: {again}")


def loader(schema: Schema) -> Load:
    """Return a reader of shards that keeps the last few."""
    return lru_cache(maxsize=8)(partial(read, schema=schema))


def firms_held(holdings: Holdings) -> int:
    """Return how many firms the shards that count hold."""
    return sum(count for ranges in holdings.covered.values() for _, count in ranges)


def refuse_incomplete(directory: RunDirectory, holdings: Holdings, study: Study, cells: Cells) -> None:
    """Refuse to go on where firms are missing."""
    held, wanted = firms_held(holdings), int(study.firms_by_cell.sum())
    if held < wanted:
        raise IncompleteRunError(
            f"{directory.path} holds {held:,} of {wanted:,} firms; run it again to go on, or gather with "
            "--allow-incomplete"
        )


def shards_by_cell(cells: Cells, holdings: Holdings) -> dict[int, list[ShardFile]]:
    """Return the shards that hold firms of each cell, by its position."""
    place = {key: position for position, key in enumerate(cells.keys)}
    found: dict[int, list[ShardFile]] = {}
    for shard, keys in holdings.used:
        for key in keys:
            found.setdefault(place[key], []).append(shard)
    return found


def sums(
    positions: NDArray[np.intp], cells: Cells, counters: Counters, by_cell: dict[int, list[ShardFile]], load: Load,
    broken: dict[Path, ShardFile], names: Collection[str] | None = None,
) -> dict[str, NDArray[np.int64]]:  # fmt: skip
    """Return the counts of some cells, (cells, ...), added over their shards.

    Only those of `names`, where these are given. Shards that are not what their names say go into `broken`.
    """
    found = counters.named(counters.empty(len(positions)))
    found = {name: table for name, table in found.items() if names is None or name in names}
    local = {cells.keys[position]: i for i, position in enumerate(positions)}
    shards = {shard.path: shard for position in positions for shard in by_cell.get(int(position), ())}
    for shard in shards.values():
        try:
            content = load(shard)
        except BrokenShardError:
            broken[shard.path] = shard
            continue
        rows = [i for i, key in enumerate(content.cell_keys) if key in local]
        targets = [local[content.cell_keys[i]] for i in rows]
        for name, table in found.items():
            table[targets] = counters.variables[name].merged(table[targets], content.arrays[name][rows])
    return found


def as_dataset(
    study: Study, cells: Cells, counters: Counters, found: Mapping[str, NDArray[np.int64]], *, over_axes: bool
) -> xr.Dataset:
    """Return counts, (cells, [stratum], ...), as estimators take them, strata added up.

    Parameters
    ----------
    study : Study
    cells : Cells
    counters : Counters
    found : mapping
        Variable -> counts.
    over_axes : bool
        Whether they are of all cells, and are to lie over the axes; otherwise over ``cell``.
    """
    import xarray as xr

    coordinates = {
        name: (own, values) for name, (own, values, _) in cells.coords.items() if over_axes and own == (name,)
    }
    variables = {}
    for name, table in found.items():
        over = tuple(dim for dim in counters.dims(name) if dim != "stratum")
        added = table.sum(axis=1) if counters.strata > 1 else table
        dims, shape = (cells.dims, cells.shape) if over_axes else (("cell",), table.shape[:1])
        variables[name] = ((*dims, *over), added.reshape(*shape, *added.shape[1:]))
    used = {dim for over, _ in variables.values() for dim in over}
    coordinates |= {
        name: ((name,), np.asarray(values)) for name, values in coordinate_values(study).items() if name in used
    }
    return xr.Dataset(variables, coordinates, {"steps_per_week": float(study.steps_per_week)})


class Counted:
    """The counts of all firms of a study in a run directory, in memory and of as many cells as are asked for.

    Parameters
    ----------
    directory : RunDirectory
    study : Study
    cells : Cells
        The study's.

    Attributes
    ----------
    bytes_per_cell : int
        That a cell takes while it is added up.

    Raises
    ------
    IncompleteRunError
        Where the directory lacks firms that the study asks for.
    """

    def __init__(self, directory: RunDirectory, study: Study, cells: Cells) -> None:
        holdings = directory.holdings(study, cells)
        refuse_incomplete(directory, holdings, study, cells)
        schema = Schema.of(study, fingerprint_of(study))
        self._study, self._cells, self._counters = study, cells, schema.counters
        self.bytes_per_cell = schema.counters.bytes_while_counting
        self._by_cell, self._load = shards_by_cell(cells, holdings), loader(schema)

    def of(self, names: Collection[str], positions: NDArray[np.intp] | None = None) -> xr.Dataset:
        """Return some counts, strata added up: of all cells over the axes, or of some by their positions over ``cell``.

        Raises
        ------
        BrokenShards
        """
        found = self.sums(names, positions)
        return as_dataset(self._study, self._cells, self._counters, found, over_axes=positions is None)

    def sums(self, names: Collection[str], positions: NDArray[np.intp] | None = None) -> dict[str, NDArray[np.int64]]:
        """Return the same as arrays, (cells, [stratum], ...), strata by themselves.

        Raises
        ------
        BrokenShards
        """
        broken: dict[Path, ShardFile] = {}
        positions = np.arange(len(self._cells)) if positions is None else positions
        found = sums(positions, self._cells, self._counters, self._by_cell, self._load, broken, names)
        if broken:
            raise BrokenShards(list(broken.values()))
        return found
