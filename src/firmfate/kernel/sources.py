"""What a model's functions consist of: every function they reach, the numbers they refer to, and what would keep them
slow.

A step is traced for many firms side by side, which works as long as it is arithmetic on numbers: calls, if/elif,
conditional expressions, loops of constant length. What would ruin that is told here in the author's terms, with the
line, before anything is compiled.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import math
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from types import FunctionType, ModuleType
from typing import Any

from firmfate.errors import ModelError
from firmfate.models import arithmetic
from firmfate.models.model import Model

BUILT_INS = {"min": min, "max": max, "abs": abs, "float": float, "int": int, "bool": bool, "range": range}
VECTORISED = {math.sqrt, math.fabs, math.floor, math.ceil}
SCALAR_ONLY = "it calls the C library for one firm at a time"


@dataclass(frozen=True)
class Function:
    """One function of a model, its syntax tree, and where it stands."""

    call: FunctionType
    tree: ast.FunctionDef
    file: str
    first_line: int

    def resolve(self, node: ast.expr) -> Any:
        """Return what a name or a dotted name refers to, or None where that is a local."""
        if isinstance(node, ast.Name):
            if node.id in self.call.__code__.co_varnames:
                return None
            closure = inspect.getclosurevars(self.call)
            for scope in (closure.nonlocals, self.call.__globals__, BUILT_INS):
                if node.id in scope:
                    return scope[node.id]
            return None
        if isinstance(node, ast.Attribute):
            owner = self.resolve(node.value)
            return getattr(owner, node.attr, None) if isinstance(owner, ModuleType) else None
        return None

    def references(self) -> Iterator[tuple[str, Any]]:
        """Yield every global that the body refers to, with its name as written."""
        for node in self.body():
            if isinstance(node, ast.Name | ast.Attribute):
                value = self.resolve(node)
                if value is not None:
                    yield ast.unparse(node), value

    def body(self) -> Iterator[ast.AST]:
        """Yield every node of the body, annotations left out."""
        waiting: list[ast.AST] = list(self.tree.body)
        while waiting:
            node = waiting.pop()
            yield node
            for name, value in ast.iter_fields(node):
                if name != "annotation":
                    waiting += [
                        inner for inner in (value if isinstance(value, list) else [value]) if isinstance(inner, ast.AST)
                    ]

    def line(self, node: ast.AST) -> int:
        """Return the line of a node in its file."""
        return self.first_line + getattr(node, "lineno", 1) - 1


def _read(call: Callable[..., Any], model: str) -> Function:
    if not isinstance(call, FunctionType):
        raise ModelError(
            f"model '{model}': {call!r} is not a plain Python function; undecorate it, firmfate compiles it itself"
        )
    try:
        lines, first = inspect.getsourcelines(call)
    except (OSError, TypeError) as fault:
        raise ModelError(
            f"model '{model}': the source of '{call.__name__}' cannot be read; write the model in a file"
        ) from fault
    tree = ast.parse(textwrap.dedent("".join(lines))).body[0]
    if not isinstance(tree, ast.FunctionDef):
        raise ModelError(f"model '{model}': '{call.__name__}' must be written with def")
    return Function(call, tree, inspect.getsourcefile(call) or "?", first)


@dataclass(frozen=True)
class Sources:
    """Every function that a model's settle, start and step reach."""

    model: Model
    functions: tuple[Function, ...]
    stepped: frozenset[FunctionType]

    @staticmethod
    @cache
    def of(model: Model) -> Sources:
        """Find the functions of a model."""
        stepped = Sources.reached_from(model.name, model.step)
        functions = Sources.reached_from(model.name, model.step, model.start, model.settle)
        return Sources(model, functions, frozenset(function.call for function in stepped))

    @staticmethod
    def reached_from(model: str, *calls: Callable[..., Any]) -> tuple[Function, ...]:
        """Return these functions and all that they call, themselves or through others."""
        found: dict[FunctionType, Function] = {}

        def reach(call: Callable[..., Any]) -> None:
            function = _read(call, model)
            if function.call in found:
                return
            found[function.call] = function
            for _, value in function.references():
                if isinstance(value, FunctionType) and value.__module__ != arithmetic.__name__:
                    reach(value)

        for call in calls:
            reach(call)
        return tuple(found.values())

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all functions' sources, and of the numbers, text and tuples that they refer to."""
        text = hashlib.sha256()
        for function in self.functions:
            text.update(ast.dump(function.tree).encode())
            for name, value in function.references():
                if isinstance(value, bool | int | float | str):
                    text.update(f"{name}={value!r};".encode())
                elif inspect.isclass(value) and issubclass(value, tuple):
                    text.update(f"{name}{getattr(value, '_fields', ())};".encode())
        model = self.model
        for part in (
            *model.fields, *model.stocks._fields, *model.shocks._fields, *model.kinds(model.shocks),
            *model.draws._fields, *model.kinds(model.draws), *(cause.name for cause in model.causes),
            *(f"{mark.name}<={mark.maximum}" for mark in model.marks),
        ):  # fmt: skip
            text.update(part.encode() + b"\0")
        return text.hexdigest()

    def register(self) -> None:
        """Let compiled code call the functions."""
        from firmfate.kernel.compiler import callable_when_compiled

        calls: list[Any] = [arithmetic.exp, *(function.call for function in self.functions)]
        for call in calls:
            if call not in _REGISTERED:
                callable_when_compiled(call)
                _REGISTERED.add(call)

    def check(self) -> None:
        """Refuse what would keep the compiler from working on many firms at once, in functions that a step reaches.

        Raises
        ------
        ModelError
            With file, line, what stands there and what to write instead.
        """
        for function in self.functions:
            if function.call in self.stepped:
                for node in sorted(function.body(), key=function.line):
                    reason = _obstacle(function, node)
                    if reason:
                        raise ModelError(
                            f"model '{self.model.name}': {function.file}, line {function.line(node)}, "
                            f"in {function.call.__name__}: {reason}"
                        )


_REGISTERED: set[FunctionType] = set()

_STATEMENTS: dict[type[ast.AST], str] = {
    ast.Raise: "a step cannot raise; return a cause of the end, or a value that a stock's check can see",
    ast.Assert: "a step cannot assert; test the function from outside",
    ast.While: "a loop whose length depends on data cannot be run for many firms at once; use range of a constant",
    ast.Try: "a step cannot catch exceptions; it is arithmetic on numbers",
    ast.With: "a step cannot open anything; it is arithmetic on numbers",
    ast.Lambda: "write a function with def",
    ast.Dict: "a table would be looked up firm by firm; write the cases as conditional expressions",
    ast.List: "a list cannot be kept in registers; use a tuple or a NamedTuple of numbers",
    ast.Set: "a set is a Python object; a step is arithmetic on numbers",
    ast.ListComp: "a list cannot be kept in registers; write the terms out",
    ast.DictComp: "a table would be looked up firm by firm; write the cases as conditional expressions",
    ast.GeneratorExp: "a generator is a Python object; write the terms out",
    ast.JoinedStr: "text has no place in a step; it is arithmetic on numbers",
    ast.Yield: "a step returns once",
    ast.Global: "a step has no state but its stocks",
    ast.Nonlocal: "a step has no state but its stocks",
    ast.Break: "a loop cannot end early for some firms; choose within its body what it changes",
    ast.Continue: "a loop cannot skip for some firms; choose within its body what it changes",
    ast.Match: "write the cases with if and elif",
    ast.FunctionDef: "write the function beside the step, not within it",
    ast.Import: "import at the head of the file",
    ast.ImportFrom: "import at the head of the file",
}


def _obstacle(function: Function, node: ast.AST) -> str | None:
    told = _STATEMENTS.get(type(node))
    if told:
        return told
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        whole = isinstance(node.right, ast.Constant) and node.right.value in (2, 3)
        return (
            None
            if whole
            else f"'{ast.unparse(node)}' calls pow; multiply, or use sqrt or firmfate.models.arithmetic.exp"
        )
    if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Constant):
        return f"'{ast.unparse(node)}' looks a value up by a computed place; write the cases as conditional expressions"
    if isinstance(node, ast.For):
        constant = (
            isinstance(node.iter, ast.Call)
            and function.resolve(node.iter.func) is range
            and all(isinstance(a, ast.Constant) or isinstance(function.resolve(a), int) for a in node.iter.args)
        )
        tuple_of_locals = isinstance(node.iter, ast.Tuple)
        if any(isinstance(inner, ast.Return) for inner in ast.walk(node)):
            return "a loop cannot return for some firms; choose within its body what it changes, and return after it"
        return (
            None
            if constant or tuple_of_locals
            else "a loop must run over range of a constant, or over a tuple written there"
        )
    if isinstance(node, ast.Call):
        return _call_obstacle(function, node)
    return None


def _call_obstacle(function: Function, node: ast.Call) -> str | None:
    called = function.resolve(node.func)
    name = ast.unparse(node.func)
    if called is None:
        return f"'{name}' is not known here: a step may call functions of plain numbers written with def"
    if called in BUILT_INS.values() or called in VECTORISED or isinstance(called, FunctionType):
        return None
    if inspect.isclass(called) and issubclass(called, tuple):
        return None
    if called is math.exp:
        return f"'{name}': {SCALAR_ONLY}; use exp from firmfate.models.arithmetic"
    if getattr(called, "__module__", "") == "math":
        return (
            f"'{name}': {SCALAR_ONLY}; move it to settle or start, or write it with exp from firmfate.models.arithmetic"
        )
    return f"'{name}' is no function of plain numbers that firmfate can compile: {type(called).__name__}"
