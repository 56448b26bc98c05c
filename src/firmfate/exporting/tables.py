"""Tables as files: CSV or Parquet, written piece by piece, complete or not there, a dictionary of columns beside."""

from __future__ import annotations

import contextlib
import csv
import gzip
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from firmfate import files
from firmfate.errors import FirmfateError

if TYPE_CHECKING:
    import pandas as pd

FORMATS = (".csv", ".csv.gz", ".parquet")


@dataclass(frozen=True)
class Column:
    """One column of an exported table, as its dictionary explains it."""

    column: str
    type: str
    unit: str
    meaning: str


@dataclass(frozen=True)
class Exported:
    """What an export wrote.

    Attributes
    ----------
    path : Path
        The table.
    dictionary : Path
        The dictionary of its columns.
    rows : int

    Examples
    --------
    See `export`.
    """

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
        kind = gzip.open if compressed else open
        self._file: Any = kind(path, "wt", newline="", encoding="utf-8")
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
    """A table that appears, with its dictionary, when it is complete; use as a context."""

    def __init__(self, path: Path | str, columns: list[Column]) -> None:
        self.path = Path(path)
        name = self.path.name.lower()
        self.format = next((suffix for suffix in sorted(FORMATS, key=len, reverse=True) if name.endswith(suffix)), "")
        if not self.format:
            raise FirmfateError(f"{self.path}: allowed for an export: names that end in {', '.join(FORMATS)}")
        if not self.path.parent.is_dir():
            raise FirmfateError(f"{self.path}: there is no folder {self.path.parent}")
        if self.path.is_dir():
            raise FirmfateError(f"{self.path} is a folder; name the file to write")
        self.columns, self.rows = columns, 0
        self.dictionary = self.path.with_name(self.path.name[: -len(self.format)] + ".dictionary.csv")
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Table:
        for path in (self.path, self.dictionary):
            files.remove_leftovers(path.parent, path.name)
        with contextlib.ExitStack() as stack:
            unfinished = stack.enter_context(files.replacing(self.path))
            self._sink: Sink = (
                ParquetSink(unfinished)
                if self.format == ".parquet"
                else CsvSink(unfinished, compressed=self.format == ".csv.gz")
            )
            stack.push(self._end)
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, fault, trace)

    def _end(self, kind: type[BaseException] | None, *_: object) -> None:
        self._sink.close()
        if kind is None:
            self._describe()

    def add(self, frame: pd.DataFrame) -> None:
        """Append rows, their columns in the order of the dictionary."""
        self._sink.add(frame[[column.column for column in self.columns]])
        self.rows += len(frame)

    def _describe(self) -> None:
        with files.replacing(self.dictionary) as unfinished, unfinished.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("column", "type", "unit", "meaning"))
            writer.writerows((item.column, item.type, item.unit, item.meaning) for item in self.columns)

    @property
    def exported(self) -> Exported:
        """What was written."""
        return Exported(self.path, self.dictionary, self.rows)
