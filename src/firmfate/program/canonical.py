"""The canonical form of a program: the same for all ways of writing the same operations, and its digest.

Values stand in the order in which the outputs ask for them, and arguments whose order does not matter by the digests of
what they are. So neither the order of statements, nor names of variables, nor helpers have any part in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from firmfate.program.graph import Graph, Node
from firmfate.program.operations import OPERATIONS


def digests(graph: Graph, places: Sequence[int]) -> dict[int, bytes]:
    """Return a digest of every value: of its operation and the digests of its arguments."""
    found: dict[int, bytes] = {}
    for place in places:
        node = graph.nodes[place]
        arguments = [found[argument] for argument in node.arguments]
        shape = OPERATIONS.get(node.operation)
        if shape is not None and shape.commutes and arguments[1] < arguments[0]:
            arguments[:2] = arguments[1], arguments[0]
        text = hashlib.blake2b(f"{node.operation} {node.kind} {node.data!r}".encode(), digest_size=16)
        for argument in arguments:
            text.update(argument)
        found[place] = text.digest()
    return found


def canonical(graph: Graph, outputs: Sequence[int]) -> tuple[Graph, list[int]]:
    """Return a program in canonical form: nothing that no output needs, each value after its arguments."""
    known = digests(graph, graph.reached(outputs))
    made = Graph()
    place: dict[int, int] = {}
    waiting = list(reversed(outputs))
    while waiting:
        value = waiting[-1]
        if value in place:
            waiting.pop()
            continue
        node = graph.nodes[value]
        arguments = list(node.arguments)
        shape = OPERATIONS.get(node.operation)
        if shape is not None and shape.commutes and known[arguments[1]] < known[arguments[0]]:
            arguments[:2] = arguments[1], arguments[0]
        missing = [argument for argument in arguments if argument not in place]
        if missing:
            waiting.extend(reversed(missing))
            continue
        waiting.pop()
        given = tuple([place[argument] for argument in arguments])
        place[value] = made.append(Node(node.operation, given, node.kind, node.data))
    return made, [place[output] for output in outputs]


def digest(graph: Graph, outputs: Sequence[int], names: Sequence[str]) -> str:
    """Return 64 hexadecimal digits that name a program: its outputs by name, and what each is."""
    known = digests(graph, graph.reached(outputs))
    text = hashlib.sha256()
    for name, output in zip(names, outputs, strict=True):
        text.update(name.encode() + b"\0" + known[output])
    return text.hexdigest()
