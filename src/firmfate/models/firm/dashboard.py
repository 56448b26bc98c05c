"""The dashboard: five local KPIs, smoothed, each green while it is at least as good as at the start."""

from __future__ import annotations

from typing import Any, NamedTuple

from firmfate.models.firm import production
from firmfate.models.model import WEEK_OR_LONGER, Parameter

PARAMETERS = (
    Parameter("kpi_time", 13, "week", WEEK_OR_LONGER, "smoothing time of the KPIs", "KPIs are reported over a quarter",
              assumption=True),
)  # fmt: skip

TOLERANCE = 1e-9
"""Relative slack of green: ties count as green."""

SLOW = 0.05
"""Floor of starts where a cost per unit is a cost divided by them, in weeks of demand a week."""


class Dashboard(NamedTuple):
    """Constants: smoothing, and for every KPI the worst value that is green: the one at the start, within the
    tolerance."""

    smoothing: float
    sales: float
    production: float
    quality: float
    finance: float
    logistics: float


class Kpis(NamedTuple):
    """The five KPIs."""

    sales: float
    production: float
    quality: float
    finance: float
    logistics: float


def at_start(p: Any) -> Kpis:
    """Return the KPIs of the quiet balanced state."""
    overhead_per_unit = p.overhead / production.quiet_starts(p)
    return Kpis(
        sales=1.0,
        production=p.unit_cost + p.setup_cost + overhead_per_unit,
        quality=p.defect_rate * (1.0 - p.inspection),
        finance=overhead_per_unit,
        logistics=p.freight_cost,
    )


def settle(p: Any, dt: float) -> Dashboard:
    """Return the constants of the dashboard for steps of `dt` weeks."""
    first = at_start(p)
    return Dashboard(
        smoothing=dt / p.kpi_time,
        sales=first.sales * (1.0 - TOLERANCE),
        production=first.production * (1.0 + TOLERANCE),
        quality=first.quality * (1.0 + TOLERANCE),
        finance=first.finance * (1.0 + TOLERANCE),
        logistics=first.logistics * (1.0 + TOLERANCE),
    )


def smooth(k: Dashboard, kpi: float, value: float) -> float:
    """Return a KPI one step later."""
    return kpi + k.smoothing * (value - kpi)


def green(k: Dashboard, sales: float, production: float, quality: float, finance: float, logistics: float) -> float:
    """Return how many of the five KPIs are green (0 to 5): higher is better for Sales, lower for the others."""
    return (
        (1.0 if sales >= k.sales else 0.0)
        + (1.0 if production <= k.production else 0.0)
        + (1.0 if quality <= k.quality else 0.0)
        + (1.0 if finance <= k.finance else 0.0)
        + (1.0 if logistics <= k.logistics else 0.0)
    )
