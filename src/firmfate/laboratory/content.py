"""What the page is given of a model: what it declares, its modules, and the range of every slider."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from firmfate.laboratory.ranges import slider_range
from firmfate.laboratory.stories import stories
from firmfate.models.declarations import Interval, Parameter
from firmfate.models.model import Model
from firmfate.targets.kept import kept_wasm

FIRMS = 2_000
"""Firms of each setting."""


def content(
    model: Model,
    *,
    name: str,
    weeks: int,
    steps: int,
    dt: float,
    base: Mapping[str, float],
    first: Mapping[str, Sequence[str]] = MappingProxyType({}),
    drawn: Mapping[str, str] = MappingProxyType({}),
    firms: int = FIRMS,
) -> dict[str, Any]:
    """Return what the page is given, as JSON has it.

    Parameters
    ----------
    model : Model
    name : str
        How a user names it: ``"firm"``, ``"my_model.py:NAME"``.
    weeks, steps : int
        Horizon.
    dt : float
        Length of a step in weeks.
    base : mapping
        Field -> value at which both settings begin.
    first : mapping
        Groups that come first: title -> parameters, or parts of parameters, those that a study varies.
    drawn : mapping
        Field -> the distribution in words, where firms differ; they come next.
    firms : int
        Of each setting.
    """
    return {
        "model": model.name,
        "name": name,
        "summary": model.summary,
        "program": model.program.digest,
        "weeks": weeks,
        "steps": steps,
        "dt": dt,
        "firms": firms,
        "defaults": model.defaults,
        "key": "0",
        "groups": [
            {"title": group or "Parameters", "parameters": [_parameter(model, row, dt, base, drawn) for row in rows]}
            for group, rows in _groups(model, first, drawn).items()
        ],
        "stocks": [
            {"name": stock.name, "fields": stock.fields, "unit": stock.unit, "meaning": stock.meaning}
            for stock in model.stocks
        ],
        "causes": [{"name": cause.name, "meaning": cause.meaning} for cause in model.causes],
        "alarm": model.alarm,
        "run": None,
        "stepsPerWeek": None,
        "marks": [{"name": mark.name, "meaning": mark.meaning} for mark in model.marks],
        "stories": stories(model),
        # the fast one first: `load` takes the first that the reader's browser runs to the right bits
        "modules": [base64.b64encode(kept_wasm(model, relaxed=relaxed)).decode() for relaxed in (True, False)],
    }


def _groups(model: Model, first: Mapping[str, Sequence[str]], drawn: Mapping[str, str]) -> dict[str, list[Parameter]]:
    """Return the rows of the parameter table by group, in the order of the table; first what is given, then what firms
    draw."""
    groups: dict[str, list[Parameter]] = {}
    others = list(model.parameters)
    for title, keys in first.items():
        if rows := [row for row in dict.fromkeys(map(model.parameter, keys)) if row in others]:
            groups[title] = rows
            others = [row for row in others if row not in rows]
    if of_firms := [row for row in others if drawn.keys() & set(row.fields)]:
        groups["Drawn by each firm"] = of_firms
    for row in others:
        if row not in of_firms:
            groups.setdefault(row.group, []).append(row)
    return groups


def _parameter(
    model: Model, row: Parameter, dt: float, base: Mapping[str, float], drawn: Mapping[str, str]
) -> dict[str, Any]:
    low, high = slider_range(model, row, dt, base)
    return {
        "name": row.name,
        "fields": row.fields,
        "parts": row.names,
        "values": [base[field] for field in row.fields],
        "drawn": [drawn.get(field, "") for field in row.fields],
        "low": low,
        "high": high,
        "allowed": _limits(row.allowed),
        "range": str(row.allowed),
        "unit": row.unit,
        "meaning": row.meaning,
        "source": row.source,
        "assumption": row.assumption,
    }


def _limits(allowed: Interval) -> dict[str, Any]:
    """Return an interval as JSON has it, which knows no infinite number."""
    finite = {"low": allowed.low, "high": allowed.high}
    return {
        **{end: value if math.isfinite(value) else None for end, value in finite.items()},
        "openLow": allowed.open_low,
        "openHigh": allowed.open_high,
    }
