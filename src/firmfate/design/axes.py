"""Axes: the parameters that a design varies, and the values or ranges that they take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from firmfate.errors import StudyError, did_you_mean
from firmfate.models.declarations import Parameter
from firmfate.tables import reading, schema
from firmfate.tables.reading import refuse, rounded
from firmfate.tables.schema import Schema
from firmfate.tables.source import Source, allowed_value


@dataclass(frozen=True)
class Axis:
    """One parameter that a design varies.

    Attributes
    ----------
    key : str
        As the study writes it, ``execution`` or ``misalignment.sales``.
    values : tuple of float
        What the design makes its points of. Grid: the values, ascending. Listed cells: the column. Designs that fill
        ranges: from and to. Coalitions: off and on.
    log : bool
        A range is filled evenly in the logarithm.
    drawn : bool
        Its values are those of draws of a posterior, which go together with those of other such axes.

    Examples
    --------
    >>> axis = Axis("misalignment.sales", (0.0, 1.0))
    >>> axis.name, axis.words
    ('misalignment_sales', 'misalignment of sales')
    """

    key: str
    values: tuple[float, ...]
    log: bool = False
    drawn: bool = False

    @property
    def name(self) -> str:
        """The name of its dimension and coordinate."""
        return self.key.replace(".", "_")

    @property
    def words(self) -> str:
        """The axis in a sentence: ``misalignment of sales``."""
        return self.key.replace(".", " of ").replace("_", " ")


Reader = Callable[[str, object, str, Parameter], Axis]
"""(key, value as written, its path for messages, row of the parameter) -> axis."""


def read_axes(
    written: dict[str, Any], kind: str, source: Source, read: Reader, *, words: tuple[str, ...] = ()
) -> tuple[Axis, ...]:
    """Read all axes of a design's table, in the order of the file; what is wrong is noted in `source.faults`.

    Parameters
    ----------
    written : dict
    kind : str
        Name of the table.
    source : Source
    read : callable
        How one axis is written: `read_values`, `read_range`, or a design's own.
    words : tuple of str
        Keys of the table that are no axes.
    """
    found = []
    for key, value in source.parameters(written, kind, words=words):
        with source.faults.noted():
            found.append(read(key, value, f"{kind}.{key}", source.model.parameter(key)))
    return tuple(found)


def read_values(key: str, value: object, path: str, row: Parameter) -> Axis:
    """Read an axis of values: a list, ``{ values = [...] }`` or ``{ from, to, points, scale }``."""
    if isinstance(value, dict) and "values" in value:
        value = reading.table(value, path, ("values",))["values"]
    if isinstance(value, dict):
        reading.table(value, path, ("from", "to", "points", "scale"))
        axis = read_range(key, {name: item for name, item in value.items() if name != "points"}, path, row)
        if "points" not in value:
            raise StudyError(f"{path} needs 'points', the number of values between from and to, such as points = 11")
        points = reading.integer(value["points"], f"{path}.points", 2, 100_000)
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
    seen: dict[float, int] = {}
    for place, item in enumerate(found):
        if item in seen:
            already = f"is there already, as {path}[{seen[item]}] (to 12 significant digits)"
            refuse(f"{path}[{place}]", value[place], already)
        seen[item] = place
    return Axis(key, tuple(sorted(found)))


def values_schema(row: Parameter) -> Schema:
    """Return the schema of what `read_values` reads."""
    values: Schema = {"type": "array", "minItems": 1, "uniqueItems": True, "items": schema.value(row)}
    points: Schema = {"points": {"type": "integer", "minimum": 2, "maximum": 100_000}}
    spaced = schema.table({**_ends(row), **points}, "evenly spaced values", required=("from", "to", "points"))
    return {"anyOf": [values, spaced, schema.table({"values": values}, "the values", required=("values",))]}


def read_range(key: str, value: object, path: str, row: Parameter) -> Axis:
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


def range_schema(row: Parameter) -> Schema:
    """Return the schema of what `read_range` reads."""
    return {"anyOf": [schema.table(_ends(row), "a range", required=("from", "to")), schema.pair(row)]}


def _ends(row: Parameter) -> dict[str, Schema]:
    return {"from": schema.value(row), "to": schema.value(row), "scale": {"enum": ["linear", "log"]}}
