"""The finding of a study over draws of a posterior: every number with the simulation's error and the parameters'."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import xarray as xr

from firmfate.analysis.both_errors import DRAW, above_zero, both_errors, share_of_draws
from firmfate.analysis.findings import Finding
from firmfate.analysis.formatting import Estimate, decimals, format_estimate, format_value, spaced
from firmfate.analysis.poles import MISALIGNMENT, Poles, poles
from firmfate.analysis.turning import sign_change
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.errors import EstimateError
from firmfate.survival.core.limits import student_quantile

PARAMETER_ERROR = ", parameter error"
PROBABILITY = "probability that {} is above 0"

CAUTION = (
    "Of two errors after ±, the first is that of the simulation, and the second is what the posterior leaves open in "
    "the parameters that it draws. Neither says how well the model describes firms; what is fixed has no error here."
)
SURE = 0.95
"""Probability from which on the headline says that something holds, and below 1 less which that it does not."""

EFFECTS = ("effect aligned", "effect misaligned")
HEADLINES = {
    True: (
        "The paradox holds in this model for what the posterior leaves possible: strong execution lengthens the life "
        "of aligned firms and shortens that of misaligned ones."
    ),
    False: (
        "The paradox does not show in this model for what the posterior leaves possible: strong execution does not "
        "both lengthen the life of aligned firms and shorten that of misaligned ones."
    ),
    None: (
        "The posterior leaves open whether the paradox holds in this model: whether strong execution lengthens the "
        "life of aligned firms and shortens that of misaligned ones."
    ),
}

Function = Callable[[xr.DataArray], xr.DataArray]


def finding(ds: xr.Dataset, *, tau: int | None = None) -> Finding:
    """Return the finding of counts over ``draw`` and other axes; see `firmfate.analysis.finding`."""
    horizon = f"{(tau or ds.sizes['week']) / WEEKS_PER_YEAR:g} years"
    at = poles(ds)
    asked = _of_poles(at) if at else _of_axes(ds)
    found: dict[str, xr.Dataset] = {}
    for name, function in asked.items():
        try:
            found[name] = both_errors(ds, function, tau=tau)
        except EstimateError:  # the effect changes its sign in fewer than two draws
            continue
    numbers = {key: value for name, one in found.items() for key, value in _numbers(name, one).items()}
    used = min((int(one["draws"]) for name, one in found.items() if name != "turning point"), default=ds.sizes[DRAW])
    of = f" of {ds.sizes[DRAW]:,}" if used < ds.sizes[DRAW] else ""
    draws = f"{used:,}{of} draws of the posterior"
    if at and {"effect aligned", "effect misaligned"} <= found.keys():
        return _on_poles(found, numbers, at, draws, horizon)
    if not found:
        text = f"Over {draws} nothing can be estimated with an error: there are too few draws, firms or batches."
        return Finding(text, (), None, {}, CAUTION)
    sentences = [f"The {name} is {words(one)} years within {horizon}." for name, one in found.items()]
    headline = f"Over {draws}, t{sentences[0][1:]}"
    return Finding(headline, tuple(sentences[1:]), None, numbers, CAUTION)


def words(found: xr.Dataset) -> str:
    """Return a number with both errors: ``-5.38 ± 0.07 (Monte Carlo) ± 1.1 (parameters)``."""
    value = Estimate(float(found["estimate"]), float(found["se"]))
    return f"{value.estimate:.{decimals(value.se)}f} {errors_in_words(value, _parameter_error(found))}"


def errors_in_words(value: Estimate, parameter: Estimate) -> str:
    """Return the errors of a number, ``± 0.07 (Monte Carlo) ± 1.1 (parameters)``: that of parameters where firms are
    enough to see it, otherwise its upper limit."""
    left = f"less than {parameter.upper:.2g}" if is_unseen(parameter) else f"{parameter.estimate:.2g}"
    return f"± {value.se:.{decimals(value.se)}f} (Monte Carlo) ± {left} (parameters)"


def is_unseen(parameter: Estimate) -> bool:
    """Return whether firms are too few to see the error of parameters."""
    return parameter.estimate == 0 < parameter.upper


def _parameter_error(found: xr.Dataset) -> Estimate:
    error, se, upper = (float(found[f"parameter_error{part}"]) for part in ("", "_se", "_upper"))
    return Estimate(error, se, upper=upper)


def _of_poles(at: Poles) -> dict[str, Function]:
    """Return what is asked of a study of execution and misalignment, averaged over other axes."""

    def effect(years: xr.DataArray) -> xr.DataArray:
        gain = at.effect(years)
        return gain.mean([dim for dim in gain.dims if dim not in (DRAW, MISALIGNMENT)], skipna=False)

    return {
        "effect aligned": lambda years: effect(years).sel({MISALIGNMENT: at.aligned}, drop=True),
        "effect misaligned": lambda years: effect(years).sel({MISALIGNMENT: at.misaligned}, drop=True),
        "turning point": lambda years: sign_change(effect(years)),
    }


def _of_axes(ds: xr.Dataset) -> dict[str, Function]:
    """Return what is asked of any other study: mean lifetime, and by how much each axis raises it."""

    def mean(years: xr.DataArray) -> xr.DataArray:
        return years.mean([dim for dim in years.dims if dim != DRAW], skipna=False)

    def rise(years: xr.DataArray, axis: str) -> xr.DataArray:
        return mean(years.isel({axis: -1}) - years.isel({axis: 0}))

    axes = [str(dim) for dim in ds["firms"].dims if dim != DRAW and ds.sizes[dim] > 1]
    ends = {axis: " to ".join(format_value(float(ds[axis].values[end])) for end in (0, -1)) for axis in axes}
    effects: dict[str, Function] = {
        f"effect of {spaced(axis)} ({ends[axis]})": partial(rise, axis=axis) for axis in axes
    }
    return {**effects, "mean lifetime": mean}


def _numbers(name: str, found: xr.Dataset) -> dict[str, Estimate]:
    """Return the mean with limits from both errors, the parameter error, and the probability of the sign."""
    value = {str(key): float(each) for key, each in found.items() if not each.dims}
    parameter = _parameter_error(found)
    both = student_quantile(0.95, int(value["draws"]) - 1) * math.hypot(
        value["se"], parameter.estimate or parameter.upper
    )
    numbers = {
        name: Estimate(value["estimate"], value["se"], value["estimate"] - both, value["estimate"] + both),
        f"{name}{PARAMETER_ERROR}": parameter,
    }
    if name.startswith("effect"):
        numbers[PROBABILITY.format(name)] = Estimate(value["above"], value["above_se"])
    return numbers


def _on_poles(
    found: dict[str, xr.Dataset], numbers: dict[str, Estimate], at: Poles, draws: str, horizon: str
) -> Finding:
    both = xr.Dataset({name: (1 if name == "effect aligned" else -1) * found[name]["each"] for name in EFFECTS})
    errors = xr.Dataset({name: found[name]["each_se"] for name in EFFECTS})
    probability = _together(both, errors)
    numbers["probability of the paradox"] = probability
    holds = True if probability.estimate >= SURE else False if probability.estimate <= 1 - SURE else None
    aligned, misaligned = (words(found[name]) for name in EFFECTS)
    strong = f"strong execution ({format_value(at.strong)} against {format_value(at.weak)})"
    statements = [
        f"Over {draws} this has the probability {format_estimate(probability)}.",
        f"At misalignment {format_value(at.aligned)}, {strong} changes life by {aligned} years; at misalignment "
        f"{format_value(at.misaligned)} by {misaligned} years (mean lifetime within {horizon}).",
    ]
    if "turning point" in found:
        turning = found["turning point"]
        statements.append(
            f"Where its sign changes, in {int(turning['draws']):,} draws, misalignment is {words(turning)}."
        )
    return Finding(HEADLINES[holds], tuple(statements), holds, numbers, CAUTION)


def _together(each: xr.Dataset, errors: xr.Dataset) -> Estimate:
    """Return the probability that all effects are above 0, of every draw given its own errors."""
    signs = np.array([above_zero(each[name], errors[name]) for name in EFFECTS])
    known = np.isfinite(signs).all(axis=0)
    return share_of_draws(float(signs[:, known].prod(axis=0).mean()), int(known.sum()))
