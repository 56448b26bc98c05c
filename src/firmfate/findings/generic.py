"""The finding of a study of other axes, of listed cells, or of one cell."""

from __future__ import annotations

import numpy as np
import xarray as xr

from firmfate.counts import WEEKS_PER_YEAR
from firmfate.findings.effects import Cell, axis_effects, extreme_cells, extremes_apart
from firmfate.findings.finding import Finding
from firmfate.findings.lifetimes import Lifetimes
from firmfate.findings.paradox import CAUTION
from firmfate.findings.words import Estimated, cell_words, number, plain, readable
from firmfate.survival import kaplan_meier, rmst


def finding(ds: xr.Dataset, *, tau: int | None = None) -> Finding:
    """Return the finding of any study; see `firmfate.findings.finding`."""
    if ds["firms"].size == 1:
        return _one_cell(ds, tau)
    weeks = tau or ds.sizes["week"]
    horizon = f"{weeks / WEEKS_PER_YEAR:g} years"
    longest, shortest = extreme_cells(ds, tau=tau)
    numbers = {"longest": _number(longest), "shortest": _number(shortest)}
    extremes = _extremes(Lifetimes(ds, tau=tau), longest, shortest, horizon)
    effects = axis_effects(ds, tau=tau)
    if not effects.sizes["axis"] or not bool(effects["estimate"].notnull().any()):
        return Finding(extremes[0], extremes[1:], None, numbers, CAUTION)
    largest = effects.isel(axis=int(np.nanargmax(np.abs(effects["estimate"].values))))
    numbers["largest effect"] = Estimated.of(largest)
    known = int(effects["estimate"].notnull().sum())
    headline = _effect(largest, numbers["largest effect"], known, effects.sizes["axis"], horizon)
    return Finding(headline, extremes, None, numbers, CAUTION)


MOST_AXES = 4
"""Axes of a cell that a sentence names."""


def _extremes(lived: Lifetimes, longest: Cell, shortest: Cell, horizon: str) -> tuple[str, ...]:
    """Say in which cells firms live longest and shortest, and whether these are told from each other."""
    known = int(lived.estimate.notnull().sum())
    cells = f"{lived.estimate.size:,} cells"
    within = f"the mean lifetime within {horizon} is"
    some = "" if known == lived.estimate.size else f"the {known:,} with an estimate, of "
    if known == 1:
        years = number(_number(longest), unit="years")
        return (f"Of {cells}, only one has an estimate: at {_named(longest)} {within} {years}.",)
    if longest.rmst == shortest.rmst:
        years = number(_number(longest), unit="years")
        return (f"In all of {some}{cells} {within} the same, {years}.",)
    at = f"at {_named(longest, shortest)} and {{}}at {_named(shortest, longest)}"
    years = f"{number(_number(longest), unit='years')} and {number(_number(shortest), unit='years')}"
    difference, told = extremes_apart(lived, longest, shortest)
    apart = f", {number(Estimated(*difference), unit='years')} apart" if difference[1] > 0 else ""
    if told:
        return (
            f"Of {some}{cells}, firms live longest {at.format('shortest ')}.",
            f"Their mean lifetimes within {horizon} are {years}{apart}.",
        )
    return (
        f"Of {some}{cells}, the longest and the shortest mean lifetime, {at.format('')}, are not told from each other.",
        f"These are {years} within {horizon}{apart}.",
    )


def _named(cell: Cell, beside: Cell | None = None) -> str:
    """Return a cell in words: where it has more axes than a sentence holds, its position and the first of them."""
    if len(cell.where) <= MOST_AXES:
        return cell_words(cell.where, beside.where if beside else None)
    position = ", ".join(f"{dim} {place}" for dim, place in cell.place.items())
    first = dict(list(cell.where.items())[: MOST_AXES - 1])
    return f"{position} ({cell_words(first)} and {len(cell.where) - len(first)} more axes)"


def _number(cell: Cell) -> Estimated:
    return Estimated(cell.rmst, cell.se)


def _effect(effect: xr.Dataset, value: Estimated, known: int, axes: int, horizon: str) -> str:
    """Say what raising an axis does to the mean lifetime, and whether this is told from zero."""
    axis = readable(str(effect["axis"].item()))
    span = f"raising {axis} from {plain(effect['low'].item())} to {plain(effect['high'].item())}"
    lifetime = f"the mean lifetime within {horizon}"
    of = f"{axes} axes" if known == axes else f"the {known} of {axes} axes whose effect has an estimate"
    if value.estimate == value.se == 0:
        changes = f"does not change {lifetime}"
        return f"{span[0].upper()}{span[1:]} {changes}." if axes == 1 else f"None of {of} changes {lifetime}."
    if value.sign:
        does = (
            f"{'lengthens' if value.sign > 0 else 'shortens'} {{}} by {number(value.scaled(value.sign), unit='years')}"
        )
    else:
        # Without limits nothing was tried, so nothing can be said not to be told from zero.
        untold = ", not told from zero" if np.isfinite(value.lower) else ""
        does = f"changes {{}} by {number(value, unit='years')}{untold}"
    if axes == 1:
        return f"{span[0].upper()}{span[1:]} {does.format(lifetime)}."
    matters = "matters most to" if value.sign else "has the largest estimated effect on"
    return f"Of {of}, {axis} {matters} {lifetime}: {span} {does.format('it')}, on average over the others."


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
