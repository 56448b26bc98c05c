"""Sales: judged by bookings. Discounts lift volume a little; soft orders inflate the signal that production hears."""

from __future__ import annotations

from typing import Any, NamedTuple

from firmfate.models.arithmetic import exp
from firmfate.models.firm import practices
from firmfate.models.firm.practices import Practice
from firmfate.models.firm.shocks import Market
from firmfate.models.model import BELOW_ONE, NOT_NEGATIVE, SHARE, WEEK_OR_LONGER, Parameter

GAMING = "sales gaming costs 6-8 % of revenue (Larkin 2014)"

PARAMETERS = (
    Parameter("discount", 0.08, "share of price", BELOW_ONE, "price cut at full practice", GAMING),
    Parameter("promotion_lift", 0.10, "share of demand", NOT_NEGATIVE, "demand won by discounts at full practice",
              GAMING),
    Parameter("soft_orders", 0.60, "share of orders", NOT_NEGATIVE, "orders booked but not meant, at full practice",
              GAMING),
    Parameter("communication", 0, "share", SHARE, "share of soft orders that production knows to be soft",
              "the essay's way out, off by default", assumption=True),
    Parameter("forecast_time", 8, "week", WEEK_OR_LONGER, "smoothing time of the forecast",
              "exponential smoothing of 0.1-0.3 a month in practice"),
)  # fmt: skip


class Sales(NamedTuple):
    """Constants of Sales."""

    practice: Practice
    promotion_lift: float
    soft_orders: float
    heard: float
    discount: float
    forecast: float


def settle(p: Any, dt: float) -> Sales:
    """Return the constants of Sales for steps of `dt` weeks."""
    return Sales(
        practice=practices.settle(p.execution_sales, p.misalignment_sales, p, dt),
        promotion_lift=p.promotion_lift,
        soft_orders=p.soft_orders,
        heard=p.soft_orders * (1.0 - p.communication),
        discount=p.discount,
        forecast=dt / p.forecast_time,
    )


def orders(k: Sales, market: Market, customers: float, demand_shock: float, weekly: float, practice: float) -> float:
    """Return what customers order, a week."""
    noise = max(0.0, 1.0 + market.weekly_sd * weekly)
    return customers * exp(demand_shock - market.demand_mean) * (1.0 + k.promotion_lift * practice) * noise


def bookings(k: Sales, ordered: float, practice: float) -> float:
    """Return orders as Sales books them, soft ones included: its KPI."""
    return ordered * (1.0 + k.soft_orders * practice)


def signal(k: Sales, ordered: float, practice: float) -> float:
    """Return orders as production hears of them."""
    return ordered * (1.0 + k.heard * practice)


def price(k: Sales, practice: float) -> float:
    """Return the price after discounts; the normal price is 1."""
    return 1.0 - k.discount * practice
