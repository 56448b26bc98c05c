"""Values of a model's program for one firm, written stage by stage: what every function of its firms is made of."""

# mypy: disallow-untyped-calls=False

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from firmfate.counts import INVALID
from firmfate.kernel.writer import DOUBLE, LOW_HALF, WORD, Values, Writer, write
from firmfate.program.layout import Layout
from firmfate.program.operations import FLAG as FLAG_KIND
from firmfate.program.program import Program
from firmfate.program.stages import Stage

Found = dict[int, Any]
"""Place of a value in the program -> what LLVM knows it by."""


class Firm(NamedTuple):
    """A firm between two steps, each an LLVM value of float64: steps lived, step of its alarm, cause, marks, stocks."""

    steps: Any
    alarm: Any
    cause: Any
    marks: tuple[Any, ...]
    stocks: tuple[Any, ...]

    @property
    def flat(self) -> list[Any]:
        """All of it in a row."""
        return [self.steps, self.alarm, self.cause, *self.marks, *self.stocks]

    def like(self, values: Sequence[Any]) -> Firm:
        """Return other values in the same order as a firm."""
        steps, alarm, cause, *rest = values
        marks = len(self.marks)
        return Firm(steps, alarm, cause, tuple(rest[:marks]), tuple(rest[marks:]))


class FirmWriter:
    """Writes the stages of a program, one firm at a time.

    Parameters
    ----------
    program : Program
    fields : sequence of str
        Names of the parameters' inputs, in the order in which they are given.
    writer : Writer
        Of one lane.
    """

    def __init__(self, program: Program, fields: Sequence[str], writer: Writer) -> None:
        self.writer, self.builder, self.fields = writer, writer.builder, fields
        self.layout = Layout(program)
        self.graph, self.stages, self.inputs = program.graph, program.stages, program.inputs

    def of_run(self, key: Any, dt: Any) -> Found:
        """Write what is the same for all firms of a run."""
        return self._stage(Stage.RUN, self._placed(self._halves("run.key", key) | {"run.dt": dt}))

    def of_cell(self, found: Found, cell: Any, parameters: Mapping[str, Any]) -> Found:
        """Write what parameters, by field, and the word of the cell's random numbers fix."""
        named = {f"p.{name}": value for name, value in parameters.items()}
        return self._stage(Stage.CELL, found | self._placed(self._halves("cell", cell) | named))

    def of_firm(self, found: Found, replicate: Any) -> tuple[Found, Firm]:
        """Write what a firm's own draws fix, and the firm before its first step."""
        values = self._stage(Stage.FIRM, found | self._placed(self._halves("replicate", replicate)))
        stocks = tuple(self._number(values, place) for place in self.layout.start.values())
        return values, self.zeros()._replace(stocks=stocks)

    def zeros(self) -> Firm:
        """Return a firm whose values are all 0."""
        zero = DOUBLE(0.0)
        return Firm(zero, zero, zero, (zero,) * len(self.layout.marks), (zero,) * len(self.layout.start))

    def handed_to_steps(self) -> list[int]:
        """Return the places of what steps need of the firm's and its cell's values, in order."""
        nodes, layout = self.graph.nodes, self.layout
        needed = {*layout.next.values(), *layout.marks.values(), *layout.events}
        for place, node in enumerate(nodes):
            if self.stages[place] > Stage.FIRM:
                needed.update(node.arguments)
        return [place for place in sorted(needed) if self.stages[place] in (Stage.CELL, Stage.FIRM)]

    def needed(self, field: str) -> bool:
        """Return whether the program takes a parameter."""
        return f"p.{field}" in self.inputs

    def stepped(self, found: Found, firm: Firm, horizon: Any) -> tuple[Firm, Any]:
        """Write a step; return the firm after it, and whether it is over.

        Parameters
        ----------
        found : dict
            What `of_firm` has found.
        firm : Firm
        horizon : llvmlite.ir.Value
            Steps at most, a float64.
        """
        builder, layout, zero = self.builder, self.layout, DOUBLE(0.0)
        names = {"time.step": firm.steps}
        names |= {f"stock.{name}": stock for name, stock in zip(layout.start, firm.stocks, strict=True)}
        values = self._stage(Stage.STEP, self._stage(Stage.TIME, found | self._placed(names)))
        cause, alarm = (self._number(values, place) for place in layout.events)
        after = builder.fadd(firm.steps, DOUBLE(1.0))
        rings = builder.and_(
            builder.fcmp_unordered("!=", alarm, zero), builder.fcmp_ordered("==", firm.alarm, zero)
        )  # fmt: skip
        marks = tuple(
            builder.select(rings, self._number(values, place), before)
            for place, before in zip(layout.marks.values(), firm.marks, strict=True)
        )
        stocks = tuple(self._number(values, place) for place in layout.next.values())
        over = builder.or_(
            builder.fcmp_unordered("!=", cause, zero), builder.fcmp_ordered(">=", after, horizon)
        )  # fmt: skip
        return Firm(after, builder.select(rings, after, firm.alarm), cause, marks, stocks), over

    def cause(self, firm: Firm) -> Any:
        """Return the cause of a firm's end, or what stands for arithmetic that failed."""
        builder, infinity = self.builder, DOUBLE(float("inf"))
        cause = firm.cause
        for stock in firm.stocks:
            finite = builder.fcmp_ordered("<", self.writer.call("fabs", stock), infinity)
            cause = builder.select(finite, cause, DOUBLE(float(INVALID)))
        return cause

    def countable(self, mark: Any) -> Any:
        """Return a mark, or 255 where it is no integer from 0 to 254."""
        builder = self.builder
        within = builder.and_(
            builder.fcmp_ordered(">=", mark, DOUBLE(0.0)), builder.fcmp_ordered("<", mark, DOUBLE(255.0))
        )
        integer = builder.fcmp_ordered("==", mark, self.writer.call("floor", mark))
        return builder.select(builder.and_(within, integer), mark, DOUBLE(255.0))

    def _halves(self, name: str, word: Any) -> dict[str, Any]:
        low = self.builder.and_(word, WORD(LOW_HALF))
        return {f"{name}.low": low, f"{name}.high": self.builder.lshr(word, WORD(32))}

    def _placed(self, values: Mapping[str, Any]) -> Found:
        """Return those values that the program takes, by place."""
        return {self.inputs[name]: value for name, value in values.items() if name in self.inputs}

    def _stage(self, stage: Stage, found: Found) -> Values:
        """Write the values of a stage; return all that are known then."""
        nodes = self.graph.nodes
        places = [place for place, node in enumerate(nodes) if self.stages[place] == stage and node.arguments]
        values = Values(self.graph, self.writer, found)
        write(places, [values])
        return values

    def _number(self, found: Values, place: int) -> Any:
        """Return an output as a number."""
        node = self.graph.nodes[place]
        value = found[place]
        return self.builder.select(value, DOUBLE(1.0), DOUBLE(0.0)) if node.kind == FLAG_KIND else value
