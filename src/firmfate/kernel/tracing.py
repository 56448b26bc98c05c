"""A model's step, read as instructions: its Python is run once, on registers in place of numbers.

Arithmetic needs nothing for that. What decides (``if``, conditional expressions, ``and``, ``or``, ``not``) is rewritten
first: all branches are worked out, and every lane keeps the values of its own. Calls go to rewritten functions; `min`,
`max`, `abs` and square roots to those of registers.
"""

from __future__ import annotations

import ast
import copy
import inspect
import math
from collections.abc import Callable
from types import FunctionType
from typing import Any

from firmfate.kernel.elementary import exp
from firmfate.kernel.registers import DOUBLE, FLAG, Register
from firmfate.kernel.sources import Function
from firmfate.models import arithmetic


def choose(test: Any, this: Any, other: Any) -> Any:
    """Return `this` where the test holds, `other` elsewhere; tuples member by member."""
    test = _flag(test)
    if not isinstance(test, Register):
        return this if test else other
    if this is other or isinstance(this, Unset):
        return this
    if isinstance(other, Unset):
        return other
    if isinstance(this, tuple):
        members = [choose(test, a, b) for a, b in zip(this, other, strict=True)]
        return type(this)(*members) if hasattr(this, "_fields") else tuple(members)
    return test.choose(this, other)


def both(first: Any, *others: Any) -> Any:
    """Return the first value that does not hold, or the last: as ``and`` does."""
    for other in others:
        first = first & other if _are_flags(first, other) else choose(first, other, first)
    return first


def either(first: Any, *others: Any) -> Any:
    """Return the first value that holds, or the last: as ``or`` does."""
    for other in others:
        first = first | other if _are_flags(first, other) else choose(first, first, other)
    return first


def negate(test: Any) -> Any:
    """Return whether a test does not hold."""
    test = _flag(test)
    return test ^ 1 if isinstance(test, Register) else not test


def _flag(test: Any) -> Any:
    """Return a number as a test: whether it is not 0."""
    return test != 0.0 if isinstance(test, Register) and test.kind == DOUBLE else test


def _are_flags(*values: Any) -> bool:
    return all(isinstance(value, Register) and value.kind == FLAG for value in values)


def least(*values: Any) -> Any:
    """Return the least value, by Python's rule: a later one takes its place where it is less."""
    found, *others = values[0] if len(values) == 1 else values
    for value in others:
        found = choose(value < found, value, found)
    return found


def greatest(*values: Any) -> Any:
    """Return the greatest value, by Python's rule: a later one takes its place where it is greater."""
    found, *others = values[0] if len(values) == 1 else values
    for value in others:
        found = choose(value > found, value, found)
    return found


def _rounded(name: str, plain: Callable[[float], float]) -> Callable[[Any], Any]:
    return lambda x: x.like(x).call(f"llvm.{name}") if isinstance(x, Register) else plain(x)


class Unset:
    """What a variable holds that was not set in every case; any use of it fails."""

    def __init__(self, name: str) -> None:
        vars(self)["name"] = name

    def _refuse(self, *_: Any) -> Any:
        name = vars(self)["name"]
        raise NameError(f"'{name}' is used here, but not set in every case; set it before the 'if'")

    __getattr__ = __float__ = __bool__ = __iter__ = __abs__ = __neg__ = __pos__ = __getitem__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = _refuse
    __and__ = __rand__ = __or__ = __ror__ = __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _refuse
    __hash__ = None  # type: ignore[assignment]


REPLACED: dict[Any, Callable[..., Any]] = {
    min: least,
    max: greatest,
    float: lambda x: x.like(x) if isinstance(x, Register) else float(x),
    bool: lambda x: x != 0 if isinstance(x, Register) else bool(x),
    int: _rounded("trunc", int),
    math.sqrt: _rounded("sqrt", math.sqrt),
    math.fabs: _rounded("fabs", math.fabs),
    math.floor: _rounded("floor", math.floor),
    math.ceil: _rounded("ceil", math.ceil),
    arithmetic.exp: lambda x: exp(x) if isinstance(x, Register) else arithmetic.exp(x),
}
HELPERS = {
    "firmfate·choose": choose,
    "firmfate·both": both,
    "firmfate·either": either,
    "firmfate·negate": negate,
    "firmfate·unset": Unset,
}


def traceable(function: Any, sources: dict[FunctionType, Function], done: dict[Any, Any] | None = None) -> Any:
    """Return a function that takes registers in place of numbers, for one that takes numbers.

    Parameters
    ----------
    function : callable
        What a model's step calls, or the step itself.
    sources : dict
        All functions that a step reaches.
    done : dict, optional
        Those that have been rewritten already.
    """
    done = {} if done is None else done
    if function in REPLACED:
        return REPLACED[function]
    if function not in sources:
        return function
    if function not in done:
        source = sources[function]
        closure = inspect.getclosurevars(function)
        scope = {**function.__globals__, **closure.nonlocals, **HELPERS}
        scope["firmfate·traced"] = lambda called: traceable(called, sources, done)
        tree = Rewriter().function(copy.deepcopy(source.tree), function.__code__.co_varnames)
        ast.increment_lineno(tree, source.first_line - 1)
        exec(compile(ast.Module([tree], []), source.file, "exec"), scope)
        done[function] = made = scope[tree.name]
        made.__defaults__, made.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
    return done[function]


class Rewriter(ast.NodeTransformer):
    """Rewrites decisions as choices between values, and calls as calls of rewritten functions."""

    def function(self, tree: ast.FunctionDef, names: tuple[str, ...]) -> ast.FunctionDef:
        """Rewrite a whole function whose local names are these, its arguments first."""
        self.names, self.branched = names, 0
        arguments = tree.args
        for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            one.annotation = None
        arguments.defaults = [ast.Constant(None) for _ in arguments.defaults]
        arguments.kw_defaults = [default and ast.Constant(None) for default in arguments.kw_defaults]
        given = len(arguments.posonlyargs) + len(arguments.args) + len(arguments.kwonlyargs)
        unset: list[ast.stmt] = [
            ast.Assign([ast.Name(name, ast.Store())], _call("unset", ast.Constant(name))) for name in names[given:]
        ]
        tree.body, tree.returns = [*unset, *self.block(tree.body)], None
        return ast.fix_missing_locations(tree)

    def block(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        """Rewrite statements one after the other; what follows an ``if`` that returns belongs to its branches."""
        made: list[ast.stmt] = []
        for i, statement in enumerate(statements):
            if isinstance(statement, ast.If):
                returns = any(isinstance(node, ast.Return) for node in ast.walk(statement))
                rest = statements[i + 1 :] if returns else []
                made += self.branches(statement, rest, returns=returns)
                if returns:
                    return made
            else:
                made.append(self.visit(statement))
        return made

    def branches(self, decision: ast.If, rest: list[ast.stmt], *, returns: bool) -> list[ast.stmt]:
        """Rewrite an ``if`` as two functions of all local names, both called; lanes choose among what they return."""
        self.branched += 1
        local: list[ast.expr] = [ast.Name(name, ast.Load()) for name in self.names]
        end: list[ast.stmt] = [] if returns else [ast.Return(ast.Tuple(local, ast.Load()))]
        made: list[ast.stmt] = []
        calls = []
        for side, body in (("then", decision.body), ("else", decision.orelse)):
            name = f"firmfate·{side}{self.branched}"
            following = [] if _always_returns(body) else copy.deepcopy(rest)
            branch = _empty_function(name, self.names)
            branch.body = [*self.block([*body, *following]), *end] or [ast.Pass()]
            made.append(branch)
            calls.append(ast.Call(ast.Name(name, ast.Load()), local, []))
        chosen = _call("choose", self.visit(decision.test), *calls)
        if returns:
            return [*made, ast.Return(chosen)]
        targets = ast.Tuple([ast.Name(name, ast.Store()) for name in self.names], ast.Store())
        return [*made, ast.Assign([targets], chosen)]

    def visit_For(self, node: ast.For) -> ast.stmt:
        """Loops are of constant length: their bodies are run as they stand."""
        node.iter, node.body = self.visit(node.iter), self.block(node.body)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        """Drop annotations."""
        return ast.Assign([node.target], self.visit(node.value)) if node.value else ast.Pass()

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        """``a if test else b``."""
        return _call("choose", self.visit(node.test), self.visit(node.body), self.visit(node.orelse))

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        """``and``, ``or``."""
        name = "both" if isinstance(node.op, ast.And) else "either"
        return _call(name, *(self.visit(value) for value in node.values))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        """``not``."""
        self.generic_visit(node)
        return _call("negate", node.operand) if isinstance(node.op, ast.Not) else node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """``a < b < c`` is two comparisons."""
        self.generic_visit(node)
        if len(node.ops) == 1:
            return node
        values = [node.left, *node.comparators]
        return _call("both", *(ast.Compare(values[i], [sign], [values[i + 1]]) for i, sign in enumerate(node.ops)))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Call the rewritten function."""
        self.generic_visit(node)
        node.func = _call("traced", node.func)
        return node


def _call(helper: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(f"firmfate·{helper}", ast.Load()), list(arguments), [])


def _empty_function(name: str, parameters: tuple[str, ...]) -> ast.FunctionDef:
    made = ast.parse("def _(): pass").body[0]
    assert isinstance(made, ast.FunctionDef)
    made.name, made.args.args = name, [ast.arg(parameter) for parameter in parameters]
    return made


def _always_returns(body: list[ast.stmt]) -> bool:
    last = body[-1] if body else None
    if isinstance(last, ast.If):
        return _always_returns(last.body) and _always_returns(last.orelse)
    return isinstance(last, ast.Return)
