"""The source of a model's functions: its syntax tree, and where it stands."""

from __future__ import annotations

import ast
import inspect
import textwrap
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


@dataclass(frozen=True)
class Source:
    """One function: its syntax tree with the file's own line numbers, and the file."""

    tree: ast.FunctionDef
    file: str


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
    tree = ast.parse(textwrap.dedent("".join(lines))).body[0]
    file = inspect.getsourcefile(call) or "?"
    if not isinstance(tree, ast.FunctionDef):
        raise NotForTracing("FF101", f"'{name}' is no plain function; write it with 'def'")
    ast.increment_lineno(tree, first - 1)
    for node in ast.walk(tree):
        reason = REFUSED.get(type(node))
        if reason is not None:
            fault = NotForTracing("FF102", reason)
            fault.line = (file, getattr(node, "lineno", first))  # type: ignore[attr-defined]
            raise fault
    return Source(tree, file)
