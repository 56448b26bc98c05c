"""The finding of a study whose axes are execution and misalignment: does strong execution shorten misaligned lives?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from firmfate.findings.finding import Finding
from firmfate.findings.lifetimes import Lifetimes
from firmfate.findings.poles import EXECUTION, MISALIGNMENT, Poles, poles
from firmfate.findings.turning import turning_point
from firmfate.findings.words import Estimated, interval, number, plain, readable
from firmfate.survival.comparisons import comparison_of
from firmfate.variables import WEEKS_PER_YEAR

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
    averaged = lived.apply(lambda years: effect(years).mean(others)) if others else everywhere
    aligned = Estimated.of(averaged.sel({MISALIGNMENT: ends.aligned}))
    misaligned = Estimated.of(averaged.sel({MISALIGNMENT: ends.misaligned}))
    numbers = {"effect aligned": aligned, "effect misaligned": misaligned}
    horizon = f"{lived.tau / WEEKS_PER_YEAR:g} years"
    mean = f", on average over {' and '.join(map(readable, others))}" if others else ""
    sentences = [
        f"At misalignment {plain(ends.aligned)}, strong execution ({plain(ends.strong)} against {plain(ends.weak)}) "
        f"{_says(aligned)}; at misalignment {plain(ends.misaligned)} it {_says(misaligned)} "
        f"(mean lifetime within {horizon}{mean})."
    ]
    turning = turning_point(ds, tau=tau)
    if others:
        sentences.append(_elsewhere(everywhere, turning, ends))
    else:
        numbers["turning point"] = Estimated.of(turning)
        sentences.append(_turn(numbers["turning point"]))
        sentences.append(_slopes(lived, ends))
    known = np.isfinite(aligned.se) and np.isfinite(misaligned.se)
    holds = aligned.sign > 0 > misaligned.sign if known else None
    return Finding(_headline(holds, aligned, misaligned), tuple(filter(None, sentences)), holds, numbers, CAUTION)


def _headline(holds: bool | None, aligned: Estimated, misaligned: Estimated) -> str:
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


def _turn(turning: Estimated) -> str:
    if not np.isfinite(turning.estimate):
        return "The sign of this effect does not change between them."
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


def _elsewhere(effect: xr.Dataset, turning: xr.Dataset, ends: Poles) -> str:
    """Say at how many points of further axes the paradox holds, and where the effect turns there."""
    holds = (effect["lower"].sel({MISALIGNMENT: ends.aligned}) > 0) & (
        effect["upper"].sel({MISALIGNMENT: ends.misaligned}) < 0
    )
    points = turning["estimate"]
    axes = " and ".join(readable(str(dim)) for dim in points.dims)
    many = "all" if bool(holds.all()) else f"{int(holds.sum())} of"
    said = f"The paradox holds at {many} {holds.size} values of {axes}"
    if not bool(points.notnull().any()):
        return said + "."
    flat = [int(np.nanargmin(points.values)), int(np.nanargmax(points.values))]
    shown = []
    for position in flat:
        place = dict(zip(points.dims, np.unravel_index(position, points.shape), strict=True))
        where = ", ".join(f"{readable(str(dim))} {plain(float(points[dim][i]))}" for dim, i in place.items())
        shown.append(f"{number(Estimated.of(turning.isel(place)))} at {where}")
    return f"{said}; the effect changes its sign between misalignment {shown[0]} and {shown[1]}."
