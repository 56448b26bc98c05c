"""The source of a model's functions: its syntax tree, and where it stands."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from types import FunctionType
from typing import Any

from firmfate.program.values import NotForTracing

REFUSED: dict[type[ast.AST], str] = {
    ast.Try: "'try' would catch what happens to some firms; choose with conditional expressions instead",
    ast.TryStar: "'try' would catch what happens to some firms; choose with conditional expressions instead",
    ast.With: "'with' has no place in arithmetic; open files outside the model's functions",
    ast.AsyncWith: "'with' has no place in arithmetic; open files outside the model's functions",
    ast.AsyncFor: "'async' has no place in arithmetic",
    ast.AsyncFunctionDef: "'async' has no place in arithmetic",
    ast.Await: "'await' has no place in arithmetic",
    ast.Yield: "a function of a model returns once; build a list instead of a generator with 'yield'",
    ast.YieldFrom: "a function of a model returns once; build a list instead of a generator with 'yield'",
    ast.Global: "a function of a model has no memory but its stocks; declare a stock",
    ast.Nonlocal: "a function of a model has no memory but its stocks; declare a stock",
    ast.Delete: "'del' has no place in arithmetic",
    ast.ClassDef: "define classes outside the model's functions",
    ast.Match: "write the cases with 'if' and 'elif'",
}
"""Statements that a program cannot mean what Python means by."""

CHANGES = {
    "append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse", "update", "setdefault", "popitem", "add",
    "discard",
}  # fmt: skip
"""Methods that change a list, dict or set."""


@dataclass(frozen=True)
class Source:
    """One function: its syntax tree with the file's own line numbers, the text that it is of, and the file."""

    tree: ast.FunctionDef
    text: str
    file: str

    def fresh(self) -> ast.FunctionDef:
        """Return the tree anew, to be changed; to read the text again takes a fifth of a copy's time."""
        tree = ast.parse(self.text).body[0]
        assert isinstance(tree, ast.FunctionDef)
        return tree


def describe(call: Any) -> str:
    """Return how a function is named in messages."""
    return getattr(call, "__qualname__", None) or repr(call)


@cache
def read(call: FunctionType) -> Source:
    """Return the source of a function.

    Raises
    ------
    NotForTracing
        Where it is no plain function whose source can be read, or holds a statement that is refused.
    """
    name = describe(call)
    if call.__name__ == "<lambda>":
        raise NotForTracing("FF101", "a lambda stands where a function is asked for; write it with 'def'")
    try:
        lines, first = inspect.getsourcelines(call)
    except (OSError, TypeError):
        raise NotForTracing(
            "FF101", f"the source of '{name}' cannot be read; write the model in a file, or in a notebook"
        ) from None
    text = "\n" * (first - 1) + textwrap.dedent("".join(lines))
    tree = ast.parse(text).body[0]
    file = inspect.getsourcefile(call) or "?"
    if not isinstance(tree, ast.FunctionDef):
        raise NotForTracing("FF101", f"'{name}' is no plain function; write it with 'def'")
    nodes = list(ast.walk(tree))
    own = _own_names(nodes)
    for node in nodes:
        for code, reason in _faults(node, own):
            fault = NotForTracing(code, reason)
            fault.line = (file, getattr(node, "lineno", first))  # type: ignore[attr-defined]
            raise fault
    return Source(tree, text, file)


def returns(call: FunctionType, name: str) -> int:
    """Return the line in which a function gives a name in a dict, or that of its last ``return``; 0 without one."""
    line = 0
    for node in ast.walk(read(call).tree):
        if isinstance(node, ast.Return):
            line = max(line, node.lineno)
    for node in ast.walk(read(call).tree):
        if isinstance(node, ast.keyword) and node.arg == name:
            return node.value.lineno
        if isinstance(node, ast.Dict):
            keys = [key for key in node.keys if isinstance(key, ast.Constant) and key.value == name]
            if keys:
                return keys[0].lineno
    return line


def _own_names(nodes: Sequence[ast.AST]) -> set[str]:
    """Return the names that a function, or one within it, sets or takes as arguments."""
    set_here = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    return set_here | {node.arg for node in nodes if isinstance(node, ast.arg)}


def _faults(node: ast.AST, own: set[str]) -> Iterator[tuple[str, str]]:
    """Yield (code, sentence) where a node cannot mean what Python means by it."""
    if type(node) in REFUSED:
        yield "FF102", REFUSED[type(node)]
    changed: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        changed = [target for target in node.targets if isinstance(target, ast.Subscript | ast.Attribute)]
    elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Subscript | ast.Attribute):
        changed = [node.target]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGES:
        changed = [node.func]
    for target in changed:
        name = _root(target)
        if name is not None and name not in own:
            yield (
                "FF102",
                f"'{name}' is global, and changed here; a model has no memory but its stocks: declare a stock",
            )
    later: list[ast.expr] = []
    if isinstance(node, ast.IfExp):
        later = [node.body, node.orelse]
    elif isinstance(node, ast.BoolOp):
        later = node.values[1:]
    elif isinstance(node, ast.Compare):
        later = node.comparators[1:]
    for expression in later:
        for inner in ast.walk(expression):
            if isinstance(inner, ast.NamedExpr):
                yield "FF103", f"'{inner.target.id}' would be set here for some firms only; set it in a line before"


def _root(expression: ast.expr) -> str | None:
    """Return the variable that an attribute or an item is of."""
    while isinstance(expression, ast.Subscript | ast.Attribute):
        expression = expression.value
    return expression.id if isinstance(expression, ast.Name) else None
