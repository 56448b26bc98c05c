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

from firmfate.kernel.writer import BYTE, DOUBLE, INT, WORD, Writer
from firmfate.models.model import Model
from firmfate.program.tracing import fields
from firmfate.targets.firm_writer import Firm, FirmWriter

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
        self.builder, self.given = writer.builder, given
        self.firms = FirmWriter(model.program, fields(model.signature.parameters), writer)
        parameters = {
            name: self.builder.load(self.builder.gep(given["parameters"], [WORD(i)]))
            for i, name in enumerate(self.firms.fields)
            if self.firms.needed(name)
        }
        self.found = self.firms.of_cell(self.firms.of_run(given["key"], given["dt"]), given["cell"], parameters)

    def write(self, i: Any) -> None:
        """Write the start, all steps and the records of one firm.

        Parameters
        ----------
        i : llvmlite.ir.Value
            Its place among those that are asked for.
        """
        builder, given = self.builder, self.given
        found, born = self.firms.of_firm(self.found, builder.add(given["first"], builder.zext(i, WORD)))
        lives, over = builder.append_basic_block("step"), builder.append_basic_block("over")
        begun = builder.block
        builder.branch(lives)
        builder.position_at_end(lives)
        phis = [builder.phi(DOUBLE) for _ in born.flat]
        before = born.like(phis)
        self._keep_path(i, before)
        after, ended = self.firms.stepped(found, before, builder.sitofp(given["steps"], DOUBLE))
        for phi, first, next_one in zip(phis, born.flat, after.flat, strict=True):
            phi.add_incoming(first, begun)
            phi.add_incoming(next_one, builder.block)
        builder.cbranch(ended, over, lives)

        builder.position_at_end(over)
        self._record(i, after, before.stocks)

    def _keep_path(self, i: Any, firm: Firm) -> None:
        builder, path = self.builder, self.given["path"]
        with builder.if_then(builder.icmp_unsigned("!=", path, path.type(None)), likely=False):
            row = builder.mul(builder.zext(i, WORD), builder.zext(self.given["steps"], WORD))
            self._store_stocks(path, builder.add(row, builder.fptosi(firm.steps, WORD)), firm.stocks)

    def _store_stocks(self, base: Any, row: Any, stocks: Sequence[Any]) -> None:
        first = self.builder.mul(row, WORD(len(stocks)))
        for place, stock in enumerate(stocks):
            self.builder.store(stock, self.builder.gep(base, [self.builder.add(first, WORD(place))]))

    def _record(self, i: Any, firm: Firm, last_stocks: Sequence[Any]) -> None:
        builder, given = self.builder, self.given
        place = builder.zext(i, WORD)
        store_record(self.firms, firm, place, given, builder.zext(given["count"], WORD))
        last = given["last"]
        with builder.if_then(builder.icmp_unsigned("!=", last, last.type(None)), likely=False):
            self._store_stocks(last, place, last_stocks)


def store_record(firms: FirmWriter, firm: Firm, place: Any, given: Mapping[str, Any], count: Any) -> None:
    """Write what is recorded of a firm that is over.

    Parameters
    ----------
    firms : FirmWriter
    firm : Firm
    place, count : llvmlite.ir.Value
        Which of how many firms, words.
    given : mapping
        Holds the pointers ``event_step``, ``cause``, ``alarm_step`` and ``marks``.
    """
    builder = firms.builder
    builder.store(builder.fptosi(firm.steps, INT), builder.gep(given["event_step"], [place]))
    builder.store(builder.fptoui(firms.cause(firm), BYTE), builder.gep(given["cause"], [place]))
    builder.store(builder.fptosi(firm.alarm, INT), builder.gep(given["alarm_step"], [place]))
    for row, mark in enumerate(firm.marks):
        at = builder.add(place, builder.mul(WORD(row), count))
        builder.store(builder.fptoui(firms.countable(mark), BYTE), builder.gep(given["marks"], [at]))
