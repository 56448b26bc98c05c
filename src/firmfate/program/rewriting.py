"""A function's syntax tree, rewritten so that values in place of numbers can run through it.

Arithmetic stays as it is. Decisions become calls of `firmfate.program.control`, calls become calls of traced functions,
and powers, whose meaning the C library has for plain numbers, become calls too::

    if a > b:                       def then1(x): x = 1.0; return fell(x)
        x = 1.0                     def else1(x): x = 2.0; return fell(x)
    else:                           flow1 = decide(a > b, then1, else1, (x,), locals())
        x = 2.0                     (x,) = variables(flow1, (x,))

What follows an ``if`` that may return is a function as well, so that it is worked out once however many there are.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

MARK = "firmfate·"
"""Begins the names of helpers, so that no variable of a model can be one of them."""

SCOPES = (ast.FunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
SIGNS = {
    kind for group in (ast.expr_context, ast.operator, ast.cmpop, ast.unaryop, ast.boolop)
    for kind in group.__subclasses__()
}  # fmt: skip
"""Nodes that have no place in a file, and nothing in them."""


EMPTY = vars(ast.parse("def _(): pass").body[0])
"""The fields of a function, as many as this Python gives it."""


def within(statements: Sequence[ast.stmt], *, loops: bool = True) -> Iterator[ast.stmt]:
    """Yield statements and all within them, but not within functions defined there; nor, if asked for, within loops."""
    for statement in statements:
        yield statement
        if isinstance(statement, ast.If) or (loops and isinstance(statement, ast.For | ast.While)):
            yield from within([*statement.body, *statement.orelse], loops=loops)


class Assigned:
    """Finds the names that statements assign in their own scope; looks at each statement once."""

    def __init__(self) -> None:
        self._found: dict[ast.stmt, frozenset[str]] = {}

    def __call__(self, statements: Iterable[ast.stmt]) -> list[str]:
        """Return the names, sorted."""
        return sorted(frozenset().union(*map(self._names, statements)))

    def _names(self, statement: ast.stmt) -> frozenset[str]:
        if statement not in self._found:
            names: set[str] = set()
            self._look(statement, names, comprehension=False)
            self._found[statement] = frozenset(names)
        return self._found[statement]

    def _look(self, node: ast.AST, names: set[str], *, comprehension: bool) -> None:
        if isinstance(node, SCOPES):
            if isinstance(node, ast.FunctionDef):
                names.add(node.name)
            return
        if isinstance(node, ast.NamedExpr):
            names.add(node.target.id)
        elif isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store) and not comprehension:
                names.add(node.id)
            return
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, ast.stmt):
                names |= self._names(inner)
            elif type(inner) not in SIGNS:
                self._look(inner, names, comprehension=comprehension or isinstance(node, COMPREHENSIONS))


def located(tree: ast.FunctionDef) -> ast.FunctionDef:
    """Return a function in which nodes without a place have that of the node they are in.

    As `ast.fix_missing_locations` does it, in half the time.
    """
    waiting: list[tuple[ast.AST, int]] = [(tree, tree.lineno)]
    while waiting:
        node, line = waiting.pop()
        if "lineno" in node._attributes:
            if "lineno" not in vars(node):
                vars(node).update(lineno=line, end_lineno=line, col_offset=0, end_col_offset=0)
            line = vars(node)["lineno"]
        waiting += [(inner, line) for inner in ast.iter_child_nodes(node) if type(inner) not in SIGNS]
    return tree


class Rewriter(ast.NodeTransformer):
    """Rewrites a function, and those defined within it."""

    def __init__(self) -> None:
        self.made = 0
        self.assigned = Assigned()
        self.flows = False  # whether returns of the function at hand give flows
        self.in_loop = False
        self.end: list[ast.stmt] = []  # how the function or branch at hand ends without a return

    def function(self, tree: ast.FunctionDef) -> ast.FunctionDef:
        """Rewrite a function; where it returns within an ``if``, every return gives a `Flow`."""
        outer = self.flows, self.in_loop, self.end
        ifs = [node for node in within(tree.body) if isinstance(node, ast.If)]
        self.flows = any(isinstance(node, ast.Return) for node in within(ifs))
        self.in_loop, self.end = False, [ast.Return(_call("fell"))] if self.flows else []
        given = tree.args
        arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
        for argument in arguments:
            argument.annotation = None
        names = [argument.arg for argument in arguments]
        body: list[ast.stmt] = [
            ast.Assign([ast.Name(name, ast.Store())], _call("unset", ast.Constant(name)))
            for name in self.assigned(tree.body)
            if name not in names
        ]
        body += self.block(tree.body, ends=True)
        if self.flows:
            inner = _function(f"{MARK}body", names, body)
            flow = ast.Call(ast.Name(inner.name, ast.Load()), _loads(names), [])
            body = [inner, ast.Return(_call("result", flow, ast.Constant(tree.name)))]
        tree.body, tree.returns = body or [ast.Pass()], None
        self.flows, self.in_loop, self.end = outer
        return tree

    def block(self, statements: Sequence[ast.stmt], *, ends: bool) -> list[ast.stmt]:
        """Rewrite statements one after the other; where they are the last, end as the function or branch does."""
        made: list[ast.stmt] = []
        for i, statement in enumerate(statements):
            if not isinstance(statement, ast.If):
                made.append(self.visit(statement))
                continue
            inside = [*statement.body, *statement.orelse]
            returns = any(isinstance(node, ast.Return) for node in within(inside))
            leaves = any(isinstance(node, ast.Break | ast.Continue) for node in within(inside, loops=False))
            if leaves or (returns and self.in_loop):
                made.append(self.plain_if(statement))
                continue
            flow, branches = self.branches(statement)
            made += branches
            if returns:
                return [*made, *self.rest(flow, statement, statements[i + 1 :])]
        return [*made, *self.end] if ends else made

    def plain_if(self, decision: ast.If) -> ast.stmt:
        """Keep an ``if`` that leaves a loop as one of Python's, whose test must be known."""
        body, orelse = self.block(decision.body, ends=False), self.block(decision.orelse, ends=False)
        return ast.copy_location(ast.If(_call("definite", self.visit(decision.test)), body, orelse), decision)

    def branches(self, decision: ast.If) -> tuple[str, list[ast.stmt]]:
        """Rewrite an ``if`` as two functions of the variables that they assign; return the name of its flow, too."""
        self.made += 1
        number, names = self.made, self.assigned([*decision.body, *decision.orelse])
        outer = self.in_loop, self.end
        self.in_loop, self.end = False, [ast.Return(_call("fell", *_loads(names)))]
        sides = {f"{MARK}then{number}": decision.body, f"{MARK}else{number}": decision.orelse}
        made: list[ast.stmt] = [_function(name, names, self.block(body, ends=True)) for name, body in sides.items()]
        self.in_loop, self.end = outer
        flow = f"{MARK}flow{number}"
        called = [ast.Name(name, ast.Load()) for name in sides]
        test = self.visit(decision.test)
        made.append(_assign(flow, _call("decide", test, *called, _tuple(names), _call("locals"))))
        if names:
            target = ast.Tuple([ast.Name(name, ast.Store()) for name in names], ast.Store())
            made.append(ast.Assign([target], _call("variables", ast.Name(flow, ast.Load()), _tuple(names))))
        return flow, [ast.copy_location(statement, decision) for statement in made]

    def rest(self, flow: str, decision: ast.If, statements: Sequence[ast.stmt]) -> list[ast.stmt]:
        """Rewrite what follows an ``if`` that may have returned, as a function that is called once."""
        names = self.assigned(statements)
        name = f"{MARK}after{flow}"
        following = _function(name, names, self.block(statements, ends=True))
        last = _call("after", ast.Name(flow, ast.Load()), ast.Name(name, ast.Load()), _tuple(names))
        return [ast.copy_location(statement, decision) for statement in (following, ast.Return(last))]

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        """A function within a function."""
        node.args.defaults = [self.visit(default) for default in node.args.defaults]
        node.args.kw_defaults = [default and self.visit(default) for default in node.args.kw_defaults]
        return self.function(node)

    def visit_Return(self, node: ast.Return) -> ast.stmt:
        """Return a value, or the flow of one."""
        value = self.visit(node.value) if node.value else ast.Constant(None)
        return ast.copy_location(ast.Return(_call("returned", value) if self.flows else value), node)

    def visit_For(self, node: ast.For) -> ast.stmt:
        """Loops are run as they stand, and counted."""
        node.iter = self.visit(node.iter)
        return self._loop(node)

    def visit_While(self, node: ast.While) -> ast.stmt:
        """Loops go on as long as Python itself knows that they do."""
        node.test = _call("definite", self.visit(node.test))
        return self._loop(node)

    def _loop(self, node: ast.For | ast.While) -> ast.stmt:
        outer, self.in_loop = self.in_loop, True
        node.body = [ast.Expr(_call("tick")), *self.block(node.body, ends=False)]
        node.orelse = self.block(node.orelse, ends=False)
        self.in_loop = outer
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        """Drop annotations."""
        made = ast.Assign([node.target], self.visit(node.value)) if node.value else ast.Pass()
        return ast.copy_location(made, node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        """``x **= y``: the place of the left side is found once, before `y` is worked out."""
        self.generic_visit(node)
        if not isinstance(node.op, ast.Pow):
            return node
        read, place = _once(node.target)
        return ast.copy_location(ast.Assign([place], _call("raised", read, node.value)), node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Powers."""
        self.generic_visit(node)
        return _call("powered", node.left, node.right) if isinstance(node.op, ast.Pow) else node

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        """``a if test else b``."""
        scope = _scope([node.body, node.orelse])
        later = [_later(self.visit(node.body)), _later(self.visit(node.orelse))]
        return _call("conditional", self.visit(node.test), *later, **scope)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        """``and``, ``or``."""
        scope = _scope(node.values[1:])
        first, *others = (self.visit(value) for value in node.values)
        return _call("both" if isinstance(node.op, ast.And) else "either", first, *map(_later, others), **scope)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        """``not``."""
        self.generic_visit(node)
        return _call("negate", node.operand) if isinstance(node.op, ast.Not) else node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """``a < b < c`` is two comparisons of three values."""
        scope = _scope(node.comparators[1:])
        self.generic_visit(node)
        if len(node.ops) == 1:
            return _comparison(node.left, node.ops[0], node.comparators[0])
        tests = [_test(sign) for sign in node.ops]
        others = [
            ast.Tuple([_later(value), test], ast.Load())
            for value, test in zip(node.comparators[1:], tests[1:], strict=True)
        ]
        return _call("chained", node.left, node.comparators[0], tests[0], *others, **scope)

    def visit_ListComp(self, node: ast.ListComp) -> ast.expr:
        """A list of what a generator yields."""
        self.generic_visit(node)
        return _collected("list", node, node.elt)

    def visit_SetComp(self, node: ast.SetComp) -> ast.expr:
        """A set of what a generator yields."""
        self.generic_visit(node)
        return _collected("set", node, node.elt)

    def visit_DictComp(self, node: ast.DictComp) -> ast.expr:
        """A dict of the pairs that a generator yields."""
        self.generic_visit(node)
        return _collected("dict", node, ast.Tuple([node.key, node.value], ast.Load()))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Call the traced function."""
        self.generic_visit(node)
        node.func = ast.copy_location(_call("traced", node.func), node)
        return node


def _collected(kind: str, node: ast.ListComp | ast.SetComp | ast.DictComp, element: ast.expr) -> ast.expr:
    """Return the call that collects what a generator yields, in place of a comprehension.

    Python 3.12 and later run a comprehension within the function that it stands in. Its variable then hides one of the
    same name that this function has from outside, and functions within read it in vain: CPython raises a NameError. A
    generator is a function of its own.
    """
    return ast.copy_location(_call(kind, ast.GeneratorExp(element, node.generators)), node)


def _once(target: ast.Name | ast.Attribute | ast.Subscript) -> tuple[ast.expr, ast.expr]:
    """Return what reads a place and remembers where it is, and what then sets it."""
    read: ast.expr
    if isinstance(target, ast.Name):
        return ast.Name(target.id, ast.Load()), target
    holder, key = f"{MARK}holder", f"{MARK}key"
    held = ast.NamedExpr(ast.Name(holder, ast.Store()), target.value)
    again = ast.Name(holder, ast.Load())
    if isinstance(target, ast.Attribute):
        return ast.Attribute(held, target.attr, ast.Load()), ast.Attribute(again, target.attr, ast.Store())
    read = ast.Subscript(held, ast.NamedExpr(ast.Name(key, ast.Store()), _key(target.slice)), ast.Load())
    return read, ast.Subscript(again, ast.Name(key, ast.Load()), ast.Store())


def _key(written: ast.expr) -> ast.expr:
    """Return what stands in brackets as an expression that stands anywhere."""
    if isinstance(written, ast.Slice):
        ends = (written.lower, written.upper, written.step)
        return _call("slice", *(end or ast.Constant(None) for end in ends))
    return ast.Tuple([_key(one) for one in written.elts], ast.Load()) if isinstance(written, ast.Tuple) else written


def _comparison(left: ast.expr, sign: ast.cmpop, right: ast.expr) -> ast.expr:
    if isinstance(sign, ast.In | ast.NotIn):
        found = _call("among", left, right)
        return found if isinstance(sign, ast.In) else _call("negate", found)
    if isinstance(sign, ast.Is | ast.IsNot):
        found = _call("identical", left, right)
        return found if isinstance(sign, ast.Is) else _call("negate", found)
    return ast.Compare(left, [sign], [right])


def _test(sign: ast.cmpop) -> ast.expr:
    """Return a comparison as a function of both sides."""
    names = f"{MARK}left", f"{MARK}right"
    left, right = _loads(names)
    return ast.Lambda(_arguments(names), _comparison(left, sign, right))


def _call(helper: str, *arguments: ast.expr, **named: ast.expr) -> ast.Call:
    keywords = [ast.keyword(name, value) for name, value in named.items()]
    return ast.Call(ast.Name(f"{MARK}{helper}", ast.Load()), list(arguments), keywords)


def _scope(later: Sequence[ast.expr]) -> dict[str, ast.expr]:
    """Return the variables of the place as an argument, where expressions call something, which might change them.

    Where they only look something up, which a defaultdict takes in and a property may count, those that they name.
    """
    nodes = [node for expression in later for node in ast.walk(expression)]
    if any(isinstance(node, ast.Call) for node in nodes):
        return {"scope": _call("locals")}
    if not any(isinstance(node, ast.Subscript | ast.Attribute) for node in nodes):
        return {}
    names = sorted({node.id for node in nodes if isinstance(node, ast.Name)})
    return {"scope": _call("named", _call("locals"), *map(ast.Constant, names))}


def _later(expression: ast.expr) -> ast.expr:
    """Return an expression that is worked out where it is asked for."""
    return ast.copy_location(ast.Lambda(_arguments([]), expression), expression)


def _arguments(names: Sequence[str]) -> ast.arguments:
    taken = [ast.arg(name) for name in names]
    return ast.arguments(posonlyargs=[], args=taken, kwonlyargs=[], kw_defaults=[], defaults=[])


def _loads(names: Sequence[str]) -> list[ast.expr]:
    return [ast.Name(name, ast.Load()) for name in names]


def _tuple(names: Sequence[str]) -> ast.expr:
    return ast.Tuple(_loads(names), ast.Load())


def _assign(name: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Name(name, ast.Store())], value)


def _function(name: str, parameters: Sequence[str], body: list[ast.stmt]) -> ast.FunctionDef:
    return ast.FunctionDef(**{**EMPTY, "name": name, "args": _arguments(parameters), "body": body or [ast.Pass()]})
