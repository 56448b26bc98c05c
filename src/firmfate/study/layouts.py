"""Designs as a study writes them: one of several kinds, and the axes that it varies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firmfate.counts import reserved
from firmfate.errors import StudyError, did_you_mean
from firmfate.models import Model
from firmfate.study import reading
from firmfate.study.axes import Axis, grid_axis, player, range_axis
from firmfate.study.csv_files import read_rows
from firmfate.study.keys import allowed_value, parameter_keys
from firmfate.study.reading import refuse

KINDS = ("grid", "cells", "latin_hypercube", "sobol", "saltelli", "coalitions")
OPTIONS = {
    "latin_hypercube": ("points", "optimise"),
    "sobol": ("points", "scramble"),
    "saltelli": ("points", "second_order"),
}
"""What designs that fill ranges have beside their axes."""

OPTIMISED = ("maximin", "discrepancy", "none")
MOST_CELLS = 1_000_000
MOST_PLAYERS = 16
MOST_EXCHANGED = 2_000


@dataclass(frozen=True)
class Layout:
    """A design as a study writes it: its kind, its axes in the order of the file, and options of the kind."""

    kind: str
    axes: tuple[Axis, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many cells there are, known without laying them out."""
        axes = len(self.axes)
        match self.kind:
            case "grid":
                return math.prod(len(axis.values) for axis in self.axes)
            case "cells":
                return len(self.axes[0].values) if axes else 1
            case "coalitions":
                return 1 << axes
            case "saltelli":
                return int(self.options["points"]) * (2 * axes + 2 if self.options["second_order"] else axes + 2)
            case _:
                return int(self.options["points"])


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
        reader = {"grid": grid_axis, "coalitions": player}.get(kind, range_axis)
        pairs = parameter_keys(written, model, kind, words=OPTIONS.get(kind, ()))
        axes = tuple(reader(key, value, f"{kind}.{key}", model.parameter(key)) for key, value in pairs)
        layout = Layout(kind, axes, _options(kind, written))
    if not layout.axes:
        raise StudyError(
            f"[{kind}] has no axis; name at least one parameter, such as {model.parameters[0].name} = [0.2, 0.8]"
        )
    _check(layout, model)
    return layout


def _check(layout: Layout, model: Model) -> None:
    """Refuse axes that cannot be told apart in a dataset, and designs that are too large to lay out."""
    seen: dict[str, str] = {}
    for axis in layout.axes:
        if axis.name in reserved(model):
            raise StudyError(
                f"{layout.kind}.{axis.key}: '{axis.name}' is a name that results use themselves; it cannot be an axis"
            )
        if axis.name in seen:
            raise StudyError(
                f"{layout.kind}.{axis.key} and {layout.kind}.{seen[axis.name]} would share the name '{axis.name}'"
            )
        seen[axis.name] = axis.key
    if layout.kind == "saltelli" and len(layout.axes) < (least := 3 if layout.options["second_order"] else 2):
        why = (
            "of two axes the interaction is what their own shares leave of 1"
            if least == 3
            else "one axis has all of it"
        )
        raise StudyError(f"[saltelli] parts a variance between at least {least} axes; {why}")
    if layout.kind == "coalitions" and len(layout.axes) > MOST_PLAYERS:
        raise StudyError(
            f"[coalitions] has {len(layout.axes)} axes, so 2^{len(layout.axes)} cells; at most {MOST_PLAYERS}"
        )
    if layout.count > MOST_CELLS:
        raise StudyError(
            f"[{layout.kind}] has {layout.count:,} cells; at most {MOST_CELLS:,}: take fewer points, or split the study"
        )


def _options(kind: str, written: Mapping[str, Any]) -> dict[str, Any]:
    """Read what a design has beside its axes."""
    if kind not in OPTIONS:
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
        if optimise == "discrepancy" and points > MOST_EXCHANGED:
            refuse("latin_hypercube.points", points, f'at most {MOST_EXCHANGED:,} with optimise = "discrepancy"')
        return {"points": points, "optimise": optimise}
    if kind == "sobol":
        return {"points": points, "scramble": reading.flag(written.get("scramble", True), "sobol.scramble")}
    if points & (points - 1):
        refuse("saltelli.points", points, "must be a power of two, such as 256 or 512")
    return {"points": points, "second_order": reading.flag(written.get("second_order", False), "saltelli.second_order")}


def _listed(value: object, model: Model, folder: Path, files: dict[str, Path]) -> tuple[Axis, ...]:
    """Read a list of cells, ``[[cells]]`` or ``cells = "file.csv"``: every cell has the same keys."""
    if isinstance(value, str):
        rows = read_rows(value, "cells", folder, files)
        list(parameter_keys(rows[0][1], model, f"{value} line 1"))  # a column of no parameter is told where it is named
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
