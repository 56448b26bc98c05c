"""CSV files that a table names: lists of cells, and observed values of a population."""

from __future__ import annotations

import csv
import io
import os
import stat
from pathlib import Path
from typing import Any

from firmfate.errors import StudyError
from firmfate.tables.reading import named


def read_rows(name: str, path: str, folder: Path, files: dict[str, Path]) -> list[tuple[str, dict[str, Any]]]:
    """Read a CSV file with a header as (where, row of numbers or quantities).

    Raises
    ------
    StudyError
        Where the file is missing, is no text, has no rows, a row of another length, or an empty field.
    """
    shown = named(name)
    try:
        file = Path(os.path.realpath(folder / name))  # resolve() raises no OSError where links go in a circle
        if not stat.S_ISREG(file.stat().st_mode):  # one without an end, such as /dev/zero
            raise StudyError(f'{path} = "{shown}": {named(file)} is a folder, a pipe or a device, and no file')
        content = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise StudyError(f'{path} = "{shown}": {named(file)} is not UTF-8 text') from None
    except OSError as fault:
        raise StudyError(f'{path} = "{shown}": {named(folder / name)} cannot be read ({fault.strerror})') from None
    except ValueError:  # a NUL in it
        raise StudyError(f'{path} = "{shown}" is no name of a file') from None
    files[name] = file
    lines = csv.reader(io.StringIO(content, newline=""))
    try:
        return _rows(lines, name, path)
    except csv.Error as fault:
        raise StudyError(f"{shown} line {lines.line_num}: is no CSV ({fault})") from None


def _rows(lines: Any, name: str, path: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the rows below the header."""
    header = [column.strip() for column in next(lines, [])]
    if not header or len(set(header)) < len(header) or "" in header:
        raise StudyError(f'{path} = "{named(name)}": its first line must name every column, once')
    rows = []
    for fields in lines:
        if not fields:
            continue
        where = f"{named(name)} line {lines.line_num}"
        if len(fields) != len(header):
            raise StudyError(f"{where}: has {len(fields)} fields; the first line names {len(header)}")
        rows.append((where, {column: _csv_value(item) for column, item in zip(header, fields, strict=True)}))
    if not rows:
        raise StudyError(f'{path} = "{named(name)}": has no row below its first line')
    return rows


def _csv_value(item: str) -> float | str:
    """Return a field of a CSV file as a number where it is one."""
    try:
        return float(item)
    except ValueError:
        return item.strip()
