"""The canonical form of a program: the same for all ways of writing the same operations, and its digest.

Values stand in the order in which the outputs ask for them, and arguments whose order does not matter by the digests of
what they are. So neither the order of statements, nor names of variables, nor helpers have any part in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from firmfate.program.graph import Graph, Node
from firmfate.program.operations import COMMUTING


def digests(graph: Graph, places: Sequence[int]) -> dict[int, bytes]:
    """Return a digest of every value: of its operation and the digests of its arguments."""
    found: dict[int, bytes] = {}
    for place in places:
        operation, given, kind, data = graph.nodes[place]
        arguments = [found[argument] for argument in given]
        if operation in COMMUTING and arguments[1] < arguments[0]:
            arguments[:2] = arguments[1], arguments[0]
        text = f"{operation} {kind} {data!r}".encode() + b"".join(arguments)
        found[place] = hashlib.blake2b(text, digest_size=16).digest()
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
        operation, arguments, kind, data = graph.nodes[value]
        if operation in COMMUTING and known[arguments[1]] < known[arguments[0]]:
            arguments = (arguments[1], arguments[0], *arguments[2:])
        missing = [argument for argument in arguments if argument not in place]
        if missing:
            waiting.extend(reversed(missing))
            continue
        waiting.pop()
        place[value] = made.append(Node(operation, tuple([place[argument] for argument in arguments]), kind, data))
    return made, [place[output] for output in outputs]


def digest(graph: Graph, outputs: Sequence[int], names: Sequence[str]) -> str:
    """Return 64 hexadecimal digits that name a program: its outputs by name, and what each is."""
    known = digests(graph, graph.reached(outputs))
    text = hashlib.sha256()
    for name, output in zip(names, outputs, strict=True):
        text.update(name.encode() + b"\0" + known[output])
    return text.hexdigest()
