"""The finding of a study whose axes are execution and misalignment: does strong execution shorten misaligned lives?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from firmfate.counts import WEEKS_PER_YEAR
from firmfate.findings.finding import Finding
from firmfate.findings.lifetimes import Lifetimes
from firmfate.findings.poles import EXECUTION, MISALIGNMENT, Poles, poles
from firmfate.findings.turning import turning_point
from firmfate.findings.words import Estimated, interval, number, plain, readable
from firmfate.survival.comparisons import comparison_of

CAUTION = (
    "Standard errors are of the simulation alone: they tell how exactly the model was computed, not how well it "
    "describes firms."
)


def finding(ds: xr.Dataset, *, tau: int | None = None) -> Finding:
    """Return the finding of a study of execution and misalignment; see `firmfate.findings.finding`."""
    ends = poles(ds)
    assert ends is not None
    lived = Lifetimes(ds, tau=tau)
    others = [str(dim) for dim in lived.estimate.dims if dim not in (EXECUTION, MISALIGNMENT)]

    def effect(years: xr.DataArray) -> xr.DataArray:
        return years.sel({EXECUTION: ends.strong}, drop=True) - years.sel({EXECUTION: ends.weak}, drop=True)

    everywhere = lived.apply(effect)
    known = everywhere["estimate"].sel({MISALIGNMENT: [ends.aligned, ends.misaligned]}).notnull().all(MISALIGNMENT)
    averaged = lived.apply(lambda years: effect(years).where(known).mean(others)) if others else everywhere
    aligned = Estimated.of(averaged.sel({MISALIGNMENT: ends.aligned}))
    misaligned = Estimated.of(averaged.sel({MISALIGNMENT: ends.misaligned}))
    numbers = {"effect aligned": aligned, "effect misaligned": misaligned}
    horizon = f"{lived.tau / WEEKS_PER_YEAR:g} years"
    mean = f", on average over {' and '.join(map(readable, others))}" if others else ""
    if mean and 0 < int(known.sum()) < known.size:
        mean += f" at the {int(known.sum())} of {known.size} values that have estimates at both"
    sentences = [_ends(aligned, misaligned, ends, f"mean lifetime within {horizon}{mean}")]
    turning = turning_point(ds, tau=tau)
    if others:
        sentences.append(_elsewhere(everywhere, turning, known, ends))
    else:
        numbers["turning point"] = Estimated.of(turning)
        missing = int(everywhere["estimate"].isnull().sum())
        sentences.append(_turn(numbers["turning point"], aligned, misaligned, missing))
        sentences.append(_slopes(lived, ends))
    told = np.isfinite(aligned.se) and np.isfinite(misaligned.se)
    holds = aligned.sign > 0 > misaligned.sign if told else None
    return Finding(_headline(holds, aligned, misaligned), tuple(filter(None, sentences)), holds, numbers, CAUTION)


def _headline(holds: bool | None, aligned: Estimated, misaligned: Estimated) -> str:
    if not (np.isfinite(aligned.estimate) and np.isfinite(misaligned.estimate)):
        return "Whether the paradox holds cannot be told: cells that would tell it have no estimate."
    if holds is None:
        return "There are too few firms for standard errors, so the study cannot tell whether the paradox holds."
    if holds:
        return (
            "The paradox holds in this model: strong execution lengthens the life of aligned firms and shortens that "
            "of misaligned ones."
        )
    if misaligned.sign < 0:
        less = "does not change" if aligned.sign == 0 else "shortens"
        return (
            f"Strong execution shortens the life of misaligned firms, and {less} that of aligned ones beyond the error "
            "of the simulation."
        )
    if misaligned.sign > 0:
        return (
            "The paradox does not show in this model: strong execution lengthens the life even of the most misaligned "
            "firms."
        )
    return "The paradox does not show: at the highest misalignment the effect of execution is not told from zero."


def _ends(aligned: Estimated, misaligned: Estimated, ends: Poles, of: str) -> str:
    """Say what strong execution does at both ends of misalignment, as far as there are estimates."""
    strong = f"strong execution ({plain(ends.strong)} against {plain(ends.weak)})"
    first, last = f"misalignment {plain(ends.aligned)}", f"misalignment {plain(ends.misaligned)}"
    if np.isfinite(aligned.estimate) and np.isfinite(misaligned.estimate):
        return f"At {first}, {strong} {_says(aligned)}; at {last} it {_says(misaligned)} ({of})."
    if np.isfinite(aligned.estimate):
        return f"At {first}, {strong} {_says(aligned)} ({of}); at {last} its effect has no estimate."
    if np.isfinite(misaligned.estimate):
        return f"At {last}, {strong} {_says(misaligned)} ({of}); at {first} its effect has no estimate."
    return f"The effect of {strong} has no estimate at {first}, nor at {last}."


def _says(effect: Estimated) -> str:
    if effect.estimate == effect.se == 0:
        return "changes no firm's life"
    if not np.isfinite(effect.lower):
        return f"changes life by {number(effect, unit='years')}"
    if effect.sign == 0:
        return f"changes life by {number(effect, unit='years')}, not told from zero"
    words = "adds" if effect.sign > 0 else "takes"
    place = "" if effect.sign > 0 else " away"
    return f"{words} {number(effect.scaled(effect.sign), unit='years')} of life{place}"


def _turn(turning: Estimated, aligned: Estimated, misaligned: Estimated, missing: int) -> str:
    """Say where the effect changes its sign; nothing of what neither estimates nor their errors tell."""
    if not np.isfinite(turning.estimate):
        if not (np.isfinite(aligned.estimate) and np.isfinite(misaligned.estimate)):
            return ""
        if missing:
            cells = f"{missing} value{'s' * (missing > 1)} of misalignment between them"
            turns = "Where its sign changes" if aligned.sign * misaligned.sign < 0 else "Whether its sign changes"
            return f"{turns} cannot be told: at {cells} it has no estimate."
        if all(effect.sign or effect.estimate == effect.se == 0 for effect in (aligned, misaligned)):
            return "The sign of this effect does not change between them."
        return "Whether its sign changes between them is not told."
    if not np.isfinite(turning.lower):
        return f"It changes its sign near misalignment {turning.estimate:.2f}, which the firms do not pin down."
    return f"The effect changes its sign at misalignment {number(turning)}, 95 % interval {interval(turning)}."


def _slopes(lived: Lifetimes, ends: Poles) -> str:
    """Say where dRMST/d(execution) has the same, told sign at every execution."""
    if lived.estimate.sizes[EXECUTION] < 3:
        return ""
    slope = lived.apply(comparison_of(lived.ds, between=None, along=EXECUTION, interaction=None, paired=True).of)
    told = (slope["lower"] > 0) * 1 - (slope["upper"] < 0) * 1
    same = [
        (value, int(told.sel({MISALIGNMENT: value}).values[0]))
        for value in (ends.aligned, ends.misaligned)
        if abs(int(told.sel({MISALIGNMENT: value}).sum())) == told.sizes[EXECUTION]
    ]
    parts = [f"{'positive' if sign > 0 else 'negative'} at misalignment {plain(value)}" for value, sign in same]
    if not parts:
        return ""
    return (
        f"At every execution on the grid the derivative of the mean lifetime by execution is {' and '.join(parts)}, "
        "beyond twice its standard error."
    )


def _elsewhere(effect: xr.Dataset, turning: xr.Dataset, known: xr.DataArray, ends: Poles) -> str:
    """Say at how many points of further axes the paradox holds, and where the effect turns there."""
    holds = (effect["lower"].sel({MISALIGNMENT: ends.aligned}) > 0) & (
        effect["upper"].sel({MISALIGNMENT: ends.misaligned}) < 0
    )
    points = turning["estimate"]
    axes = " and ".join(readable(str(dim)) for dim in points.dims)
    count = int(known.sum())
    if not count:
        return ""
    many = "all" if bool(holds.all()) else f"{int(holds.sum())} of"
    said = f"The paradox holds at {many} {holds.size} values of {axes}"
    if count < holds.size:
        said = (
            f"The paradox holds at {int(holds.sum())} of the {count} values of {axes} with estimates, of {holds.size}"
        )
    if not bool(points.notnull().any()):
        return said + "."
    flat = [int(np.nanargmin(points.values)), int(np.nanargmax(points.values))]
    shown = []
    for position in flat:
        place = dict(zip(points.dims, np.unravel_index(position, points.shape), strict=True))
        where = ", ".join(f"{readable(str(dim))} {plain(float(points[dim][i]))}" for dim, i in place.items())
        shown.append(f"{number(Estimated.of(turning.isel(place)))} at {where}")
    return f"{said}; the effect changes its sign between misalignment {shown[0]} and {shown[1]}."
