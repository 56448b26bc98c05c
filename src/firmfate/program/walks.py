"""One walk through a program, in which every value is written into a new one, as it is or otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from firmfate.program.graph import EXACT, Graph
from firmfate.program.stages import Stage, stages

Rule = Callable[["Walk", int], int]
"""Writes one value into the new graph, and returns its place there."""


class Walk:
    """What a rule sees of a program.

    Attributes
    ----------
    old, new : Graph
    stage : list of Stage
        Of the old graph's values.
    reached : list of int
        Places that outputs depend on, each after its arguments.
    uses : list of int
        How often each is an argument or an output.
    depth : list of int
        How long each takes to work out, in operations from the inputs.
    place : dict
        Where old values stand in the new graph.
    """

    def __init__(self, graph: Graph, outputs: Sequence[int]) -> None:
        self.old, self.new = graph, Graph()
        self.stage = stages(graph)
        self.reached = graph.reached(outputs)
        self.uses = [0] * len(graph.nodes)
        self.depth = [0] * len(graph.nodes)
        for place in self.reached:
            arguments = graph.nodes[place].arguments
            for argument in arguments:
                self.uses[argument] += 1
            self.depth[place] = 1 + max([self.depth[argument] for argument in arguments], default=-1)
        for output in outputs:
            self.uses[output] += 1
        self.place: dict[int, int] = {}
        self._same: set[int] = set()  # old values that stand in the new graph as they were, all that they need included

    def copy(self, place: int) -> int:
        """Return an old value as it is, of new arguments."""
        node = self.old.nodes[place]
        if not node.arguments:
            self._same.add(place)
            return self.new.append(node)
        arguments = [self.place[argument] for argument in node.arguments]
        if self._same.issuperset(node.arguments):  # nothing to simplify that was not when it was first written
            self._same.add(place)
            return self.new.append(node.of(arguments))
        if node.operation == "lookup":
            assert isinstance(node.data, tuple)
            return self.new.lookup_patterns(node.data, arguments[0])
        self.new.exact = node.data == EXACT
        made = self.new.apply(node.operation, *arguments)
        self.new.exact = False
        return made

    def is_changing(self, place: int) -> bool:
        """Return whether a value may change from step to step."""
        return self.stage[place] >= Stage.TIME

    def may_change(self, place: int) -> bool:
        """Return whether rules may change how a value is rounded."""
        return self.old.nodes[place].data != EXACT

    def is_single(self, place: int, operation: str) -> bool:
        """Return whether a value is of an operation that rules may change, and used once."""
        node = self.old.nodes[place]
        return node.operation == operation and self.uses[place] == 1 and node.data != EXACT

    def is_choice(self, place: int) -> bool:
        """Return whether a value is a choice, used once, between two that do not change from step to step."""
        return self.is_single(place, "choose") and not any(map(self.is_changing, self.old.nodes[place].arguments[1:]))

    def result(self, outputs: Sequence[int]) -> tuple[Graph, list[int]]:
        """Return the new program; the old one where every value stands as it was."""
        if self._same.issuperset(self.reached):
            return self.old, list(outputs)
        return self.new, [self.place[output] for output in outputs]


def walk(graph: Graph, outputs: Sequence[int], rule: Rule) -> tuple[Graph, list[int]]:
    """Return a program whose values a rule has written; the same one where it has changed none."""
    made = Walk(graph, outputs)
    for place in made.reached:
        made.place[place] = rule(made, place)
    return made.result(outputs)
