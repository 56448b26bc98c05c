"""Shocks: the market's demand and the price of inputs wander, and each week has its own noise."""

from __future__ import annotations

from math import exp, sqrt
from typing import Annotated, Any, NamedTuple

from firmfate.models.model import NORMAL, NOT_NEGATIVE, UNIFORM, WEEK_OR_LONGER, Parameter

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
)  # fmt: skip


class Shocks(NamedTuple):
    """The random numbers of one step."""

    demand: Annotated[float, NORMAL]
    cost: Annotated[float, NORMAL]
    weekly: Annotated[float, NORMAL]


class Draws(NamedTuple):
    """The random numbers of one firm, drawn at its birth."""

    buffer: Annotated[float, NORMAL]
    margin: Annotated[float, NORMAL]
    exit: Annotated[float, UNIFORM]


class Market(NamedTuple):
    """Constants: what of a shock stays for the next step, what is added, and the noise of one step."""

    demand_kept: float
    demand_added: float
    demand_mean: float
    weekly_sd: float
    cost_kept: float
    cost_added: float


def settle(p: Any, dt: float) -> Market:
    """Return the market's constants: first-order autoregressions, exact at any step."""
    demand_kept = exp(-dt / p.demand_time)
    cost_kept = exp(-dt / p.cost_time)
    return Market(
        demand_kept=demand_kept,
        demand_added=p.demand_sd * sqrt(1.0 - demand_kept * demand_kept),
        demand_mean=0.5 * p.demand_sd * p.demand_sd,
        weekly_sd=p.weekly_sd / sqrt(dt),
        cost_kept=cost_kept,
        cost_added=p.cost_sd * sqrt(1.0 - cost_kept * cost_kept),
    )


def demand_shock(k: Market, shock: float, normal: float) -> float:
    """Return the demand shock after this step's normal."""
    return k.demand_kept * shock + k.demand_added * normal


def cost_shock(k: Market, shock: float, normal: float) -> float:
    """Return the cost shock after this step's normal."""
    return k.cost_kept * shock + k.cost_added * normal
