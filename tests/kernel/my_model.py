"""A user's model, in a file of its own: a shop whose savings wander, and which closes when they are gone."""

from math import exp

from firmfate import Cause, Mark, Model, Normal, Parameter, Stock, Uniform
from firmfate.models.declarations import POSITIVE, SHARE


def start(p, draw):
    return {"savings": 5.0, "mood": 0.0}


def noise(shock):
    total = 0.0
    for value in (shock.town, shock.trade, shock.rain):
        total += value
    return 0.3 * total


def step(s, p, draw, shock, week):
    mood = exp(-p.dt / 10) * s.mood + 0.1 * shock.town
    sales = exp(mood) - 1.0 + p.margin + 0.01 * draw.skill + noise(shock)
    lost = 0.5 if shock.theft < 0.01 else 0.0
    savings = s.savings + p.dt * (sales - lost)
    left = min(9, max(0, int(10 * s.savings / 5)))
    return {
        "savings": savings,
        "mood": mood,
        "broke": savings < 0,
        "fire": shock.fire < p.fires * p.dt,
        "alarm": savings < 2.0,
        "savings_left": left,
    }


SHOP = Model(
    name="shop",
    summary="A shop.",
    start=start,
    step=step,
    parameters=(
        Parameter("margin", 0.0, "share", meaning="sales less costs", source="invented"),
        Parameter("fires", 0.001, "1/week", SHARE, "rate of fires", "invented"),
        Parameter("size", 1.0, "1", POSITIVE, "not used", "invented"),
    ),
    stocks=(Stock("savings", "week of sales", "savings"), Stock("mood", "1", "mood of the town")),
    causes=(Cause("broke", "no savings are left"), Cause("fire", "the shop burns down")),
    shocks=(Normal("town"), Uniform("theft"), Normal("trade"), Normal("rain"), Uniform("fire")),
    draws=(Normal("skill"),),
    alarm="savings are below two weeks of sales",
    marks=(Mark("savings_left", 9, "tenths of the first savings that are left at the alarm", dim="tenths"),),
)
