"""`firm`: five divisions, each with its own KPI, one cash account, and customers who remember.

The folder is the organisation chart: a file a division, then customers, cash, governance, the dashboard and the shocks
from outside. Each has its parameters, its stocks and its equations: `next_rework` is the equation of the stock
`rework`, other functions are named for what they return, and the arguments of all are named for what they take. What
happens in a week, in its order, is the table in ``auxiliaries.py``.

Time in weeks. Goods in units of one week's normal demand, money in units of one week's normal revenue, so that normal
demand and the normal price are 1. A firm starts in the quiet balanced state, in which one unit a week flows through it.
A step is explicit Euler: the shocks move, auxiliaries are computed from the stocks that are found, all stocks move
together, then the causes of the end are judged.

This is version 2: the queue in the plant is a stock (`production`), where version 1 had a formula of the steady state
with a limit of utilisation that moved its findings.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import SimpleNamespace

from firmfate.models.declarations import Cause, Mark
from firmfate.models.model import Model

from . import cash, customers, dashboard, finance, governance, logistics, practices, production, quality, sales, shocks
from .auxiliaries import AUXILIARIES

CHART = {
    "Execution and misalignment": practices,
    "Sales": sales,
    "Production": production,
    "Quality": quality,
    "Finance": finance,
    "Logistics": logistics,
    "Customers": customers,
    "Cash": cash,
    "Governance": governance,
    "Dashboard": dashboard,
    "Shocks": shocks,
}
"""The organisation chart, in the order of the table of parameters; titles are their groups."""

BY_STOCKS = (practices, governance, customers, sales, production, quality, logistics, cash, finance, shocks, dashboard)
"""The same in the order of the stocks, which is part of the model's identity."""


def start(p, draw):
    """Return a firm at its start: the quiet balanced state, with its own cash."""
    return {name: first for part in BY_STOCKS for name, first in part.start(p, draw).items()}


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


MODEL = Model(
    name="firm",
    summary="A firm of five divisions, each steered by a KPI of its own.",
    start=start,
    step=tuple(CHART.values()),
    check=check,
    parameters=tuple(replace(row, group=title) for title, part in CHART.items() for row in part.PARAMETERS),
    stocks=tuple(stock for part in BY_STOCKS for stock in part.STOCKS),
    shocks=shocks.SHOCKS,
    draws=shocks.DRAWS,
    auxiliaries=AUXILIARIES,
    causes=(
        Cause("insolvency", "cash is overdrawn beyond the credit line"),
        Cause("customer_collapse", "fewer customers are left than customer_floor"),
        Cause("gridlock", "the perceived lead time exceeds lead_time_limit"),
        Cause("background_exit", "exit for other reasons: merger, the owner's choice"),
    ),
    marks=(Mark("green_kpis", 5, "green KPIs at the start of the step in which the alarm rings", dim="green"),),
    alarm="health, computed from the stocks at the start of the step, is below `alarm`",
)
