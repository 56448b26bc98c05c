"""The catalogue of what is refused in a model: for every number what it means, an example, and what to write instead.

Every example is a model's file around the lines that are shown; tests hold that the first is refused with its number,
and the second is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from inspect import cleandoc
from textwrap import dedent, indent

from firmfate.errors import FirmfateError, did_you_mean

MODEL = """\
import functools
import math
import random

import numpy as np

import firmfate
from firmfate import Cause, Mark, Model, Normal, Parameter, Stock

{before}

def start(p, draw):
    return dict(savings=5.0)


{step}

SHOP = Model(
    "shop", "A shop.", start, step,
    parameters={parameters},
    stocks=[Stock("savings")],
    shocks=[Normal("sales")],
    causes={causes},
    {more}
)
"""
"""The file around an example."""

STEP = """\
def step(s, p, draw, shock, week):
{body}
    return dict(savings=savings, closed=savings < 0.0)
"""


@dataclass(frozen=True)
class Refusal:
    """One number of the catalogue.

    Attributes
    ----------
    code, title, text : str
    wrong, right : str
        Lines of a step's body, or a whole step where they hold ``def step(`` or a list of equations, with other
        functions before it.
    tables : tuple of str
        What else differs of the model, wrong and right: ``parameters``, ``causes`` or further arguments.
    """

    code: str
    title: str
    text: str
    wrong: str
    right: str
    tables: tuple[str, str] = ("", "")

    def example(self, *, wrong: bool) -> str:
        """Return the whole file of an example."""
        lines, tables = (self.wrong, self.tables[0]) if wrong else (self.right, self.tables[1])
        lines = dedent(lines).strip("\n")
        before, found, step = lines.rpartition("step = [" if "step = [" in lines else "def step(")
        if not found:
            before, step = "", STEP.format(body=indent(lines or "savings = s.savings + p.margin", "    "))
        else:
            step = found + step
            before = before.removesuffix("@functools.cache\n")
            step = ("@functools.cache\n" if "@functools.cache\n" in lines else "") + step
        given = {"parameters": '[Parameter("margin", 0.01)]', "causes": '[Cause("closed")]', "more": ""}
        name, _, value = tables.partition("=")
        if name in ("parameters", "causes"):
            given[name] = value
        else:
            given["more"] = tables
        return MODEL.format(before=before, step=step, **given)

    @property
    def page(self) -> str:
        """The page of the documentation, in Markdown."""

        def code(lines: str, tables: str) -> str:
            shown = dedent(lines).strip("\n")
            shown = f"{shown}\n# in the model's table:\n{tables}" if tables and shown else shown or tables
            return f"```python\n{shown}\n```"

        return (
            f"# {self.code}: {self.title}\n\n{cleandoc(self.text)}\n\n"
            f"Refused:\n\n{code(self.wrong, self.tables[0])}"
            f"\n\nInstead:\n\n{code(self.right, self.tables[1])}\n"
        )


REFUSALS: dict[str, Refusal] = {
    refusal.code: refusal
    for refusal in (
        Refusal(
            "FF101", "a function whose source cannot be read",
            """A model's functions are read as source text and become a program. That works for functions written with
            `def` in a file or a notebook; not for lambdas, for decorated functions, whose source is not what runs, nor
            for functions that another library has compiled.""",
            """
            @functools.cache
            def step(s, p, draw, shock, week):
                return dict(savings=s.savings + p.margin, closed=s.savings < 0.0)
            """,
            """
            def step(s, p, draw, shock, week):
                return dict(savings=s.savings + p.margin, closed=s.savings < 0.0)
            """,
        ),
        Refusal(
            "FF102", "a statement that arithmetic does not have",
            """A step is worked out for many firms at once, so it cannot catch exceptions, open files, yield, or keep
            something in global variables. What a firm remembers is a stock.""",
            """
            try:
                savings = 1.0 / s.savings
            except ZeroDivisionError:
                savings = 0.0
            """,
            "savings = 1.0 / s.savings if s.savings != 0.0 else 0.0",
        ),
        Refusal(
            "FF103", "a decision that would be made for some firms only",
            """`if` chooses between values, firm by firm. A loop that ends early for some firms, a list that is changed
            for some, or a filter of a comprehension would need another line of the program for every firm. Changes of
            lists, dicts, sets, deques, bytes, attributes of objects, and of iterators over them are found. A change
            is not found, and is made for all firms, where it cannot be seen from outside, as with
            `itertools.count`: let `if` choose values, and change nothing within it.""",
            """
            savings = s.savings
            while savings > 1.0:
                savings = savings / 2.0
            """,
            """
            savings = s.savings
            for _ in range(10):
                savings = savings / 2.0 if savings > 1.0 else savings
            """,
        ),
        Refusal(
            "FF104", "a function that is not known",
            """A model may call its own functions, Python's arithmetic ones, and of the math module exp, log, log1p,
            expm1, log2, log10, sqrt, pow, sin, cos, tan, tanh, floor, ceil, trunc, fabs, hypot, isnan, isinf and
            isfinite. They have the same bits on every machine, which functions of other libraries have not.""",
            "savings = np.exp(s.savings)", "savings = math.exp(s.savings)",
        ),
        Refusal(
            "FF105", "random numbers or times from outside the model",
            """A firm must be the same firm whenever it is simulated again. Random numbers are declared in `shocks` (of
            a step) or `draws` (of a firm).""",
            "savings = s.savings + random.gauss(0.0, 1.0)",
            "savings = s.savings + shock.sales",
        ),
        Refusal(
            "FF106", "a variable that is not set in every case",
            "Every firm goes through all lines; a variable needs a value for those that do not take a branch, too.",
            """
            if s.savings > 1.0:
                bonus = 0.1
            savings = s.savings - bonus
            """,
            """
            bonus = 0.1 if s.savings > 1.0 else 0.0
            savings = s.savings - bonus
            """,
        ),
        Refusal(
            "FF107", "a function that returns nothing, or something else than a dict",
            "`start` returns every stock by name; `step` every stock and every cause.",
            """
            def step(s, p, draw, shock, week):
                savings = s.savings + p.margin
            """,
            """
            def step(s, p, draw, shock, week):
                savings = s.savings + p.margin
                return dict(savings=savings, closed=savings < 0.0)
            """,
        ),
        Refusal(
            "FF108", "a stock, cause or mark that is missing, unknown or no number",
            "The names are those of the model's tables, and each has one number, or as many as it has parts.",
            """
            def step(s, p, draw, shock, week):
                return dict(savings=s.savings + p.margin, close=s.savings < 0.0)
            """,
            """
            def step(s, p, draw, shock, week):
                return dict(savings=s.savings + p.margin, closed=s.savings < 0.0)
            """,
        ),
        Refusal(
            "FF109", "two cases of different shape",
            "Both branches of a decision give values of the same shape, since each firm takes one of them.",
            """
            pair = (s.savings, 1.0) if s.savings > 0.0 else 0.0
            savings = sum(pair)
            """,
            """
            pair = (s.savings, 1.0) if s.savings > 0.0 else (0.0, 0.0)
            savings = sum(pair)
            """,
        ),
        Refusal(
            "FF110", "a computed place in a list",
            """Which item of a list is meant must be the same for all firms. `firmfate.table` looks values up between
            points, for every firm at its own place.""",
            """
            sales = [1.0, 2.0, 4.0]
            savings = sales[int(s.savings)]
            """,
            "savings = firmfate.table(s.savings, [0, 1, 2], [1.0, 2.0, 4.0])",
        ),
        Refusal(
            "FF111", "a name that is not declared, or that cannot be set",
            """`p` has the parameters (and `p.dt`), `s` the stocks, `draw` and `shock` the random numbers. All are
            read-only.""",
            "savings = s.savings + p.margn",
            "savings = s.savings + p.margin",
        ),
        Refusal(
            "FF112", "loops or calls without end",
            "Loops are written out, so they must end, and the program that they make must not be too long.",
            """
            def halved(x):
                return halved(x / 2.0) if x > 1.0 else x


            def step(s, p, draw, shock, week):
                savings = halved(s.savings)
                return dict(savings=savings, closed=savings < 0.0)
            """,
            """
            def halved(x, times=10):
                return halved(x / 2.0 if x > 1.0 else x, times - 1) if times else x


            def step(s, p, draw, shock, week):
                savings = halved(s.savings)
                return dict(savings=savings, closed=savings < 0.0)
            """,
        ),
        Refusal(
            "FF113", "an error of Python",
            "The model's own code fails when it is read; the line and Python's message are given.",
            'savings = s.savings + "1"',
            "savings = s.savings + 1",
        ),
        Refusal(
            "FF114", "a name that cannot be used",
            """Names are Python's: letters, digits and underscores. Each appears once in its table; `dt` and `alarm` are
            taken. A model's own name is text of 1 to 64 characters in one line.""",
            "", "",
            ('parameters=[Parameter("margin", 0.01), Parameter("margin", 0.02)]',
             'parameters=[Parameter("margin", 0.01)]'),
        ),
        Refusal(
            "FF115", "a row of a table that does not fit",
            """Tables hold rows of their kind, and a default lies within the values that are allowed. Units, meanings
            and sources are text without control characters and marks of the direction of writing.""",
            "", "",
            ('parameters=[Parameter("margin", 2.0, "share", firmfate.SHARE)]',
             'parameters=[Parameter("margin", 0.2, "share", firmfate.SHARE)]'),
        ),
        Refusal(
            "FF116", "no stock, no cause, or too many",
            "A firm has at least one stock, and at least one and at most 254 causes of its end.",
            """
            def step(s, p, draw, shock, week):
                return dict(savings=s.savings + p.margin)
            """,
            "",
            ("causes=[]", 'causes=[Cause("closed")]'),
        ),
        Refusal(
            "FF117", "an alarm, marks or auxiliaries that do not belong together",
            """Marks are kept from the step of the alarm, so a model with marks has one; auxiliaries are what `observe`
            returns.""",
            """
            def step(s, p, draw, shock, week):
                savings = s.savings + p.margin
                return dict(savings=savings, closed=savings < 0.0, full=1)
            """,
            """
            def step(s, p, draw, shock, week):
                savings = s.savings + p.margin
                return dict(savings=savings, closed=savings < 0.0, alarm=savings < 1.0, full=1)
            """,
            ('marks=[Mark("full", 1)]', 'marks=[Mark("full", 1)], alarm="savings are low"'),
        ),
        Refusal(
            "FF118", "a table that cannot be interpolated",
            "The first list ascends, and both have the same length, of two numbers or more.",
            "savings = firmfate.table(s.savings, [0, 2, 1], [1.0, 2.0, 4.0])",
            "savings = firmfate.table(s.savings, [0, 1, 2], [1.0, 2.0, 4.0])",
        ),
        Refusal(
            "FF119", "a model that is not the same each time it is read",
            "What the functions compute may depend on nothing but their arguments and constants.",
            """
            SALES = iter([1.0, 2.0, 3.0])


            def step(s, p, draw, shock, week):
                savings = s.savings + p.margin * next(SALES)
                return dict(savings=savings, closed=savings < 0.0)
            """,
            "savings = s.savings + p.margin",
        ),
        Refusal(
            "FF121", "a function with other arguments",
            "`start(p, draw)`, `step(s, p, draw, shock, week)` and `observe(s, p, draw, shock, week)`, in this order.",
            """
            def step(s, p, shock):
                return dict(savings=s.savings + p.margin, closed=s.savings < 0.0)
            """,
            """
            def step(s, p, draw, shock, week):
                return dict(savings=s.savings + p.margin, closed=s.savings < 0.0)
            """,
        ),
        Refusal(
            "FF122", "a file that cannot be run, or holds no such model",
            "`model = \"my_model.py:SHOP\"` names a file and a Model in it.",
            "savings = = s.savings",
            "savings = s.savings",
        ),
        Refusal(
            "FF124", "equations that cannot be put in an order",
            """A model may have a list of equations in place of `step`: a stock is given by `next_NAME`; causes, marks,
            `alarm` and auxiliaries by a function of their name; and what any of them takes, other than `s`, `p`,
            `draw`, `shock` and `week`, by one too. Each is there once, and none takes what it gives itself.""",
            """
            def margin(p, next_savings):
                return p.margin * next_savings


            def next_savings(s, margin):
                return s.savings + margin


            def closed(next_savings):
                return next_savings < 0.0


            step = [margin, next_savings, closed]
            """,
            """
            def margin(s, p):
                return p.margin * s.savings


            def next_savings(s, margin):
                return s.savings + margin


            def closed(next_savings):
                return next_savings < 0.0


            step = [margin, next_savings, closed]
            """,
        ),
    )
}  # fmt: skip

AT_RUN_TIME = {
    "FF120": "a mark that is no integer from 0 to its maximum, found while firms are simulated",
    "FF123": "a check of joint conditions that fails, found where a study is read",
}
"""Numbers that no definition can refuse."""


def explain(code: str) -> str:
    """Return the page of a number, in Markdown.

    Raises
    ------
    FirmfateError
        Where there is no such number; with those that there are.

    Examples
    --------
    >>> print(explain("ff123"))
    # FF123: a check of joint conditions that fails, found where a study is read
    <BLANKLINE>
    """
    number = code.strip().upper()
    if number in REFUSALS:
        return REFUSALS[number].page
    if number in AT_RUN_TIME:
        return f"# {number}: {AT_RUN_TIME[number]}\n"
    known = sorted((*REFUSALS, *AT_RUN_TIME))
    raise FirmfateError(f"there is no error number {code!r}; allowed: {', '.join(known)}{did_you_mean(number, known)}")
