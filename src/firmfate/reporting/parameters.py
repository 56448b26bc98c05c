"""The table of parameters: what every number was in this study, where it comes from, what is an assumption."""

from __future__ import annotations

from firmfate.analysis.formatting import format_value
from firmfate.models.declarations import Parameter
from firmfate.reporting.blocks import Prose, Section, Table
from firmfate.reporting.context import Context
from firmfate.study import Study


def section(context: Context) -> Section | None:
    """Return the section; none where the model cannot be read any more."""
    study, model = context.study, context.model
    if study is None or model is None:
        return None
    rows: list[list[str]] = []
    marks: dict[int, str] = {}
    for row in model.parameters:
        value, mark = _value(study, row)
        if mark:
            marks[len(rows)] = mark
        rows.append(
            [row.name, value, row.unit, row.meaning, ("Assumption. " if row.assumption else "") + _sentence(row.source)]
        )
    assumed = sum(row.assumption for row in model.parameters)
    prose = Prose(
        f"The model {model.name} has {len(model.parameters)} parameters, of which {assumed} are assumptions: "
        "judgements that a study "
        "should vary before it is believed. Rows in bold are what this study varies or sets itself."
    )
    table = Table(
        ["parameter", "value", "unit", "meaning", "source or reason"],
        rows,
        "Parameters of the model.",
        frozenset({0, 2, 3, 4}),
        marks,
    )
    return Section("parameters", "Parameters", [prose, table])


def _value(study: Study, row: Parameter) -> tuple[str, str]:
    """Return a parameter's value in this study, and how to mark its row."""
    parts = []
    for key in row.keys:
        axis = next((axis for axis in study.design.axes if axis.key == key), None)
        drawn = next((one for one in study.population.distributions if one.key == key), None)
        part = key.partition(".")[2]
        before = f"{part}: " if part else ""
        if axis is not None:
            low, high = min(axis.values), max(axis.values)
            count = len(set(axis.values))
            many = f", {count} values" if count > 2 else ""
            parts.append(
                f"{before}{format_value(low)} to {format_value(high)}{many}"
                if low != high
                else f"{before}{format_value(low)}"
            )
        elif drawn is not None:
            parts.append(f"{before}differs from firm to firm, {drawn.words}")
        elif key in study.parameters:
            parts.append(f"{before}{format_value(study.parameters[key])} (default {format_value(row.default)})")
    if parts:
        return "; ".join(parts), "changed"
    return format_value(row.default), ""


def _sentence(text: str) -> str:
    """Begin a sentence with a capital, unless with the name of a parameter."""
    first = text.partition(" ")[0]
    return text if not text or "_" in first else f"{text[0].upper()}{text[1:]}"
