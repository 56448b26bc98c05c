"""The rule of linear forms: sums with coefficients that do not change from step to step, written with fewest
operations.

A *tree* is made of sums, differences, negatives and products with what does not change; its leaves are *atoms*, values
that do change and are not linear in others, and fixed terms. As a *form* it is the sum of its fixed terms and of one
product for each atom.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from firmfate.program.graph import Graph
from firmfate.program.operations import NUMBER
from firmfate.program.walks import Walk

Term = tuple[int, int, "int | None"]
"""An atom's place in the old graph, the sign, and its coefficient's place in the new graph (None = 1)."""


@dataclass
class Form:
    """A linear form, as it is collected from a tree.

    Attributes
    ----------
    terms : list of Term
    fixed : list of (sign, place in the new graph)
    tree : list of int
        The linear values that it stands for.
    """

    terms: list[Term] = field(default_factory=list)
    fixed: list[tuple[int, int]] = field(default_factory=list)
    tree: list[int] = field(default_factory=list)


class LinearForms:
    """Rewrites the trees of a program.

    Parameters
    ----------
    walk : Walk
    """

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.nodes = walk.old.nodes
        self.users: dict[int, list[int]] = {}
        for place in walk.reached:
            for argument in self.nodes[place].arguments:
                self.users.setdefault(argument, []).append(place)
        self.inner = {
            place
            for place in walk.reached
            if self.is_linear(place) and self._only_linear(place) and walk.uses[place] == 1
        }
        self.shared: set[int] = set()
        self.forced: set[int] = set()
        """Roots that are written as forms, since a value that several trees share is written in each of them."""

    def is_linear(self, place: int) -> bool:
        """Return whether a value is a linear operation of changing ones."""
        walk, node = self.walk, self.nodes[place]
        if node.kind != NUMBER or not walk.may_change(place) or not walk.is_changing(place):
            return False
        if node.operation == "mul":
            return sum(map(walk.is_changing, node.arguments)) == 1
        return node.operation in ("add", "sub", "neg")

    def _only_linear(self, place: int) -> bool:
        """Return whether a value is used by linear operations alone."""
        users = self.users.get(place, [])
        return len(users) == self.walk.uses[place] and all(map(self.is_linear, users))

    def roots(self, places: Iterable[int]) -> set[int]:
        """Return the roots of the trees that values belong to."""
        found: set[int] = set()
        waiting = list(places)
        while waiting:
            place = waiting.pop()
            if place in self.inner:
                waiting += self.users[place]
            else:
                found.add(place)
        return found

    def share(self) -> None:
        """Let values that several trees share be written in each of them, where that takes fewer operations in all.

        The cost of a tree is worked out with throw-away coefficients; nothing is written for good yet.
        """
        for place in self.walk.reached:
            if self.walk.uses[place] < 2 or not self.is_linear(place) or not self._only_linear(place):
                continue
            roots = self.roots(self.users[place])
            before = sum(self.cost(root) for root in {*roots, place})
            self.inner.add(place)
            self.shared.add(place)
            own = sum(self.walk.is_single(argument, "mul") for argument in self.nodes[place].arguments)
            after = own + sum(self.cost_of_form(self.form(root)) for root in roots)
            if after < before:
                self.forced |= roots
            else:
                self.inner.discard(place)
                self.shared.discard(place)
        self.forced -= self.inner

    def cost(self, root: int) -> int:
        """Return the operations of a tree, as it is going to be written."""
        form = self.form(root)
        as_form = self.cost_of_form(form)
        return as_form if root in self.forced else min(as_form, self.cost_of_tree(form.tree))

    def form(self, root: int) -> Form:
        """Return a tree as a linear form."""
        found = Form()
        self._expand(root, 1, None, found)
        found.terms = self._merged(found.terms)
        return self._absorbed(found)

    def _absorbed(self, form: Form) -> Form:
        """Return a form with fewer atoms, where one is linear in others that are there: (1 - x) beside x."""
        for atom, sign, factor in form.terms:
            if not self.is_linear(atom):
                continue
            others = [term for term in form.terms if term[0] != atom]
            trial = Form(list(others), list(form.fixed), [])
            self._expand(atom, sign, factor, trial)
            trial.terms, trial.tree = self._merged(trial.terms), form.tree
            atoms = {term[0] for term in others}
            if all(term[0] in atoms for term in trial.terms) and self.cost_of_form(trial) < self.cost_of_form(form):
                return self._absorbed(trial)
        return form

    def _expand(self, place: int, sign: int, factor: int | None, form: Form) -> None:
        walk, node = self.walk, self.nodes[place]
        form.tree.append(place)

        def go_on(argument: int, sign: int, factor: int | None) -> None:
            if argument in self.inner:
                self._expand(argument, sign, factor, form)
            elif walk.is_changing(argument):
                form.terms.append((argument, sign, factor))
            else:
                form.fixed.append((sign, times(self.coefficients, factor, self._fixed(argument))))

        if node.operation == "mul":
            left, right = node.arguments
            if walk.is_changing(left):
                left, right = right, left
            go_on(right, sign, times(self.coefficients, factor, self._fixed(left)))
        elif node.operation == "neg":
            go_on(node.arguments[0], -sign, factor)
        else:
            go_on(node.arguments[0], sign, factor)
            go_on(node.arguments[1], sign if node.operation == "add" else -sign, factor)

    @cached_property
    def coefficients(self) -> Graph:
        """Where coefficients are written: the new graph."""
        return self.walk.new

    def _fixed(self, place: int) -> int:
        """Return the place of a value that does not change in the new graph."""
        if place not in self.walk.place:
            for argument in self.nodes[place].arguments:
                self._fixed(argument)
            self.walk.place[place] = self.walk.copy(place)
        return self.walk.place[place]

    def _merged(self, terms: list[Term]) -> list[Term]:
        """Return terms with one coefficient for each atom; those that take longest to work out last."""
        found: dict[int, tuple[int, int | None]] = {}
        new, walk = self.coefficients, self.walk
        for atom, sign, factor in terms:
            if atom not in found:
                found[atom] = (sign, factor)
                continue
            other_sign, other = found[atom]
            one = new.constant(1.0)
            parts = sorted([(other_sign, one if other is None else other), (sign, one if factor is None else factor)])
            (first_sign, first), (last_sign, last) = parts
            # Positive where one of them is: no negative has to be worked out in a step.
            total = new.apply("add", first, last) if first_sign == last_sign else new.apply("sub", last, first)
            found[atom] = (last_sign, None if new.value(total) == 1.0 else total)
        return [(atom, *found[atom]) for atom in sorted(found, key=lambda atom: (walk.depth[atom], atom))]

    def _is_product(self, place: int) -> bool:
        """Return whether a value is a product that a sum could take in."""
        return self.walk.is_single(place, "mul") and self.users[place][0] not in self.shared

    def cost_of_tree(self, tree: Sequence[int]) -> int:
        """Return the operations of a tree as it stands, after fusion, and of the products that are its atoms."""
        members, fused = set(tree), set()
        products = {place for place in tree if self.nodes[place].operation == "mul"}
        cost = 0
        for place in tree:
            operation, arguments = self.nodes[place].operation, self.nodes[place].arguments
            products.update(
                argument for argument in arguments if argument not in members and self.walk.is_changing(argument)
                and self._is_product(argument)
            )  # fmt: skip
            if operation in ("add", "sub"):
                cost += 1
                candidates = [argument for argument in arguments if self._is_product(argument)]
                if candidates:
                    fused.add(max(candidates, key=lambda argument: self.walk.depth[argument]))
        return cost + len(products - fused)

    def cost_of_form(self, form: Form) -> int:
        """Return the operations of a form, after fusion, counted likewise."""
        cost = 0
        for place, (atom, _, factor) in enumerate(form.terms):
            first = place == 0 and not form.fixed
            cost += not first or factor is not None
            cost += self._is_product(atom) and (first or factor is not None)
        return cost

    def write(self, root: int) -> int:
        """Write a tree, and return its value's place in the new graph."""
        form = self.form(root)
        if root in self.forced or (len(form.tree) > 1 and self.cost_of_form(form) < self.cost_of_tree(form.tree)):
            return self._written(form)
        for place in sorted(form.tree):  # as it stands, inner values before what uses them
            self.walk.place[place] = self.walk.copy(place)
        return self.walk.place[root]

    def _written(self, form: Form) -> int:
        """Write a form: fixed terms first, atoms with one coefficient together, the longest to work out last."""
        new = self.walk.new
        total: int | None = None
        for sign, value in form.fixed:
            total = _plus(new, total, sign, value)
        groups: dict[int | None, list[tuple[int, int]]] = {}
        for atom, sign, factor in form.terms:
            groups.setdefault(factor, []).append((sign, self.walk.place[atom]))
        depth = {factor: place for place, (_, _, factor) in enumerate(form.terms)}
        for factor in sorted(groups, key=lambda factor: depth[factor]):
            members = groups[factor]
            if factor is None:
                for sign, value in members:
                    total = _plus(new, total, sign, value)
                continue
            joint: int | None = None
            first_sign = members[0][0]
            for sign, value in members:
                joint = _plus(new, joint, sign * first_sign, value)
            assert joint is not None
            if total is None and first_sign < 0:
                factor, first_sign = new.apply("neg", factor), 1
            total = _plus(new, total, first_sign, new.apply("mul", factor, joint))
        assert total is not None
        return total


def _plus(new: Graph, total: int | None, sign: int, value: int) -> int:
    """Return a sum so far, and one term more."""
    if total is None:
        return value if sign > 0 else new.apply("neg", value)
    return new.apply("add" if sign > 0 else "sub", total, value)


def times(graph: Graph, factor: int | None, value: int) -> int:
    """Return a value times a factor, None where it is 1."""
    return value if factor is None else graph.apply("mul", factor, value)


def linear_forms(graph: Graph, outputs: Sequence[int]) -> tuple[Graph, list[int]]:
    """Return a program whose trees are written with fewest operations."""
    walk = Walk(graph, outputs)
    forms = LinearForms(walk)
    forms.share()
    for place in walk.reached:
        if place in forms.inner or place in walk.place:
            continue
        walk.place[place] = forms.write(place) if forms.is_linear(place) else walk.copy(place)
    return walk.result(outputs)
