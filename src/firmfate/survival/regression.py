"""How hazards depend on the axes, labelled: `proportional_hazards` and the check `proportionality`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import numpy as np
import xarray as xr

from firmfate.errors import EstimateError
from firmfate.survival import labels
from firmfate.survival.coefficients import Estimate, Fitted, scaled, table_of, with_errors
from firmfate.survival.core import grouped_hazards as core
from firmfate.survival.core.lifetable import Floats
from firmfate.survival.designs import Design, design_of
from firmfate.survival.traits import takes_counts

Ties = Literal["cloglog", "breslow"]
FITS: dict[str, Callable[..., core.Fit]] = {"cloglog": core.fit_cloglog, "breslow": core.fit_breslow}


@takes_counts
def proportional_hazards(
    ds: xr.Dataset,
    formula: str,
    *,
    cause: Any = None,
    ties: Ties = "cloglog",
    strata: Sequence[str] = (),
    cuts: Sequence[int] = (),
    level: float = 0.95,
) -> xr.Dataset:
    """Regress the hazard on the coordinates of the cells: hazard ratios with standard errors from batches.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts, as for `kaplan_meier`; firms may enter late. Standard errors come from batches, where firms depend on
        each other (common random numbers, or a ``batch`` column of `counts_from_table`), and otherwise from the
        information matrix.
    formula : str
        Right-hand side (formulaic), such as ``"execution * misalignment"`` or ``"C(execution)"``, of coordinates.
    cause : optional
        The hazard of this cause; other causes count as censorings after their week (which biases ratios by about half
        the weekly probability of those others). By default the hazard of all.
    ties : {"cloglog", "breslow"}
        Grouped proportional hazards, or Cox's likelihood with Breslow's ties, whose bias does not shrink with firms.
    strata : sequence of str
        Coordinates whose every combination has its own baseline hazard.
    cuts : sequence of int
        Last weeks of periods, each with coefficients of its own: a hazard ratio that varies in time. The horizon is
        added.
    level : float
        Confidence level.

    Returns
    -------
    xarray.Dataset
        Along ``term`` (and ``period``, its last week, with cuts): ``estimate`` (log hazard ratio per unit), ``se``,
        ``lower``, ``upper``; ``hazard_ratio`` with ``hazard_ratio_lower``, ``hazard_ratio_upper``; ``statistic`` =
        estimate/se, ``p_value``; and ``independent_se``, from the information matrix. ``to_dataframe()`` is the
        table.

    Raises
    ------
    EstimateError
        Where a name or formula is wrong, there are no events, terms are collinear, or the fit diverges.

    Examples
    --------
    >>> from firmfate.survival import example, proportional_hazards
    >>> fit = proportional_hazards(example(), "execution:misalignment", cause="insolvency")
    >>> fit.hazard_ratio.values.round(2), fit.se.values.round(3), fit.independent_se.values.round(3)
    (array([8.27]), array([0.097]), array([0.09]))
    """
    if ties not in get_args(Ties):
        raise EstimateError(f"ties = {ties!r}: one of {', '.join(get_args(Ties))}")
    weeks = labels.counts_of(ds).weeks
    ends = labels.integers(cuts)
    if ends is None or ends.ndim != 1 or (np.diff(ends, prepend=0) <= 0).any() or (ends > weeks).any():
        raise EstimateError(f"cuts = {cuts}: a list of ascending integer weeks from 1 to {weeks}")
    ends = np.union1d(ends, weeks)
    period = np.searchsorted(ends, np.arange(1, weeks + 1))
    basis = np.eye(len(ends))[period]
    fitted = _fit(ds, formula, cause=cause, ties=ties, strata=strata, basis=basis)
    table = table_of(fitted, level, {"period": ends})
    table.attrs |= {"formula": formula, "ties": ties, "cause": "all" if cause is None else str(cause)}
    table["period"].attrs = {"units": "week", "long_name": "last week of the period"}
    return table if len(cuts) else table.isel(period=0, drop=True)


@takes_counts
def proportionality(
    ds: xr.Dataset,
    formula: str,
    *,
    cause: Any = None,
    ties: Ties = "cloglog",
    strata: Sequence[str] = (),
    time: Literal["log", "linear"] = "log",
    level: float = 0.95,
) -> xr.Dataset:
    """Check that hazard ratios do not change in time: fit b + c (g(t) - mean of g), and test c = 0.

    Parameters
    ----------
    ds, formula, cause, ties, strata, level
        As for `proportional_hazards`.
    time : {"log", "linear"}
        g: the logarithm of the week, or the week over the horizon; its mean is over the events.

    Returns
    -------
    xarray.Dataset
        Along ``term``: ``estimate`` (c: how the log hazard ratio changes per unit of g), ``se``, ``lower``,
        ``upper``, ``p_value``; and for all terms together ``joint_statistic`` (Hotelling's F where there are
        batches, otherwise chi-square over its df) and ``joint_p_value``, NaN where there are too few batches.

    Examples
    --------
    >>> from firmfate.survival import example, proportionality
    >>> check = proportionality(example(), "execution:misalignment")
    >>> check.p_value.values.round(2), check.joint_p_value.round(2).item()
    (array([0.47]), 0.47)
    """
    from scipy.special import fdtrc

    counts = labels.counts_of(ds)
    week = np.arange(1, counts.weeks + 1, dtype=np.float64)
    if time not in ("log", "linear"):
        raise EstimateError(f"time = {time!r}: 'log' or 'linear'")
    clock = np.log(week) if time == "log" else week / counts.weeks
    ended = counts.events.sum([*counts.axes, "cause"]).values.astype(np.float64)
    clock = clock - np.average(clock, weights=ended if ended.sum() else None)
    basis = np.stack([np.ones_like(clock), clock], axis=-1)
    fitted = _fit(ds, formula, cause=cause, ties=ties, strata=strata, basis=basis)
    table = table_of(fitted, level, {"part": ["level", "change"]}).isel(part=1, drop=True)
    terms = len(fitted.design.terms)
    change, covariance = fitted.coefficients[1], fitted.covariance[terms:, terms:]
    quadratic = float(change @ np.linalg.pinv(covariance) @ change) / terms
    if fitted.batches is None:
        spare, statistic = np.inf, quadratic
    else:
        spare = max(fitted.batches - terms, 0)
        statistic = quadratic * spare / (fitted.batches - 1) if spare else np.nan
    large = 1e12  # an F with so many degrees of freedom is a chi-square over df
    table = table[["estimate", "se", "lower", "upper", "p_value"]]
    table["joint_statistic"] = statistic
    table["joint_p_value"] = float(fdtrc(terms, min(spare, large), statistic)) if spare else np.nan
    words = "change of the log hazard ratio per unit of the term and of " + (
        "log week" if time == "log" else "the horizon"
    )
    return labels.describe(table, units="1", long_name=words, formula=formula, time=time)


def _fit(ds: xr.Dataset, formula: str, *, cause: Any, ties: str, strata: Sequence[str], basis: Floats) -> Fitted:
    labels.counts_of(ds)
    ds = labels.computed(ds)
    design, scale = scaled(design_of(labels.counts_of(ds).firms, formula, strata))
    ended, _ = _weekly(labels.counts_of(ds), design, cause)
    weeks = ended.any(axis=0)  # others hold no information on coefficients

    def fit(counts: xr.Dataset, start: core.Fit | None) -> Estimate:
        ended, at_risk = (counted[:, weeks] for counted in _weekly(labels.counts_of(counts), design, cause))
        found = FITS[ties](core.grouped(ended, at_risk, design.values, design.stratum, basis[weeks]), start)
        return Estimate(found.coefficients, np.asarray(np.linalg.inv(found.information)), found)

    return with_errors(ds, design, scale, fit, float(ended.sum()))


def _weekly(counts: labels.Counts, design: Design, cause: Any) -> tuple[Floats, Floats]:
    """Return events of the cause and firms at risk, (cell, week), of the cells with firms."""
    arrays, table = counts.table(design.cells)
    ended = table.events if cause is None else arrays.events[:, labels.position_of(counts.events, "cause", cause)]
    return np.minimum(ended.astype(np.float64), table.at_risk), table.at_risk
