"""Values with Python's operators: an expression of them writes a program instead of working a number out."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

from firmfate.program.graph import Graph
from firmfate.program.operations import FLAG, WORD

F = TypeVar("F", bound=Callable[..., Any])

PRINTED_BY = "leave it out: firmfate.simulate_path returns every week of a firm, its stocks and what observe returns"
"""What to do in place of printing from a model's function."""


class NotForTracing(ValueError):
    """What a model's Python does that a program cannot: the code of the error, and the sentence."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class Value:
    """A value of a graph.

    Parameters
    ----------
    graph : Graph
    place : int
    """

    __slots__ = ("graph", "place")

    def __init__(self, graph: Graph, place: int) -> None:
        self.graph = graph
        self.place = place

    @property
    def kind(self) -> str:
        """Kind of this value: ``number``, ``word`` or ``flag``."""
        return self.graph.nodes[self.place].kind

    @property
    def known(self) -> float | bool | int | None:
        """The value of a constant, None for every other."""
        found = self.graph.value(self.place)
        return bool(found) if found is not None and self.kind == FLAG else found

    def make(self, operation: str, *arguments: Value) -> Value:
        """Return the value of an operation."""
        return Value(self.graph, self.graph.apply(operation, *(argument.place for argument in arguments)))

    def as_number(self, other: Any) -> Value:
        """Return another value, or a plain number, as a number; flags become 0 and 1."""
        if isinstance(other, Value):
            if other.graph is not self.graph:
                raise NotForTracing(
                    "FF119",
                    "a number of an earlier reading is used here, which a global variable or a default argument has "
                    "kept; what a firm remembers is a stock",
                )
            if other.kind == FLAG:
                return self.make("choose", other, self.as_number(1.0), self.as_number(0.0))
            return other
        return Value(self.graph, self.graph.constant(plain_number(other)))

    def as_flag(self, other: Any) -> Value:
        """Return another value, or a plain one, as a flag: whether it is not 0."""
        if isinstance(other, Value):
            return other if other.kind == FLAG else other != 0.0
        return Value(self.graph, self.graph.flag(bool(other)))

    def _arithmetic(self, operation: str, left: Any, right: Any) -> Any:
        if not (is_number(left) and is_number(right)):
            return NotImplemented
        return self.make(operation, self.as_number(left), self.as_number(right))

    def __add__(self, other: Any) -> Any:
        return self._arithmetic("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return self._arithmetic("add", other, self)

    def __sub__(self, other: Any) -> Any:
        return self._arithmetic("sub", self, other)

    def __rsub__(self, other: Any) -> Any:
        return self._arithmetic("sub", other, self)

    def __mul__(self, other: Any) -> Any:
        return self._arithmetic("mul", self, other)

    def __rmul__(self, other: Any) -> Any:
        return self._arithmetic("mul", other, self)

    def __truediv__(self, other: Any) -> Any:
        return self._arithmetic("div", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self._arithmetic("div", other, self)

    def __floordiv__(self, other: Any) -> Any:
        return divided(self.as_number(self), self.as_number(other))[0] if is_number(other) else NotImplemented

    def __rfloordiv__(self, other: Any) -> Any:
        return divided(self.as_number(other), self.as_number(self))[0] if is_number(other) else NotImplemented

    def __mod__(self, other: Any) -> Any:
        return divided(self.as_number(self), self.as_number(other))[1] if is_number(other) else NotImplemented

    def __rmod__(self, other: Any) -> Any:
        return divided(self.as_number(other), self.as_number(self))[1] if is_number(other) else NotImplemented

    def __divmod__(self, other: Any) -> Any:
        return divided(self.as_number(self), self.as_number(other)) if is_number(other) else NotImplemented

    def __rdivmod__(self, other: Any) -> Any:
        return divided(self.as_number(other), self.as_number(self)) if is_number(other) else NotImplemented

    def __pow__(self, other: Any) -> Any:
        from firmfate.program.elementary import power

        return power(self.as_number(self), other) if is_number(other) else NotImplemented

    def __rpow__(self, other: Any) -> Any:
        from firmfate.program.elementary import power

        return power(self.as_number(other), self.as_number(self)) if is_number(other) else NotImplemented

    def __neg__(self) -> Value:
        return self.make("neg", self.as_number(self))

    def __pos__(self) -> Value:
        return self.as_number(self)

    def __abs__(self) -> Value:
        return self.make("abs", self.as_number(self))

    def __lt__(self, other: Any) -> Any:
        return self._arithmetic("lt", self, other)

    def __le__(self, other: Any) -> Any:
        return self._arithmetic("le", self, other)

    def __gt__(self, other: Any) -> Any:
        return self._arithmetic("lt", other, self)

    def __ge__(self, other: Any) -> Any:
        return self._arithmetic("le", other, self)

    def __eq__(self, other: object) -> Any:
        if not is_number(other):
            return NotImplemented
        if self.kind == FLAG and isinstance(other, Value) and other.kind == FLAG:
            return self.make("not", self.make("differ", self, other))
        return self._arithmetic("eq", self, other)

    def __ne__(self, other: object) -> Any:
        equal = self.__eq__(other)
        return NotImplemented if equal is NotImplemented else self.make("not", equal)

    def __hash__(self) -> int:
        raise NotForTracing(
            "FF110",
            "what differs from firm to firm cannot be a key, or a member of a set; look it up with "
            "firmfate.table(x, xs, ys), or choose with conditional expressions",
        )

    def _logical(self, operation: str, other: Any) -> Any:
        flags = [self, other]
        if any(not (isinstance(x, bool) or (isinstance(x, Value) and x.kind == FLAG)) for x in flags):
            raise NotForTracing("FF104", "'&', '|' and '^' take flags here; of numbers, write 'and', 'or' or '!='")
        return self.make(operation, self.as_flag(self), self.as_flag(other))

    def __and__(self, other: Any) -> Any:
        return self._logical("both", other)

    def __or__(self, other: Any) -> Any:
        return self._logical("either", other)

    def __xor__(self, other: Any) -> Any:
        return self._logical("differ", other)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __invert__(self) -> Any:
        raise NotForTracing("FF104", "'~' has no meaning for a flag or a number here; write 'not'")

    def __bool__(self) -> bool:
        known = self.known
        if known is not None:
            return bool(known)
        raise NotForTracing(
            "FF103",
            "what differs from firm to firm cannot decide here which line comes next; choose between values with 'if' "
            "or a conditional expression instead",
        )

    def __index__(self) -> int:
        raise NotForTracing(
            "FF110",
            "what differs from firm to firm cannot be a place in a list, a length or a number of iterations; look it "
            "up with firmfate.table(x, xs, ys), or choose with conditional expressions, in a loop of constant length",
        )

    def __float__(self) -> float:
        _not_plain("float")

    def __int__(self) -> int:
        _not_plain("int")

    def __round__(self, digits: int | None = None) -> Value:
        if digits:
            raise NotForTracing("FF104", "round takes no digits here; write round(x * 10) / 10")
        return nearest(self.as_number(self))

    def __floor__(self) -> Value:
        return self.make("floor", self.as_number(self))

    def __ceil__(self) -> Value:
        return self.make("ceil", self.as_number(self))

    def __trunc__(self) -> Value:
        return self.make("trunc", self.as_number(self))

    def __iter__(self) -> Any:
        raise NotForTracing("FF113", "a number stands here where several values are asked for")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotForTracing("FF111", f"a number has no attribute '{name}'")

    def __format__(self, how: str) -> str:
        raise NotForTracing("FF104", f"what differs from firm to firm cannot be written as text here; {PRINTED_BY}")

    __str__ = functools.partialmethod(__format__, "")

    def __repr__(self) -> str:
        known = self.known
        return f"Value({known})" if known is not None else f"Value(v{self.place})"


def _not_plain(name: str) -> NoReturn:
    raise NotForTracing(
        "FF104",
        f"what differs from firm to firm is no plain Python number that {name}() could give to a function outside the "
        "model",
    )


def is_number(value: Any) -> bool:
    """Return whether something counts as a number or a flag of a program."""
    if isinstance(value, Value):
        return value.kind != WORD
    return isinstance(value, bool | int | float) or (hasattr(value, "dtype") and getattr(value, "shape", None) == ())


def plain_number(value: Any) -> float:
    """Return a plain number as a float."""
    try:
        return float(value)
    except OverflowError:
        raise NotForTracing("FF113", f"the integer {str(value)[:20]}... is beyond what a float64 can hold") from None


def written_out(function: F) -> F:
    """Mark what a function of values writes as exact: no rule may change how it is rounded."""

    @functools.wraps(function)
    def call(first: Value, *others: Any) -> Any:
        graph = first.graph
        before, graph.exact = graph.exact, True
        try:
            return function(first, *others)
        finally:
            graph.exact = before

    return call  # type: ignore[return-value]


def fused(a: Value, b: Any, c: Any) -> Value:
    """Return a b + c, rounded once."""
    return a.make("fma", a, a.as_number(b), a.as_number(c))


@written_out
def divided(x: Value, y: Value) -> tuple[Value, Value]:
    """Return what ``//`` and ``%`` mean in Python, for numbers whose quotient is below 2**105; NaN beyond.

    What a rounded quotient leaves, ``x - q y``, is a float64, which the fused operation gives without rounding; two
    such reductions leave less than a divisor.
    """
    q = x.make("trunc", x / y)
    r = x.make("fnma", q, y, x)
    r = choose(abs(x) < abs(y), x, x.make("fnma", x.make("trunc", r / y), y, r))  # x also where y is infinite
    beyond = (r != 0.0) & ((r < 0.0) ^ (x < 0.0)) & (x != 0.0)
    r = choose(beyond, r + choose((x < 0.0) ^ (y < 0.0), -y, y), r)
    other_sign = (r != 0.0) & ((r < 0.0) ^ (y < 0.0))
    remainder = choose(other_sign, r + y, r)
    remainder = choose(remainder == 0.0, choose(y < 0.0, -0.0, 0.0), remainder)
    quotient = (x - r) / y
    quotient = choose(other_sign, quotient - 1.0, quotient)
    rounded = x.make("floor", quotient)
    rounded = choose(quotient - rounded > 0.5, rounded + 1.0, rounded)
    rounded = choose(quotient == 0.0, (x / y) * 0.0, rounded)
    fits = abs(q) < 2.0**105
    return choose(fits, rounded, math.nan), choose(fits, remainder, math.nan)


@written_out
def nearest(x: Value) -> Value:
    """Return the nearest integer, of two as near the even one: as ``round`` does."""
    big = 2.0**52
    moved = choose(x < 0.0, (x - big) + big, (x + big) - big)
    found: Value = choose(abs(x) < big, moved, x)
    return found


def choose(test: Value, this: Any, other: Any) -> Value:
    """Return `this` where a flag is set, `other` elsewhere: flags of flags, and numbers of everything else."""
    if all(isinstance(x, bool) or (isinstance(x, Value) and x.kind == FLAG) for x in (this, other)):
        this, other = test.as_flag(this), test.as_flag(other)
        joined: Value = (test & this) | (test.make("not", test) & other)
        return joined
    return test.make("choose", test, test.as_number(this), test.as_number(other))


def lookup(table: Sequence[float], word: Value) -> Value:
    """Return the number of a table at the place that the low bits of a word name."""
    return Value(word.graph, word.graph.lookup(table, word.place))


class Word:
    """Operations on words, and between words and numbers, for programs that are written by hand."""

    @staticmethod
    def of(value: Value, number: int) -> Value:
        """Return a constant word in the graph of a value."""
        return Value(value.graph, value.graph.word(number))

    @staticmethod
    def bits(x: Value) -> Value:
        """Return the bit pattern of a number."""
        return x.make("bits", x)

    @staticmethod
    def number(w: Value) -> Value:
        """Return the number of a bit pattern."""
        return w.make("number", w)

    @staticmethod
    def join(operation: str, first: Value, *others: Value | int) -> Value:
        """Return what a word operation makes of words; plain integers are constant words."""
        for other in others:
            word = other if isinstance(other, Value) else Word.of(first, other)
            first = first.make(operation, first, word)
        return first
