"""Birth: what holds for all firms with the same parameters, what is drawn once a firm, and the quiet balanced start."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

from firmfate.models.firm import (
    cash,
    customers,
    dashboard,
    finance,
    governance,
    logistics,
    production,
    quality,
    sales,
    shocks,
)
from firmfate.models.firm.cash import Cash
from firmfate.models.firm.customers import Customers
from firmfate.models.firm.dashboard import Dashboard, Kpis
from firmfate.models.firm.finance import Finance
from firmfate.models.firm.governance import Governance
from firmfate.models.firm.logistics import Logistics
from firmfate.models.firm.production import Production
from firmfate.models.firm.quality import Quality
from firmfate.models.firm.sales import Sales
from firmfate.models.firm.shocks import Draws, Market
from firmfate.models.firm.stocks import Stocks


class Quiet(NamedTuple):
    """The quiet balanced state at one unit a week, in which every firm starts."""

    work_in_process: float
    rework: float
    finished_goods: float
    order_backlog: float
    in_transit: float
    receivables: float
    utilisation: float
    lead_time: float
    kpis: Kpis


class Constants(NamedTuple):
    """What holds for all firms with the same parameters: the organisation chart, and the step in weeks."""

    dt: float
    market: Market
    sales: Sales
    production: Production
    quality: Quality
    finance: Finance
    logistics: Logistics
    customers: Customers
    cash: Cash
    governance: Governance
    dashboard: Dashboard
    quiet: Quiet


class Traits(NamedTuple):
    """What a firm draws at birth and keeps for life."""

    start_cash: float
    per_reserve: float
    base_cost: float
    exit_week: float


def quiet_state(p: Any) -> Quiet:
    """Return the state in which one unit a week flows through the firm and nothing changes."""
    starts = production.quiet_starts(p)
    return Quiet(
        work_in_process=starts * production.quiet_lead_time(p),
        rework=p.rework_time * starts * p.defect_rate * p.inspection,
        finished_goods=p.stock_cover,
        order_backlog=p.fill_time,
        in_transit=p.transit_time,
        receivables=p.collection_time,
        utilisation=production.quiet_utilisation(p),
        lead_time=customers.quiet_lead_time(p),
        kpis=dashboard.at_start(p),
    )


def settle(p: Any, dt: float) -> Constants:
    """Return the constants of all firms with parameters `p`, for steps of `dt` weeks."""
    mean_execution = (
        p.execution_sales + p.execution_production + p.execution_quality + p.execution_finance + p.execution_logistics
    ) / 5.0
    return Constants(
        dt=dt,
        market=shocks.settle(p, dt),
        sales=sales.settle(p, dt),
        production=production.settle(p, mean_execution, dt),
        quality=quality.settle(p, dt),
        finance=finance.settle(p, dt),
        logistics=logistics.settle(p, dt),
        customers=customers.settle(p, dt),
        cash=cash.settle(p, mean_execution, dt),
        governance=governance.settle(p, mean_execution, dt),
        dashboard=dashboard.settle(p, dt),
        quiet=quiet_state(p),
    )


def start(k: Constants, draw: Draws) -> tuple[Stocks, Traits]:
    """Return a firm at birth: the quiet balanced state, with its own cash, margin and date of exit for other
    reasons."""
    start_cash = k.cash.mean_buffer * math.exp(
        k.cash.buffer_sd * draw.buffer - 0.5 * k.cash.buffer_sd * k.cash.buffer_sd
    )
    exit_week = -math.log(1.0 - draw.exit) / k.cash.background_exit if k.cash.background_exit > 0.0 else math.inf
    traits = Traits(
        start_cash=start_cash,
        per_reserve=1.0 / (start_cash + k.cash.credit_weeks),
        base_cost=k.cash.base_cost + k.cash.margin_sd * draw.margin,
        exit_week=exit_week,
    )
    stocks = Stocks(
        practice_sales=0.0,
        practice_production=0.0,
        practice_quality=0.0,
        practice_finance=0.0,
        practice_logistics=0.0,
        pursuit=1.0,
        customers=1.0,
        perceived_lead_time=k.quiet.lead_time,
        forecast=1.0,
        work_in_process=k.quiet.work_in_process,
        rework=k.quiet.rework,
        finished_goods=k.quiet.finished_goods,
        order_backlog=k.quiet.order_backlog,
        in_transit=k.quiet.in_transit,
        receivables=k.quiet.receivables,
        cash=start_cash,
        capability=1.0,
        process_quality=1.0,
        demand_shock=0.0,
        cost_shock=0.0,
        distress=0.0,
        trailing_sales=1.0,
        credit_line=cash.credit_line(k.cash, 1.0, 1.0),
        utilisation=k.quiet.utilisation,
        urgency=1.0 / k.quiet.lead_time,
        kpi_sales=k.quiet.kpis.sales,
        kpi_production=k.quiet.kpis.production,
        kpi_quality=k.quiet.kpis.quality,
        kpi_finance=k.quiet.kpis.finance,
        kpi_logistics=k.quiet.kpis.logistics,
    )
    return stocks, traits


def check(values: Mapping[str, float], dt: float) -> Iterator[str]:
    """Yield one sentence for every joint condition that these values break: a quiet start exists, no stock overshoots
    in a step."""
    p = SimpleNamespace(**values)
    starts = production.quiet_starts(p)
    load = (starts + starts * p.defect_rate * p.inspection) / p.capacity
    if not load < p.utilisation_cap:
        yield (
            f"capacity = {p.capacity:g} gives a utilisation of {load:.3f} at the start, which must be below "
            f"utilisation_cap = {p.utilisation_cap:g}: raise capacity, or lower defect_rate, obsolescence "
            "or stock_cover"
        )
    for name in ("fill_time", "pick_time", "transit_time", "rework_time"):
        if values[name] < dt * (1.0 - 1e-12):
            yield (
                f"{name} = {values[name]:g} weeks must be at least one step ({dt:g} {'week' if dt == 1 else 'weeks'}): "
                "raise it, or steps_per_week"
            )
