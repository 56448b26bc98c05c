"""Customers: they feel lead time and defects with a delay, tolerate less every year, and leave faster than they
come."""

from math import exp

from firmfate.models.declarations import NOT_NEGATIVE, POSITIVE, SHARE, WEEK_OR_LONGER, Parameter, Stock
from firmfate.models.firm.production import quiet_lead_time
from firmfate.models.firm.quality import quiet_leak

SENSITIVITY = (
    "between 0.53 of orders lost at 4 months (Forrester 1968: about 0.2) "
    "and -2 % a day beyond a week (SSRN 4959549: about 0.6)"
)
LOYALTY = "customers leave faster than they come, and demand more every year"

PARAMETERS = (
    Parameter("order_share", 0.7, "share", SHARE,
              "share of the production lead time that customers feel (made to order)", "no measurement known",
              assumption=True),
    Parameter("perception_time", 8, "week", WEEK_OR_LONGER, "time in which customers notice a change of lead time",
              SENSITIVITY, assumption=True),
    Parameter("lead_sensitivity", 0.4, "1", NOT_NEGATIVE, "log appeal lost per tolerated lead time exceeded",
              SENSITIVITY + "; decisive", assumption=True),
    Parameter("defect_sensitivity", 0.05, "1", NOT_NEGATIVE, "log appeal lost per multiple of the starting defect leak",
              SENSITIVITY, assumption=True),
    Parameter("capability_sensitivity", 0.4, "1", SHARE, "appeal lost per capability lost", SENSITIVITY,
              assumption=True),
    Parameter("loss_time", 26, "week", WEEK_OR_LONGER, "time in which customers leave", LOYALTY, assumption=True),
    Parameter("gain_time", 104, "week", WEEK_OR_LONGER, "time in which customers come", LOYALTY, assumption=True),
    Parameter("growth", 0, "1", NOT_NEGATIVE,
              "appeal gained per tolerated lead time undercut: a fast firm wins customers from others",
              "off by default: a market that cannot grow", assumption=True),
    Parameter("impatience", 0.01, "1/year", NOT_NEGATIVE, "rate at which the tolerated lead time shrinks", LOYALTY,
              assumption=True),
    Parameter("customer_floor", 0.6, "share", SHARE, "customers below which the firm has collapsed",
              "definition of failure", assumption=True),
    Parameter("lead_time_limit", 16, "week", POSITIVE, "perceived lead time above which the firm is gridlocked",
              "definition of failure: four times the normal lead time", assumption=True),
)  # fmt: skip

STOCKS = (
    Stock("customers", "share", "customers, relative to the start"),
    Stock("perceived_lead_time", "week", "lead time as customers perceive it"),
    Stock("urgency", "1/week", "one over the lead time that customers tolerate"),
)

IDLE = 0.001
"""Floor of a weekly flow where a waiting time is a stock divided by it, in weeks of demand a week."""


def lead_time(s, p, production_lead_time, caught_share, reworking, shipments, shipping_time):
    """Return the lead time L that an order of this week would see, in weeks."""
    waits_for_rework = caught_share * s.rework / max(reworking, IDLE)
    made = production_lead_time + p.inspection_delay * s.practice.quality + waits_for_rework
    return p.order_share * made + s.order_backlog / max(shipments, IDLE) + shipping_time


def appeal(s, p, leak):
    """Return the share of the market that the firm as it is would keep, a."""
    excess = s.perceived_lead_time * s.urgency - 1  # perceived over tolerated lead time, beyond 1
    late = max(0, excess)
    early = late - excess  # max(0, -excess)
    annoyed = p.lead_sensitivity * late + p.defect_sensitivity * max(0, leak / quiet_leak(p) - 1)
    capable = 1 - p.capability_sensitivity * (1 - s.capability)
    return exp(-annoyed) * capable * (1 + p.growth * early)


def next_customers(s, p, appeal):
    """Return customers N one step later."""
    return s.customers + p.dt * (appeal - s.customers) / (p.loss_time if appeal < s.customers else p.gain_time)


def next_perceived_lead_time(s, p, lead_time):
    """Return the perceived lead time L̂ one step later."""
    return s.perceived_lead_time + p.dt * (lead_time - s.perceived_lead_time) / p.perception_time


def next_urgency(s, p):
    """Return urgency one step later: what is tolerated shrinks at the rate of impatience, L* = L0 exp(-impatience
    t)."""
    return s.urgency * exp(p.impatience * p.dt / 52)


def customer_collapse(p, next_customers):
    """Return whether too few customers are left."""
    return next_customers < p.customer_floor


def gridlock(p, next_perceived_lead_time):
    """Return whether customers wait too long."""
    return next_perceived_lead_time > p.lead_time_limit


def quiet_lead_time_of_orders(p):
    """Return the lead time of the quiet state, L0, in weeks."""
    made = quiet_lead_time(p) + p.defect_rate * p.inspection * p.rework_time
    return p.order_share * made + p.fill_time + p.transit_time


def start(p, draw):
    """Return the stocks at the start."""
    quiet = quiet_lead_time_of_orders(p)
    return {"customers": 1, "perceived_lead_time": quiet, "urgency": 1 / quiet}
