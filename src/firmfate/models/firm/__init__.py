"""`firm`: five divisions, each with its own KPI, one cash account, and customers who remember.

The folder is the organisation chart: a file a division, then customers, cash, governance, the dashboard and the shocks
from outside. Each declares its parameters and stocks beside its equations; ``week.py`` runs one step of all of them.

Time in weeks. Goods in units of one week's normal demand, money in units of one week's normal revenue, so that normal
demand and the normal price are 1. A firm starts in the quiet balanced state, in which one unit a week flows through it.

This is version 2: the queue in the plant is a stock (`production`), where version 1 had a formula of the steady state
with a limit of utilisation that moved its findings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from firmfate.models.declarations import Cause, Mark
from firmfate.models.firm import (
    cash,
    customers,
    dashboard,
    finance,
    governance,
    logistics,
    practices,
    production,
    quality,
    sales,
    shocks,
    week,
)  # fmt: skip
from firmfate.models.model import Model

VERSION = 2


def start(p: Any, draw: Any) -> dict[str, Any]:
    """Return a firm at its start: the quiet balanced state, with its own cash."""
    return {
        "practice": [0, 0, 0, 0, 0],
        "pursuit": 1,
        "distress": 0,
        "forecast": 1,
        "capability": 1,
        "kpi": dashboard.quiet_kpis(p),
        **shocks.start(p, draw),
        **production.start(p),
        **quality.start(p),
        **logistics.start(p),
        **customers.start(p),
        **cash.start(p, draw),
    }


def check(values: Mapping[str, float], dt: float) -> Iterator[str]:
    """Yield one sentence for every joint condition that these values break: a quiet start exists, no stock overshoots
    in a step."""
    p = SimpleNamespace(**values)
    left = p.capacity - quality.quiet_reworking(p)
    starts = production.quiet_starts(p)
    if not starts < left:
        yield (
            f"capacity = {p.capacity:g} leaves {left:.3f} of weekly demand after rework, and a quiet firm starts "
            f"{starts:.3f}, which must be less: raise capacity, or lower defect_rate, obsolescence or stock_cover"
        )
    for name in ("fill_time", "pick_time", "transit_time", "rework_time"):
        if values[name] < dt * (1 - 1e-12):
            yield (
                f"{name} = {values[name]:g} weeks must be at least one step ({dt:g} {'week' if dt == 1 else 'weeks'}): "
                "raise it, or steps_per_week"
            )


GROUPS = {
    "Execution and misalignment": practices.PARAMETERS,
    "Sales": sales.PARAMETERS,
    "Production": production.PARAMETERS,
    "Quality": quality.PARAMETERS,
    "Finance": finance.PARAMETERS,
    "Logistics": logistics.PARAMETERS,
    "Customers": customers.PARAMETERS,
    "Cash": cash.PARAMETERS,
    "Governance": governance.PARAMETERS,
    "Dashboard": dashboard.PARAMETERS,
    "Shocks": shocks.PARAMETERS,
}
"""The parameters by part of the organisation chart, in the order of the model's table."""

MODEL = Model(
    name="firm",
    summary="A firm of five divisions, each steered by a KPI of its own.",
    start=start,
    step=week.step,
    observe=week.observe,
    check=check,
    parameters=tuple(replace(row, group=group) for group, rows in GROUPS.items() for row in rows),
    stocks=(
        practices.STOCKS + governance.STOCKS + customers.STOCKS + sales.STOCKS + production.STOCKS + quality.STOCKS
        + logistics.STOCKS + cash.STOCKS + finance.STOCKS + shocks.STOCKS + dashboard.STOCKS
    ),
    shocks=shocks.SHOCKS,
    draws=shocks.DRAWS,
    auxiliaries=week.AUXILIARIES,
    causes=(
        Cause("insolvency", "cash is overdrawn beyond the credit line"),
        Cause("customer_collapse", "fewer customers are left than customer_floor"),
        Cause("gridlock", "the perceived lead time exceeds lead_time_limit"),
        Cause("background_exit", "exit for other reasons: merger, the owner's choice"),
    ),
    marks=(Mark("green_kpis", 5, "green KPIs at the start of the step in which the alarm rings", dim="green"),),
    alarm="health, computed from the stocks at the start of the step, is below `alarm`",
)  # fmt: skip
