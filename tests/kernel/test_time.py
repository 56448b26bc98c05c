"""What a step takes from its time alone: worked out for many firms together, whoever needs it."""

import firmfate
from firmfate.models import load_model

MODEL = """
from firmfate import Cause, Model, Normal, Parameter, Stock


def start(p, draw):
    return dict(savings=5.0)


def step(s, p, draw, shock, week):
    late = week >= 20
    sales = p.margin + (0.5 if late else 0.1) * shock.sales  # a number of the time
    savings = s.savings + sales - (0.1 * s.savings if late else 0.0)  # and one of the stocks
    return dict(savings=savings, closed=savings < 0.0)


SHOP = Model("shop", "A shop.", start, step, stocks=[Stock("savings")], causes=[Cause("closed")],
             parameters=[Parameter("margin", 0.0)], shocks=[Normal("sales")])
"""


def test_a_condition_of_the_time_may_serve_numbers_of_the_time_and_of_stocks(tmp_path):
    (tmp_path / "shop.py").write_text(MODEL)
    shop = load_model("shop.py:SHOP", beside=tmp_path)
    firms = firmfate.simulate(shop, replicates=20, weeks=200, seed=3)
    assert int((firms.cause > 0).sum()) > 5
    for i in range(20):
        life = firmfate.simulate_path(shop, weeks=200, seed=3, replicate=i)
        assert float(firms.event_week[0, i]) == life.attrs["event_week"]
