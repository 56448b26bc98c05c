"""Which values of a program are worked out in which stage, and which of them a stage hands on to later ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from firmfate.program.operations import FLAG
from firmfate.program.program import Program
from firmfate.program.stages import Stage


@dataclass(frozen=True, eq=False)
class Layout:
    """The stages of a program.

    A flag that a step takes from its own time is worked out in the step, since it would be stored as a number; where
    numbers of the time need it, it is worked out with them, too.

    Parameters
    ----------
    program : Program
        Of a whole model: outputs ``start NAME`` and those of a step.
    """

    program: Program

    @property
    def start(self) -> dict[str, int]:
        """Stocks at the start: name -> place."""
        return self._outputs("start ")

    @property
    def next(self) -> dict[str, int]:
        """Stocks after a step: name -> place."""
        return self._outputs("next ")

    @property
    def marks(self) -> dict[str, int]:
        """Marks of a step: name -> place."""
        return self._outputs("mark ")

    @property
    def events(self) -> tuple[int, int]:
        """Cause and alarm of a step."""
        return self.program.outputs["cause"], self.program.outputs["alarm"]

    def _outputs(self, prefix: str) -> dict[str, int]:
        return {
            name.removeprefix(prefix): place for name, place in self.program.outputs.items() if name.startswith(prefix)
        }

    @cached_property
    def stage(self) -> list[Stage]:
        """Stage in which every value is worked out."""
        found = list(self.program.stages)
        for place in reversed(range(len(found))):
            if self._is_late_flag(place):
                found[place] = Stage.STEP
        return found

    def _is_late_flag(self, place: int) -> bool:
        node = self.program.graph.nodes[place]
        return node.kind == FLAG and self.program.stages[place] == Stage.TIME and self._used_by_step[place]

    @cached_property
    def _used_by_step(self) -> list[bool]:
        nodes, stages = self.program.graph.nodes, self.program.stages
        found = [False] * len(nodes)
        for place in reversed(range(len(nodes))):
            late = stages[place] == Stage.STEP or (
                found[place] and nodes[place].kind == FLAG and stages[place] == Stage.TIME
            )
            for argument in nodes[place].arguments:
                found[argument] = found[argument] or late
        return found

    @cached_property
    def wanted(self) -> dict[Stage, set[int]]:
        """Values that stages give as outputs: a firm's start its stocks, a step the rest."""
        step = {*self.next.values(), *self.marks.values(), *self.events}
        return {Stage.FIRM: set(self.start.values()), Stage.STEP: step}

    def handed_on(self, stage: Stage) -> list[int]:
        """Return the values of a stage that later ones need, in order."""
        nodes = self.program.graph.nodes
        needed: set[int] = set()
        for place, node in enumerate(nodes):
            if self.stage[place] > stage:
                needed.update(node.arguments)
        for later, places in self.wanted.items():
            if later > stage:
                needed |= places
        return [place for place in sorted(needed) if self.stage[place] == stage]

    def worked_out(self, stage: Stage, wanted: Iterable[int]) -> list[int]:
        """Return what a stage works out for some of its values, in order; inputs are not worked out."""
        nodes, stages = self.program.graph.nodes, self.program.stages
        reached = self.program.graph.reached(place for place in wanted if self.stage[place] == stage)
        return [
            place
            for place in reached
            if nodes[place].operation != "input"
            and (self.stage[place] == stage or (stage == Stage.TIME and stages[place] == stage))
        ]
