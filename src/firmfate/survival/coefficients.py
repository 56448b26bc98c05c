"""What regressions of hazards have in common: errors of coefficients, and their table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from firmfate.errors import EstimateError
from firmfate.survival import labels
from firmfate.survival.core.lifetable import Floats
from firmfate.survival.core.limits import normal_quantile
from firmfate.survival.designs import Design
from firmfate.survival.jackknife import covariance, leave_one_out, limits


class Fitted(NamedTuple):
    """Coefficients and their errors, of terms as the formula has them."""

    design: Design
    coefficients: Floats  # (time function, term)
    covariance: Floats  # of the flattened coefficients
    independent: Floats  # their variances if firms were independent, (time function, term)
    batches: int | None  # that the covariance comes from; None: firms are independent
    events: int


class Estimate(NamedTuple):
    """A fit to some counts, of scaled terms."""

    coefficients: Floats  # (time function, term)
    independent: Floats  # covariance of the flattened coefficients if firms were independent
    start: Any  # from which a fit to other counts is near


def scaled(design: Design) -> tuple[Design, Floats]:
    """Scale terms to like size, for which information matrices are well conditioned; return the scales too."""
    scale = np.abs(design.values).max(axis=0)
    return design._replace(values=design.values / scale), scale


def with_errors(
    ds: xr.Dataset, design: Design, scale: Floats, fit: Callable[[xr.Dataset, Any], Estimate], events: float
) -> Fitted:
    """Fit all counts, and those without each batch, unless firms are independent.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts in memory.
    design, scale
        As `scaled` returns.
    fit : callable
        Takes counts and a start, or None.
    events : float
        Number of events.

    Raises
    ------
    EstimateError
        Where there are none.
    """
    if not events:
        raise EstimateError(
            "no firm has had the event, and a regression of its hazard needs some: simulate more firms or a longer "
            "horizon"
        )
    every = fit(ds, None)
    spread, batches = every.independent, None
    if "batch_events" in ds and ds.attrs.get(labels.DEPENDENCE) != labels.INDEPENDENT:
        left = np.stack(
            [part.coefficients.ravel() for part in leave_one_out(ds, lambda counts: fit(counts, every.start))]
        )
        spread, batches = covariance(left), len(left)
    shape = every.coefficients.shape
    unscale = np.tile(1.0 / scale, shape[0])
    variances = (np.diag(every.independent) * unscale**2).reshape(shape)
    return Fitted(
        design, every.coefficients / scale, spread * np.outer(unscale, unscale), variances, batches, round(events)
    )


def table_of(fitted: Fitted, level: float, outer: dict[str, Any], *, ratio: str = "hazard ratio") -> xr.Dataset:
    """Return estimates, errors, limits and tests along ``term`` and the dim of ``outer``, and the ratios."""
    from scipy.special import ndtr, stdtr

    estimate = fitted.coefficients
    se = np.sqrt(np.diag(fitted.covariance)).reshape(estimate.shape)
    statistic = estimate / np.where(se > 0, se, np.nan)
    tail = -np.abs(statistic)
    if fitted.batches is None:
        half = normal_quantile(level) * np.where(se > 0, se, np.nan)
        (lower, upper), p_value = (estimate - half, estimate + half), 2 * ndtr(tail)
    else:
        lower, upper = limits(estimate, se, fitted.batches, level)
        p_value = 2 * stdtr(fitted.batches - 1, tail)
    dims = [*outer, "term"]
    values = {
        "estimate": estimate,
        "se": se,
        "lower": lower,
        "upper": upper,
        "hazard_ratio": np.exp(estimate),
        "hazard_ratio_lower": np.exp(lower),
        "hazard_ratio_upper": np.exp(upper),
        "statistic": statistic,
        "p_value": p_value,
        "independent_se": np.sqrt(fitted.independent),
    }
    table = xr.Dataset(
        {name: (dims, value) for name, value in values.items()}, coords={**outer, "term": fitted.design.terms}
    )
    table = labels.describe(table, units="1", long_name=f"log {ratio} per unit of the term")
    for name, words in {"": "", "_lower": "lower limit of the ", "_upper": "upper limit of the "}.items():
        table[f"hazard_ratio{name}"].attrs = {"units": "1", "long_name": f"{words}{ratio} per unit of the term"}
    table.attrs["standard_error"] = "independent firms" if fitted.batches is None else "batch jackknife"
    table.attrs |= {"events": fitted.events, "batches": fitted.batches or 0}
    return table.transpose("term", *outer)
