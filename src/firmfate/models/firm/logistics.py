"""Logistics: judged by freight cost. Full truckloads are cheap, and wait (Higginson & Bookbinder 1994)."""

from __future__ import annotations

from typing import Any, NamedTuple

from firmfate.models.firm import practices
from firmfate.models.firm.practices import Practice
from firmfate.models.model import NOT_NEGATIVE, POSITIVE, SHARE, Parameter

CONSOLIDATION = "waiting to fill a truck: Higginson & Bookbinder 1994"

PARAMETERS = (
    Parameter("fill_time", 1, "week", POSITIVE, "time to fill an order from stock", CONSOLIDATION, assumption=True),
    Parameter("pick_time", 1, "week", POSITIVE, "time in which all finished goods could be picked", CONSOLIDATION,
              assumption=True),
    Parameter("transit_time", 1, "week", POSITIVE, "shipping time at the start", CONSOLIDATION, assumption=True),
    Parameter("consolidation", 2, "1", NOT_NEGATIVE, "growth of shipping time at full practice", CONSOLIDATION,
              assumption=True),
    Parameter("freight_cost", 0.05, "share of price", NOT_NEGATIVE, "freight per unit at the start", CONSOLIDATION,
              assumption=True),
    Parameter("freight_saving", 0.45, "share", SHARE, "freight saved at full practice", CONSOLIDATION, assumption=True),
)  # fmt: skip


class Logistics(NamedTuple):
    """Constants of Logistics."""

    practice: Practice
    fill: float
    pick: float
    transit_time: float
    transit_growth: float
    freight: float
    freight_saving: float


def settle(p: Any, dt: float) -> Logistics:
    """Return the constants of Logistics for steps of `dt` weeks."""
    return Logistics(
        practice=practices.settle(p.execution_logistics, p.misalignment_logistics, p, dt),
        fill=1.0 / p.fill_time,
        pick=1.0 / p.pick_time,
        transit_time=p.transit_time,
        transit_growth=p.transit_time * p.consolidation,
        freight=p.freight_cost,
        freight_saving=p.freight_cost * p.freight_saving,
    )


def shipments(k: Logistics, order_backlog: float, finished_goods: float) -> float:
    """Return units shipped, a week."""
    return min(k.fill * order_backlog, k.pick * finished_goods)


def shipping_time(k: Logistics, practice: float) -> float:
    """Return the time from plant to customer, in weeks."""
    return k.transit_time + k.transit_growth * practice


def freight(k: Logistics, practice: float) -> float:
    """Return freight per unit shipped."""
    return k.freight - k.freight_saving * practice
