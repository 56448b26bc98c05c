"""Axes: the parameters that a design varies, and the values or ranges that they take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firmfate.errors import StudyError, did_you_mean
from firmfate.models.declarations import Parameter
from firmfate.study import reading
from firmfate.study.keys import allowed_value
from firmfate.study.reading import refuse, rounded


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


def grid_axis(key: str, value: object, path: str, row: Parameter) -> Axis:
    """Read one axis of a grid: a list, ``{ values = [...] }`` or ``{ from, to, points, scale }``."""
    if isinstance(value, dict) and "values" in value:
        value = reading.table(value, path, ("values",))["values"]
    if isinstance(value, dict):
        reading.table(value, path, ("from", "to", "points", "scale"))
        axis = range_axis(key, {name: item for name, item in value.items() if name != "points"}, path, row)
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
    seen: dict[float, int] = {}
    for place, item in enumerate(found):
        if item in seen:
            already = f"is there already, as {path}[{seen[item]}] (to 12 significant digits)"
            refuse(f"{path}[{place}]", value[place], already)
        seen[item] = place
    return Axis(key, tuple(sorted(found)))


def range_axis(key: str, value: object, path: str, row: Parameter) -> Axis:
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


def player(key: str, value: object, path: str, row: Parameter) -> Axis:
    """Read one player of coalitions: ``[off, on]`` or ``{ off = .., on = .. }``."""
    if isinstance(value, list) and len(value) == 2:
        value = {"off": value[0], "on": value[1]}
    if not isinstance(value, dict) or set(value) != {"off", "on"}:
        refuse(path, value, "must be { off = .., on = .. }, or [off, on]")
    off, on = (allowed_value(value[state], f"{path}.{state}", row) for state in ("off", "on"))
    if off == on:
        refuse(f"{path}.on", value["on"], f"must differ from {path}.off")
    return Axis(key, (off, on))
