"""A model whose stocks take each other's places: what is stored too early is lost."""

from firmfate import Cause, Mark, Model, Normal, Parameter, Stock


def start(p, draw):
    return {"left": 1.0, "right": 2.0, "first": 0.0, "second": 0.0, "third": 0.0, "fixed": 3.0, "level": 0.0}


def step(s, p, draw, shock, week):
    first = s.left - s.right + p.push * shock.noise
    return {
        "left": s.right, "right": s.left,  # exchanged
        "first": first, "second": s.first, "third": s.second,  # a delay of three steps
        "fixed": s.fixed,
        "level": 0.9 * s.level + s.third + first * s.left,
        "over": s.level > 6 * s.fixed,
        "alarm": s.level > s.third + 5,
        "place": s.left,
    }  # fmt: skip


EXCHANGE = Model(
    name="exchange", summary="Stocks that take each other's places.", start=start, step=step,
    parameters=(Parameter("push", 2.0, "1", meaning="how far noise moves the first stock", source="invented"),),
    stocks=tuple(map(Stock, ("left", "right", "first", "second", "third", "fixed", "level"))),
    causes=(Cause("over", "the level is too high"),), shocks=(Normal("noise"),),
    alarm="the level is five above the third stock",
    marks=(Mark("place", 2, "the left stock at the alarm", dim="place"),),
)  # fmt: skip
