"""Shocks: the market's demand and the price of inputs wander, and each week has its own noise."""

from math import exp, sqrt

from firmfate.models.declarations import NOT_NEGATIVE, WEEK_OR_LONGER, Normal, Parameter, Stock, Uniform

SPREAD = (
    "set so that a middling firm's 10-year survival is 0.55-0.7, as of US firms aged 11+ "
    "(5-6 % exit a year, Census BDS)"
)

PARAMETERS = (
    Parameter("demand_time", 52, "week", WEEK_OR_LONGER, "memory of the demand shock", SPREAD, assumption=True),
    Parameter("demand_sd", 0.16, "1", NOT_NEGATIVE, "standard deviation of log demand", SPREAD, assumption=True),
    Parameter("weekly_sd", 0.10, "1", NOT_NEGATIVE, "standard deviation of one week's demand noise", SPREAD,
              assumption=True),
    Parameter("cost_time", 52, "week", WEEK_OR_LONGER, "memory of the cost shock", SPREAD, assumption=True),
    Parameter("cost_sd", 0.05, "1", NOT_NEGATIVE, "standard deviation of log unit cost", SPREAD, assumption=True),
    Parameter("first_shocks", 0, "1", NOT_NEGATIVE,
              "shocks at the start, in standard deviations of their own: 1 = a firm starts in an average market",
              "off by default: 0 = a firm starts in a quiet market", assumption=True),
)  # fmt: skip

SHOCKS = (
    Normal("demand", meaning="shock of demand"),
    Normal("cost", meaning="shock of unit cost"),
    Normal("weekly", meaning="noise of one week's demand"),
)

DRAWS = (
    Normal("buffer", meaning="cash at the start"),
    Normal("margin", meaning="unit cost of the firm"),
    Uniform("exit", meaning="date of the background exit"),
    Normal("demand", meaning="shock of demand at the start"),
    Normal("cost", meaning="shock of unit cost at the start"),
)

STOCKS = (
    Stock("demand_shock", "1", "log deviation of demand"),
    Stock("cost_shock", "1", "log deviation of unit cost"),
)


def autoregression(x, sd, time, normal, dt):
    """Return a first-order autoregression one step later, exact at any step."""
    kept = exp(-dt / time)
    return kept * x + sd * sqrt(1 - kept**2) * normal


def next_demand_shock(s, p, shock):
    """Return the demand shock z of this step."""
    return autoregression(s.demand_shock, p.demand_sd, p.demand_time, shock.demand, p.dt)


def next_cost_shock(s, p, shock):
    """Return the cost shock y of this step."""
    return autoregression(s.cost_shock, p.cost_sd, p.cost_time, shock.cost, p.dt)


def start(p, draw):
    """Return the shocks at the start."""
    return {
        "demand_shock": p.first_shocks * p.demand_sd * draw.demand,
        "cost_shock": p.first_shocks * p.cost_sd * draw.cost,
    }
