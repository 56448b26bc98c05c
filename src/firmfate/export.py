"""Export: a run as tidy tables for R, pandas or a spreadsheet, CSV or Parquet, with a dictionary of the columns beside it.

Grouped tables come from the counts. Tables of firms are simulated again, piece by piece, and written as they come: memory does
not grow with the number of firms, and the firms are those of the run.
"""

from __future__ import annotations

import csv
import gzip
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import xarray as xr

from firmfate.dataset import open_run
from firmfate.errors import FirmfateError
from firmfate.kernel.engine import INVALID
from firmfate.replay import Player
from firmfate.simulation import cores
from firmfate.survival import to_rows
from firmfate.variables import COORDINATES, FIRMS

if TYPE_CHECKING:
    import pandas as pd

PIECE = 65_536
"""Firms simulated and written at a time."""

SLAB_BYTES = 64 * 1024**2
"""Counts turned into rows at a time."""

FORMATS = (".csv", ".csv.gz", ".parquet")


@dataclass(frozen=True)
class ColumnOf:
    """One column of an exported table, as its dictionary tells it."""

    column: str
    type: str
    unit: str
    meaning: str


@dataclass(frozen=True)
class Exported:
    """What an export wrote: the table, the dictionary of its columns, and the number of rows."""

    path: Path
    dictionary: Path
    rows: int


class Sink(Protocol):
    """Takes a table piece by piece."""

    def add(self, frame: pd.DataFrame) -> None:
        """Append rows."""

    def close(self) -> None:
        """Write out what is left."""


class CsvSink:
    """A CSV file, compressed where asked for; missing values are empty fields."""

    def __init__(self, path: Path, *, compressed: bool) -> None:
        self._file = gzip.open(path, "wt", newline="", encoding="utf-8") if compressed else path.open("w", newline="", encoding="utf-8")
        self._head = True

    def add(self, frame: pd.DataFrame) -> None:
        """Append rows."""
        frame.to_csv(self._file, index=False, header=self._head, lineterminator="\n")
        self._head = False

    def close(self) -> None:
        """Write out what is left."""
        self._file.close()


class ParquetSink:
    """A Parquet file; its schema is that of the first piece."""

    def __init__(self, path: Path) -> None:
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError:
            raise FirmfateError(
                "Parquet needs pyarrow, which is not installed: pip install 'firmfate[parquet]', or export .csv"
            ) from None
        self._arrow, self._path = pyarrow, path
        self._writer: Any = None

    def add(self, frame: pd.DataFrame) -> None:
        """Append rows."""
        table = self._arrow.Table.from_pandas(frame, preserve_index=False)
        if self._writer is None:
            self._writer = self._arrow.parquet.ParquetWriter(self._path, table.schema)
        self._writer.write_table(table.cast(self._writer.schema))

    def close(self) -> None:
        """Write out what is left."""
        if self._writer is not None:
            self._writer.close()


class Table:
    """A table that is written under another name and appears, with its dictionary, when it is whole; use as a context."""

    def __init__(self, path: Path | str, columns: list[ColumnOf]) -> None:
        self.path = Path(path)
        name = self.path.name.lower()
        self.format = next((suffix for suffix in sorted(FORMATS, key=len, reverse=True) if name.endswith(suffix)), "")
        if not self.format:
            raise FirmfateError(f"{self.path}: the name of an export ends in {', '.join(FORMATS)}")
        if not self.path.parent.is_dir():
            raise FirmfateError(f"{self.path}: there is no folder {self.path.parent}")
        self.columns, self.rows = columns, 0
        self.dictionary = self.path.with_name(self.path.name[: -len(self.format)] + ".dictionary.csv")
        self._aside = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")

    def __enter__(self) -> Table:
        self._sink: Sink = (
            ParquetSink(self._aside) if self.format == ".parquet" else CsvSink(self._aside, compressed=self.format == ".csv.gz")
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._sink.close()
            if kind is None:
                self._describe()
                self._aside.replace(self.path)
        finally:
            self._aside.unlink(missing_ok=True)

    def add(self, frame: pd.DataFrame) -> None:
        """Append rows, their columns in the order of the dictionary."""
        self._sink.add(frame[[column.column for column in self.columns]])
        self.rows += len(frame)

    def _describe(self) -> None:
        with self.dictionary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("column", "type", "unit", "meaning"))
            writer.writerows((item.column, item.type, item.unit, item.meaning) for item in self.columns)

    @property
    def exported(self) -> Exported:
        """What was written."""
        return Exported(self.path, self.dictionary, self.rows)


def export_counts(directory: Path | str, to: Path | str) -> Exported:
    """Write the counts of a gathered run: one row for every cell, week and end that firms met, and how many.

    Parameters
    ----------
    directory : path
        A gathered run.
    to : path
        ``.csv``, ``.csv.gz`` or ``.parquet``; ``NAME.dictionary.csv`` appears beside it.

    Returns
    -------
    Exported

    Raises
    ------
    FirmfateError
        Where there is no result, no such format, or no pyarrow. The table appears whole, or not at all.
    """
    with open_run(directory) as ds:
        axes = [_axis_column(str(name), coord) for name, coord in ds["firms"].coords.items()]
        columns = [
            *axes,
            ColumnOf("week", "integer", "week", "week of life in which these firms ended, counted from 1; censored at the horizon"),
            ColumnOf("end", "text", "1", f"how they ended: {', '.join(map(str, ds['end'].values))}"),
            ColumnOf("firms", "integer", "1", "number of firms: the frequency weight of the row; cells with invalid firms are left out"),
        ]
        with Table(to, columns) as table:
            for slab in _slabs(ds):
                table.add(to_rows(slab))
    return table.exported


def _slabs(ds: xr.Dataset) -> Iterator[xr.Dataset]:
    """Yield a dataset of counts in slices of its first axis that are small in memory."""
    dims = ds["firms"].dims
    ds = ds[["events", "firms", "invalid"]]
    if not dims:
        yield ds
        return
    each = max(1, int(SLAB_BYTES * ds.sizes[dims[0]] // (8 * ds["events"].size)))
    for begin in range(0, ds.sizes[dims[0]], each):
        yield ds.isel({dims[0]: slice(begin, begin + each)})


def _axis_column(name: str, coord: xr.DataArray) -> ColumnOf:
    kind = "integer" if np.issubdtype(coord.dtype, np.integer) else "number"
    return ColumnOf(name, kind, str(coord.attrs.get("units", "1")), str(coord.attrs.get("long_name", name)))


def export_firms(
    directory: Path | str,
    to: Path | str,
    *,
    replicates: int | None = None,
    threads: int | None = None,
    told: Callable[[int, int], None] | None = None,
) -> Exported:
    """Write one row a firm: simulated again, the same firms as the run's.

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
    told : callable, optional
        Called with (rows written, rows in all) after every piece.

    Returns
    -------
    Exported

    Raises
    ------
    FirmfateError
        Where the directory is no run of this version, no such format, or no pyarrow. The table appears whole, or not at all.
    """
    player = Player(directory)
    count = player.study.replicates if replicates is None else replicates
    if not 1 <= count <= player.study.replicates:
        raise FirmfateError(f"replicates = {count}; allowed: 1 to {player.study.replicates:,}, the firms in a cell of the run")
    firms = _Firms(player)
    total = len(player.cells) * count
    with Table(to, firms.columns) as table:
        for frame in firms.pieces(count, threads or cores()):
            table.add(frame)
            if told is not None:
                told(table.rows, total)
    return table.exported


class _Firms:
    """Rows of firms of a run."""

    def __init__(self, player: Player) -> None:
        self.player, self.study = player, player.study
        cells = player.cells
        place = np.unravel_index(np.arange(len(cells)), cells.shape) if cells.shape else ()
        by_dim = dict(zip(cells.dims, place, strict=True))
        self.axes = {name: values[tuple(by_dim[dim] for dim in dims)] for name, (dims, values, _) in cells.coords.items()}
        self.drawn = [key.replace(".", "_") for key in (player.worker.population.keys if player.worker.population else ())]
        self.ends = np.array(["censored", *(cause.name for cause in self.study.model.causes), "invalid"], dtype=object)

    @property
    def columns(self) -> list[ColumnOf]:
        """The dictionary."""
        study, model, coords = self.study, self.study.model, self.player.cells.coords
        shared = "; firms of the same number met the same shocks in every cell" if study.common_random_numbers else ""
        entries = {name: ColumnOf(name, "number", FIRMS[name].units, FIRMS[name].long_name) for name in ("event_week", "alarm_week")}
        rows = {key.replace(".", "_"): model.parameter(key) for key in study.population.keys}
        return [
            ColumnOf("cell", "integer", "1", "number of the cell, counted from 0 in the order of the design"),
            *(ColumnOf(name, "number", about.get("units", "1"), about.get("long_name", name)) for name, (_, _, about) in coords.items()),
            ColumnOf("replicate", "integer", "1", "number of the firm in its cell" + shared),
            entries["event_week"],
            ColumnOf("end", "text", "1", f"how the firm ended: {', '.join(self.ends.tolist())} (its arithmetic failed)"),
            ColumnOf("event", "integer", "1", "1 = the firm ended by a cause, 0 = censored at the horizon; empty where invalid"),
            ColumnOf("alarm_week", "number", "week", "week of the alarm; empty = never"),
            *(ColumnOf(mark.name, "integer", "1", f"{mark.meaning}; empty where no alarm rang") for mark in model.marks),
            *(ColumnOf(name, "number", rows[name].unit, f"drawn by the firm: {rows[name].meaning}") for name in self.drawn),
        ]

    def pieces(self, count: int, threads: int) -> Iterator[pd.DataFrame]:
        """Yield rows in the order of cells and replicates, simulated ahead on threads."""
        cells_each, firms_each = max(1, PIECE // count), min(PIECE, count)
        work = (
            (np.arange(cell, min(cell + cells_each, len(self.player.cells))), first, min(firms_each, count - first))
            for cell in range(0, len(self.player.cells), cells_each)
            for first in range(0, count, firms_each)
        )
        self.player.worker.engine.warm_up()
        waiting: deque[Future[pd.DataFrame]] = deque()
        with ThreadPoolExecutor(threads, thread_name_prefix="firmfate") as pool:
            try:
                for piece in work:
                    waiting.append(pool.submit(self.rows, *piece))
                    if len(waiting) > threads:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def rows(self, cells: Any, first: int, count: int) -> pd.DataFrame:
        """Simulate a block of firms and return one row each."""
        import pandas as pd

        study, worker = self.study, self.player.worker
        records = worker.records(cells, first, count)
        cell = np.repeat(cells, count)
        end = records.end.ravel()
        alarm = records.alarm_step.ravel()
        never = alarm == 0
        columns: dict[str, Any] = {
            "cell": cell,
            **{name: values[cell] for name, values in self.axes.items()},
            "replicate": np.tile(np.arange(first, first + count), len(cells)),
            "event_week": records.event_step.ravel() * study.dt,
            "end": self.ends[np.where(end == INVALID, len(self.ends) - 1, end)],
            "event": pd.arrays.IntegerArray((end != 0).astype(np.int8), end == INVALID),
            "alarm_week": np.where(never, np.nan, alarm * study.dt),
        }
        for mark, values in zip(study.model.marks, records.marks, strict=True):
            columns[mark.name] = pd.arrays.IntegerArray(values.ravel().copy(), never.copy())
        if worker.population is not None:
            numbers = np.arange(first, first + count, dtype=np.uint64)
            keys = worker.cells.random_keys[cells].tolist()
            shared = study.common_random_numbers
            drawn = np.concatenate([worker.population.draw_keys(int(key), numbers) for key in (keys[:1] if shared else keys)])
            drawn = np.tile(drawn, (len(cells), 1)) if shared else drawn
            columns |= {name: drawn[:, column] for column, name in enumerate(self.drawn)}
        return pd.DataFrame(columns)
