"""A stage of splitting as functions in LLVM's language: firms at their start, and firms from given states to a level.

A firm's state is a row of numbers: the steps that it has lived, its once-a-firm draws, its stocks. Draws are part of
it, so that a copy of a firm keeps its own while its shocks come from another replicate number.
"""

# mypy: disallow-untyped-calls=False

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llvmlite import ir

from firmfate.counts import INVALID
from firmfate.kernel.writer import BYTE, DOUBLE, INT, LOW_HALF, WORD, Values, Writer
from firmfate.models.model import Model
from firmfate.program.operations import FLAG
from firmfate.program.program import Program
from firmfate.program.tracing import fields
from firmfate.targets.firm_writer import FirmWriter
from firmfate.targets.function import begin, loop

BEGIN, ADVANCE = "firmfate_begin", "firmfate_advance"
NOWHERE, AT_LEVEL, EVENT, FAILED = range(4)
"""Where a firm stands when its part of a stage is over: at the horizon or at another cause's event, at the level, at
the event, or with arithmetic that has failed."""

COMMON: dict[str, Any] = {
    "parameters": DOUBLE.as_pointer(), "key": WORD, "first": WORD, "count": INT, "dt": DOUBLE,
    "states": DOUBLE.as_pointer(),
}  # fmt: skip
"""Arguments of both functions: values in the order of ``model.fields``; the key of all random numbers; the replicate
number of the first firm, and how many there are; the length of a step in weeks; their states, (count, width)."""

MORE: dict[str, Any] = {
    "steps": INT, "cause": DOUBLE, "level": DOUBLE, "status": BYTE.as_pointer(), "best": DOUBLE.as_pointer(),
    "lived": INT.as_pointer(),
}  # fmt: skip
"""Arguments of the second beside them. In: the horizon; the cause, 0 for any; the level, infinite for none. Out, each
(count): where a firm stands, its greatest importance, the steps that it has taken. States are changed in place."""


def width(model: Model) -> int:
    """Return how many numbers the state of a firm has."""
    return 1 + len(fields(model.signature.draws)) + len(model.stock_fields)


def write_stage(model: Model, importance: Program, module: ir.Module) -> None:
    """Write ``firmfate_begin`` and ``firmfate_advance`` into a module.

    Parameters
    ----------
    model : Model
    importance : Program
        Of `firmfate.splitting.importance.importance_program`.
    module : llvmlite.ir.Module
    """
    _write_begin(model, module)
    builder, given = begin(module, ADVANCE, COMMON | MORE)
    stage = _Stage(model, importance, Writer(builder, 1), given)
    with loop(builder, given["count"]) as i:
        stage.write(i)
    builder.ret_void()


def worked_out(program: Program, writer: Writer, given: Mapping[str, Any]) -> dict[str, Any]:
    """Write a program; return its outputs, flags as 0 and 1."""
    inputs = {place: given[name] for name, place in program.inputs.items()}
    values, nodes = Values(program.graph, writer, inputs), program.graph.nodes
    found = {}
    for name, place in program.outputs.items():
        value = values[place]
        flag = nodes[place].kind == FLAG
        found[name] = writer.builder.select(value, DOUBLE(1.0), DOUBLE(0.0)) if flag else value
    return found


def _parameters(model: Model, builder: Any, base: Any) -> dict[str, Any]:
    names = fields(model.signature.parameters)
    return {name: builder.load(builder.gep(base, [WORD(i)])) for i, name in enumerate(names)}


def _draws(model: Model) -> list[str]:
    return [f"draw.{name}" for name in fields(model.signature.draws)]


def _write_begin(model: Model, module: ir.Module) -> None:
    builder, given = begin(module, BEGIN, COMMON)
    writer, draws = Writer(builder, 1), _draws(model)
    parameters = {f"p.{name}": x for name, x in _parameters(model, builder, given["parameters"]).items()}
    starts = model.traced.only(f"start {name}" for name in fields(model.signature.stocks))
    with loop(builder, given["count"]) as i:
        replicate = builder.add(given["first"], builder.zext(i, WORD))
        words = {"run.key": given["key"], "cell": WORD(0), "replicate": replicate}
        halves: dict[str, Any] = {"time.step": DOUBLE(0.0)}
        for name, word in words.items():
            halves[f"{name}.low"] = builder.and_(word, WORD(LOW_HALF))
            halves[f"{name}.high"] = builder.lshr(word, WORD(32))
        drawn = worked_out(model.randomness.only(draws), writer, halves) if draws else {}
        stocks = worked_out(starts, writer, parameters | drawn | {"run.dt": given["dt"]})
        row = builder.mul(builder.zext(i, WORD), WORD(width(model)))
        for place, value in enumerate([DOUBLE(0.0), *drawn.values(), *stocks.values()]):
            builder.store(value, builder.gep(given["states"], [builder.add(row, WORD(place))]))
    builder.ret_void()


class _Stage:
    """Writes one firm's part of a stage; what depends on parameters alone is written at once."""

    def __init__(self, model: Model, importance: Program, writer: Writer, given: Mapping[str, Any]) -> None:
        self.model, self.importance, self.given = model, importance, given
        self.writer, self.builder = writer, writer.builder
        shocks = [f"shock.{name}" for name in fields(model.signature.shocks)]
        program = model.traced.after(model.randomness.only(shocks)) if shocks else model.traced
        self.firms = FirmWriter(program, fields(model.signature.parameters), writer)
        self.parameters = _parameters(model, self.builder, given["parameters"])
        needed = {name: value for name, value in self.parameters.items() if self.firms.needed(name)}
        self.found = self.firms.of_cell(self.firms.of_run(given["key"], given["dt"]), WORD(0), needed)
        self.horizon = self.builder.sitofp(given["steps"], DOUBLE)
        self.has_level = self.builder.fcmp_ordered("<", given["level"], DOUBLE(float("inf")))

    def write(self, i: Any) -> None:
        """Write the steps of a firm, from its state to the level, an event or the horizon."""
        builder, given, model = self.builder, self.given, self.model
        place = builder.zext(i, WORD)
        row = builder.mul(place, WORD(width(model)))
        cells = [builder.gep(given["states"], [builder.add(row, WORD(k))]) for k in range(width(model))]
        begun, *rest = [builder.load(cell) for cell in cells]
        names = _draws(model)
        drawn, stocks = dict(zip(names, rest, strict=False)), rest[len(names) :]
        inputs = self.firms.inputs
        known = self.found | {inputs[name]: value for name, value in drawn.items() if name in inputs}
        known, empty = self.firms.of_firm(known, builder.add(given["first"], place))
        first = empty._replace(steps=begun, stocks=tuple(stocks))

        head, body, over = (builder.append_basic_block(name) for name in ("state", "step", "over"))
        before = builder.block
        builder.branch(head)
        builder.position_at_end(head)
        phis, best = [builder.phi(DOUBLE) for _ in first.flat], builder.phi(DOUBLE)
        firm = first.like(phis)
        near = self._importance(firm, drawn)
        happened = builder.fcmp_unordered("!=", firm.cause, DOUBLE(0.0))
        # Where a firm ended, by whatever cause, it is near nothing: no other firm could go on from there.
        nearer = builder.and_(self.writer.compared("<", best, near), builder.not_(happened))
        greatest = builder.select(nearer, near, best)
        reached = builder.and_(self.has_level, builder.fcmp_ordered(">=", near, given["level"]))
        late = builder.fcmp_ordered(">=", firm.steps, self.horizon)
        builder.cbranch(builder.or_(builder.or_(happened, reached), late), over, body)

        builder.position_at_end(body)
        after, _ = self.firms.stepped(known, firm, self.horizon)
        builder.branch(head)
        for phi, value, next_one in zip([*phis, best], [*first.flat, DOUBLE(-float("inf"))], [*after.flat, greatest],
                                        strict=True):  # fmt: skip
            phi.add_incoming(value, before)
            phi.add_incoming(next_one, builder.block)

        builder.position_at_end(over)
        cause = self.firms.cause(firm)
        asked = builder.or_(
            builder.fcmp_ordered("==", given["cause"], DOUBLE(0.0)), builder.fcmp_ordered("==", cause, given["cause"])
        )
        status = builder.select(reached, BYTE(AT_LEVEL), BYTE(NOWHERE))
        status = builder.select(happened, builder.select(asked, BYTE(EVENT), BYTE(NOWHERE)), status)
        failed = builder.fcmp_ordered("==", cause, DOUBLE(float(INVALID)))
        builder.store(builder.select(failed, BYTE(FAILED), status), builder.gep(given["status"], [place]))
        builder.store(greatest, builder.gep(given["best"], [place]))
        builder.store(builder.fptosi(builder.fsub(firm.steps, begun), INT), builder.gep(given["lived"], [place]))
        builder.store(firm.steps, cells[0])
        for cell, stock in zip(cells[1 + len(names) :], firm.stocks, strict=True):
            builder.store(stock, cell)

    def _importance(self, firm: Any, drawn: Mapping[str, Any]) -> Any:
        stocks = zip(fields(self.model.signature.stocks), firm.stocks, strict=True)
        given = {f"stock.{name}": stock for name, stock in stocks} | dict(drawn)
        given |= {f"p.{name}": value for name, value in self.parameters.items()}
        given |= {"run.dt": self.given["dt"], "time.step": firm.steps}
        return worked_out(self.importance, self.writer, given)["importance"]
