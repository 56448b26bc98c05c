"""The finding of a study of execution and misalignment: does strong execution shorten the life of misaligned firms?"""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.analysis.findings import CAUTION, Finding
from firmfate.analysis.formatting import Estimate, format_estimate, format_interval, format_value, spaced
from firmfate.analysis.lifetimes import Lifetimes
from firmfate.analysis.poles import EXECUTION, MISALIGNMENT, Poles, poles
from firmfate.analysis.turning import turning_point
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.survival.comparisons import comparison_of

Floats = NDArray[np.float64]

ASSUMED = (
    "What execution gains and what misalignment costs are parameters of the model, many of them assumed. Where the "
    "effect of execution changes its sign is a ratio of the two, and moves with them by more than its standard error."
)
"""What else the numbers of this finding do not say."""


def finding(ds: xr.Dataset, *, tau: int | None = None) -> Finding:
    """Return the finding of a study of execution and misalignment; see `firmfate.analysis.finding`."""
    at = poles(ds)
    assert at is not None
    lifetimes = Lifetimes(ds, tau=tau)
    others = [str(dim) for dim in lifetimes.estimate.dims if dim not in (EXECUTION, MISALIGNMENT)]
    everywhere = lifetimes.apply(at.effect)
    known = everywhere["estimate"].sel({MISALIGNMENT: [at.aligned, at.misaligned]}).notnull().all(MISALIGNMENT)
    averaged = lifetimes.apply(lambda years: at.effect(years).where(known).mean(others)) if others else everywhere
    aligned = Estimate.of(averaged.sel({MISALIGNMENT: at.aligned}))
    misaligned = Estimate.of(averaged.sel({MISALIGNMENT: at.misaligned}))
    numbers = {"effect aligned": aligned, "effect misaligned": misaligned}
    horizon = f"{lifetimes.tau / WEEKS_PER_YEAR:g} years"
    mean = f", on average over {' and '.join(map(spaced, others))}" if others else ""
    if mean and 0 < int(known.sum()) < known.size:
        mean += f" at the {int(known.sum())} of {known.size} values that have estimates at both"
    sentences = [_effects(aligned, misaligned, at, f"mean lifetime within {horizon}{mean}")]
    turning = turning_point(ds, tau=tau)
    if others:
        sentences.append(_along_other_axes(everywhere, turning, known, at))
    else:
        numbers["turning point"] = Estimate.of(turning)
        missing = int(everywhere["estimate"].isnull().sum())
        sentences.append(_sign_change(numbers["turning point"], aligned, misaligned, missing, ds[MISALIGNMENT].values))
        sentences.append(_slopes(lifetimes, at))
    has_errors = np.isfinite(aligned.se) and np.isfinite(misaligned.se)
    holds = aligned.sign > 0 > misaligned.sign if has_errors else None
    return Finding(
        _headline(holds, aligned, misaligned), tuple(filter(None, sentences)), holds, numbers, f"{CAUTION} {ASSUMED}"
    )


def _headline(holds: bool | None, aligned: Estimate, misaligned: Estimate) -> str:
    if not (np.isfinite(aligned.estimate) and np.isfinite(misaligned.estimate)):
        return "Whether the paradox holds remains open: cells on which this depends have no estimate."
    if holds is None:
        return "Whether the paradox holds remains open: there are too few firms for standard errors."
    if holds:
        return (
            "The paradox holds in this model: strong execution lengthens the life of aligned firms and shortens that "
            "of misaligned ones."
        )
    if misaligned.sign < 0 and aligned.sign < 0:
        return "In this model strong execution shortens the life of misaligned firms, and that of aligned ones too."
    if misaligned.sign < 0:
        return (
            "In this model strong execution shortens the life of misaligned firms; its effect on aligned ones cannot "
            "be distinguished from zero."
        )
    if misaligned.sign > 0:
        return (
            "The paradox does not show in this model: strong execution lengthens the life even of the most misaligned "
            "firms."
        )
    return (
        "The paradox does not show in this model: at the highest misalignment the effect of execution cannot be "
        "distinguished from zero."
    )


def _effects(aligned: Estimate, misaligned: Estimate, at: Poles, of: str) -> str:
    """Return what strong execution does at the lowest and the highest misalignment, as far as there are estimates."""
    strong = f"strong execution ({format_value(at.strong)} against {format_value(at.weak)})"
    first, last = f"misalignment {format_value(at.aligned)}", f"misalignment {format_value(at.misaligned)}"
    if np.isfinite(aligned.estimate) and np.isfinite(misaligned.estimate):
        return f"At {first}, {strong} {_does(aligned)}; at {last} it {_does(misaligned)} ({of})."
    if np.isfinite(aligned.estimate):
        return f"At {first}, {strong} {_does(aligned)} ({of}); at {last} its effect has no estimate."
    if np.isfinite(misaligned.estimate):
        return f"At {last}, {strong} {_does(misaligned)} ({of}); at {first} its effect has no estimate."
    return f"The effect of {strong} has no estimate at {first}, nor at {last}."


def _does(effect: Estimate) -> str:
    if effect.estimate == effect.se == 0:
        return "changes no firm's life"
    if not np.isfinite(effect.lower):
        return f"changes life by {format_estimate(effect, unit='years')}"
    if effect.sign == 0:
        return f"changes life by {format_estimate(effect, unit='years')}, which cannot be distinguished from zero"
    words = "adds" if effect.sign > 0 else "takes"
    place = "" if effect.sign > 0 else " away"
    return f"{words} {format_estimate(effect.scaled(effect.sign), unit='years')} of life{place}"


def _sign_change(
    turning: Estimate, aligned: Estimate, misaligned: Estimate, missing: int, misalignments: Floats
) -> str:
    """Return where the effect changes its sign; empty where neither estimates nor their errors show it."""
    if not np.isfinite(turning.estimate):
        if not (np.isfinite(aligned.estimate) and np.isfinite(misaligned.estimate)):
            return ""
        if missing:
            cells = f"{missing} value{'s' * (missing > 1)} of misalignment between them"
            turns = "Where its sign changes" if aligned.sign * misaligned.sign < 0 else "Whether its sign changes"
            return f"{turns} is unknown: at {cells} it has no estimate."
        if all(effect.sign or effect.estimate == effect.se == 0 for effect in (aligned, misaligned)):
            return "The sign of this effect does not change between them."
        return "These firms do not show whether its sign changes between them."
    if not np.isfinite(turning.lower):
        return f"It changes its sign near misalignment {turning.estimate:.2f} (standard error unknown)."
    return (
        f"The effect changes its sign at misalignment {format_estimate(turning)}, 95 % interval "
        f"{format_interval(turning)}, {_read_off(turning.estimate, misalignments)}."
    )


def _read_off(turning: float, misalignments: Floats) -> str:
    """Return between which cells a straight line gave a turning point; the study knows nothing in between."""
    before, after = (misalignments[misalignments <= turning].max(), misalignments[misalignments >= turning].min())
    if before == after:
        return "at a value of the study"
    return f"on a straight line between misalignment {format_value(before)} and {format_value(after)}"


def _slopes(lifetimes: Lifetimes, at: Poles) -> str:
    """Return where the limits of dRMST/d(execution) exclude 0 on the same side at every execution."""
    if lifetimes.estimate.sizes[EXECUTION] < 3:
        return ""
    derivative = comparison_of(lifetimes.ds, between=None, along=EXECUTION, interaction=None, paired=True).of
    slope = lifetimes.apply(derivative)
    sign = (slope["lower"] > 0) * 1 - (slope["upper"] < 0) * 1
    same = [
        (value, int(sign.sel({MISALIGNMENT: value}).values[0]))
        for value in (at.aligned, at.misaligned)
        if abs(int(sign.sel({MISALIGNMENT: value}).sum())) == sign.sizes[EXECUTION]
    ]
    parts = [f"{'positive' if side > 0 else 'negative'} at misalignment {format_value(value)}" for value, side in same]
    if not parts:
        return ""
    return (
        f"At every execution on the grid the derivative of the mean lifetime by execution is {' and '.join(parts)} "
        "(pointwise 95 % limits)."
    )


def _along_other_axes(effect: xr.Dataset, turning: xr.Dataset, known: xr.DataArray, at: Poles) -> str:
    """Return at how many points of further axes the paradox holds, and where the effect changes its sign there."""
    holds = (effect["lower"].sel({MISALIGNMENT: at.aligned}) > 0) & (
        effect["upper"].sel({MISALIGNMENT: at.misaligned}) < 0
    )
    points = turning["estimate"]
    axes = " and ".join(spaced(str(dim)) for dim in points.dims)
    count = int(known.sum())
    if not count:
        return ""
    many = "all" if bool(holds.all()) else f"{int(holds.sum())} of"
    sentence = f"The paradox holds at {many} {holds.size} values of {axes}"
    if count < holds.size:
        sentence = (
            f"The paradox holds at {int(holds.sum())} of the {count} values of {axes} with estimates, of {holds.size}"
        )
    if not bool(points.notnull().any()):
        return sentence + "."
    flat = [int(np.nanargmin(points.values)), int(np.nanargmax(points.values))]
    shown = []
    for position in flat:
        place = dict(zip(points.dims, np.unravel_index(position, points.shape), strict=True))
        where = ", ".join(f"{spaced(str(dim))} {format_value(float(points[dim][i]))}" for dim, i in place.items())
        shown.append(f"{format_estimate(Estimate.of(turning.isel(place)))} at {where}")
    return f"{sentence}; the effect changes its sign between misalignment {shown[0]} and {shown[1]}."
