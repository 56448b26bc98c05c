"""The finding of a study of other axes than execution and misalignment, of listed cells, or of one cell."""

from __future__ import annotations

import xarray as xr

from firmfate.analysis.effect_sentences import level_of, name_of_cell, on_effects, on_ranking
from firmfate.analysis.extremes import ExtremeCell, difference_of_extremes, extremes_of
from firmfate.analysis.findings import CAUTION, Finding
from firmfate.analysis.formatting import Estimate, format_cell, format_estimate, spaced
from firmfate.analysis.grid import axes_with_effects, axis_effects_of
from firmfate.analysis.lifetimes import Lifetimes
from firmfate.analysis.ranking import ranking_of
from firmfate.analysis.surface import axes_of_cells, is_scattered, surface_effects_of
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.errors import EstimateError
from firmfate.survival import kaplan_meier, rmst


def finding(ds: xr.Dataset, *, tau: int | None = None) -> Finding:
    """Return the finding of any study; see `firmfate.analysis.finding`."""
    if ds["firms"].size == 1:
        return _of_one_cell(ds, tau)
    weeks = tau or ds.sizes["week"]
    horizon = f"{weeks / WEEKS_PER_YEAR:g} years"
    lifetimes = Lifetimes(ds, tau=tau)
    longest, shortest = extremes_of(lifetimes)
    numbers = {"longest": longest.value, "shortest": shortest.value}
    extremes = _extremes(lifetimes, longest, shortest, horizon)
    if "cell" in ds["firms"].dims:
        return _of_cells(lifetimes, horizon, extremes, numbers)
    effects = axis_effects_of(lifetimes, level=level_of(len(axes_with_effects(ds))))
    if not bool(effects["estimate"].notnull().any()) or longest.rmst == shortest.rmst:
        return Finding(extremes[0], extremes[1:], None, numbers, CAUTION)
    headline, statements, found = on_effects(effects, horizon)
    return Finding(headline, (*statements, *extremes), None, numbers | found, CAUTION)


def _of_cells(lifetimes: Lifetimes, horizon: str, extremes: tuple[str, ...], numbers: dict[str, Estimate]) -> Finding:
    """Return the finding of cells along ``cell``: their ranking where they have names or are few, or what matters."""
    ds = lifetimes.ds
    named = name_of_cell(ds, 0) is not None
    known = ds.sizes["cell"]
    if is_scattered(ds) and not named and known > MOST_PRINTED:
        try:
            effects = surface_effects_of(lifetimes, level=level_of(len(axes_of_cells(ds))))
        except EstimateError:  # too few cells
            pass
        else:
            if effects["share"].notnull().any():  # lifetimes differ
                headline, statements, found = on_effects(effects, horizon)
                return Finding(headline, (*statements, *extremes), None, numbers | found, CAUTION)
    ranked = on_ranking(ranking_of(lifetimes), horizon) if 2 <= known <= MOST_PRINTED and len(extremes) > 1 else ()
    return Finding(extremes[0], (*extremes[1:], *ranked), None, numbers, CAUTION)


MOST_PRINTED = 12
"""Cells whose lifetimes a sentence lists."""
MOST_AXES = 4
"""Axes of a cell that a sentence names."""


def _why(lifetimes: Lifetimes) -> str:
    """Return why no firm's lifetime differs from another's, where a model's causes are the likely reason."""
    events = lifetimes.ds["events"].isel(week=slice(lifetimes.tau))
    if not events.any():
        return ": no firm had an event"
    if int(events.isel(week=0).sum()) == int(lifetimes.ds["firms"].sum()):
        return ": all firms had their event by the first week"
    return ""


def _extremes(lifetimes: Lifetimes, longest: ExtremeCell, shortest: ExtremeCell, horizon: str) -> tuple[str, ...]:
    """Return which cells have the longest and the shortest mean lifetime, and whether the two can be distinguished."""
    ds, known = lifetimes.ds, int(lifetimes.estimate.notnull().sum())
    cells = f"{lifetimes.estimate.size:,} cells"
    within = f"the mean lifetime within {horizon} is"
    some = "" if known == lifetimes.estimate.size else f"the {known:,} with an estimate, of "
    if known == 1:
        return (f"Of {cells}, only one has an estimate: at {_name(ds, longest)} {within} {_years(longest.value)}.",)
    if longest.rmst == shortest.rmst:
        return (f"In all of {some}{cells} {within} the same, {_years(longest.value)}{_why(lifetimes)}.",)
    names = [_name(ds, *pair) for pair in ((longest, shortest), (shortest, longest))]
    at = f"at {names[0]} and {{}}at {names[1]}"
    both = f"{_years(longest.value)} and {_years(shortest.value)}"
    difference, distinguishable = difference_of_extremes(lifetimes, longest, shortest)
    apart = f", {_years(difference)} apart" if difference.se > 0 else ""
    if distinguishable:
        return (
            f"Of {some}{cells}, the mean lifetime is longest {at.format('shortest ')}.",
            f"Their mean lifetimes within {horizon} are {both}{apart}.",
        )
    return (
        f"Of {some}{cells}, the longest and the shortest mean lifetime, {at.format('')}, cannot be distinguished.",
        f"These are {both} within {horizon}{apart}.",
    )


def _name(ds: xr.Dataset, cell: ExtremeCell, beside: ExtremeCell | None = None) -> str:
    """Return a cell's name, or axes and values; of more axes than a sentence holds, its position and the first."""
    if set(cell.place) == {"cell"} and (name := name_of_cell(ds, cell.place["cell"])) is not None:
        return name
    if len(cell.where) <= MOST_AXES:
        return format_cell(cell.where, beside.where if beside else None)
    position = ", ".join(f"{dim} {place}" for dim, place in cell.place.items())
    first = dict(list(cell.where.items())[: MOST_AXES - 1])
    return f"{position} ({format_cell(first)} and {len(cell.where) - len(first)} more axes)"


def _years(value: Estimate) -> str:
    return format_estimate(value, unit="years")


def _of_one_cell(ds: xr.Dataset, tau: int | None) -> Finding:
    weeks = tau or ds.sizes["week"]
    years = Estimate.of(rmst(ds, tau=tau).squeeze() / WEEKS_PER_YEAR)
    alive = Estimate.of(kaplan_meier(ds).sel(week=weeks).drop_vars("week").squeeze()).scaled(100)
    horizon = f"{weeks / WEEKS_PER_YEAR:g} years"
    ended = ds["events"].sum([dim for dim in ds["events"].dims if dim != "cause"]).values
    headline = (
        f"Of {int(ds['firms'].sum()):,} firms, {format_estimate(alive, unit='%')} are alive after {horizon}; "
        f"their mean lifetime within {horizon} is {_years(years)}."
    )
    statements: tuple[str, ...] = ()
    if ended.any():
        cause = str(ds["cause"].values[ended.argmax()])
        statements = (
            f"The most frequent cause of exit is {spaced(cause)}: {int(ended.max()):,} of {int(ended.sum()):,}.",
        )
    return Finding(headline, statements, None, {"alive": alive, "rmst": years}, CAUTION)
