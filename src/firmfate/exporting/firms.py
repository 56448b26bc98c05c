"""Tables of firms, one row each: as ``firms.nc`` recorded them, otherwise simulated again, the same firms.

Rows are made and written piece by piece: memory does not grow with the number of firms.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firmfate.counts import FIRMS, INVALID, outcomes
from firmfate.dataset.netcdf import LOCK, reading, refuse_impossible
from firmfate.errors import FirmfateError
from firmfate.exporting.tables import Column, Exported, Table
from firmfate.machine import cores
from firmfate.simulation import Replayer

if TYPE_CHECKING:
    import pandas as pd

PIECE = 65_536
"""Firms in one piece."""


def export_firms(
    directory: Path | str,
    to: Path | str,
    *,
    replicates: int | None = None,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Exported:
    """Write one row a firm: as recorded by the run, or simulated again, which gives the same firms.

    Parameters
    ----------
    directory : path
        A run directory.
    to : path
        ``.csv``, ``.csv.gz`` or ``.parquet``; ``NAME.dictionary.csv`` appears beside it.
    replicates : int, optional
        The first so many of every cell; all where not given.
    threads : int, optional
        All cores where not given. The table does not depend on it.
    progress : callable, optional
        Called with (rows written, rows in all) after every piece.

    Returns
    -------
    Exported

    Raises
    ------
    FirmfateError
        Where the directory is no run of this version, no such format, or no pyarrow. No part of a table is left.
    """
    replayer = Replayer(directory)
    least = int(replayer.study.firms_by_cell.min())
    count = least if replicates is None else replicates
    if not 1 <= count <= least:
        raise FirmfateError(f"replicates = {count}; allowed: 1 to {least:,}, the firms in a cell of the run")
    firms = _Firms(replayer)
    total = len(replayer.cells) * count
    with Table(to, firms.columns) as table:
        for frame in firms.pieces(count, threads or cores()):
            table.add(frame)
            if progress is not None:
                progress(table.rows, total)
    return table.exported


def recorded(directory: Path | str) -> bool:
    """Return whether a run holds ``firms.nc``, so that no firm has to be simulated again."""
    return (Path(directory) / "firms.nc").is_file()


class _Records(NamedTuple):
    """What is recorded of a block of firms, flat in the order (cell, replicate); times in weeks, alarm 0 = never."""

    event_week: NDArray[Any]
    cause: NDArray[np.uint8]
    alarm_week: NDArray[Any]
    marks: list[NDArray[np.uint8]]


class _Firms:
    """Rows of firms of a run."""

    def __init__(self, replayer: Replayer) -> None:
        self.replayer, self.study = replayer, replayer.study
        cells = replayer.cells
        self.place = np.unravel_index(np.arange(len(cells)), cells.shape) if cells.shape else ()
        by_dim = dict(zip(cells.dims, self.place, strict=True))
        self.axes = {
            name: values[tuple(by_dim[dim] for dim in dims)]
            for name, (dims, values, _) in cells.coords.items()
            if name != "cell"
        }
        self.names = cells.coords["cell"][1] if "cell" in cells.coords else None
        self.drawn = [key.replace(".", "_") for key in self.study.population.keys]
        self.ends = np.array(outcomes(self.study.model), dtype=object)

    @property
    def columns(self) -> list[Column]:
        """The dictionary."""
        study, model = self.study, self.study.model
        shared = "; firms of the same number met the same shocks in every cell" if study.common_random_numbers else ""
        rows = {key.replace(".", "_"): model.parameter(key) for key in study.population.keys}
        return [
            Column("cell", "integer", "1", "number of the cell, counted from 0 in the order of the design")
            if self.names is None
            else Column("cell", "text", "1", "name of the cell, as the study gives it"),
            *(
                Column(name, "number", about.get("units", "1"), about.get("long_name", name))
                for name, (_, _, about) in self.replayer.cells.coords.items()
                if name in self.axes
            ),
            Column("replicate", "integer", "1", "number of the firm in its cell" + shared),
            Column("event_week", "number", FIRMS["event_week"].units, FIRMS["event_week"].long_name),
            Column(
                "cause", "text", "1", f"cause of the event: {', '.join(self.ends.tolist())} (its arithmetic failed)"
            ),
            Column(
                "event",
                "integer",
                "1",
                "1 = an event by a cause, 0 = censored at the horizon; empty where invalid",
            ),
            Column("alarm_week", "number", "week", "week of the alarm; empty = never"),
            *(Column(mark.name, "integer", "1", f"{mark.meaning}; empty where no alarm rang") for mark in model.marks),
            *(
                Column(name, "number", rows[name].unit, f"drawn by the firm: {rows[name].meaning}")
                for name in self.drawn
            ),
        ]

    def pieces(self, count: int, threads: int) -> Iterator[pd.DataFrame]:
        """Yield rows in the order of cells and replicates, made ahead on threads."""
        cells_each, firms_each = max(1, PIECE // count), min(PIECE, count)
        work = (
            (np.arange(cell, min(cell + cells_each, len(self.replayer.cells))), first, min(firms_each, count - first))
            for cell in range(0, len(self.replayer.cells), cells_each)
            for first in range(0, count, firms_each)
        )
        waiting: deque[Future[pd.DataFrame]] = deque()
        with self._source() as records, ThreadPoolExecutor(threads, thread_name_prefix="firmfate") as pool:
            try:
                for piece in work:
                    waiting.append(pool.submit(self.rows, records, *piece))
                    if len(waiting) > threads:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    @contextlib.contextmanager
    def _source(self) -> Iterator[Source]:
        """Give a function of (cells, first, count) that returns records: read, or simulated."""
        path = self.replayer.run.path
        if not recorded(path):
            self.replayer.worker.engine.warm_up()
            yield self._simulated
            return
        import netCDF4

        refuse_impossible(path / "firms.nc")
        with LOCK:
            file = netCDF4.Dataset(path / "firms.nc")
        file.set_auto_mask(False)
        try:
            if len(file.dimensions["replicate"]) != self.study.replicates:
                raise FirmfateError(
                    f"{path / 'firms.nc'} is not of all firms; gather the run first (firmfate gather {path})"
                )
            yield partial(self._read, file)
        finally:
            with LOCK:
                file.close()

    def _simulated(self, cells: NDArray[np.intp], first: int, count: int) -> _Records:
        found, dt = self.replayer.worker.records(cells, first, count), self.study.dt
        return _Records(
            found.event_step.ravel() * dt,
            found.cause.ravel(),
            found.alarm_step.ravel() * dt,
            [mark.ravel() for mark in found.marks],
        )

    def _read(self, file: Any, cells: NDArray[np.intp], first: int, count: int) -> _Records:
        def column(name: str) -> NDArray[Any]:
            own = [tuple(int(place[cell]) for place in self.place) for cell in cells]
            return np.concatenate([file[name][(*index, slice(first, first + count))] for index in own])

        with LOCK, reading(self.replayer.run.firms):
            event_week, cause, alarm_week = (column(name) for name in ("event_week", "cause", "alarm_week"))
            marks = [column(mark.name) for mark in self.study.model.marks]
        # Weeks are stored in single precision; they are integer numbers of steps.
        weeks = [
            np.round(values.astype(np.float64) / self.study.dt) * self.study.dt for values in (event_week, alarm_week)
        ]
        return _Records(weeks[0], cause, weeks[1], marks)

    def rows(self, records: Source, cells: NDArray[np.intp], first: int, count: int) -> pd.DataFrame:
        """Return one row for each of a block of firms."""
        import pandas as pd

        found = records(cells, first, count)
        cell = np.repeat(cells, count)
        never = found.alarm_week == 0
        columns: dict[str, Any] = {
            "cell": cell if self.names is None else self.names[cell],
            **{name: values[cell] for name, values in self.axes.items()},
            "replicate": np.tile(np.arange(first, first + count), len(cells)),
            "event_week": found.event_week,
            "cause": self.ends[np.where(found.cause == INVALID, len(self.ends) - 1, found.cause)],
            "event": pd.arrays.IntegerArray((found.cause != 0).astype(np.int8), found.cause == INVALID),
            "alarm_week": np.where(never, np.nan, found.alarm_week),
        }
        for mark, values in zip(self.study.model.marks, found.marks, strict=True):
            columns[mark.name] = pd.arrays.IntegerArray(values.copy(), never.copy())
        columns |= dict(zip(self.drawn, self._drawn(cells, first, count).T, strict=True))
        return pd.DataFrame(columns)

    def _drawn(self, cells: NDArray[np.intp], first: int, count: int) -> NDArray[np.float64]:
        """Return what these firms drew, (firms, keys)."""
        worker = self.replayer.worker
        if worker.population is None:
            return np.empty((len(cells) * count, 0))
        numbers = np.arange(first, first + count, dtype=np.uint64)
        if self.study.common_random_numbers:
            return np.tile(worker.population.draw_keys(self.study.seed, numbers), (len(cells), 1))
        keys = worker.cells.random_keys[cells].tolist()
        return np.concatenate([worker.population.draw_keys(int(key), numbers) for key in keys])


Source = Callable[[NDArray[np.intp], int, int], _Records]
