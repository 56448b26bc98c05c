"""`car`: execution and misalignment as the engine and the steering of a car, in one dimension; its survival is known.

The distance y to the edge of the road moves as dy = μ dt + σ dW with μ = drift + execution_gain E - harm E M, and the
car crashes at y <= 0. A driver notices and repairs the steering (M becomes 0) at a constant rate. A strong engine
helps on a straight course and hurts on a crooked one; the effect on the drift changes sign at m* = execution_gain/harm.

Each step uses the exact probability that a Brownian bridge touches the edge, split at the moment of notice where that
falls inside the step, so survival is exact at every step size. A plainly watched edge would be biased (Broadie,
Glasserman & Kou 1997). The alarm of a car is the notice.
"""

from __future__ import annotations

from math import exp, inf, log, sqrt
from typing import Any

from firmfate.models.declarations import (
    ANY,
    NOT_NEGATIVE,
    POSITIVE,
    SHARE,
    Cause,
    Normal,
    Parameter,
    Stock,
    Uniform,
)  # fmt: skip
from firmfate.models.model import Model

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


SHOCKS = (
    Normal("road", meaning="the road, up to the moment of notice"),
    Normal("road_repaired", meaning="the road, after the moment of notice"),
    Uniform("edge", meaning="whether the edge is touched, up to the moment of notice"),
    Uniform("edge_repaired", meaning="whether the edge is touched, after the moment of notice"),
)

DRAWS = (
    Normal("buffer", meaning="distance at the start"),
    Uniform("notice", meaning="moment of notice"),
)


def start(p: Any, draw: Any) -> dict[str, Any]:
    """Return a car at the start: a log-normal distance to the edge."""
    return {"distance": exp(p.buffer_mean + p.buffer_sd * draw.buffer)}


def notice_year(p: Any, draw: Any) -> Any:
    """Return when the driver notices, in years; never where the rate is 0."""
    return -log(1 - draw.notice) / p.notice if p.notice > 0 else inf


def touched(p: Any, before: Any, after: Any, years: Any, uniform: Any) -> Any:
    """Return whether a path from `before` to `after` touched the edge within `years`: the law of the Brownian
    bridge."""
    probability = exp(-2 * before * after / (p.sigma**2 * max(years, 1e-300)))
    return after <= 0 or uniform < probability


def step(s: Any, p: Any, draw: Any, shock: Any, week: Any) -> dict[str, Any]:
    """Return the car one step later: first the crooked part of the step, then the repaired one."""
    dt, year = p.dt / WEEKS_PER_YEAR, week / WEEKS_PER_YEAR
    straight = p.drift + p.execution_gain * p.execution
    crooked = straight - p.harm * p.execution * p.misalignment
    faulty = min(dt, max(0, notice_year(p, draw) - year))  # part of the step before the notice
    repaired = dt - faulty
    between = s.distance + crooked * faulty + p.sigma * sqrt(faulty) * shock.road
    after = between + straight * repaired + p.sigma * sqrt(repaired) * shock.road_repaired
    early = faulty > 0 and touched(p, s.distance, between, faulty, shock.edge)
    late = repaired > 0 and touched(p, between, after, repaired, shock.edge_repaired)
    return {"distance": after, "crash": early or late, "alarm": repaired > 0 and not early}


MODEL = Model(
    name="car",
    summary="The metaphor: distance to the edge of the road, exactly solvable.",
    start=start,
    step=step,
    parameters=PARAMETERS,
    stocks=(Stock("distance", "σ√year", "distance to the edge of the road"),),
    shocks=SHOCKS,
    draws=DRAWS,
    causes=(Cause("crash", "the car touches the edge of the road"),),
    alarm="the driver notices the faulty steering, and repairs it",
    steps_per_week=1 / 13,
)
