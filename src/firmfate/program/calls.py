"""What the functions are that a model calls: its own are traced, those of `math` become programs, others are
refused."""

from __future__ import annotations

import builtins
import functools
import inspect
import math
import operator
import sys
from collections import deque
from collections.abc import Callable, Mapping
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from firmfate.program import control, elementary, values
from firmfate.program.graph import Graph
from firmfate.program.operations import FLAG
from firmfate.program.rewriting import MARK, Rewriter, located
from firmfate.program.sources import describe, read
from firmfate.program.values import PRINTED_BY, NotForTracing, Value, is_number

CLOCKS = ("random", "numpy.random", "secrets", "time", "datetime", "uuid")
"""Modules (and those within them) whose functions give something else every time."""

NOT_READ = sys.stdlib_module_names - {"__main__"} | {"numpy", "scipy", "pandas"}
"""Packages whose functions are not read, also where they are written in Python."""

OWN = {"firmfate.models.functions", "firmfate.models.equations"}
"""Modules of functions for models: what goes wrong in them has its place where they are called."""

OFFERED = (
    "exp", "log", "log1p", "expm1", "log2", "log10", "sqrt", "pow", "sin", "cos", "tan", "tanh", "floor", "ceil",
    "trunc", "fabs", "hypot", "isnan", "isinf", "isfinite",
)  # fmt: skip
"""Functions of the math module that models may call; prod, radians and degrees are there too."""

INSTEAD_OF_NUMPY = {
    "where": "a conditional expression", "maximum": "max(a, b)", "minimum": "min(a, b)", "array": "a list",
    "clip": "min(max(x, low), high)", "asarray": "a list", "zeros": "a list", "ones": "a list", "sum": "sum(...)",
    "abs": "abs(x)", "absolute": "abs(x)", "interp": "firmfate.table(x, xs, ys)", "mean": "sum(xs) / len(xs)",
    "power": "x ** y", "square": "x * x", "round": "round(x)",
}  # fmt: skip

INSTEAD_OF_MATH = {
    "fsum": "sum(...)", "cbrt": "x ** (1 / 3) if x >= 0 else -((-x) ** (1 / 3))", "exp2": "2.0 ** x",
    "dist": "math.hypot(x - a, y - b)",
}  # fmt: skip

PLAIN = {
    len, range, enumerate, zip, reversed, issubclass, getattr, hasattr, tuple, list, dict, set, str, iter, next, slice,
    callable, filter, sorted, divmod, frozenset, object,
}  # fmt: skip
"""Built-in functions that keep their meaning."""


class Calls:
    """Finds what stands for a function in one tracing.

    Parameters
    ----------
    graph : Graph
        Where programs of constants are written.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.files: set[str] = set()
        self.ticks = control.Ticks()
        self._made: dict[FunctionType, Callable[..., Any]] = {}
        self._replaced = self._replacements()

    def traced(self, called: Any) -> Any:
        """Return a function that takes values in place of numbers, for one that takes numbers.

        Raises
        ------
        NotForTracing
            Where it cannot mean the same of values.
        """
        if called is None or is_number(called):
            raise NotForTracing("FF113", f"{'nothing' if called is None else 'a number'} is called like a function")
        try:
            if called in self._replaced:
                return self._replaced[called]
            if called in PLAIN:
                return called
        except TypeError:  # not hashable, so none of these
            pass
        if isinstance(called, FunctionType):
            return called if f"{MARK}traced" in called.__globals__ else self.function(called)
        if isinstance(called, MethodType) and isinstance(called.__func__, FunctionType):
            return functools.partial(self.traced(called.__func__), called.__self__)
        if isinstance(called, functools.partial):
            return functools.partial(self.traced(called.func), *called.args, **called.keywords)
        owner = getattr(called, "__self__", None)
        if any(map(_is_clock, _modules(called, owner))):
            _refuse_clock(called)
        if inspect.isclass(called) or isinstance(owner, list | dict | tuple | set | str | range | type | deque):
            return called
        if type(called).__module__ == "functools":
            raise NotForTracing("FF101", f"'{describe(called)}' is decorated; undecorate it")
        raise NotForTracing("FF104", _not_known(called))

    def function(self, called: FunctionType) -> Callable[..., Any]:
        """Return a model's function, rewritten."""
        if called not in self._made:
            if hasattr(called, "__wrapped__") or called.__code__.co_name != called.__name__:
                raise NotForTracing("FF101", f"'{describe(called)}' is decorated; undecorate it")
            code = called.__code__
            module = called.__module__ or ""
            if _is_clock(module):
                _refuse_clock(called)
            if module.partition(".")[0] in NOT_READ:
                raise NotForTracing("FF104", _not_known(called))
            if code.co_flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE):
                raise NotForTracing("FF102", "a function of a model returns once; build a list instead of a generator")
            source = read(called)
            if source.tree.decorator_list:
                raise NotForTracing("FF101", f"'{describe(called)}' is decorated; undecorate it")
            if called.__globals__.get("__name__") not in OWN:
                self.files.add(source.file)
            scope = {**called.__globals__, **_closure(called), **self._helpers()}
            import ast

            tree = located(Rewriter().function(source.fresh()))
            exec(compile(ast.Module([tree], []), source.file, "exec"), scope)
            made = scope[tree.name]
            made.__defaults__, made.__kwdefaults__ = called.__defaults__, called.__kwdefaults__
            self._made[called] = made
        return self._made[called]

    def _helpers(self) -> dict[str, Any]:
        helpers = {
            "unset": control.Unset, "fell": control.fell, "returned": control.returned, "result": control.result,
            "decide": control.decide, "after": control.after, "conditional": control.conditional,
            "both": control.both, "either": control.either, "chained": control.chained, "negate": control.negate,
            "among": control.among,
            "definite": control.definite, "identical": control.identical, "tick": self.ticks,
            "traced": self.traced, "powered": self.powered, "locals": locals,
            "raised": self.raised, "named": control.named,
            "list": list, "set": set, "dict": dict, "slice": slice,
            "variables": lambda flow, before: before if flow.returned is True else flow.variables,
        }  # fmt: skip
        return {f"{MARK}{name}": helper for name, helper in helpers.items()}

    def value(self, number: Any) -> Value:
        """Return a number as a value; what is no number is refused."""
        if isinstance(number, Value):
            return number.as_number(number)
        if not is_number(number):
            raise NotForTracing("FF113", f"a number is asked for here, not {type(number).__name__}")
        return Value(self.graph, self.graph.constant(values.plain_number(number)))

    def powered(self, base: Any, exponent: Any) -> Any:
        """Return what ``base ** exponent`` means."""
        if isinstance(base, int) and isinstance(exponent, int) and exponent >= 0:
            return base**exponent
        if not (is_number(base) and is_number(exponent)):
            return base**exponent
        return _plain_if_known(elementary.power(self.value(base), exponent))

    def raised(self, base: Any, exponent: Any) -> Any:
        """Return what ``base **= exponent`` sets: of an object of the model's own, by its own way."""
        both = is_number(base) and is_number(exponent)
        return self.powered(base, exponent) if both else operator.ipow(base, exponent)  # type: ignore[no-untyped-call]

    def _power(self, base: Any, exponent: Any, modulus: Any = None) -> Any:
        if modulus is not None:
            raise NotForTracing("FF104", "pow takes no modulus here; write x ** y % z")
        return self.powered(base, exponent)

    def _program(self, function: Callable[[Value], Value]) -> Callable[[Any], Any]:
        def call(x: Any) -> Any:
            found = function(self.value(x))
            return found if isinstance(x, Value) else _plain_if_known(found)

        return call

    def _rounding(self, plain: Callable[[Any], Any], operation: str) -> Callable[[Any], Any]:
        def call(x: Any) -> Any:
            return self.value(x).make(operation, self.value(x)) if isinstance(x, Value) else plain(x)

        return call

    def _replacements(self) -> Mapping[Any, Callable[..., Any]]:
        program, rounding = self._program, self._rounding

        def log(x: Any, base: Any = None) -> Any:
            found = program(elementary.log)(x)
            return found if base is None else found / program(elementary.log)(base)

        def tangent(x: Value) -> Value:
            return elementary.sin(x) / elementary.cos(x)  # type: ignore[no-any-return]

        return {
            min: functools.partial(_extreme, min), max: functools.partial(_extreme, max), sum: _sum,
            abs: lambda x: abs(x),
            all: lambda members: control.both(True, *[functools.partial(_same, x) for x in members]),
            any: lambda members: control.either(False, *[functools.partial(_same, x) for x in members]),
            map: lambda function, *columns: [self.traced(function)(*row) for row in zip(*columns, strict=False)],
            float: lambda x=0.0: self.value(x) if isinstance(x, Value) else float(x),
            int: lambda x=0: self.value(x).make("trunc", self.value(x)) if isinstance(x, Value) else int(x),
            bool: lambda x=False: control.as_test(x),
            round: lambda x, digits=None: round(x) if digits is None else round(x, digits),
            pow: self._power, math.pow: self._power, isinstance: _is_instance, type: _type,
            math.sqrt: rounding(math.sqrt, "sqrt"), math.fabs: rounding(math.fabs, "abs"),
            math.floor: rounding(math.floor, "floor"), math.ceil: rounding(math.ceil, "ceil"),
            math.trunc: rounding(math.trunc, "trunc"),
            math.exp: program(elementary.exp), math.expm1: program(elementary.expm1), math.log: log,
            math.log1p: program(elementary.log1p), math.log2: program(lambda x: elementary.log(x) / math.log(2.0)),
            math.log10: program(lambda x: elementary.log(x) / math.log(10.0)),
            math.sin: program(elementary.sin), math.cos: program(elementary.cos), math.tan: program(tangent),
            math.tanh: program(elementary.tanh),
            math.isnan: lambda x: x != x, math.isinf: lambda x: abs(x) == math.inf,
            math.isfinite: lambda x: abs(x) < math.inf,
            math.hypot: lambda *xs: self._replaced[math.sqrt](_sum([x * x for x in xs])),
            math.prod: lambda xs, *, start=1: functools.reduce(lambda a, b: a * b, xs, start),
            math.radians: lambda x: x * (math.pi / 180.0), math.degrees: lambda x: x * (180.0 / math.pi),
        }  # fmt: skip


def _closure(called: FunctionType) -> dict[str, Any]:
    cells = zip(called.__code__.co_freevars, called.__closure__ or (), strict=True)
    return {name: cell.cell_contents for name, cell in cells}


def _plain_if_known(value: Any) -> Any:
    """Return a constant as Python's own number, so that it may be a length or a place."""
    known = value.known if isinstance(value, Value) else None
    return value if known is None else float(known)


def _same(value: Any) -> Any:
    return value


def _type(value: Any) -> type:
    """Return the type that a value has in Python."""
    if isinstance(value, Value):
        return bool if value.kind == FLAG else float
    return type(value)


def _is_instance(value: Any, classes: Any) -> bool:
    """Return whether something is of a class; a value of the one that its number has in Python."""
    return issubclass(_type(value), classes) if isinstance(value, Value) else isinstance(value, classes)


def _extreme(which: Any, *members: Any, default: Any = None, key: Any = None) -> Any:
    """Return the least or greatest value, by Python's rule: a later one takes its place where it is less or greater."""
    if key is not None:
        raise NotForTracing("FF104", f"{which.__name__} takes no key here; compare with conditional expressions")
    given = list(members[0]) if len(members) == 1 else list(members)
    if not given:
        if default is not None:
            return default
        raise NotForTracing("FF113", f"{which.__name__} of nothing")
    found, *others = given
    for value in others:
        if not (is_number(value) and is_number(found)):
            raise NotForTracing("FF113", f"{which.__name__} takes numbers, not {type(value).__name__}")
        found = control.conditional(
            value < found if which is min else value > found,
            functools.partial(_same, value),
            functools.partial(_same, found),
        )
    return found


def _sum(members: Any, /, start: Any = 0) -> Any:
    """Return a sum, from the first member to the last."""
    found, given = start, list(members)
    if given and isinstance(start, int) and start == 0:
        found, *given = given
        found = found + 0 if isinstance(found, bool) else found
    for member in given:
        found = found + member
    return found


def _refuse_clock(called: Any) -> None:
    raise NotForTracing(
        "FF105",
        f"'{describe(called)}' gives something else every time it is called; declare what is random in the model's "
        "shocks or draws",
    )


def _modules(called: Any, owner: Any) -> list[str]:
    """Return where a function, and what it is a method of, come from."""
    found = [getattr(called, "__module__", None)]
    if isinstance(owner, ModuleType):
        found.append(owner.__name__)
    elif owner is not None:
        found.append((owner if isinstance(owner, type) else type(owner)).__module__)
    return [module for module in found if isinstance(module, str)]


def _is_clock(module: str) -> bool:
    return any(module == clock or module.startswith(f"{clock}.") for clock in CLOCKS)


def _not_known(called: Any) -> str:
    name, module = describe(called), str(getattr(called, "__module__", None) or "")
    if isinstance(called, BuiltinFunctionType) and getattr(builtins, called.__name__, None) is called:
        instead = f"; {PRINTED_BY}" if called is print else ""
        return f"'{name}' has no meaning for what differs from firm to firm{instead}"
    if type(called).__module__.startswith("numba"):
        return f"'{name}' is compiled by numba already; undecorate it, firmfate compiles it itself"
    if type(called).__module__.startswith("numpy") or module.startswith("numpy"):
        short = name.rpartition(".")[2]
        offered = f"math.{short}" if short in OFFERED else "Python's own operators and functions"
        return f"'{name}' is NumPy's; write {INSTEAD_OF_NUMPY.get(short, offered)}"
    if module not in ("math", "builtins", ""):
        return f"'{name}' is a function of {module}, which is not read; write it as a function of the model's own"
    if name in INSTEAD_OF_MATH:
        return f"'{name}' is not known; write {INSTEAD_OF_MATH[name]}"
    *most, last = OFFERED
    return f"'{name}' is not known; of the math module there are {', '.join(most)} and {last}"
