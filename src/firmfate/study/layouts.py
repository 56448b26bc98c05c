"""Designs as a study writes them: which parameters are axes, and what values or ranges they take.

A key names a parameter (``misalignment``) or one part of it (``misalignment.sales``, also as a nested table); the part
overrides the whole.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from firmfate.errors import StudyError, did_you_mean
from firmfate.models import Model
from firmfate.models.model import Parameter
from firmfate.study import reading
from firmfate.study.reading import refuse, rounded
from firmfate.variables import COUNTS, FIRMS, RESERVED_DIMS

KINDS = ("grid", "cells", "latin_hypercube", "sobol", "saltelli", "coalitions")
RANGES = ("latin_hypercube", "sobol", "saltelli")
OPTIMISED = ("maximin", "discrepancy", "none")
MOST_CELLS = 1_000_000
MOST_PLAYERS = 16


@dataclass(frozen=True)
class Axis:
    """One parameter that a design varies.

    Attributes
    ----------
    key : str
        As the study writes it, ``execution`` or ``misalignment.sales``.
    values : tuple of float
        Grid: the values, ascending. Cells: the column. Ranges: from and to. Coalitions: off and on.
    log : bool
        A range is filled evenly in the logarithm.
    """

    key: str
    values: tuple[float, ...]
    log: bool = False

    @property
    def name(self) -> str:
        """The name of its dimension and coordinate."""
        return self.key.replace(".", "_")


@dataclass(frozen=True)
class Layout:
    """A design as a study writes it: its kind, its axes in the order of the file, and options of the kind."""

    kind: str
    axes: tuple[Axis, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


def parameter_keys(
    written: Mapping[str, Any], model: Model, path: str, *, words: tuple[str, ...] = ()
) -> Iterator[tuple[str, Any]]:
    """Yield (key, value) of a table of parameters; ``misalignment = { sales = 1 }`` is ``"misalignment.sales" = 1``.

    Parameters
    ----------
    written : mapping
    model : Model
    path : str
        Where the table stands, for messages.
    words : tuple of str
        Keys that are not parameters and are left out.
    """
    seen = set()
    for name, value in written.items():
        if name in words:
            continue
        row = next((parameter for parameter in model.parameters if parameter.name == name), None)
        if row is not None and isinstance(value, dict) and any(part in row.parts for part in value):
            pairs = [(f"{name}.{part}", item) for part, item in value.items()]
        else:
            pairs = [(name, value)]
        for key, item in pairs:
            if key not in model.keys:
                allowed = ", ".join((*words, *(parameter.name for parameter in model.parameters)))
                hint = did_you_mean(key, (*words, *model.keys)) or f"; allowed: {allowed}"
                raise StudyError(f"{path}.{key}: model '{model.name}' has no parameter '{key}'{hint}")
            if key in seen:
                raise StudyError(f"{path}.{key} is written twice, as a key and as a nested table; keep one")
            seen.add(key)
            yield key, item


def allowed_value(value: object, path: str, row: Parameter) -> float:
    """Return a parameter's value where it is a number in its allowed range, rounded to 12 significant digits."""
    found = reading.quantity(value, path, row.unit)
    if found not in row.allowed:
        refuse(path, value, f"must lie in {row.allowed} ({row.unit}): {row.meaning}")
    return found


def read_layout(tables: Mapping[str, Any], model: Model, folder: Path, files: dict[str, Path]) -> Layout:
    """Read the one design of a study; a study without one is a single cell.

    Parameters
    ----------
    tables : mapping
        The study's tables as written.
    model : Model
    folder : Path
        Where relative paths start.
    files : dict
        Files that the design reads are entered here, as written.
    """
    kinds = [kind for kind in KINDS if kind in tables]
    if len(kinds) > 1:
        raise StudyError(f"[{kinds[0]}] and [{kinds[1]}]: a study has one design; keep one of them")
    if not kinds:
        return Layout("cells")
    (kind,) = kinds
    if kind == "cells":
        layout = Layout(kind, _listed(tables[kind], model, folder, files))
    else:
        written = reading.table(tables[kind], kind)
        words = {
            "latin_hypercube": ("points", "optimise"),
            "sobol": ("points", "scramble"),
            "saltelli": ("points", "second_order"),
        }
        reader = {"grid": _grid_axis, "coalitions": _player}.get(kind, _range)
        pairs = parameter_keys(written, model, kind, words=words.get(kind, ()))
        axes = tuple(reader(key, value, f"{kind}.{key}", model.parameter(key)) for key, value in pairs)
        layout = Layout(kind, axes, _options(kind, written))
    if not layout.axes:
        raise StudyError(
            f"[{kind}] has no axis; name at least one parameter, such as {model.parameters[0].name} = [0.2, 0.8]"
        )
    _check(layout)
    return layout


def _check(layout: Layout) -> None:
    """Refuse axes that cannot be told apart in a dataset, and designs that are too large to lay out."""
    seen: dict[str, str] = {}
    for axis in layout.axes:
        if axis.name in RESERVED_DIMS or axis.name in COUNTS or axis.name in FIRMS:
            raise StudyError(
                f"{layout.kind}.{axis.key}: '{axis.name}' is a name that results use themselves; it cannot be an axis"
            )
        if axis.name in seen:
            raise StudyError(
                f"{layout.kind}.{axis.key} and {layout.kind}.{seen[axis.name]} would share the name '{axis.name}'"
            )
        seen[axis.name] = axis.key
    count = cell_count(layout)
    if count > MOST_CELLS:
        raise StudyError(
            f"[{layout.kind}] has {count:,} cells; at most {MOST_CELLS:,}: take fewer points, or split the study"
        )


def cell_count(layout: Layout) -> int:
    """Return how many cells a layout has, without laying them out."""
    axes = len(layout.axes)
    if layout.kind == "grid":
        return math.prod(len(axis.values) for axis in layout.axes)
    if layout.kind == "cells":
        return len(layout.axes[0].values) if axes else 1
    if layout.kind == "coalitions":
        return 1 << axes
    if layout.kind == "saltelli":
        return int(layout.options["points"]) * (2 * axes + 2 if layout.options["second_order"] else axes + 2)
    return int(layout.options["points"])


def _options(kind: str, written: Mapping[str, Any]) -> dict[str, Any]:
    """Read what a design has beside its axes."""
    if kind not in RANGES:
        return {}
    if "points" not in written:
        raise StudyError(f"[{kind}] needs 'points', the number of points, such as points = 128")
    points = reading.whole(written["points"], f"{kind}.points", 2, MOST_CELLS)
    if kind == "latin_hypercube":
        optimise = reading.text(written.get("optimise", "maximin"), f"{kind}.optimise")
        if optimise not in OPTIMISED:
            refuse(
                f"{kind}.optimise",
                optimise,
                f"must be one of {', '.join(OPTIMISED)}{did_you_mean(optimise, OPTIMISED)}",
            )
        return {"points": points, "optimise": optimise}
    if kind == "sobol":
        return {"points": points, "scramble": reading.flag(written.get("scramble", True), "sobol.scramble")}
    if points & (points - 1):
        refuse("saltelli.points", points, "must be a power of two, such as 256 or 512")
    return {"points": points, "second_order": reading.flag(written.get("second_order", False), "saltelli.second_order")}


def _grid_axis(key: str, value: object, path: str, row: Parameter) -> Axis:
    """Read one axis of a grid: a list, ``{ values = [...] }`` or ``{ from, to, points, scale }``."""
    if isinstance(value, dict) and "values" in value:
        value = reading.table(value, path, ("values",))["values"]
    if isinstance(value, dict):
        reading.table(value, path, ("from", "to", "points", "scale"))
        axis = _range(key, {name: item for name, item in value.items() if name != "points"}, path, row)
        if "points" not in value:
            raise StudyError(f"{path} needs 'points', the number of values between from and to, such as points = 11")
        points = reading.whole(value["points"], f"{path}.points", 2, 100_000)
        space = np.geomspace if axis.log else np.linspace
        values = [rounded(found) for found in space(axis.values[0], axis.values[1], points).tolist()]
        if len(set(values)) < points:
            refuse(path, value, "its values are the same to 12 significant digits; take fewer points or a wider range")
        return Axis(key, tuple(sorted(values)), axis.log)
    if not isinstance(value, list):
        refuse(
            path,
            value,
            "must be a list of values, or { from = .., to = .., points = .. }; what is fixed goes to [parameters]",
        )
    if not value:
        refuse(path, value, "is empty; give at least one value")
    found = [allowed_value(item, f"{path}[{place}]", row) for place, item in enumerate(value)]
    for place, item in enumerate(found):
        if item in found[:place]:
            refuse(
                f"{path}[{place}]",
                value[place],
                f"is there already, as {path}[{found.index(item)}] (to 12 significant digits)",
            )
    return Axis(key, tuple(sorted(found)))


def _range(key: str, value: object, path: str, row: Parameter) -> Axis:
    """Read a range: ``[from, to]`` or ``{ from, to, scale }``."""
    if isinstance(value, list) and len(value) == 2:
        value = {"from": value[0], "to": value[1]}
    if not isinstance(value, dict):
        refuse(path, value, "must be a range, [from, to] or { from = .., to = .., scale = .. }")
    reading.table(value, path, ("from", "to", "scale"))
    for end in ("from", "to"):
        if end not in value:
            raise StudyError(f"{path} needs '{end}', the {'first' if end == 'from' else 'last'} value of the range")
    first, last = (allowed_value(value[end], f"{path}.{end}", row) for end in ("from", "to"))
    if not first < last:
        refuse(f"{path}.from", value["from"], f"must be below {path}.to = {reading.show(value['to'])}")
    scale = reading.text(value.get("scale", "linear"), f"{path}.scale")
    if scale not in ("linear", "log"):
        refuse(f"{path}.scale", scale, f'must be "linear" or "log"{did_you_mean(scale, ("linear", "log"))}')
    if scale == "log" and first <= 0:
        refuse(f"{path}.from", value["from"], "must be above 0 on a log scale")
    return Axis(key, (first, last), scale == "log")


def _player(key: str, value: object, path: str, row: Parameter) -> Axis:
    """Read one player of coalitions: ``[off, on]`` or ``{ off = .., on = .. }``."""
    if isinstance(value, list) and len(value) == 2:
        value = {"off": value[0], "on": value[1]}
    if not isinstance(value, dict) or set(value) != {"off", "on"}:
        refuse(path, value, "must be { off = .., on = .. }, or [off, on]")
    off, on = (allowed_value(value[state], f"{path}.{state}", row) for state in ("off", "on"))
    if off == on:
        refuse(f"{path}.on", value["on"], f"must differ from {path}.off")
    return Axis(key, (off, on))


def _listed(value: object, model: Model, folder: Path, files: dict[str, Path]) -> tuple[Axis, ...]:
    """Read a list of cells, ``[[cells]]`` or ``cells = "file.csv"``: every cell has the same keys."""
    if isinstance(value, str):
        rows = read_rows(value, "cells", folder, files)
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        rows = [(f"cells[{place}]", item) for place, item in enumerate(value)]
    else:
        refuse("cells", value, 'must be a list of tables, each written [[cells]], or a CSV file, cells = "cells.csv"')
    columns: dict[str, list[float]] = {}
    for place, (path, written) in enumerate(rows):
        cell = {
            key: allowed_value(item, f"{path}.{key}", model.parameter(key))
            for key, item in parameter_keys(written, model, path)
        }
        if place == 0:
            columns = {key: [] for key in cell}
        if set(cell) != set(columns):
            differing = ", ".join(sorted(set(cell) ^ set(columns)))
            raise StudyError(f"{path}: every cell has the same keys as the first one; differing: {differing}")
        for key, found in cell.items():
            columns[key].append(found)
    seen: dict[tuple[float, ...], str] = {}
    for (path, _), cell_values in zip(rows, zip(*columns.values(), strict=True), strict=False):
        if cell_values in seen:
            raise StudyError(f"{path} is the same cell as {seen[cell_values]}; keep one")
        seen[cell_values] = path
    return tuple(Axis(key, tuple(column)) for key, column in columns.items())


def read_rows(name: str, path: str, folder: Path, files: dict[str, Path]) -> list[tuple[str, dict[str, Any]]]:
    """Read a CSV file with a header as (where, row of numbers or quantities).

    Raises
    ------
    StudyError
        Where the file is missing, is no text, has no rows, a row of another length, or an empty field.
    """
    file = (folder / name).resolve()
    try:
        content = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise StudyError(f'{path} = "{name}": {file} is not UTF-8 text') from None
    except OSError as fault:
        raise StudyError(f'{path} = "{name}": {file} cannot be read ({fault.strerror})') from None
    files[name] = file
    lines = csv.reader(io.StringIO(content, newline=""))
    header = [column.strip() for column in next(lines, [])]
    if not header or len(set(header)) < len(header) or "" in header:
        raise StudyError(f'{path} = "{name}": its first line must name every column, once')
    rows = []
    for fields in lines:
        if not fields:
            continue
        where = f"{name} line {lines.line_num}"
        if len(fields) != len(header):
            raise StudyError(f"{where}: has {len(fields)} fields; the first line names {len(header)}")
        rows.append((where, {column: _csv_value(item) for column, item in zip(header, fields, strict=True)}))
    if not rows:
        raise StudyError(f'{path} = "{name}": has no row below its first line')
    return rows


def _csv_value(item: str) -> float | str:
    """Return a field of a CSV file as a number where it is one."""
    try:
        return float(item)
    except ValueError:
        return item.strip()
