"""Customers: they feel lead time and defects with a delay, tolerate less every year, and leave faster than they
come."""

from __future__ import annotations

from typing import Any, NamedTuple

from firmfate.models.arithmetic import exp
from firmfate.models.firm import production
from firmfate.models.model import NOT_NEGATIVE, POSITIVE, SHARE, WEEK_OR_LONGER, Parameter

SENSITIVITY = (
    "between 0.53 of orders lost at 4 months (Forrester 1968: about 0.2) "
    "and -2 % a day beyond a week (SSRN 4959549: about 0.6)"
)
LOYALTY = "customers leave faster than they come, and demand more every year"

PARAMETERS = (
    Parameter("order_share", 0.7, "share", SHARE,
              "share of the production lead time that customers feel (made to order)",
              "no measurement known", assumption=True),
    Parameter("perception_time", 8, "week", WEEK_OR_LONGER, "time in which customers notice a change of lead time",
              SENSITIVITY,
              assumption=True),
    Parameter("lead_sensitivity", 0.4, "1", NOT_NEGATIVE, "log appeal lost per tolerated lead time exceeded",
              SENSITIVITY + "; decisive", assumption=True),
    Parameter("defect_sensitivity", 0.05, "1", NOT_NEGATIVE, "log appeal lost per multiple of the starting defect leak",
              SENSITIVITY, assumption=True),
    Parameter("capability_sensitivity", 0.4, "1", SHARE, "appeal lost per capability lost", SENSITIVITY,
              assumption=True),
    Parameter("loss_time", 26, "week", WEEK_OR_LONGER, "time in which customers leave", LOYALTY, assumption=True),
    Parameter("gain_time", 104, "week", WEEK_OR_LONGER, "time in which customers come", LOYALTY, assumption=True),
    Parameter("impatience", 0.01, "1/year", NOT_NEGATIVE, "rate at which the tolerated lead time shrinks", LOYALTY,
              assumption=True),
    Parameter("customer_floor", 0.6, "share", SHARE, "customers below which the firm has collapsed",
              "definition of failure",
              assumption=True),
    Parameter("lead_time_limit", 16, "week", POSITIVE, "perceived lead time above which the firm is gridlocked",
              "definition of failure: four times the normal lead time", assumption=True),
)  # fmt: skip

IDLE = 0.001
"""Floor of a weekly flow where a waiting time is a stock divided by it, in weeks of demand."""


class Customers(NamedTuple):
    """Constants of customers."""

    order_share: float
    perception: float
    impatience: float
    lead_sensitivity: float
    quiet_leak: float
    defect_sensitivity: float
    appeal_without_capability: float
    capability_sensitivity: float
    loss: float
    gain: float
    floor: float
    lead_time_limit: float


def quiet_lead_time(p: Any) -> float:
    """Return the lead time L0 of the quiet balanced state, in weeks."""
    made = production.quiet_lead_time(p) + p.defect_rate * p.inspection * p.rework_time
    return p.order_share * made + p.fill_time + p.transit_time  # type: ignore[no-any-return]


def settle(p: Any, dt: float) -> Customers:
    """Return the constants of customers for steps of `dt` weeks."""
    quiet_leak = p.defect_rate * (1.0 - p.inspection)
    return Customers(
        order_share=p.order_share,
        perception=dt / p.perception_time,
        impatience=exp(p.impatience * dt / 52.0),
        lead_sensitivity=p.lead_sensitivity,
        quiet_leak=quiet_leak,
        defect_sensitivity=p.defect_sensitivity / quiet_leak,
        appeal_without_capability=1.0 - p.capability_sensitivity,
        capability_sensitivity=p.capability_sensitivity,
        loss=dt / p.loss_time,
        gain=dt / p.gain_time,
        floor=p.customer_floor,
        lead_time_limit=p.lead_time_limit,
    )


def lead_time(
    k: Customers, made: float, reworked: float, rework: float, reworking: float, order_backlog: float, shipments: float,
    shipping_time: float,
) -> float:  # fmt: skip
    """Return the lead time that an order of this week would see: `made` in weeks, and the share `reworked` waits for
    rework."""
    waiting_for_rework = reworked * rework / max(reworking, IDLE)
    waiting_to_ship = order_backlog / max(shipments, IDLE)
    return k.order_share * (made + waiting_for_rework) + waiting_to_ship + shipping_time


def urgency(k: Customers, urgency: float) -> float:
    """Return the urgency one step later: what is tolerated shrinks at the rate of impatience, L* = L0 exp(-impatience
    t)."""
    return urgency * k.impatience


def excess(perceived_lead_time: float, urgency: float) -> float:
    """Return by how much the perceived lead time exceeds the tolerated one, relative to that."""
    return max(0.0, perceived_lead_time * urgency - 1.0)


def appeal(k: Customers, excess: float, leak: float, capability: float) -> float:
    """Return the share of the market that the firm as it is would keep."""
    annoyance = k.lead_sensitivity * excess + k.defect_sensitivity * max(0.0, leak - k.quiet_leak)
    return exp(-annoyance) * (k.appeal_without_capability + k.capability_sensitivity * capability)


def drawn(k: Customers, customers: float, appeal: float) -> float:
    """Return customers one step later."""
    return customers + (appeal - customers) * (k.loss if appeal < customers else k.gain)
