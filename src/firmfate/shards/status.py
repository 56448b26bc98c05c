"""How far a run is, from its shard files alone: while jobs run, after a driver has died, on a read-only copy.

Nothing is written, and no queue is consulted. Names identify the shards, digests that they are undamaged.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firmfate.design import Cells
from firmfate.errors import BrokenShardError
from firmfate.shards.directory import Holdings, RunDirectory, fingerprint_of
from firmfate.shards.file import ShardFile, read
from firmfate.shards.invalid_firms import InvalidFirms
from firmfate.shards.plan import Plan, human_seconds, plan
from firmfate.shards.schema import Schema
from firmfate.study import Study

NONE = np.iinfo(np.int64).max
WINDOW = 600.0
"""Seconds back from now whose finished shards give the rate."""


class Invalid(NamedTuple):
    """Firms of a shard whose arithmetic has failed, (cells,): how many, and the lowest replicate of those."""

    firms: NDArray[np.int64]
    first: NDArray[np.int64]


def invalid_in(shard: ShardFile, schema: Schema) -> Invalid | None:
    """Return how many firms of a shard are invalid; None where its content does not match its name."""
    try:
        arrays = read(shard, schema).arrays
    except BrokenShardError:
        return None
    columns = (arrays[name].astype(np.int64) for name in ("invalid", "first_invalid"))
    firms, first = (values.reshape(len(values), -1) for values in columns)
    return Invalid(firms.sum(axis=1), np.where(firms > 0, first, NONE).min(axis=1))  # over strata


def array_expression(indices: Iterable[int]) -> str:
    """Return indices as schedulers write them.

    Examples
    --------
    >>> array_expression([0, 1, 2, 5, 7, 8])
    '0-2,5,7-8'
    """
    ranges: list[list[int]] = []
    for index in sorted(set(indices)):
        if ranges and ranges[-1][1] == index - 1:
            ranges[-1][1] = index
        else:
            ranges.append([index, index])
    return ",".join(f"{first}-{last}" if last > first else f"{first}" for first, last in ranges)


@dataclass(frozen=True, eq=False, repr=False)
class Status:
    """How far a run is.

    Attributes
    ----------
    study : Study
    cells : Cells
    plan : Plan
        What is missing; broken shards do not count.
    holdings : Holdings
        Which shards count, repeat others, or are of no use.
    broken : tuple of ShardFile
        Shards whose content does not match their names, those that count left out of `holdings.used`.
    verified : bool
        Whether every shard's digest was compared.
    rate : float or None
        Firms finished a second, over the last ten minutes; None where nothing was.
    idle_seconds : float or None
        Since the last shard was finished.
    invalid : InvalidFirms or None
        Firms in shards that count whose arithmetic has failed; None where there are none, or nothing was verified.

    Examples
    --------
    >>> import firmfate
    >>> study = firmfate.Study(name="cars", model="car", years=5, replicates=64, grid={"misalignment": [0, 1]})
    >>> firmfate.run(study, into="runs/cars", progress=False).close()
    >>> found = firmfate.status("runs/cars")
    >>> found.done_by_cell, found.missing, found.seconds_left
    (array([64, 64]), 0, 0.0)
    """

    study: Study
    cells: Cells
    plan: Plan
    holdings: Holdings
    broken: tuple[ShardFile, ...]
    verified: bool
    rate: float | None
    idle_seconds: float | None
    invalid: InvalidFirms | None

    def __repr__(self) -> str:
        return f"<Status of '{self.study.name}': {self.done:,} of {self.firms:,} firms done, {self.pace()}>"

    @property
    def firms(self) -> int:
        """Firms that the study asks for."""
        return self.plan.firms

    @property
    def done(self) -> int:
        """Firms in shards that count."""
        return self.plan.done

    @property
    def missing(self) -> int:
        """Firms still to be simulated."""
        return self.plan.missing

    @property
    def seconds_left(self) -> float | None:
        """Seconds to go at the present rate; 0 where all is done, None where nothing moves."""
        if self.missing == 0:
            return 0.0
        return self.missing / self.rate if self.rate else None

    @cached_property
    def done_by_cell(self) -> NDArray[np.int64]:
        """Firms in shards that count, (cells,)."""
        covered = self.holdings.covered
        return np.array([sum(count for _, count in covered.get(key, ())) for key in self.cells.keys], np.int64)

    @cached_property
    def duplicates_by_cell(self) -> NDArray[np.int64]:
        """Shards that repeat firms of others, (cells,)."""
        return self._by_cell(self.holdings.duplicates)

    @cached_property
    def broken_by_cell(self) -> NDArray[np.int64]:
        """Broken shards, (cells,); of those whose cells are known by their names."""
        return self._by_cell(self.broken)

    def _by_cell(self, shards: Sequence[ShardFile]) -> NDArray[np.int64]:
        found = np.zeros(len(self.cells), np.int64)
        place = {key: position for position, key in enumerate(self.cells.keys)}
        for shard in shards:
            for key in self.holdings.blocks.get(shard.block, ()):
                if key in place:
                    found[place[key]] += 1
        return found

    def array(self, parts: int | None = None) -> str:
        """Return which array tasks have work: of ``parts`` tasks, or of a task a shard."""
        return array_expression(self.plan.unfinished(parts or self.plan.total_shards))

    def labels(self, cell: int) -> dict[str, float]:
        """Return the values of the axes in a cell."""
        return labels(self.cells, cell)

    def table(self, *, by_cell: bool = True) -> dict[str, Any]:
        """Return all of it as plain values, as JSON takes them."""
        written: dict[str, Any] = {
            "study": self.study.name,
            "cells": len(self.cells),
            "replicates": self.study.replicates,
            "firms": self.firms,
            "done": self.done,
            "missing": self.missing,
            "shards": {
                "planned": self.plan.total_shards,
                "to run": len(self.plan.shards),
                "used": len(self.holdings.used),
                "broken": [shard.path.name for shard in self.broken],
                "duplicate": [shard.path.name for shard in self.holdings.duplicates],
                "of other cells or replicates": [shard.path.name for shard in self.holdings.foreign],
            },
            "verified": self.verified,
            "invalid": self.invalid.count if self.invalid else 0,
            "array": self.array(),
            "array_parts": self.plan.total_shards,
            "firms_per_second": self.rate,
            "seconds_left": self.seconds_left,
            "idle_seconds": self.idle_seconds,
        }
        if by_cell:
            columns = zip(
                self.done_by_cell.tolist(), self.study.firms_by_cell.tolist(), self.duplicates_by_cell.tolist(),
                self.broken_by_cell.tolist(), strict=True,
            )  # fmt: skip
            written["by_cell"] = [
                {
                    **self.labels(cell), "done": done, "missing": wanted - done, "broken": broken,
                    "duplicate": duplicate,
                }
                for cell, (done, wanted, duplicate, broken) in enumerate(columns)
            ]  # fmt: skip
        return written

    def pace(self) -> str:
        """Return rate and time left in words."""
        if self.missing == 0:
            return "all firms are there"
        if self.rate:
            return f"{self.rate:,.0f} firms/s, {human_seconds(self.missing / self.rate)} left"
        if self.idle_seconds is None:
            return "no shard is finished yet"
        return f"the last shard was finished {human_seconds(self.idle_seconds)} ago"


def status(directory: Path | str, *, verify: bool = True, now: float | None = None) -> Status:
    """Return how far a run is; reads, and writes nothing.

    Parameters
    ----------
    directory : path
        A run directory, or a copy of one.
    verify : bool
        Compare every shard with its digest; otherwise names alone are believed.
    now : float, optional
        Seconds since the epoch.

    Returns
    -------
    Status

    Raises
    ------
    RunDirectoryError
        Where it is no run directory.

    Examples
    --------
    >>> import firmfate
    >>> study = firmfate.Study(name="cars", model="car", years=5, replicates=64, grid={"misalignment": [0, 1]})
    >>> firmfate.run(study, into="runs/cars", progress=False).close()
    >>> firmfate.status("runs/cars")
    <Status of 'cars': 128 of 128 firms done, all firms are there>
    """
    run = RunDirectory(Path(directory))
    study = run.study()
    cells = study.cells
    files = run.files()
    schema = Schema.of(study, fingerprint_of(study))
    invalid = {shard.path: invalid_in(shard, schema) for shard in files} if verify else {}
    broken = {shard.path: shard for shard in files if shard.path in invalid and invalid[shard.path] is None}
    holdings = run.holdings(study, cells, without=broken)
    broken.update({shard.path: shard for shard in holdings.broken})
    moment = time.time() if now is None else now
    rate, idle = _rate(holdings, moment)
    failed = _invalid(cells, holdings, invalid)
    missing = plan(study, covered=holdings.covered, cells=cells)
    return Status(study, cells, missing, holdings, tuple(broken.values()), verify, rate, idle, failed)


def labels(cells: Cells, cell: int) -> dict[str, float]:
    """Return the values of the axes in a cell."""
    place = dict(zip(cells.dims, np.unravel_index(cell, cells.shape) if cells.shape else (), strict=True))
    return {
        name: values[tuple(int(place[dim]) for dim in dims)].item()
        for name, (dims, values, _) in cells.coords.items()
        if name != "cell"
    }


def _invalid(cells: Cells, holdings: Holdings, found: Mapping[Path, Invalid | None]) -> InvalidFirms | None:
    """Return which firms of the shards that count are invalid."""
    place = {key: position for position, key in enumerate(cells.keys)}
    count, first = np.zeros(len(cells), np.int64), np.full(len(cells), NONE)
    for shard, keys in holdings.used:
        if (held := found.get(shard.path)) is not None:
            at = [place[key] for key in keys]
            rows = np.isin(holdings.blocks[shard.block], keys)  # the others' cells are not the study's
            count[at] += held.firms[rows]
            first[at] = np.minimum(first[at], held.first[rows])
    if not count.any():
        return None
    cell = int(np.flatnonzero(count)[0])
    return InvalidFirms(
        count=int(count.sum()), total=sum(n for ranges in holdings.covered.values() for _, n in ranges),
        cells=int((count > 0).sum()), cell=labels(cells, cell), replicate=int(first[cell]),
    )  # fmt: skip


def _rate(holdings: Holdings, now: float) -> tuple[float | None, float | None]:
    """Return (firms a second, seconds since the last shard) from the times of files."""
    finished = []
    for shard, keys in holdings.used:
        try:
            finished.append((shard.path.stat().st_mtime, len(keys) * shard.replicates))
        except OSError:  # set aside meanwhile
            continue
    if not finished:
        return None, None
    now = max(now, max(finished)[0])  # clocks are set back, and those of file servers differ
    idle = now - max(finished)[0]
    recent = sorted(item for item in finished if item[0] > now - WINDOW)
    if len(recent) < 2 or recent[0][0] == now:  # files that were copied may all have one time, which may lie ahead
        return None, idle
    # The first shard of the window began before it: it marks the start and its firms do not count.
    return sum(firms for _, firms in recent[1:]) / (now - recent[0][0]), idle
