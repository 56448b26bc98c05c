"""A model's firms as one function in LLVM's language: random numbers, start and steps of one firm after the other.

It is written by the engine's `Writer` with one lane. Here no stage hands its values on in memory: what is worked out
once a run, a cell or a firm stands before the loop over firms or steps, and LLVM keeps it where it likes.
"""

# mypy: disallow-untyped-calls=False

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

from firmfate.counts import INVALID
from firmfate.kernel.writer import BYTE, DOUBLE, INT, LOW_HALF, WORD, Values, Writer, write
from firmfate.models.model import Model
from firmfate.program.layout import Layout
from firmfate.program.operations import FLAG as FLAG_KIND
from firmfate.program.stages import Stage
from firmfate.program.tracing import fields

NAME = "firmfate_run"
ARGUMENTS: dict[str, Any] = {
    "parameters": DOUBLE.as_pointer(), "key": WORD, "cell": WORD, "first": WORD, "count": INT, "steps": INT,
    "dt": DOUBLE, "event_step": INT.as_pointer(), "cause": BYTE.as_pointer(), "alarm_step": INT.as_pointer(),
    "marks": BYTE.as_pointer(), "last": DOUBLE.as_pointer(), "path": DOUBLE.as_pointer(),
}  # fmt: skip
"""Arguments of the function. In:

parameters : (fields) float64
    In the order of ``model.fields``.
key, cell, first : 64 bits
    Key of all random numbers; what tells those of cells apart, 0 where they are common; the first replicate.
count, steps : 32 bits
    How many firms, and the horizon.
dt : float64
    Length of a step in weeks.

Out, as `firmfate.kernel.engine.Records` holds them; `last` and `path` may be null pointers:

event_step, alarm_step : (count) int32
cause : (count) uint8
marks : (marks, count) uint8
last : (count, stocks) float64
    Stocks at the start of a firm's last step.
path : (count, steps, stocks) float64
    Stocks at the start of each of its steps; what comes later is left as it is.
"""


def new_module(name: str, triple: str, machine: Any) -> ir.Module:
    """Return an empty module for a target."""
    module = ir.Module(name)
    module.triple, module.data_layout = triple, str(machine.target_data)
    return module


def write_loop(model: Model, module: ir.Module, new_writer: Callable[[Any], Writer] | None = None) -> None:
    """Write ``firmfate_run``: one firm after the other.

    Parameters
    ----------
    model : Model
    module : llvmlite.ir.Module
    new_writer : callable, optional
        Returns the writer of a builder; one of a single lane if not given.
    """
    builder, given = begin(module, NAME, ARGUMENTS)
    firms = Firms(model, (new_writer or _scalar)(builder), given)
    with loop(builder, given["count"]) as i:
        firms.write(i)
    builder.ret_void()


def _scalar(builder: Any) -> Writer:
    return Writer(builder, 1)


def begin(module: ir.Module, name: str, arguments: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return a builder at the head of a new function, and the function's arguments by name."""
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), list(arguments.values())), name)
    for argument, name in zip(function.args, arguments, strict=True):
        argument.name = name
        if isinstance(argument.type, ir.PointerType):
            argument.add_attribute("noalias")
    return ir.IRBuilder(function.append_basic_block("run")), dict(zip(arguments, function.args, strict=True))


@contextmanager
def loop(builder: Any, count: Any) -> Iterator[Any]:
    """Write a loop over the integers below a count; what is written within is its body."""
    before = builder.block
    head, body, after = (builder.append_basic_block(name) for name in ("firms", "firm", "finished"))
    builder.branch(head)
    builder.position_at_end(head)
    i = builder.phi(INT)
    i.add_incoming(INT(0), before)
    builder.cbranch(builder.icmp_signed("<", i, count), body, after)
    builder.position_at_end(body)
    yield i
    i.add_incoming(builder.add(i, INT(1)), builder.block)
    builder.branch(head)
    builder.position_at_end(after)


class Firms:
    """Writes firms with the same parameters; what depends on those alone is written at once.

    Parameters
    ----------
    model : Model
    writer : Writer
        Of one lane.
    given : dict
        The function's arguments by name.
    """

    def __init__(self, model: Model, writer: Writer, given: dict[str, Any]) -> None:
        self.writer, self.builder, self.given = writer, writer.builder, given
        self.layout = Layout(model.program)
        self.graph, self.stage = model.program.graph, model.program.stages
        self.inputs = model.program.inputs
        words = self._halves("run.key", given["key"]) | self._halves("cell", given["cell"])
        parameters = {f"p.{name}": i for i, name in enumerate(fields(model.signature.parameters))}
        known = words | {"run.dt": given["dt"]}
        known |= {
            name: self.builder.load(self.builder.gep(given["parameters"], [WORD(i)]))
            for name, i in parameters.items()
            if name in self.inputs
        }
        self.found = self._stage(Stage.CELL, self._stage(Stage.RUN, self._placed(known)))

    def _halves(self, name: str, word: Any) -> dict[str, Any]:
        low = self.builder.and_(word, WORD(LOW_HALF))
        return {f"{name}.low": low, f"{name}.high": self.builder.lshr(word, WORD(32))}

    def _placed(self, values: dict[str, Any]) -> dict[int, Any]:
        """Return those values that the program takes, by place."""
        return {self.inputs[name]: value for name, value in values.items() if name in self.inputs}

    def _stage(self, stage: Stage, found: Mapping[int, Any]) -> Values:
        """Write the values of a stage; return all that are known then."""
        nodes = self.graph.nodes
        places = [place for place, node in enumerate(nodes) if self.stage[place] == stage and node.arguments]
        values = Values(self.graph, self.writer, found)
        write(places, [values])
        return values

    def _number(self, found: Values, place: int) -> Any:
        """Return an output as a number."""
        node = self.graph.nodes[place]
        value = found[place]
        return self.builder.select(value, DOUBLE(1.0), DOUBLE(0.0)) if node.kind == FLAG_KIND else value

    def write(self, i: Any) -> None:
        """Write the start, all steps and the records of one firm.

        Parameters
        ----------
        i : llvmlite.ir.Value
            Its place among those that are asked for.
        """
        builder, given, layout = self.builder, self.given, self.layout
        replicate = builder.add(given["first"], builder.zext(i, WORD))
        found = self._stage(Stage.FIRM, self.found | self._placed(self._halves("replicate", replicate)))
        start = [self._number(found, place) for place in layout.start.values()]
        lives, over = builder.append_basic_block("step"), builder.append_basic_block("over")
        begun = builder.block
        builder.branch(lives)
        builder.position_at_end(lives)
        steps, rung, *rest = (builder.phi(DOUBLE) for _ in range(2 + len(layout.marks) + len(start)))
        held, stocks = rest[: len(layout.marks)], rest[len(layout.marks) :]

        self._keep_path(i, steps, stocks)
        names = {"time.step": steps, **{f"stock.{name}": x for name, x in zip(layout.start, stocks, strict=True)}}
        found = self._stage(Stage.STEP, self._stage(Stage.TIME, found | self._placed(names)))
        cause, alarm = (self._number(found, place) for place in layout.events)
        moved = [self._number(found, place) for place in layout.next.values()]
        after = builder.fadd(steps, DOUBLE(1.0))
        rings = builder.and_(
            builder.fcmp_unordered("!=", alarm, DOUBLE(0.0)), builder.fcmp_ordered("==", rung, DOUBLE(0.0))
        )
        alarm_step = builder.select(rings, after, rung)
        marks = [
            builder.select(rings, self._number(found, place), before)
            for place, before in zip(layout.marks.values(), held, strict=True)
        ]
        ended = builder.fcmp_unordered("!=", cause, DOUBLE(0.0))
        late = builder.fcmp_ordered(">=", after, builder.sitofp(given["steps"], DOUBLE))
        for phi, first, next_one in zip(
            (steps, rung, *held, *stocks), [DOUBLE(0.0)] * (2 + len(held)) + start,
            (after, alarm_step, *marks, *moved), strict=True,
        ):  # fmt: skip
            phi.add_incoming(first, begun)
            phi.add_incoming(next_one, builder.block)
        builder.cbranch(builder.or_(ended, late), over, lives)

        builder.position_at_end(over)
        self._record(i, after, self._checked(cause, moved), alarm_step, marks, stocks)

    def _checked(self, cause: Any, stocks: Sequence[Any]) -> Any:
        """Return the cause of a firm's end, or what stands for arithmetic that failed."""
        builder, infinity = self.builder, DOUBLE(float("inf"))
        for stock in stocks:
            finite = builder.fcmp_ordered("<", self.writer.call("fabs", stock), infinity)
            cause = builder.select(finite, cause, DOUBLE(float(INVALID)))
        return cause

    def _keep_path(self, i: Any, steps: Any, stocks: Sequence[Any]) -> None:
        builder, path = self.builder, self.given["path"]
        with builder.if_then(builder.icmp_unsigned("!=", path, path.type(None)), likely=False):
            row = builder.mul(builder.zext(i, WORD), builder.zext(self.given["steps"], WORD))
            row = builder.add(row, builder.fptosi(steps, WORD))
            self._store_stocks(path, row, stocks)

    def _store_stocks(self, base: Any, row: Any, stocks: Sequence[Any]) -> None:
        first = self.builder.mul(row, WORD(len(stocks)))
        for place, stock in enumerate(stocks):
            self.builder.store(stock, self.builder.gep(base, [self.builder.add(first, WORD(place))]))

    def _record(self, i: Any, step: Any, cause: Any, alarm: Any, marks: Sequence[Any], stocks: Sequence[Any]) -> None:
        builder, given = self.builder, self.given
        place = builder.zext(i, WORD)
        builder.store(builder.fptosi(step, INT), builder.gep(given["event_step"], [place]))
        builder.store(builder.fptoui(cause, BYTE), builder.gep(given["cause"], [place]))
        builder.store(builder.fptosi(alarm, INT), builder.gep(given["alarm_step"], [place]))
        for row, mark in enumerate(marks):
            at = builder.add(place, builder.mul(WORD(row), builder.zext(given["count"], WORD)))
            builder.store(builder.fptoui(self._countable(mark), BYTE), builder.gep(given["marks"], [at]))
        last = given["last"]
        with builder.if_then(builder.icmp_unsigned("!=", last, last.type(None)), likely=False):
            self._store_stocks(last, place, stocks)

    def _countable(self, mark: Any) -> Any:
        """Return a mark, or 255 where it is no integer from 0 to 254."""
        builder = self.builder
        within = builder.and_(
            builder.fcmp_ordered(">=", mark, DOUBLE(0.0)), builder.fcmp_ordered("<", mark, DOUBLE(255.0))
        )
        integer = builder.fcmp_ordered("==", mark, self.writer.call("floor", mark))
        return builder.select(builder.and_(within, integer), mark, DOUBLE(255.0))
