"""How covariates stretch lifetimes: `accelerated_failure_time`, fitted by lifelines on rows of counts."""

from __future__ import annotations

import warnings
from typing import Any, Literal, get_args

import numpy as np
import xarray as xr

from firmfate.errors import EstimateError
from firmfate.survival import labels
from firmfate.survival.core.lifetable import Floats
from firmfate.survival.core.limits import normal_quantile
from firmfate.survival.designs import Design, design_of
from firmfate.survival.jackknife import covariance, leave_one_out, limits
from firmfate.survival.rows import observed_spells
from firmfate.survival.traits import takes_counts

Distribution = Literal["weibull", "lognormal", "loglogistic"]
SLSQP: dict[str, float] = {"ftol": 1e-13, "maxiter": 1000}
"""lifelines stops at 1e-6 of the mean log-likelihood, where coefficients of the log-logistic are still 2e-3 off."""

FITTERS: dict[str, tuple[str, dict[str, float]]] = {
    "weibull": ("WeibullAFTFitter", SLSQP),
    "lognormal": ("LogNormalAFTFitter", {}),
    "loglogistic": ("LogLogisticAFTFitter", SLSQP),
}


@takes_counts
def accelerated_failure_time(
    ds: xr.Dataset,
    formula: str,
    *,
    distribution: Distribution = "weibull",
    cause: Any = None,
    batches: bool = True,
    level: float = 0.95,
) -> xr.Dataset:
    """Regress the logarithm of lifetimes on the coordinates of the cells: time ratios.

    A firm with its event in week w has the lifetime w, as in R's ``survreg(Surv(week, ended))``. lifelines fits the
    rows with the number of firms as weights; its own standard errors are right for independent firms only.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts, as for `kaplan_meier`; firms may enter late.
    formula : str
        Right-hand side (formulaic) of coordinates.
    distribution : {"weibull", "lognormal", "loglogistic"}
        Of lifetimes.
    cause : optional
        Lifetimes to this cause; other causes count as censorings. By default to the event, whatever its cause.
    batches : bool
        Standard errors from batches, where firms depend on each other: one more fit for each.
    level : float
        Confidence level.

    Returns
    -------
    xarray.Dataset
        Along ``term`` (an intercept, the formula's terms, and log(scale), R's): ``estimate`` (log time ratio per
        unit), ``se``, ``lower``, ``upper``, ``p_value``, ``time_ratio``, and ``independent_se``.

    Raises
    ------
    EstimateError
        Where lifelines is missing, a name is wrong, or the fit does not converge.

    Examples
    --------
    >>> from firmfate.survival import accelerated_failure_time, example
    >>> fit = accelerated_failure_time(example(), "execution:misalignment", batches=False)
    >>> fit.sel(term="execution:misalignment").time_ratio.round(2).item()
    0.24
    """
    from scipy.special import ndtr, stdtr

    if distribution not in get_args(Distribution):
        raise EstimateError(f"distribution = {distribution!r}: one of {', '.join(get_args(Distribution))}")
    labels.counts_of(ds)
    ds = labels.computed(ds)
    design = design_of(labels.counts_of(ds).firms, formula)
    estimate, independent, start = _fit(labels.counts_of(ds), design, distribution, cause, None)
    se, df = independent, None
    if batches and "batch_events" in ds and ds.attrs.get(labels.DEPENDENCE) != labels.INDEPENDENT:
        left = np.stack(
            list(leave_one_out(ds, lambda part: _fit(labels.counts_of(part), design, distribution, cause, start)[0]))
        )
        df, se = len(left) - 1, np.sqrt(np.diag(covariance(left)))
    if df is None:
        half = normal_quantile(level) * se
        lower, upper = estimate - half, estimate + half
    else:
        lower, upper = limits(estimate, se, df + 1, level)
    tail = -np.abs(estimate / np.where(se > 0, se, np.nan))
    values = {
        "estimate": estimate,
        "se": se,
        "lower": lower,
        "upper": upper,
        "p_value": 2 * (ndtr(tail) if df is None else stdtr(df, tail)),
        "time_ratio": np.exp(estimate),
        "independent_se": independent,
    }
    table = xr.Dataset(
        {name: ("term", value) for name, value in values.items()},
        coords={"term": ["Intercept", *design.terms, "log(scale)"]},
    )
    table["time_ratio"].attrs = {"units": "1", "long_name": "ratio of lifetimes per unit of the term"}
    return labels.describe(
        table,
        units="1",
        long_name="log time ratio per unit of the term",
        formula=formula,
        distribution=distribution,
        standard_error="independent firms" if df is None else "batch jackknife",
    )


def _fit(
    counts: labels.Counts, design: Design, distribution: str, cause: Any, start: Any
) -> tuple[Floats, Floats, Any]:
    """Return coefficients and their independent standard errors as R orders and scales them, and lifelines' own."""
    try:
        import lifelines
        from lifelines.exceptions import ConvergenceError, StatisticalWarning
    except ImportError:
        raise EstimateError("accelerated failure time needs lifelines: pip install 'firmfate[survival]'") from None
    import pandas as pd

    if cause is not None:
        counts = counts.of_cause(cause)
    arrays, _ = counts.table(design.cells)
    cell, entry, week, kind, firms = observed_spells(arrays._replace(events=arrays.events.sum(axis=1, keepdims=True)))
    scale = np.abs(design.values).max(axis=0)
    names = [f"x{position}" for position in range(len(design.terms))]
    rows = pd.DataFrame(design.values[cell] / scale, columns=names)
    rows = rows.assign(week=week.astype(np.float64), observed=kind == 0, firms=firms)
    name, tight = FITTERS[distribution]
    fitter = getattr(lifelines, name)()
    try:
        with warnings.catch_warnings():
            # Resampled counts are fractions; lifelines warns that fractional weights are no frequencies.
            warnings.simplefilter("ignore", StatisticalWarning)
            columns = {"duration_col": "week", "event_col": "observed", "weights_col": "firms"}
            if entry.any():
                rows, columns = rows.assign(entry=entry.astype(np.float64)), {**columns, "entry_col": "entry"}
            fitter.fit(rows, formula=" + ".join(names), initial_point=start, fit_options=tight, **columns)
    except ConvergenceError as error:
        raise EstimateError(f"the {distribution} regression does not converge: {error}") from error
    location, shape = fitter.params_.index.get_level_values(0).unique()
    order = [(location, "Intercept"), *((location, name) for name in names), (shape, "Intercept")]
    # R's log(scale) is log(sigma); lifelines holds -log(sigma) for Weibull and log-logistic.
    sign = 1.0 if distribution == "lognormal" else -1.0
    factor = np.concatenate([[1.0], 1.0 / scale, [sign]])
    coefficients = fitter.params_.loc[order].to_numpy() * factor
    errors = fitter.standard_errors_.loc[order].to_numpy() * np.abs(factor)
    return coefficients, errors, fitter.params_.to_numpy()
