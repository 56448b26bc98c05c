"""When a value is worked out: found by what it depends on, not written by hand."""

from __future__ import annotations

from enum import IntEnum

from firmfate.program.graph import Graph


class Stage(IntEnum):
    """Stages in order; a value is worked out in the latest stage of its arguments."""

    CONSTANT = 0
    RUN = 1
    """Depends on the length of a step and the key of the random numbers: once for all firms."""
    CELL = 2
    """Depends on parameters: once for all firms with the same values."""
    FIRM = 3
    """Depends on once-a-firm draws too: once a firm, at its start."""
    TIME = 4
    """Depends on the step's number or its shocks, but on no stock: every step, for many firms together."""
    STEP = 5
    """Depends on stocks."""


PREFIXES = {
    "run": Stage.RUN, "p": Stage.CELL, "cell": Stage.CELL, "draw": Stage.FIRM, "replicate": Stage.FIRM,
    "time": Stage.TIME, "shock": Stage.TIME, "stock": Stage.STEP,
}  # fmt: skip
"""Stage of an input by the first part of its name: ``p.margin``, ``stock.cash``."""


def stages(graph: Graph) -> list[Stage]:
    """Return the stage of every value of a graph."""
    found: list[Stage] = []
    for node in graph.nodes:
        if node.operation == "input":
            found.append(PREFIXES[str(node.data).partition(".")[0]])
        else:
            found.append(max([found[argument] for argument in node.arguments], default=Stage.CONSTANT))
    return found
