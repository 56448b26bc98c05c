"""A model as equations: the same program as the step that one writes by hand, and refusals at their lines."""

from textwrap import dedent

import pytest

from firmfate import Auxiliary, Cause, Model, Stock
from firmfate.errors import ModelError
from firmfate.models import load_model
from firmfate.models.car import MODEL as CAR

FILE = """\
from firmfate import Auxiliary, Cause, Mark, Model, Normal, Parameter, Stock

def start(p, draw):
    return dict(savings=5.0, mood=[0.0, 1.0])

{equations}

SHOP = Model(
    "shop", "A shop.", start, {step},
    parameters=[Parameter("margin", 0.01)], shocks=[Normal("sales")], stocks=[Stock("savings"), Stock("mood", parts=2)],
    causes=[Cause("closed"), Cause("sold")], marks=[Mark("smiles", 3)], alarm="little is left",
    auxiliaries=[Auxiliary("profit"), Auxiliary("savings")], {more}
)
"""

EQUATIONS = """\
def closed(next_savings):
    return next_savings < 0.0

def sold(week):
    return week > 500.0

def alarm(s, next_savings):
    return next_savings < s.savings

def smiles(next_mood):
    return 2.0 if next_mood[0] > 0.5 else 1.0

def next_savings(s, p, *, profit):
    if profit < 0.0:
        return s.savings + 2.0 * profit
    return s.savings + p.dt * profit

def next_mood(s, profit):
    return [0.5 * s.mood[1] + profit, s.mood[0]]

def profit(p, shock):
    return p.margin + 0.1 * shock.sales

def helper(of, no, table):
    return of
"""
LISTED = "[profit, closed, sold, alarm, smiles, next_savings, next_mood]"

BY_HAND = (
    EQUATIONS
    + """
def step(s, p, draw, shock, week):
    made = profit(p, shock)
    savings, mood = next_savings(s, p, profit=made), next_mood(s, made)
    return dict(savings=savings, mood=mood, closed=closed(savings), sold=sold(week), alarm=alarm(s, savings),
                smiles=smiles(mood))

def observe(s, p, draw, shock, week):
    made = profit(p, shock)
    return dict(profit=made, savings=next_savings(s, p, profit=made))
"""
)


def shop(tmp_path, equations, step, more=""):
    path = tmp_path / "shop.py"
    path.write_text(FILE.format(equations=dedent(equations), step=step, more=more))
    return load_model("shop.py:SHOP", beside=tmp_path)


@pytest.mark.parametrize("step", [LISTED, f"tuple({LISTED}[::-1])", "[__import__('sys').modules[__name__]]"])
def test_equations_are_the_step_that_one_would_write(tmp_path, step):
    """In any order, or as a module, whose other functions are left out."""
    by_hand = shop(tmp_path, BY_HAND, "step", "observe=observe")
    model = shop(tmp_path, EQUATIONS, step)
    assert model.program.text == by_hand.program.text
    assert model.program.digest == by_hand.program.digest
    assert model.observed.digest == by_hand.observed.digest
    assert not model.module.startswith("firmfate.models")
    other = shop(tmp_path, EQUATIONS.replace("0.1 *", "0.2 *"), step)
    assert other.program.digest != model.program.digest


def test_equations_are_worked_out_in_python_too(tmp_path):
    model = shop(tmp_path, EQUATIONS, LISTED)
    assert model.first_step([0.5], 1.0) == {"savings": 5.5, "mood_1": 1.0, "mood_2": 0.0}
    plain = model.step(*(SPACE := [_Space(savings=1.0, mood=(0.0, 1.0)), _Space(margin=0.5, dt=1.0)]), None,
                       _Space(sales=0.0), 0.0)  # fmt: skip
    assert plain["savings"] == SPACE[0].savings + 0.5


class _Space:
    def __init__(self, **numbers):
        self.__dict__.update(numbers)


REFUSED = {
    "a name that no equation has": (
        "def next_savings(s, p, *, profit):", "def next_savings(s, p, *, proft):  # here",
        "there is no equation 'proft', which 'next_savings' takes; did you mean 'profit'",
    ),
    "a stock without": ("def next_mood(", "def next_moods(", "no equation 'next_mood'; did you mean 'next_moods'"),
    "a circle": (
        "def profit(p, shock):", "def profit(p, shock, next_savings):  # here",
        "'next_savings' takes 'profit' takes 'next_savings': take a stock at one place of the circle",
    ),
    "any number of arguments": (
        "def next_savings(s, p, *, profit):", "def next_savings(s, p, *profit):  # here",
        r"'next_savings' takes '\*profit'; an equation takes names alone",
    ),
    "a default": (
        "def next_savings(s, p, *, profit):", "def next_savings(s, p, profit=0.0):  # here",
        "'next_savings' takes 'profit=0.0'; an equation takes names alone",
    ),
    "arguments without names": (
        "def next_savings(s, p, *, profit):", "def next_savings(s, p, profit, /):  # here",
        "'next_savings' takes 's'; an equation takes names alone",
    ),
    "what is none": ("def sold(week):", "sold = 3\ndef other(week):", "step holds 3; it takes equations: functions"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_equations_without_an_order_are_refused(tmp_path, name):
    right, wrong, said = REFUSED[name]
    equations = EQUATIONS.replace(right, wrong)
    assert wrong in equations
    step = LISTED.replace("next_mood", "next_moods") if "next_moods" in wrong else LISTED
    with pytest.raises(ModelError, match=f"^FF124 model 'shop': .*{said}") as refused:
        shop(tmp_path, equations, step)
    lines = (tmp_path / "shop.py").read_text().splitlines()
    line = int(str(refused.value).partition(", line ")[2].partition(":")[0].split()[0])
    assert "# here" in lines[line - 1] or ("# here" not in wrong and line >= lines.index("SHOP = Model(") + 1)


def test_a_model_without_stocks_is_refused_before_its_equations():
    with pytest.raises(ModelError, match=r"^FF116 model 'empty': .*stocks is empty"):
        Model("empty", "Nothing.", CAR.start, [], stocks=[], causes=[Cause("closed")])
    with pytest.raises(ModelError, match=r"^FF124 model 'none': .*no equation 'next_savings'; write a function"):
        Model("none", "Nothing.", CAR.start, [], stocks=[Stock("savings")], causes=[Cause("closed")])


def test_one_name_twice_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"FF124 .*'profit' is given twice, in .*shop\.py:\d+ and .*shop\.py:\d+;"):
        shop(tmp_path, EQUATIONS + "\nfirst = profit\ndef profit(p):\n    return p.margin\n", f"[first, *{LISTED}]")


def week(s):
    return s.savings < 0


def test_an_equation_does_not_replace_what_all_may_take():
    given = {"stocks": [Stock("savings")], "causes": [Cause("week"), Cause("closed")]}
    with pytest.raises(ModelError, match=r"FF124 .*'week' is what every equation may take; rename the cause"):
        Model("clock", "A clock.", lambda p, draw: {"savings": 1}, [next_savings, week, closed], **given)


def next_savings(s):
    return s.savings


def closed(next_savings):
    return next_savings < 0


def start(p, draw):
    return {"savings": 1}


def orders(s):
    return s.savings


orders.__module__ = "firmfate.models.firm.sales"


def missing(s):
    return s.nonexistent


def test_a_users_model_with_equations_of_ours_is_a_users_model():
    given = {"stocks": [Stock("savings")], "causes": [Cause("closed")]}
    with pytest.raises(ModelError, match=r"^FF111 model 'mixed'"):
        Model("mixed", "Some of each.", start, [orders, next_savings, closed, missing], **given,
              auxiliaries=[Auxiliary("orders", "1", "orders"), Auxiliary("missing", "1", "not there")])  # fmt: skip


WRONG = {
    "no number": ("    return 2.0 if next_mood[0] > 0.5 else 1.0", "    return 'two'  # here", "FF108"),
    "too few parts": ("    return [0.5 * s.mood[1] + profit, s.mood[0]]", "    return [profit]  # here", "FF108"),
    "a while": ("    return week > 500.0", "    while week > 1: week = week / 2  # here\n    return True", "FF103"),
    "an unknown parameter": ("    return p.margin + ", "    return p.margn + ", "FF111"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_in_an_equation_is_refused_at_its_line(tmp_path, name):
    right, wrong, code = WRONG[name]
    equations = EQUATIONS.replace(right, wrong)
    assert wrong in equations
    with pytest.raises(ModelError, match=f"^{code} model 'shop'") as refused:
        shop(tmp_path, equations, LISTED)
    said = str(refused.value)
    lines = (tmp_path / "shop.py").read_text().splitlines()
    line = next(i for i, text in enumerate(lines, 1) if "# here" in text or "margn" in text)
    assert f"shop.py, line {line}" in said
    assert "'step'" not in said


def test_a_decorated_equation_is_refused_where_the_model_is(tmp_path):
    wrapped = EQUATIONS + (
        "\nimport functools\ndef same(f):\n    @functools.wraps(f)\n    def g(*a, **k): return f(*a, **k)\n"
        "    return g\n"
        "@same\ndef sold(week):\n    return week > 3.0\n"
    )
    with pytest.raises(ModelError, match=r"^FF101 model 'shop': .*shop.py, line \d+") as refused:
        shop(tmp_path, wrapped, LISTED)
    assert "'sold' is decorated" in str(refused.value)


def test_a_step_that_is_a_function_is_no_list_of_equations():
    """The control: `car` has a step of its own."""
    assert not hasattr(CAR.step, "equations")
    assert set(load_model("firm").step.equations) >= {"cash", "insolvency", "alarm", "green_kpis"}
