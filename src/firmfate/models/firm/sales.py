"""Sales: judged by bookings. Discounts lift volume a little; soft orders inflate the signal that production hears."""

from math import exp, sqrt

from firmfate.models.declarations import BELOW_ONE, NOT_NEGATIVE, SHARE, WEEK_OR_LONGER, Parameter, Stock

GAMING = "sales gaming costs 6-8 % of revenue (Larkin 2014)"

PARAMETERS = (
    Parameter("discount", 0.08, "share of price", BELOW_ONE, "price cut at full practice", GAMING),
    Parameter("promotion_lift", 0.10, "share of demand", NOT_NEGATIVE, "demand won by discounts at full practice",
              GAMING),
    Parameter("soft_orders", 0.60, "share of orders", NOT_NEGATIVE, "orders booked but not meant, at full practice",
              GAMING),
    Parameter("communication", 0, "share", SHARE, "share of soft orders that production knows to be soft",
              "a remedy that studies try; off by default", assumption=True),
    Parameter("forecast_time", 8, "week", WEEK_OR_LONGER, "smoothing time of the forecast",
              "exponential smoothing of 0.1-0.3 a month in practice"),
)  # fmt: skip

STOCKS = (Stock("forecast", "weeks of demand a week", "forecast of orders"),)


def orders(s, p, shock, next_demand_shock):
    """Return what customers order, a week: D."""
    noise = max(0, 1 + p.weekly_sd * shock.weekly / sqrt(p.dt))
    return s.customers * exp(next_demand_shock - p.demand_sd**2 / 2) * (1 + p.promotion_lift * s.practice.sales) * noise


def bookings(s, p, orders):
    """Return orders as Sales books them, soft ones included: its KPI."""
    return orders * (1 + p.soft_orders * s.practice.sales)


def signal(s, p, orders):
    """Return orders as Production hears of them."""
    return orders * (1 + p.soft_orders * s.practice.sales * (1 - p.communication))


def price(s, p):
    """Return the price after discounts; the normal price is 1."""
    return 1 - p.discount * s.practice.sales


def next_forecast(s, p, signal):
    """Return the forecast F one step later."""
    return s.forecast + p.dt * (signal - s.forecast) / p.forecast_time


def start(p, draw):
    """Return the stocks at the start."""
    return {"forecast": 1}
