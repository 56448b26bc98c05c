"""Production: judged by unit cost. Large batches save setups, and high utilisation spreads overheads; both lengthen
queues.

The lead time has the form of Karmarkar (1987) and of Kingman's formula: process time, half a lot, and a queue v
ρ/(1-ρ). That queue formula holds in a steady state, so it sees smoothed utilisation; the cap on ρ is a numerical
guard, to be swept.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from firmfate.models.firm import practices
from firmfate.models.firm.practices import Practice
from firmfate.models.model import BELOW_ONE, NOT_NEGATIVE, POSITIVE, SHARE, WEEK_OR_LONGER, Parameter

LOTS = "lot size and lead time: Karmarkar 1987; overproduction under absorption costing"
QUEUE = "Kingman's formula"
BETTER = "sign from management surveys (Bloom & Van Reenen 2007)"

PARAMETERS = (
    Parameter("capacity", 1.35, "weeks of demand a week", POSITIVE, "output at full capability and normal lots", LOTS,
              assumption=True),
    Parameter("setup_share", 0.03, "share", BELOW_ONE, "share of capacity that setups take at normal lots", LOTS,
              assumption=True),
    Parameter("lot_size", 1, "weeks of demand", POSITIVE, "normal lot", LOTS, assumption=True),
    Parameter("lot_growth", 6, "1", NOT_NEGATIVE, "growth of the lot at full practice", LOTS, assumption=True),
    Parameter("utilisation_push", 0.6, "share", SHARE,
              "starts driven by free capacity instead of need, at full practice", LOTS, assumption=True),
    Parameter("process_time", 1.5, "week", POSITIVE, "lead time without lots or queues", LOTS, assumption=True),
    Parameter("adjust_time", 8, "week", WEEK_OR_LONGER, "time in which gaps of stock and backlog are closed",
              "stock adjustment 0.26 a month in experiments (Sterman 1989)"),
    Parameter("stock_cover", 4, "week", NOT_NEGATIVE, "finished goods wanted, in weeks of forecast",
              "days of inventory about 55 in large US firms (FY2022), work in process included"),
    Parameter("queue_time", 0.35, "week", NOT_NEGATIVE, "queueing time v at ρ = 1/2", QUEUE, assumption=True),
    Parameter("variability_gain", 0.3, "share", BELOW_ONE, "queueing time saved at full execution", BETTER,
              assumption=True),
    Parameter("utilisation_time", 8, "week", WEEK_OR_LONGER, "smoothing time of utilisation in the queue", QUEUE,
              assumption=True),
    Parameter("utilisation_cap", 0.97, "share", BELOW_ONE, "largest ρ in the queue formula: a numerical guard", QUEUE,
              assumption=True),
)  # fmt: skip


class Production(NamedTuple):
    """Constants of Production."""

    practice: Practice
    capacity_without_setups: float
    capacity_of_setups: float
    lot_growth: float
    fixed_lead_time: float
    half_lot_growth: float
    queue_time: float
    utilisation_push: float
    utilisation_cap: float
    utilisation: float
    obsolescence: float
    wanted_per_forecast: float
    wanted_per_stock: float
    adjust: float


def quiet_starts(p: Any) -> float:
    """Return starts a week in the quiet balanced state: one unit shipped, and what obsolescence takes."""
    return 1.0 + p.obsolescence * p.stock_cover  # type: ignore[no-any-return]


def quiet_utilisation(p: Any) -> float:
    """Return ρ in the quiet balanced state, rework included."""
    starts = quiet_starts(p)
    load: float = (starts + starts * p.defect_rate * p.inspection) / p.capacity
    cap: float = p.utilisation_cap
    return min(load, cap)


def quiet_lead_time(p: Any) -> float:
    """Return the production lead time of the quiet balanced state, in weeks."""
    load = quiet_utilisation(p)
    return p.process_time + p.lot_size / 2.0 + p.queue_time * load / (1.0 - load)  # type: ignore[no-any-return]


def settle(p: Any, mean_execution: float, dt: float) -> Production:
    """Return the constants of Production for steps of `dt` weeks."""
    capacity_without_setups = p.capacity / (1.0 - p.setup_share)
    work_in_process = quiet_starts(p) * quiet_lead_time(p)
    queue_time = p.queue_time * (1.0 - p.variability_gain * mean_execution)
    return Production(
        practice=practices.settle(p.execution_production, p.misalignment_production, p, dt),
        capacity_without_setups=capacity_without_setups,
        capacity_of_setups=capacity_without_setups * p.setup_share,
        lot_growth=p.lot_growth,
        fixed_lead_time=p.process_time + 0.5 * p.lot_size - queue_time,
        half_lot_growth=0.5 * p.lot_size * p.lot_growth,
        queue_time=queue_time,
        utilisation_push=p.utilisation_push,
        utilisation_cap=p.utilisation_cap,
        utilisation=dt / p.utilisation_time,
        obsolescence=p.obsolescence,
        wanted_per_forecast=1.0 + (p.stock_cover - p.fill_time + work_in_process) / p.adjust_time,
        wanted_per_stock=p.obsolescence - 1.0 / p.adjust_time,
        adjust=1.0 / p.adjust_time,
    )


def setups(k: Production, practice: float) -> float:
    """Return setups per unit relative to normal lots, lot_size/Q."""
    return 1.0 / (1.0 + k.lot_growth * practice)


def capacity(k: Production, capability: float, setups: float) -> float:
    """Return the capacity κ that setups leave, a week."""
    return capability * (k.capacity_without_setups - k.capacity_of_setups * setups)


def wanted(
    k: Production, forecast: float, work_in_process: float, finished_goods: float, order_backlog: float
) -> float:
    """Return the starts that forecast and stocks ask for, a week (stock management of Sterman 1989).

    That is forecast + obsolescence + (wanted stocks - stocks + backlog - wanted backlog) / adjust_time, sorted by
    stock.
    """
    gap = order_backlog - work_in_process
    return max(0.0, k.wanted_per_forecast * forecast + k.wanted_per_stock * finished_goods + k.adjust * gap)


def starts(k: Production, wanted: float, available: float, practice: float) -> float:
    """Return starts a week: need, pushed toward whatever capacity is free."""
    push = k.utilisation_push * practice
    return min(available, wanted + push * (available - wanted))


def lead_time(k: Production, utilisation: float, practice: float) -> float:
    """Return the production lead time Lp: process, half a lot, and the queue v ρ/(1-ρ) = v/(1-ρ) - v, in weeks."""
    load = min(utilisation, k.utilisation_cap)
    return k.fixed_lead_time + k.half_lot_growth * practice + k.queue_time / (1.0 - load)
