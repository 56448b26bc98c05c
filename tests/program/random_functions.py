"""Random Python functions of numbers, from a seed: what a tracer must read as Python does."""

from __future__ import annotations

import linecache
import math
import random
from collections.abc import Callable
from typing import Any

from firmfate.program.calls import Calls
from firmfate.program.graph import Graph
from firmfate.program.program import Program
from firmfate.program.tracing import Signature, Tracing
from firmfate.program.values import Value

NAMES = ("a", "b", "c", "d")
EXACT_CALLS = ("abs({0})", "math.sqrt(abs({0}))", "math.floor({0})", "math.ceil({0})", "math.trunc({0})", "int({0})",
               "float({0})", "round({0})", "min({0}, {1})", "max({0}, {1})", "max({0}, {1}, {2})", "sum([{0}, {1}])",
               "min([{0}, {1}, {2}])", "math.fabs({0})")  # fmt: skip
ROUNDED_CALLS = ("math.exp(max(-20.0, min(20.0, {0})))", "math.log(abs({0}) + 0.1)", "math.log1p(abs({0}))",
                 "math.expm1(max(-5.0, min(5.0, {0})))", "math.sin(min(1e15, {0}))",
                 "math.cos(max(-1e3, min(1e3, {0})))", "math.tanh({0})", "({0}) ** 2", "({0}) ** 3",
                 "(abs({0}) + 0.5) ** -1", "(abs({0}) + 0.1) ** 0.5", "(abs({0}) + 0.1) ** max(-4.0, min(4.0, {1}))",
                 "math.pow(abs({0}) + 0.1, 1.7)")  # fmt: skip
CONSTANTS = ("0.0", "1.0", "-1.0", "2", "3", "0.5", "0.1", "-2.75", "7", "1e-3", "1.5e3", "LIMITS[0]", "LIMITS[1]",
             "TABLE['x']", "K.half")  # fmt: skip
HEAD = """import math


class K:
    half = 0.5


LIMITS = (10.0, 0.2)
TABLE = {"x": 3.25}
"""


class Writer:
    """Writes one function at random.

    Parameters
    ----------
    seed : int
    size : int
        How many statements, about.
    exact : bool
        Whether only operations that Python rounds once are used.
    """

    def __init__(self, seed: int, size: int, *, exact: bool) -> None:
        self.random = random.Random(seed)
        self.size, self.exact = size, exact
        self.variables = list(NAMES)
        self.fresh = 0
        self.helpers: list[str] = []

    def number(self, depth: int = 3) -> str:
        """Return an expression of a number."""
        draw = self.random.random()
        if depth == 0 or draw < 0.25:
            return self.random.choice(self.variables) if self.random.random() < 0.75 else self.random.choice(CONSTANTS)
        if draw < 0.65:
            sign = self.random.choice(("+", "-", "*", "+", "-", "*", "/", "//", "%"))
            right = self.number(depth - 1)
            if sign in ("/", "//", "%"):  # a divisor that is not zero, of either sign
                right = f"(abs({right}) + 0.3)"
                right = f"-{right}" if self.random.random() < 0.3 else right
            left = self.number(depth - 1)
            if sign in ("//", "%"):  # a quotient below 2**105
                left = f"max(-1e15, min(1e15, {left}))"
            return f"({left} {sign} {right})"
        if draw < 0.85:
            calls = EXACT_CALLS if self.exact or self.random.random() < 0.5 else ROUNDED_CALLS
            return self.random.choice(calls).format(*(self.number(depth - 1) for _ in range(3)))
        if draw < 0.93:
            return f"({self.number(depth - 1)} if {self.test(depth - 1)} else {self.number(depth - 1)})"
        if draw < 0.97 and self.helpers:
            return f"{self.random.choice(self.helpers)}({self.number(depth - 1)}, {self.number(depth - 1)})"
        return f"sum(x * {self.number(0)} for x in ({self.number(depth - 1)}, {self.number(depth - 1)}))"

    def test(self, depth: int = 2) -> str:
        """Return an expression of a condition."""
        draw = self.random.random()
        if depth <= 0 or draw < 0.5:
            return f"{self.number(1)} {self.random.choice(('<', '<=', '>', '>=', '==', '!='))} {self.number(1)}"
        if draw < 0.65:
            return f"({self.test(depth - 1)} and {self.test(depth - 1)})"
        if draw < 0.8:
            return f"({self.test(depth - 1)} or {self.test(depth - 1)})"
        if draw < 0.9:
            return f"not {self.test(depth - 1)}"
        return f"{self.number(0)} < {self.number(1)} <= {self.number(1)}"

    def block(self, indent: str, statements: int, *, may_return: bool) -> list[str]:
        """Return statements."""
        lines: list[str] = []
        for _ in range(statements):
            draw = self.random.random()
            if draw < 0.5:
                lines.append(f"{indent}{self.target()} = {self.number()}")
            elif draw < 0.62:
                sign = self.random.choice(("+=", "-=", "*=", "+=" if self.exact else "**="))
                value = "2" if sign == "**=" else self.number(1)
                lines.append(f"{indent}{self.random.choice(self.variables)} {sign} {value}")
            elif draw < 0.82:
                lines.append(f"{indent}if {self.test()}:")
                lines += self.block(indent + "    ", 1 + self.random.randrange(2), may_return=may_return)
                if may_return and self.random.random() < 0.35:
                    lines.append(f"{indent}    return {self.returned()}")
                if self.random.random() < 0.5:
                    lines.append(f"{indent}{self.random.choice(('else:', f'elif {self.test()}:'))}")
                    lines += self.block(indent + "    ", 1, may_return=may_return)
            elif draw < 0.92:
                variable = self.random.choice(self.variables)
                lines.append(f"{indent}for i in range({self.random.randrange(1, 4)}):")
                lines.append(f"{indent}    {variable} = {variable} * 0.5 + i * {self.number(0)}")
            else:
                target = self.target()
                lines.append(f"{indent}xs = [{self.number(1)}, {self.number(1)}, {self.number(0)}]")
                lines.append(f"{indent}{target} = sum([x * x for x in xs[:2]]) - xs[-1]")
        return lines

    def target(self) -> str:
        """Return a variable that is set in every case: new ones only at the head of a function."""
        return self.random.choice(self.variables)

    def returned(self) -> str:
        """Return what a function returns."""
        return f"({self.number(1)}, {self.number(0)}, {self.number(1)})"

    def function(self) -> str:
        """Return the text of a module with a function ``f(a, b, c, d)`` that returns three numbers."""
        text = [HEAD]
        for i in range(self.random.randrange(3)):
            name, outer = f"helper{i}", self.variables
            self.variables = ["x", "y"]
            text.append(f"def {name}(x, y=LIMITS[1]):")
            text += self.block("    ", 1, may_return=False)
            if self.random.random() < 0.6:
                text += [f"    if {self.test(1)}:", f"        return {self.number(1)}"]
            text += [f"    return {self.number(1)}", "", ""]
            self.variables = outer
            self.helpers.append(name)
        text.append("def f(a, b, c, d):")
        for _ in range(self.random.randrange(3)):
            self.fresh += 1
            text.append(f"    v{self.fresh} = {self.number(2)}")
            self.variables.append(f"v{self.fresh}")
        text += self.block("    ", self.size, may_return=True)
        text.append(f"    return {self.returned()}")
        return "\n".join(text) + "\n"


def made(text: str, name: str) -> Callable[..., Any]:
    """Return the function of a module's text, with a source that can be read."""
    file = f"<random {name}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    scope: dict[str, Any] = {"__name__": "random_functions"}
    exec(compile(text, file, "exec"), scope)
    return scope["f"]  # type: ignore[no-any-return]


class Floats:
    """The module `math`, in which integers are floats: those of a program are, beyond 2**53 too."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(math, name)
        return (lambda x: float(found(x))) if name in ("floor", "ceil", "trunc") else found


def with_floats(text: str) -> Callable[..., Any]:
    """Return the function of a module's text, in which what gives integers in Python gives floats."""
    scope: dict[str, Any] = {"__name__": "random_functions"}
    exec(text, scope)
    scope |= {"math": Floats(), "int": lambda x: float(int(x)), "round": lambda x: float(round(x))}
    return scope["f"]  # type: ignore[no-any-return]


def as_written(function: Callable[..., Any]) -> Program:
    """Return the program of a function as written; inputs ``stock.a`` ..., outputs 0 to 2.

    ``b`` is a parameter, ``c`` a draw: they change at other times than stocks do.
    """
    return _as_written(function, Tracing(SIGNATURE))


class Unfolded(Graph):
    """A graph that works out no operation of constants."""

    def value(self, place: int) -> None:
        """Know no constant."""


class Rounding(Calls):
    """Calls in which elementary functions and powers are rounded once more, by a product with 1.

    Their own operations are exact by design, though Python's results may be some units in the last place away.
    """

    def _program(self, function: Callable[[Value], Value]) -> Callable[[Any], Any]:
        call = super()._program(function)
        return lambda x: call(x) * 1.0

    def powered(self, base: Any, exponent: Any) -> Any:
        """Return what ``base ** exponent`` means."""
        return super().powered(base, exponent) * 1.0


def unfolded(function: Callable[..., Any]) -> Program:
    """Return the program of a function as written, in which ``math.exp(7)`` is still to be worked out, and what Python
    may round otherwise is a product with 1, which changes no bit."""
    tracing = Tracing(SIGNATURE)
    tracing.graph = Unfolded()
    tracing.calls = Rounding(tracing.graph)
    return _as_written(function, tracing)


def _as_written(function: Callable[..., Any], tracing: Tracing) -> Program:
    spaces = tracing.spaces()
    found = tracing.calls.traced(function)(spaces["s"].a, spaces["p"].b, spaces["draw"].c, spaces["s"].d)
    return Program.as_written({str(i): tracing.calls.value(value) for i, value in enumerate(found)})


SIGNATURE = Signature(
    model="random", parameters={"b": ()}, draws={"c": ()}, shocks={}, stocks={"a": (), "d": ()}, draw_kinds=("normal",),
    shock_kinds=(), causes=("end",), marks=(), alarm=False,
)  # fmt: skip
INPUTS = dict(zip(NAMES, ("stock.a", "p.b", "draw.c", "stock.d"), strict=True))


def by_python(function: Callable[..., Any], values: tuple[float, ...]) -> tuple[float, ...] | None:
    """Return what Python makes of a function; None where it raises, and the program goes on by IEEE's rules."""
    try:
        found = tuple(float(value) for value in function(*values))
    except (ZeroDivisionError, OverflowError, ValueError):
        return None
    return found if all(map(math.isfinite, found)) else None
