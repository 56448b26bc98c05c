"""In which order the operations of a step, and of its random numbers, are written. LLVM keeps to it by and large; no
order changes a bit.

What takes longest until an outcome goes first, so that divisions and roots have begun before their results are waited
for. While many results are held in registers, operations that let go of some come before others: what does not fit is
stored and loaded again, which costs more than waiting does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from firmfate.program.graph import Graph
from firmfate.program.layout import Layout
from firmfate.program.stages import Stage

CYCLES = {
    "div": 13, "sqrt": 20, "fma": 4, "fms": 4, "fnma": 4, "mul": 4, "add": 3, "sub": 3, "lt": 3, "le": 3, "eq": 3,
    "lookup": 6, "scale": 6, "choose": 2,
}  # fmt: skip
"""Cycles until a result can be used, about; 1 for what is not named."""

HELD = 12
"""Results in registers from which on letting go of some is worth waiting for. From 6 to 20 a step takes the same time
within 2 %."""

WORTH = 12
"""Cycles of waiting that one register is worth then."""

APART = 40
"""By how many values a register's firms are behind those of the one before when they draw random numbers together: one
divides while another multiplies. With AVX-512 it is worth a twentieth of the time where a step takes two blocks of
Philox, and nothing with the 16 registers of others."""


def ordered(graph: Graph, places: Iterable[int]) -> list[int]:
    """Return values in the order in which they are to be written.

    Parameters
    ----------
    graph : Graph
    places : iterable of int
        What is worked out, each after its arguments.
    """
    places = list(places)
    inside = set(places)
    arguments = {place: inside.intersection(graph.nodes[place].arguments) for place in places}
    users: dict[int, list[int]] = defaultdict(list)
    for place in places:
        for argument in arguments[place]:
            users[argument].append(place)
    path: dict[int, int] = {}
    for place in reversed(places):
        longest = max((path[user] for user in users[place]), default=0)
        path[place] = longest + CYCLES.get(graph.nodes[place].operation, 1)

    missing = {place: len(arguments[place]) for place in places}
    unused = {place: len(users[place]) for place in places}
    ready = {place for place in places if not missing[place]}
    order, held = list[int](), 0

    def more_held(place: int) -> int:
        """Return how many more results are held once this one is there; an outcome is stored."""
        return (unused[place] > 0) - sum(unused[argument] == 1 for argument in arguments[place])

    def gain(place: int) -> tuple[int, int]:
        return path[place] - (WORTH * more_held(place) if held >= HELD else 0), -place

    while ready:
        best = max(ready, key=gain)
        held += more_held(best)
        ready.remove(best)
        order.append(best)
        for argument in arguments[best]:
            unused[argument] -= 1
        for user in users[best]:
            missing[user] -= 1
            if not missing[user]:
                ready.add(user)
    return order


def overwritten(layout: Layout, order: Sequence[int]) -> tuple[dict[int, list[tuple[int, int]]], list[tuple[int, int]]]:
    """Return when the stocks' next values are stored in place of the old ones, as (row, place) of each.

    Parameters
    ----------
    layout : Layout
    order : sequence of int
        Values of a step as they are written.

    Returns
    -------
    dict
        Place of the value after which the old ones are not needed any more -> what is stored then.
    list
        What is stored at the end, all at once: what the step does not work out, such as the old value of another stock,
        and what takes the place of a value that is itself an outcome.
    """
    nodes = layout.program.graph.nodes
    written = {place: i for i, place in enumerate(order)}
    read = {argument: i for i, place in enumerate(order) for argument in nodes[place].arguments}
    last_read = {str(nodes[place].data): i for place, i in read.items() if nodes[place].operation == "input"}
    outcomes = {str(nodes[place].data) for place in layout.wanted[Stage.STEP] if nodes[place].operation == "input"}
    early, late = defaultdict[int, list[tuple[int, int]]](list), list[tuple[int, int]]()
    for row, (name, place) in enumerate(layout.next.items()):
        old = f"stock.{name}"
        if place in written and old not in outcomes:
            early[order[max(written[place], last_read.get(old, 0))]].append((row, place))
        else:
            late.append((row, place))
    return early, late
