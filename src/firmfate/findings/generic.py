"""The finding of a study of other axes, of listed cells, or of one cell."""

from __future__ import annotations

import numpy as np
import xarray as xr

from firmfate.findings.effects import Cell, axis_effects, extreme_cells
from firmfate.findings.finding import Finding
from firmfate.findings.paradox import CAUTION
from firmfate.findings.words import Estimated, cell_words, number, plain, readable
from firmfate.survival import kaplan_meier, rmst
from firmfate.variables import WEEKS_PER_YEAR


def finding(ds: xr.Dataset, *, tau: int | None = None) -> Finding:
    """Return the finding of any study; see `firmfate.findings.finding`."""
    if ds["firms"].size == 1:
        return _one_cell(ds, tau)
    weeks = tau or ds.sizes["week"]
    horizon = f"{weeks / WEEKS_PER_YEAR:g} years"
    longest, shortest = extreme_cells(ds, tau=tau)
    numbers = {"longest": _number(longest), "shortest": _number(shortest)}
    extremes = (
        f"Of {ds['firms'].size:,} cells, firms live longest at {_named(longest)} and shortest at {_named(shortest)}.",
        f"Their mean lifetimes within {horizon} are {number(numbers['longest'], unit='years')} and "
        f"{number(numbers['shortest'], unit='years')}.",
    )
    effects = axis_effects(ds, tau=tau)
    if not effects.sizes["axis"] or not bool(effects["estimate"].notnull().any()):
        return Finding(extremes[0], extremes[1:], None, numbers, CAUTION)
    largest = effects.isel(axis=int(np.nanargmax(np.abs(effects["estimate"].values))))
    numbers["largest effect"] = Estimated.of(largest)
    return Finding(
        _effect(largest, numbers["largest effect"], effects.sizes["axis"], horizon), extremes, None, numbers, CAUTION
    )


MOST_AXES = 4
"""Axes of a cell that a sentence names."""


def _named(cell: Cell) -> str:
    """Return a cell in words: where it has more axes than a sentence holds, its position and the first of them."""
    if len(cell.where) <= MOST_AXES:
        return cell_words(cell.where)
    position = ", ".join(f"{dim} {place}" for dim, place in cell.place.items())
    first = dict(list(cell.where.items())[: MOST_AXES - 1])
    return f"{position} ({cell_words(first)} and {len(cell.where) - len(first)} more axes)"


def _number(cell: Cell) -> Estimated:
    return Estimated(cell.rmst, cell.se)


def _effect(effect: xr.Dataset, value: Estimated, axes: int, horizon: str) -> str:
    axis = readable(str(effect["axis"].item()))
    span = f"raising {axis} from {plain(effect['low'].item())} to {plain(effect['high'].item())}"
    said = (
        f"changes it by {number(value, unit='years')}, not told from zero"
        if value.sign == 0
        else f"{'adds' if value.sign > 0 else 'takes'} {number(value.scaled(value.sign), unit='years')}"
    )
    if axes == 1:
        return f"{span[0].upper()}{span[1:]} {said} of the mean lifetime within {horizon}."
    return (
        f"Of {axes} axes, {axis} matters most to the mean lifetime within {horizon}: {span} {said}, on average over "
        "the others."
    )


def _one_cell(ds: xr.Dataset, tau: int | None) -> Finding:
    weeks = tau or ds.sizes["week"]
    lived = rmst(ds, tau=tau)
    years = Estimated.of(lived.squeeze() / WEEKS_PER_YEAR)
    alive = Estimated.of(kaplan_meier(ds).sel(week=weeks).drop_vars("week").squeeze()).scaled(100)
    horizon = f"{weeks / WEEKS_PER_YEAR:g} years"
    ended = ds["events"].sum([dim for dim in ds["events"].dims if dim != "cause"]).values
    headline = (
        f"Of {int(ds['firms'].sum()):,} firms, {number(alive, unit='%')} are alive after {horizon}; "
        f"their mean lifetime within {horizon} is {number(years, unit='years')}."
    )
    statements: tuple[str, ...] = ()
    if ended.any():
        cause = str(ds["cause"].values[ended.argmax()])
        statements = (f"Most of the others end by {readable(cause)}: {int(ended.max()):,} of {int(ended.sum()):,}.",)
    return Finding(headline, statements, None, {"alive": alive, "rmst": years}, CAUTION)
