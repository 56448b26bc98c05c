"""Kaplan-Meier survival and Nelson-Aalen cumulative hazard of many cells at once."""

from __future__ import annotations

from typing import Literal

import numpy as np

from firmfate.survival.core.lifetable import (
    CellCounts,
    Floats,
    LifeTable,
    greenwood,
    life_table,
    per_at_risk,
    with_week_zero,
)
from firmfate.survival.core.limits import log_limits, log_log_limits, plain_limits, wilson

Limits = Literal["auto", "wilson", "log-log", "log", "plain"]
Curve = tuple[Floats, Floats, Floats, Floats]


def survival(table: LifeTable) -> Floats:
    """S(t) at weeks 1..H: the product of 1 - q(s). Kaplan and Meier (1958)."""
    staying: Floats = 1.0 - table.hazard
    return staying.cumprod(axis=-1)


def kaplan_meier(counts: CellCounts, *, z: float, limits: Limits = "auto") -> Curve:
    """S at weeks 0..H with Greenwood's standard error and limits, each (..., H + 1)."""
    table = life_table(counts)
    alive = survival(table)
    se = alive * np.sqrt(greenwood(table).cumsum(axis=-1))
    lower, upper = _survival_limits(table, alive, se, z, limits)
    return (
        with_week_zero(alive, 1.0, table.firms),
        with_week_zero(se, 0.0, table.firms),
        with_week_zero(lower, 1.0, table.firms),
        with_week_zero(upper, 1.0, table.firms),
    )


def _survival_limits(table: LifeTable, alive: Floats, se: Floats, z: float, limits: Limits) -> tuple[Floats, Floats]:
    if limits == "log":
        return log_limits(alive, se, z)
    if limits == "plain":
        return plain_limits(alive, se, z)
    if limits == "log-log":
        return log_log_limits(alive, se, z)
    by_score = wilson(alive, table.firms[..., None], z)
    if limits == "wilson" or bool(table.horizon_only.all()):
        return by_score
    # Before the first event, those still observed bound S from below; once all at risk have ended in one week, that
    # week's own limit bounds S from above.
    at_last = np.where(table.at_risk > 0, table.at_risk, np.inf).min(axis=-1)[..., None]
    lower, upper = log_log_limits(alive, se, z)
    certain = wilson(alive, np.where(alive >= 1, table.at_risk, at_last), z)
    edge = np.isnan(lower)
    scored = table.horizon_only[..., None]
    lower = np.where(scored, by_score[0], np.where(edge, certain[0], lower))
    return lower, np.where(scored, by_score[1], np.where(edge, certain[1], upper))


def nelson_aalen(counts: CellCounts, *, z: float) -> Curve:
    """Cumulative hazard at weeks 0..H: sum of d/n, variance sum of d/n² (Aalen 1978), limits on the log."""
    table = life_table(counts)
    return _cumulative(table.hazard, table.at_risk, z)


def nelson_aalen_by_cause(counts: CellCounts, *, z: float) -> Curve:
    """Cumulative hazard of each cause, each (..., cause, H + 1)."""
    table = life_table(counts)
    return _cumulative(per_at_risk(counts.events, table.at_risk[..., None, :]), table.at_risk[..., None, :], z)


def _cumulative(rate: Floats, at_risk: Floats, z: float) -> Curve:
    at_risk = np.broadcast_to(at_risk, rate.shape)
    hazard = rate.cumsum(axis=-1)
    se = np.sqrt(per_at_risk(rate, at_risk).cumsum(axis=-1))
    some = hazard > 0
    width = np.zeros_like(hazard)
    np.divide(z * se, hazard, out=width, where=some)
    # Without any event yet, the hazard at which so good a record is as unlikely as Wilson's limit allows.
    none_yet = np.log1p(z * z / np.where(at_risk > 0, at_risk, np.nan))
    upper = np.where(some | np.isnan(hazard), hazard * np.exp(width), none_yet)
    curves = (hazard, se, hazard * np.exp(-width), upper)
    return tuple(with_week_zero(weekly, 0.0, at_risk[..., 0]) for weekly in curves)  # type: ignore[return-value]
