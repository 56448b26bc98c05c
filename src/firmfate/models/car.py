"""`car`: the essay's metaphor in one dimension, with known laws of survival.

The distance y to the edge of the road moves as dy = μ dt + σ dW with μ = drift + execution_gain E - harm E M, and the
car crashes at y <= 0. A driver notices and repairs the steering (M becomes 0) at a constant rate. A strong engine
helps on a straight course and hurts on a crooked one; the effect on the drift changes sign at m* = execution_gain/harm.

Each step uses the exact probability that a Brownian bridge touches the edge, split at the moment of notice where that
falls inside the step, so survival is exact at every step size. A plainly watched edge would be biased (Broadie,
Glasserman & Kou 1997). The alarm of a car is the notice.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, NamedTuple

from firmfate.models.arithmetic import exp
from firmfate.models.model import ANY, NORMAL, NOT_NEGATIVE, POSITIVE, SHARE, UNIFORM, Cause, Model, Parameter

WEEKS_PER_YEAR = 52.0
FITTED = (
    "fits survival of US manufacturing establishments born in 2013 within 1.3 points (BLS Business Employment Dynamics)"
)
METAPHOR = "no measurement known; chosen so that the effect of execution turns at m* = execution_gain / harm = 0.6"

PARAMETERS = (
    Parameter("execution", 0.5, "share", SHARE, "how strong the engine is", "axis of every study"),
    Parameter("misalignment", 0.5, "share", SHARE, "how faulty the steering is", "axis of every study"),
    Parameter("buffer_mean", 0.862, "1", ANY, "mean of the log distance to the edge at the start", FITTED),
    Parameter("buffer_sd", 1.031, "1", NOT_NEGATIVE, "standard deviation of the log distance at the start", FITTED),
    Parameter("drift", -0.189, "1/year", ANY, "drift without an engine", FITTED),
    Parameter("execution_gain", 0.3, "1/year", NOT_NEGATIVE, "drift away from the edge at full execution", METAPHOR,
              assumption=True),
    Parameter("harm", 0.5, "1/year", NOT_NEGATIVE, "drift to the edge at full execution and misalignment", METAPHOR,
              assumption=True),
    Parameter("sigma", 1, "1/year^0.5", POSITIVE, "volatility: sets the unit of distance"),
    Parameter("notice", 0.1, "1/year", NOT_NEGATIVE, "rate at which the driver notices and repairs the steering",
              "no measurement known: once in ten years",
              assumption=True),
)  # fmt: skip


class Stocks(NamedTuple):
    """The one stock of a car."""

    distance: Annotated[float, "σ√year", "distance to the edge of the road"]


class Shocks(NamedTuple):
    """The random numbers of one step: the road and the edge, before and after the moment of notice."""

    road: Annotated[float, NORMAL]
    road_repaired: Annotated[float, NORMAL]
    edge: Annotated[float, UNIFORM]
    edge_repaired: Annotated[float, UNIFORM]


class Draws(NamedTuple):
    """The random numbers of one car."""

    buffer: Annotated[float, NORMAL]
    notice: Annotated[float, UNIFORM]


class Constants(NamedTuple):
    """What holds for all cars with the same parameters; times in years."""

    dt: float
    dt_weeks: float
    crooked: float
    straight: float
    sigma: float
    steepness: float
    buffer_mean: float
    buffer_sd: float
    notice: float


class Traits(NamedTuple):
    """What a car draws at birth."""

    notice_year: float


def settle(p: Any, dt: float) -> Constants:
    """Return the constants of all cars with parameters `p`, for steps of `dt` weeks."""
    straight = p.drift + p.execution_gain * p.execution
    return Constants(
        dt=dt / WEEKS_PER_YEAR,
        dt_weeks=dt,
        crooked=straight - p.harm * p.execution * p.misalignment,
        straight=straight,
        sigma=p.sigma,
        steepness=-2.0 / (p.sigma * p.sigma),
        buffer_mean=p.buffer_mean,
        buffer_sd=p.buffer_sd,
        notice=p.notice,
    )


def start(k: Constants, draw: Draws) -> tuple[Stocks, Traits]:
    """Return a car at the start: a log-normal distance, and the moment of notice."""
    notice_year = -math.log(1.0 - draw.notice) / k.notice if k.notice > 0.0 else math.inf
    return Stocks(distance=math.exp(k.buffer_mean + k.buffer_sd * draw.buffer)), Traits(notice_year=notice_year)


def touched(k: Constants, before: float, after: float, years: float, uniform: float) -> bool:
    """Return whether a path from `before` to `after` touched the edge within `years`: the law of the Brownian
    bridge."""
    return after <= 0.0 or uniform < exp(k.steepness * before * after / max(years, 1e-300))


def step(s: Stocks, shock: Shocks, k: Constants, car: Traits, week: float) -> tuple[Stocks, int, bool, tuple[()]]:
    """Return the car one step later: first the crooked part of the step, then the repaired one."""
    year = week / k.dt_weeks * k.dt
    crooked = min(k.dt, max(0.0, car.notice_year - year))
    repaired = k.dt - crooked
    between = s.distance + k.crooked * crooked + k.sigma * math.sqrt(crooked) * shock.road
    after = between + k.straight * repaired + k.sigma * math.sqrt(repaired) * shock.road_repaired
    early = crooked > 0.0 and touched(k, s.distance, between, crooked, shock.edge)
    late = repaired > 0.0 and touched(k, between, after, repaired, shock.edge_repaired)
    noticed = repaired > 0.0 and not early
    return Stocks(distance=after), 1 if early or late else 0, noticed, ()


MODEL = Model(
    name="car",
    summary="The metaphor: distance to the edge of the road, exactly solvable.",
    parameters=PARAMETERS,
    stocks=Stocks,
    causes=(Cause("crash", "the car touches the edge of the road"),),
    shocks=Shocks,
    draws=Draws,
    settle=settle,
    start=start,
    step=step,
    alarm="the driver notices the faulty steering, and repairs it",
    steps_per_week=1 / 13,
)
