"""What authors of models try: refused with number and line, or read as Python reads it; never read otherwise."""

import re
from textwrap import dedent, indent

import pytest

from firmfate.errors import ModelError
from firmfate.models import load_model

FILE = """\
import argparse, collections, datetime, functools, itertools, math, operator, os, random, re, statistics
import numpy as np
import firmfate
from firmfate import *

{before}


def start(p, draw):
    return dict(savings=5.0, stage=(1.0, 2.0, 3.0))


{step}


TABLES = dict(
    parameters=[Parameter("margin", 0.01)], stocks=[Stock("savings"), Stock("stage", parts=3)],
    shocks=[Normal("sales")], causes=[Cause("closed")],
)
SHOP = Model("shop", "A shop.", start, step, **{{**TABLES, {tables}}})
"""
STEP = """\
def step(s, p, draw, shock, week):
{body}
    return dict(savings=savings, stage=s.stage, closed=savings < 0.0)
"""

# Each: the number, and lines of a step; the line that is refused ends in "# here".
WRONG = {
    "a parameter that is none": ("FF111", "savings = s.savings + p.margn  # here"),
    "a stock that is none": ("FF111", "savings = s.saving  # here"),
    "a stock is set": ("FF111", "s.savings = 3.0  # here\nsavings = s.savings"),
    "a variable that is none": ("FF113", "savings = s.savings + margin  # here"),
    "NumPy": ("FF104", "savings = np.maximum(s.savings, 0)  # here"),
    "an array of NumPy": ("FF104", "savings = np.array([s.savings, 1.0]).sum()  # here"),
    "random": ("FF105", "savings = s.savings + random.gauss(0, 1)  # here"),
    "a generator of NumPy": ("FF105", "savings = s.savings + np.random.default_rng(1).normal()  # here"),
    "the clock": ("FF105", "savings = s.savings + datetime.datetime.now().hour  # here"),
    "a range of data": ("FF110", "savings = 0.0\nfor i in range(int(s.savings)):  # here\n    savings += i"),
    "while": ("FF103", "savings = s.savings\nwhile savings > 1:  # here\n    savings /= 2"),
    "break": ("FF103", "savings = s.savings\nfor i in range(5):\n    if savings > 3:  # here\n        break"),
    "without end": ("FF112", "savings = s.savings\nwhile True:  # here\n    savings += 1"),
    "print": ("FF104", "print(s.savings)  # here\nsavings = s.savings"),
    "text": ("FF104", "savings = s.savings + len(f'{s.savings}')  # here"),
    "text of a number": ("FF104", "savings = s.savings + len(str(s.savings))  # here"),
    "text by cases": ("FF109", "mood = 'good' if s.savings > 1 else 'bad'  # here\nsavings = 1.0 if mood == 'bad' else 0.0"),
    "try": ("FF102", "try:  # here\n    savings = 1 / s.savings\nexcept ZeroDivisionError:\n    savings = 0.0"),
    "with": ("FF102", "with open('x') as f:  # here\n    savings = s.savings"),
    "match": ("FF102", "match s.savings:  # here\n    case 0:\n        savings = 1.0\n    case _:\n        savings = 2.0"),
    "raise": ("FF113", "savings = s.savings\nif savings < 0:\n    raise ValueError('negative')  # here"),
    "assert": ("FF103", "assert s.savings >= 0  # here\nsavings = s.savings"),
    "a place in a list": ("FF110", "savings = [1.0, 2.0][int(s.savings)]  # here"),
    "a key": ("FF110", "savings = {0: 1.0, 1: 2.0}[s.savings]  # here"),
    "a key with a default": ("FF110", "savings = {0: 1.0}.get(s.savings, 2.0)  # here"),
    "beyond a tuple": ("FF113", "savings = s.stage[3]  # here"),
    "a filter": ("FF103", "savings = sum([x for x in s.stage if x > 0])  # here"),
    "sorted": ("FF103", "savings = sorted(s.stage)[0]  # here"),
    "a key of max": ("FF104", "savings = max(s.stage, key=abs)  # here"),
    "digits": ("FF104", "savings = round(s.savings, 2)  # here"),
    "a modulus": ("FF104", "savings = pow(s.savings, 2, 5)  # here"),
    "a tilde": ("FF104", "savings = 1.0 if ~(s.savings > 1) else 0.0  # here"),
    "bits": ("FF104", "savings = 1.0 if s.savings & 1 else 0.0  # here"),
    "is True": ("FF104", "savings = 1.0 if (s.savings > 1) is True else 0.0  # here"),
    "an identity": ("FF104", "savings = s.savings + id(s.savings)  # here"),
    "another function of math": ("FF104", "savings = math.gamma(s.savings)  # here"),
    "a function of Python's library": ("FF104", "savings = statistics.mean([s.savings, 1.0])  # here"),
    "an operator as a function": ("FF104", "savings = operator.mul(s.savings, 2.0)  # here"),
    "reduce": ("FF104", "savings = functools.reduce(max, s.stage)  # here"),
    "a list changed to the same length in a case": (
        "FF103", "xs = [s.savings * 2]\nif s.savings > 1:  # here\n    xs.pop()\n    xs.append(-s.savings)\nsavings = xs[0]",
    ),
    "a deque changed in a case": (
        "FF103", "q = collections.deque([1.0])\nif s.savings > 1:  # here\n    q.append(2.0)\nsavings = sum(q)",
    ),
    "an object changed in a case": (
        "FF103", "q = argparse.Namespace(x=1.0)\nif s.savings > 1:  # here\n    q.x = 2.0\nsavings = q.x",
    ),
    "an iterator that moves on in a case": (
        "FF103", "it = iter([1.0, 2.0])\nif s.savings > 1:  # here\n    next(it)\nsavings = next(it)",
    ),
    "a zip that moves on in a case": (
        "FF103", "it = zip([1.0, 2.0], [3.0, 4.0])\nif s.savings > 1:  # here\n    next(it)\nsavings = next(it)[0]",
    ),
    "an enumeration that moves on in a case": (
        "FF103", "it = enumerate(itertools.count())\nif s.savings > 1:  # here\n    next(it)\nsavings = next(it)[0]",
    ),
    "chained iterators that move on in a case": (
        "FF103", "it = itertools.chain([1.0, 2.0])\nif s.savings > 1:  # here\n    next(it)\nsavings = next(it)",
    ),
    "bytes changed in a case": ("FF103", "q = bytearray(b'a')\nif s.savings > 1:  # here\n    q[0] = 2\nsavings = q[0]"),
    "an ordered dict changed in a case": (
        "FF103", "q = collections.OrderedDict(x=1.0, y=2.0)\nif s.savings > 1:  # here\n    q.move_to_end('x')\n"
        "savings = [*q.values()][0]",
    ),
    "a dict that takes in what is looked up": (
        "FF103", "q = collections.defaultdict(float)\nsavings = (q['x'] if s.savings > 1 else 0.0) + len(q)  # here",
    ),
    "a generator that moves on in a case": (
        "FF103", "it = (x * s.savings for x in (1.0, 2.0))\nsavings = (next(it) if s.savings > 1 else 0.0) + next(it)  # here",
    ),
    "a function that remembers": (
        "FF103", "def count(seen=[]):\n    seen.append(1.0)\n    return sum(seen)\nif s.savings > 1:  # here\n    count()\n"
        "savings = count()",
    ),
    "a closure that remembers": (
        "FF103", "def new():\n    seen = []\n    def count():\n        seen.append(1.0)\n        return sum(seen)\n    return count\n"
        "count = new()\nsavings = (count() if s.savings > 1 else 0.0) + count()  # here",
    ),
    "a change at the end of a chain": (
        "FF103", "xs = [1.0, 2.0]\nsavings = float(0.0 < s.savings < xs.pop()) + len(xs)  # here",
    ),
    "a list changed in a case": ("FF103", "xs = [1.0]\nif s.savings > 1:  # here\n    xs.append(2.0)\nsavings = sum(xs)"),
    "a list changed in a value": (
        "FF103",
        "xs = [1.0]\ndef add():\n    xs.append(2.0)\n    return 0.0\ny = add() if s.savings > 1 else 0.0  # here\n"
        "savings = sum(xs) + y",
    ),
    "set within and": ("FF103", "z = 0.0\nif s.savings > 1 and (z := 5.0) > 3:  # here\n    pass\nsavings = z"),
    "unset": ("FF106", "if s.savings > 1:\n    x = 1.0\nsavings = x + s.savings  # here"),
    "a number without length": ("FF113", "savings = len(s.savings)  # here"),
    "a number as several": ("FF113", "a, b = s.savings  # here\nsavings = a"),
    "None": ("FF113", "savings = s.savings + None  # here"),
    "a decimal": ("FF113", "savings = s.savings + 1j  # here"),
    "beyond float64": ("FF113", "savings = s.savings + 10**400  # here"),
    "a table the other way round": ("FF118", "savings = table([0, 1], [1, 2], s.savings)  # here"),
    "a table of stocks": ("FF118", "savings = table(s.savings, [0, s.stage[0]], [1, 2])  # here"),
}  # fmt: skip

# Each: the number, what stands before the step, lines of it or all of it.
FUNCTIONS = {
    "an iterator of the model's own": (
        "FF103", "class Count:\n    n = 0\n    def __next__(self):\n        self.n += 1\n        return self.n\n"
        "    def __iter__(self):\n        return self",
        "it = Count()\nnext(it)\nsavings = (next(it) if s.savings > 1 else 0.0) + next(it)  # here",
    ),
    "an object with slots changed in a case": (
        "FF103", "class Box:\n    __slots__ = ('x',)", "q = Box()\nq.x = 1.0\nif s.savings > 1:  # here\n    q.x = 2.0\n"
        "savings = q.x",
    ),
    "an attribute of a list changed in a case": (
        "FF103", "class L(list): pass", "q = L()\nq.n = 1.0\nif s.savings > 1:  # here\n    q.n = 2.0\nsavings = q.n",
    ),
    "an attribute of a dict changed in a case": (
        "FF103", "class D(dict): pass", "q = D()\nq.n = 1.0\nif s.savings > 1:  # here\n    q.n = 2.0\nsavings = q.n",
    ),
    "a list of the model's own changed in a case": (
        "FF103", "class L(list):\n    def __iter__(self):\n        raise ValueError",
        "q = L([1.0])\nif s.savings > 1:  # here\n    q[0] = 2.0\nsavings = q[0]",
    ),
    "a private slot changed in a case": (
        "FF103", "class Box:\n    __slots__ = ('__x',)",
        "q = Box()\nq._Box__x = 1.0\nif s.savings > 1:  # here\n    q._Box__x = 2.0\nsavings = q._Box__x",
    ),
    "a property that counts": (
        "FF103", "class Box:\n    n = 0.0\n    @property\n    def x(self):\n        self.n += 1.0\n        return self.n",
        "q = Box()\nsavings = (q.x if s.savings > 1 else 0.0) + q.x  # here",
    ),
    "an object changed by its method": (
        "FF103", "class Box:\n    def put(self, x):\n        self.x = x\n        return x",
        "q = Box()\nq.put(1.0)\nsavings = (q.put(2.0) if s.savings > 1 else 0.0) + q.x  # here",
    ),
    "a global list": ("FF102", "MEMORY = []", "MEMORY.append(s.savings)  # here\nsavings = sum(MEMORY)"),
    "a global dict": ("FF102", "COUNT = {'n': 0}", "COUNT['n'] += 1  # here\nsavings = s.savings + COUNT['n']"),
    "an attribute of something global": ("FF102", "class Box: pass", "Box.x = s.savings  # here\nsavings = Box.x"),
    "a list as default": (
        "FF119", "def f(x, seen=[]):\n    seen.append(x)\n    return sum(seen)  # here", "savings = f(s.savings)",
    ),
    "an iterator": ("FF119", "SALES = iter([1, 2, 3])", "savings = s.savings + next(SALES)"),
    "recursion": ("FF112", "def f(x):\n    return f(x / 2) if x > 1 else x  # here", "savings = f(s.savings)"),
    "a generator": ("FF102", "def f(x):\n    yield x", "savings = sum(f(s.savings))  # here"),
    "a global lambda": ("FF101", "f = lambda x: x / 2", "savings = f(s.savings)  # here"),
    "a cached function": ("FF101", "@functools.lru_cache\ndef f(x):\n    return x / 2", "savings = f(s.savings)  # here"),
    "a lambda as step": ("FF101", "", "step = lambda s, p, draw, shock, week: {}  # here"),
    "a step that is called": ("FF101", "", "def step(s, p, draw, shock, week):\n    return {}\nstep = functools.partial(step)"),
    "async": ("FF102", "", "async def step(s, p, draw, shock, week):  # here\n    return {}"),
    "a step that yields": ("FF102", "", "def step(s, p, draw, shock, week):  # here\n    yield {}"),
    "other arguments": ("FF121", "", "def step(s, p, shock):  # here\n    return {}"),
    "arguments in another order": ("FF121", "", "def step(p, s, draw, shock, week):  # here\n    return {}"),
    "nothing is returned": ("FF107", "", "def step(s, p, draw, shock, week):  # here\n    x = 1"),
    "nothing in a case": (
        "FF107", "", "def step(s, p, draw, shock, week):  # here\n    if s.savings > 1:\n        return dict(savings=1.0)",
    ),
    "a tuple is returned": ("FF107", "", "def step(s, p, draw, shock, week):\n    return s.savings, False  # here"),
    "a stock is missing": ("FF108", "", "def step(s, p, draw, shock, week):\n    return dict(savings=1.0, closed=False)  # here"),
    "another name": (
        "FF108", "", "def step(s, p, draw, shock, week):\n    return dict(\n        savings=1.0, stage=s.stage, closed=False,\n"
        "        mood=1,  # here\n    )",
    ),
    "too few parts": (
        "FF108", "", "def step(s, p, draw, shock, week):\n    return dict(savings=1.0, closed=False, stage=(1.0, 2.0))  # here",
    ),
    "a text as cause": (
        "FF108", "", "def step(s, p, draw, shock, week):\n    return dict(savings=1.0, stage=s.stage, closed='no')  # here",
    ),
    "other names by cases": (
        "FF109", "", "def step(s, p, draw, shock, week):\n    if s.savings > 1:  # here\n        return dict(savings=1.0)\n"
        "    return dict(closed=True)",
    ),
}  # fmt: skip

TABLES = {
    "a default of text": ("FF115", '"parameters": [Parameter("margin", "0.1")]'),
    "no default": ("FF115", '"parameters": [Parameter("margin", None)]'),
    "a default out of range": ("FF115", '"parameters": [Parameter("margin", 2, "1", SHARE)]'),
    "a tuple as interval": ("FF115", '"parameters": [Parameter("margin", 0, "1", (0, 1))]'),
    "an interval as unit": ("FF115", '"parameters": [Parameter("margin", 0.1, SHARE, "1")]'),
    "a name with a space": ("FF114", '"parameters": [Parameter("my margin", 0.1)]'),
    "a number as name": ("FF114", '"parameters": [Parameter(5, 0.1)]'),
    "one row": ("FF115", '"parameters": Parameter("margin", 0.1)'),
    "no table": ("FF115", '"causes": None'),
    "tuples": ("FF115", '"parameters": [("margin", 0.1)]'),
    "names alone": ("FF115", '"stocks": ["savings"]'),
    "a name alone": ("FF115", '"stocks": "savings"'),
    "the same name twice": ("FF114", '"stocks": [Stock("savings"), Stock("savings")]'),
    "no parts": ("FF115", '"stocks": [Stock("savings"), Stock("stage", parts=0)]'),
    "parts of text": ("FF115", '"stocks": [Stock("savings"), Stock("stage", parts="abc")]'),
    "parts of a float": ("FF115", '"stocks": [Stock("savings"), Stock("stage", parts=3.0)]'),
    "a stock as shock": ("FF115", '"shocks": [Stock("sales")]'),
    "a class as shock": ("FF115", '"shocks": [Normal]'),
    "no cause": ("FF116", '"causes": []'),
    "a mark without alarm": ("FF117", '"marks": [Mark("full", 1)]'),
    "an alarm without words": ("FF115", '"alarm": True'),
    "a check that is none": ("FF115", '"check": 5'),
    "no steps": ("FF115", '"steps_per_week": 0'),
    "a third of a step": ("FF115", '"steps_per_week": 0.3'),
}


def written(body="savings = s.savings", before="", tables=""):
    body = dedent(body).strip("\n")
    whole = any(line.removeprefix("async ").startswith(("def step", "step =")) for line in body.splitlines())
    return FILE.format(before=before, step=body if whole else STEP.format(body=indent(body, "    ")), tables=tables)


def refused(folder, text):
    """Return number, line and message of a file's refusal."""
    (folder / "model.py").write_text(text)
    with pytest.raises(ModelError) as caught:
        load_model("model.py:SHOP", beside=folder)
    message = str(caught.value)
    assert "internal" not in message
    assert "Value" not in message.replace("ValueError", "")
    assert len(message) < 700
    return caught.value.code, int(re.search(r"model\.py, line (\d+): ", message)[1]), message


def line_of(text, mark="# here"):
    found = [i for i, line in enumerate(text.splitlines(), start=1) if mark in line]
    return found[0] if found else None


@pytest.mark.parametrize("what", WRONG)
def test_lines_of_a_step(what, tmp_path):
    code, body = WRONG[what]
    text = written(body)
    assert refused(tmp_path, text)[:2] == (code, line_of(text))


# Each: lines of a step, and what the message says to write instead.
INSTEAD = {
    "brackets": ('savings = s["savings"] + p.margin  # here', "write s.savings"),
    "brackets of parameters": ('savings = s.savings + p["margin"]  # here', "write p.margin"),
    "a parameter without p": ("savings = s.savings + margin  # here", "did you mean p.margin?"),
    "a stock far from all": ("savings = s.brand  # here", "declared: savings, stage"),
    "a place in brackets": ("savings = s[0]  # here", "write s.savings"),
    "a place in brackets of parameters": ("savings = p[0]  # here", "write p.margin"),
    "a place in brackets where none are declared": ("savings = draw[0]  # here", "none are declared"),
    "all in a row": ("savings = sum(s)  # here", "such as s.savings"),
    "cube roots": ("savings = math.cbrt(s.savings)  # here", "write x ** (1 / 3) if x >= 0 else -((-x) ** (1 / 3))"),
    "distances": ("savings = math.dist(s.stage, s.stage)  # here", "write math.hypot(x - a, y - b)"),
    "fsum": ("savings = math.fsum(s.stage)  # here", "write sum(...)"),
    "while": ("savings = s.savings\nwhile savings > 1:  # here\n    savings /= 2", "x = changed if goes_on else x"),
    "text": ("savings = s.savings + len(f'{s.savings}')  # here", "firmfate.simulate_path"),
    "SciPy": ("from scipy.stats import norm\nsavings = norm.cdf(s.savings)  # here", "a function of the model's own"),
    "another stock": (
        "def step(s, p, draw, shock, week):\n    return dict(savings=1.0, stage=s.stage, closed=False, mood=1)  # here",
        "Stock('mood')",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", INSTEAD)
def test_what_to_write_instead(what, tmp_path):
    body, instead = INSTEAD[what]
    text = written(body)
    _, line, message = refused(tmp_path, text)
    assert line == line_of(text)
    assert instead in message


@pytest.mark.parametrize("what", FUNCTIONS)
def test_functions(what, tmp_path):
    code, before, body = FUNCTIONS[what]
    text = written(body, before)
    found, line, _ = refused(tmp_path, text)
    assert found == code
    assert line == (line_of(text) or line)


@pytest.mark.parametrize("what", TABLES)
def test_tables(what, tmp_path):
    code, table = TABLES[what]
    text = written(tables=table)
    assert refused(tmp_path, text)[:2] == (code, line_of(text, "SHOP = Model("))


CASE = "savings = s.savings\nif savings > 1:\n    savings = savings + 1.0"
SAME = {
    "is None": ("savings = -9.0 if s.savings is None else s.savings", 5.0),
    "isinstance": ("savings = s.savings if isinstance(s.savings, float) else -9.0", 5.0),
    "type": ("savings = s.savings if type(s.savings) is float else -9.0", 5.0),
    "a type of conditions": ("savings = 1.0 if isinstance(s.savings > 1, bool) else -9.0", 1.0),
    "a list made within a case": (
        "f = lambda: sum([x for x in s.stage])\nsavings = f() if s.savings > 1 else 0.0",
        6.0,
    ),
    "a deque": ("d = collections.deque(s.stage)\nd.append(s.savings)\nsavings = d.popleft() + d.pop()", 6.0),
    "counted conditions": ("savings = (s.savings > 1) + (s.savings > 2) * 3 - (not s.savings)", 4.0),
    "accumulate": ("savings = sum(itertools.accumulate(s.stage))", 10.0),
    "a chain": ("savings = 1.0 if 0 < s.savings < 6 < 10 else 2.0", 1.0),
    "the cube root that is offered": (
        "cbrt = lambda x: x ** (1 / 3) if x >= 0 else -((-x) ** (1 / 3))\nsavings = cbrt(-s.savings / 5) + cbrt(1.0)",
        0.0,
    ),
    "an enumeration beyond small numbers": (
        "savings = 0.0\nit = enumerate(range(300))\nfor i, x in it:\n    if s.savings > x:\n        savings += 1",
        5.0,
    ),
    "an enumeration that stands by": ("it = enumerate(range(300), 300)\n" + CASE, 6.0),
    "iterators that stand by": (
        "od, xs = collections.OrderedDict(x=1.0), [1.0, 2.0]\nfrom itertools import accumulate, chain, count, cycle, groupby, islice, pairwise, permutations, product, "
        "repeat, starmap, takewhile, zip_longest\n"
        "its = [count(), count(0.5), cycle(xs), repeat(1.0), chain(xs, xs), islice(xs, 1), product(xs, xs), iter(od), "
        "iter(lambda: 1, 2), zip(count(), chain(xs)), enumerate(count()), filter(None, chain(xs)), accumulate(xs), "
        "groupby(xs), permutations(xs), takewhile(bool, xs), reversed(xs), reversed(od), iter(set(xs)), "
        "iter(od.items()), iter(range(2**70)), zip_longest(xs, xs), pairwise(xs), starmap(max, [xs]), iter('ab'), "
        "iter(collections.deque(xs)), (x for x in xs)]\nfor it in its:\n    next(it)\nn = next(its[0])\n" + CASE,
        6.0,
    ),
    "floors of negative numbers": ("savings = s.savings // -2 + s.savings % -3 + -7 // 2", -8.0),
}


@pytest.mark.parametrize("what", SAME)
def test_what_is_read_as_python_reads_it(what, tmp_path):
    body, expected = SAME[what]
    (tmp_path / "model.py").write_text(written(body))
    shop = load_model("model.py:SHOP", beside=tmp_path)
    assert shop.first_step([0.01], 1.0)["savings"] == expected


# Each: what stands before the step, lines of it, and savings after a step; no code of these objects is run to look at them.
OBJECTS = {
    "a property over a slot": (
        "class Box:\n    __slots__ = ('x',)\nclass Seen(Box):\n    @property\n    def x(self):\n        return [1.0]",
        "q = Seen()\n" + CASE, 6.0,
    ),
    "a descriptor that raises": (
        "class Bad:\n    def __get__(self, *_):\n        raise KeyError('x')\n    def __set__(self, *_): pass\n"
        "class Box:\n    __slots__ = ('y',)\n    x = Bad()",
        "q = Box()\n" + CASE, 6.0,
    ),
    "attributes that raise": (
        "class Box:\n    __slots__ = ('x', '__dict__')\n    def __getattr__(self, name):\n        raise KeyError(name)\n"
        "class All:\n    def __getattribute__(self, name):\n        raise KeyError(name)",
        "q, r = Box(), All()\n" + CASE, 6.0,
    ),
    "objects of Python's library": (
        "import array, io\nALL = (io.StringIO('a'), datetime.date(2026, 1, 1), re.compile('a'), slice(1, 2), 1j, memoryview(b'a'), "
        "np.ones(3), array.array('d', [1.0]), collections.Counter('ab'), {}.values(), itertools.tee([1.0]))",
        "q = ALL\n" + CASE, 6.0,
    ),
    "no module": ("class Box:\n    __module__ = None", "q = Box()\nq.x = 1.0\n" + CASE, 6.0),
    "a list that refuses": (
        "class L(list):\n    def __iter__(self):\n        raise ValueError\n    __len__ = __getitem__ = __iter__", "q = L([1.0])\n" + CASE, 6.0,
    ),
    "a length that refuses": (
        "class It:\n    def __next__(self):\n        return 1.0\n    def __iter__(self):\n        return self\n"
        "    def __length_hint__(self):\n        raise ValueError",
        "q = It()\n" + CASE, 6.0,
    ),
    "a class that is not to be compared": (
        "class Meta(type):\n    def __eq__(cls, other):\n        raise KeyError(other)\nclass Box(metaclass=Meta):\n    x = 1.0\n"
        "BOX = Box()",
        "q = BOX\n" + CASE, 6.0,
    ),
    "a class that is not to be asked": (
        "class Meta(type):\n    def __getattribute__(cls, name):\n        raise KeyError(name)\nclass Box(metaclass=Meta): pass\n"
        "BOX = Box()",
        "q = BOX\n" + CASE, 6.0,
    ),
    "a memo": (
        "class Box:\n    @functools.cached_property\n    def x(self):\n        return 7.0",
        "q = Box()\nif s.savings > 1:\n    savings = q.x\nelse:\n    savings = 0.0", 7.0,
    ),
    "powers of an object's own": (
        "class Box:\n    def __init__(self, x):\n        self.x = x\n    def __pow__(self, n):\n        return Box(self.x * (n + 1))\n"
        "class In(Box):\n    def __ipow__(self, n):\n        self.x = self.x * (n + 2)\n        return self",
        "u, v, w = [Box(s.savings)], Box(1.0), In(1.0)\nold = w\nu[0] **= 2\nv **= 3\nw **= 4\nv.x **= 2\n"
        "savings = u[0].x + v.x + old.x", 37.0,
    ),
    "powers of slices": (
        "class Box(list):\n    def __pow__(self, n):\n        return [x ** n for x in self]\n"
        "    def __getitem__(self, at):\n        return Box(list.__getitem__(self, at))",
        "q = Box([1.0, 2.0, 3.0])\nq[1:] **= 2\nsavings = sum(q) + 0 * s.savings", 14.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", OBJECTS)
def test_objects_that_are_looked_at(what, tmp_path):
    before, body, expected = OBJECTS[what]
    (tmp_path / "model.py").write_text(written(body, before))
    shop = load_model("model.py:SHOP", beside=tmp_path)
    assert shop.first_step([0.01], 1.0)["savings"] == expected
