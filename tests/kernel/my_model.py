"""A user's model, in a file of its own: a shop whose savings wander, and which closes when they are gone."""

import math
from typing import Annotated, NamedTuple

from firmfate.models.arithmetic import exp
from firmfate.models.model import ANY, NORMAL, POSITIVE, SHARE, UNIFORM, Cause, Mark, Model, Parameter


class Stocks(NamedTuple):
    savings: Annotated[float, "week of sales", "savings"]
    mood: Annotated[float, "1", "mood of the town"]


class Shocks(NamedTuple):
    town: Annotated[float, NORMAL]
    theft: Annotated[float, UNIFORM]
    trade: Annotated[float, NORMAL]
    rain: Annotated[float, NORMAL]
    fire: Annotated[float, UNIFORM]


class Draws(NamedTuple):
    luck: Annotated[float, NORMAL]


class Town(NamedTuple):
    fading: float
    fires: float


class Constants(NamedTuple):
    dt: float
    margin: float
    town: Town


class Traits(NamedTuple):
    skill: float


def settle(p, dt):
    return Constants(dt=dt, margin=p.margin, town=Town(fading=math.exp(-dt / 10), fires=p.fires * dt))


def start(k, draw):
    return Stocks(savings=5.0, mood=0.0), Traits(skill=0.01 * draw.luck)


def noise(shock):
    total = 0.0
    for value in (shock.town, shock.trade, shock.rain):
        total += value
    return 0.3 * total


def step(s, shock, k, shop, week):
    mood = k.town.fading * s.mood + 0.1 * shock.town
    sales = exp(mood) - 1.0 + k.margin + shop.skill + noise(shock)
    lost = 0.5 if shock.theft < 0.01 else 0.0
    savings = s.savings + k.dt * (sales - lost)
    if savings < 0:
        cause = 1
    elif shock.fire < k.town.fires:
        cause = 2
    else:
        cause = 0
    return Stocks(savings=savings, mood=mood), cause, savings < 2.0, (min(9, max(0, int(10 * s.savings / 5))),)


SHOP = Model(
    name="shop",
    summary="A shop.",
    parameters=(
        Parameter("margin", 0.0, "share", ANY, "sales less costs", "invented"),
        Parameter("fires", 0.001, "1/week", SHARE, "rate of fires", "invented"),
        Parameter("size", 1.0, "1", POSITIVE, "not used", "invented"),
    ),
    stocks=Stocks,
    causes=(Cause("broke", "no savings are left"), Cause("fire", "the shop burns down")),
    shocks=Shocks,
    draws=Draws,
    settle=settle,
    start=start,
    step=step,
    marks=(Mark("savings_left", "tenths", 9, "tenths of the first savings that are left at the alarm"),),
)
