"""Graphs: operations on numbered values, equal ones shared, those of constants worked out when they are written."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from firmfate.program import exact
from firmfate.program.operations import COMMUTING, FLAG, NUMBER, OPERATIONS, WORD

ALL = 2**64 - 1

EXACT = "exact"
"""Marks operations whose rounding was thought through, as in elementary functions: no rule may change them."""


SIMPLIFIED = {
    "add", "sub", "mul", "div", "neg", "abs", "fma", "fms", "fnma", "choose", "not", "both", "either", "differ", "wand",
    "wadd", "wor", "wxor", "wshl", "wshr",
}  # fmt: skip
"""Operations that `Graph.apply` may find a shorter way for."""


class Node(NamedTuple):
    """One value of a graph: an operation and the places of its arguments.

    ``constant`` holds its value in `data`, a number as its bit pattern; ``input`` its name; ``lookup`` its table; sums,
    differences, products and quotients whether they are `EXACT`.
    """

    operation: str
    arguments: tuple[int, ...]
    kind: str
    data: int | str | tuple[int, ...] | None = None

    def of(self, arguments: Sequence[int]) -> Node:
        """Return the same operation of other arguments, in the order in which a graph keeps them."""
        first, *others = arguments
        if self.operation in COMMUTING and others[0] < first:
            first, others[0] = others[0], first
        return Node(self.operation, (first, *others), self.kind, self.data)


def pattern(number: float) -> int:
    """Return the bit pattern of a number; there is one NaN."""
    number = math.nan if number != number else number
    return int.from_bytes(struct.pack("<d", number), "little")


def from_pattern(bits: int) -> float:
    """Return the number of a bit pattern."""
    found: float = struct.unpack("<d", bits.to_bytes(8, "little"))[0]
    return found


class Graph:
    """Values in the order in which they were written, each after its arguments.

    Attributes
    ----------
    nodes : list of Node
    exact : bool
        Whether what is written now is to stay as it is.
    """

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.exact = False
        self._places: dict[Node, int] = {}

    def append(self, node: Node) -> int:
        """Return the place of a node, which is added as it is where it is new."""
        found = self._places.get(node)
        if found is None:
            found = self._places[node] = len(self.nodes)
            self.nodes.append(node)
        return found

    def input(self, name: str, kind: str = NUMBER) -> int:
        """Return the value that is given from outside under a name."""
        return self.append(Node("input", (), kind, name))

    def constant(self, value: float) -> int:
        """Return a constant number."""
        return self.append(Node("constant", (), NUMBER, pattern(float(value))))

    def word(self, value: int) -> int:
        """Return a constant word."""
        return self.append(Node("constant", (), WORD, value & ALL))

    def flag(self, value: bool) -> int:
        """Return a constant flag."""
        return self.append(Node("constant", (), FLAG, int(value)))

    def value(self, place: int) -> float | int | None:
        """Return the value of a constant, or None where it is no constant."""
        node = self.nodes[place]
        if node.operation != "constant":
            return None
        assert isinstance(node.data, int)
        return from_pattern(node.data) if node.kind == NUMBER else node.data

    def lookup(self, table: Iterable[float], index: int) -> int:
        """Return the number of a table at the place that the low bits of a word name."""
        entries = tuple(pattern(float(entry)) for entry in table)
        if len(entries) < 2 or len(entries) & (len(entries) - 1):
            raise ValueError(f"a table of {len(entries)} numbers; its length must be a power of two")
        return self.lookup_patterns(entries, index)

    def lookup_patterns(self, entries: tuple[int, ...], index: int) -> int:
        """Return the number of a table of bit patterns; as `lookup`."""
        known = self.value(index)
        if known is not None:
            return self.append(Node("constant", (), NUMBER, entries[int(known) % len(entries)]))
        return self.append(Node("lookup", (index,), NUMBER, entries))

    def apply(self, operation: str, *arguments: int) -> int:
        """Return the value of an operation; simplified where that changes no bit."""
        shape, nodes = OPERATIONS[operation], self.nodes
        known: list[float | int | None] = []
        for place, kind in zip(arguments, shape.takes, strict=True):
            node = nodes[place]
            if node.kind != kind:
                raise TypeError(f"{operation} takes {shape.takes}, not {[nodes[given].kind for given in arguments]}")
            known.append(self.value(place) if node.operation == "constant" else None)
        if None not in known:
            worked_out = exact.apply(operation, known)
            make = {NUMBER: self.constant, WORD: self.word, FLAG: self.flag}[shape.gives]
            return make(worked_out)
        if operation in SIMPLIFIED:
            simple = self._simplified(operation, arguments, known)
            if simple is not None:
                return simple
        marked = self.exact and operation in ("add", "sub", "mul", "div")
        return self.append(Node(operation, (), shape.gives, EXACT if marked else None).of(arguments))

    def _simplified(self, operation: str, arguments: tuple[int, ...], known: list[float | int | None]) -> int | None:
        """Return the value of an operation where there is a shorter way to the same bits."""
        nodes = self.nodes
        match operation:
            case "mul" | "div" if known[1] == 1.0:
                return arguments[0]
            case "mul" if known[0] == 1.0:
                return arguments[1]
            case "sub" if known[1] == 0.0 and math.copysign(1.0, float(known[1])) > 0:
                return arguments[0]
            case "div" if known[1] is not None and _is_power_of_two(float(known[1])):
                return self.apply("mul", arguments[0], self.constant(1.0 / float(known[1])))
            case "neg" if nodes[arguments[0]].operation == "neg":
                return nodes[arguments[0]].arguments[0]
            case "add" if nodes[arguments[1]].operation == "neg":
                return self.apply("sub", arguments[0], nodes[arguments[1]].arguments[0])
            case "add" if nodes[arguments[0]].operation == "neg":
                return self.apply("sub", arguments[1], nodes[arguments[0]].arguments[0])
            case "sub" if nodes[arguments[1]].operation == "neg":
                return self.apply("add", arguments[0], nodes[arguments[1]].arguments[0])
            case "mul" | "div" if nodes[arguments[0]].operation == "neg":
                return self.apply("neg", self.apply(operation, nodes[arguments[0]].arguments[0], arguments[1]))
            case "mul" | "div" if nodes[arguments[1]].operation == "neg":
                return self.apply("neg", self.apply(operation, arguments[0], nodes[arguments[1]].arguments[0]))
            case "mul" if known[0] == -1.0:
                return self.apply("neg", arguments[1])
            case "mul" if known[1] == -1.0:
                return self.apply("neg", arguments[0])
            case "abs" if nodes[arguments[0]].operation in ("abs", "neg"):
                return self.apply("abs", nodes[arguments[0]].arguments[0])
            case "fma" | "fms" | "fnma" if 1.0 in known[:2]:
                factor = arguments[1] if known[0] == 1.0 else arguments[0]
                if operation == "fnma":
                    return self.apply("sub", arguments[2], factor)
                return self.apply("add" if operation == "fma" else "sub", factor, arguments[2])
            case "choose" if known[0] is not None:
                return arguments[1] if known[0] else arguments[2]
            case "choose" if arguments[1] == arguments[2]:
                return arguments[1]
            case "choose" if nodes[arguments[0]].operation == "not":
                return self.apply("choose", nodes[arguments[0]].arguments[0], arguments[2], arguments[1])
            case "not" if nodes[arguments[0]].operation == "not":
                return nodes[arguments[0]].arguments[0]
            case "both" | "either" if arguments[0] == arguments[1]:
                return arguments[0]
            case "both":
                return self._with_known(arguments, known, keep=1)
            case "either":
                return self._with_known(arguments, known, keep=0)
            case "differ" if known[0] is not None:
                return self.apply("not", arguments[1]) if known[0] else arguments[1]
            case "differ" if known[1] is not None:
                return self.apply("not", arguments[0]) if known[1] else arguments[0]
            case "wand" if ALL in known:
                return arguments[known.index(ALL) ^ 1]
            case "wadd" | "wor" | "wxor" if 0 in known:
                return arguments[known.index(0) ^ 1]
            case "wshl" | "wshr" if known[1] == 0:
                return arguments[0]
        return None

    def _with_known(self, arguments: tuple[int, ...], known: list[float | int | None], keep: int) -> int | None:
        """Return what is left of two flags of which one is known: the other where it is `keep`, else itself."""
        for place in (0, 1):
            if known[place] is not None:
                return arguments[place ^ 1] if known[place] == keep else arguments[place]
        return None

    def reached(self, roots: Iterable[int]) -> list[int]:
        """Return the places that some values depend on, themselves included, in ascending order."""
        found = set(roots)
        for place in range(max(found, default=-1), -1, -1):
            if place in found:
                found.update(self.nodes[place].arguments)
        return sorted(found)


def _is_power_of_two(number: float) -> bool:
    """Return whether the reciprocal of a number is exact, and normal."""
    return math.isfinite(number) and abs(math.frexp(number)[0]) == 0.5 and 2.0**-1000 < abs(number) < 2.0**1000
