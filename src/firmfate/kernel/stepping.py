"""One step of some firms at once: the model's own step, traced into vector instructions, and what is kept of it."""

# mypy: disallow-untyped-calls=False, disallow-untyped-defs=False

from __future__ import annotations

import traceback
from collections.abc import Iterator
from itertools import repeat
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from firmfate.errors import ModelError
from firmfate.kernel import shape
from firmfate.kernel.lanes import Rows, align_stack
from firmfate.kernel.registers import DOUBLE, WORD, Register, wide
from firmfate.kernel.sources import Sources
from firmfate.kernel.tracing import choose, traceable
from firmfate.models.model import Model

NO_STEPS = 2.0**52
"""How the count of a firm's steps stands in memory: added to this, so that its low bits count steps, too."""


class Places(NamedTuple):
    """Rows of a firm's state."""

    stocks: int
    shocks: int
    constants: int
    traits: int
    marks: int
    steps: int
    alarm: int
    cause: int


class Stepped(NamedTuple):
    """What a step returned, member by member."""

    stocks: list[Any]
    cause: Any
    alarm: Any
    marks: tuple[Any, ...]


def filled(table: type[Any], numbers: Iterator[Any]) -> Any:
    """Return a NamedTuple of the next numbers, nested ones in order."""
    return table(*(next(numbers) if nested is None else filled(nested, numbers) for _, nested in shape.members(table)))


def trace(model: Model, stocks: Any, shocks: Any, constants: Any, traits: Any, week: Register) -> Stepped:
    """Run a model's step on registers.

    Raises
    ------
    ModelError
        Where it does what cannot be done for many firms at once; with file and line.
    """
    sources = {function.call: function for function in Sources.of(model).functions}
    try:
        moved, cause, alarm, marks = traceable(model.step, sources)(stocks, shocks, constants, traits, week)
        told = week.like(cause), week.like(alarm), tuple(week.like(mark) for mark in marks)
        stepped = Stepped([week.like(number) for number in shape.leaves(moved)], *told)
    except (TypeError, ValueError, AttributeError, ArithmeticError, LookupError, NameError) as fault:
        files = {function.file for function in sources.values()}
        lines = [frame for frame in traceback.extract_tb(fault.__traceback__) if frame.filename in files]
        where = f"{lines[-1].filename}, line {lines[-1].lineno}" if lines else f"'{model.step.__name__}'"
        raise ModelError(f"model '{model.name}': {where}: {fault}") from fault
    returned = len(stepped.stocks), len(stepped.marks)
    wanted = shape.rows(model.stocks), len(model.marks)
    if returned != wanted:
        raise ModelError(
            f"model '{model.name}': step returned {returned[0]} stocks and {returned[1]} marks, "
            f"not {wanted[0]} and {wanted[1]}"
        )
    return stepped


def rehearse(model: Model) -> ir.Module:
    """Trace a step into a module that is not compiled, to be told early what is wrong with it."""
    function = ir.Function(ir.Module(), ir.FunctionType(ir.VoidType(), [wide(DOUBLE, 2)]), "rehearsal")
    number = Register(ir.IRBuilder(function.append_basic_block()), function.args[0])

    def everywhere(table: type[Any]) -> Any:
        return filled(table, repeat(number))

    constants, traits = shape.classes(model)
    trace(model, everywhere(model.stocks), everywhere(model.shocks), everywhere(constants), everywhere(traits), number)
    return function.module


def stepper(model: Model, places: Places, *, stride: int, lanes: int) -> Any:
    """Return what steps firms in compiled code: ``advance(memory, horizon, dt)``, which returns the lanes whose firms
    are over, as bits.

    `memory` points to the first of the lanes in row 0. `cause`, `alarm` and `marks` are written in the steps in which
    something happened to one of the lanes.
    """
    constants, traits = shape.classes(model)

    @intrinsic
    def advance(typing_context, memory, horizon, dt):
        def generate(context, builder, signature, arguments):
            align_stack(builder)
            rows = Rows(context, builder, signature.args[0], arguments[0], stride=stride)

            def read(row: int) -> Register:
                return Register.load(builder, rows.at(WORD(0), row), lanes)

            def state(table: type[Any], first: int) -> Any:
                return filled(table, (read(row) for row in range(first, first + shape.rows(table))))

            def everywhere(number: Any) -> Register:
                return Register.spread(builder, number, lanes)

            counted = read(places.steps)
            after = counted + 1.0
            made = trace(
                model,
                state(model.stocks, places.stocks),
                state(model.shocks, places.shocks),
                state(constants, places.constants),
                state(traits, places.traits),
                (counted - NO_STEPS) * everywhere(arguments[2]),
            )
            rang = read(places.alarm)
            marks = [read(places.marks + i) for i in range(len(model.marks))]
            for row, value in enumerate(made.stocks):
                value.store(rows.at(WORD(0), places.stocks + row))
            after.store(rows.at(WORD(0), places.steps))
            over = (made.cause != 0.0) | (after >= everywhere(arguments[1]) + NO_STEPS)
            rings = (made.alarm != 0.0) & (rang == 0.0)
            something = builder.icmp_unsigned("!=", (over | rings).as_word(), WORD(0))
            with builder.if_then(something, likely=False):
                made.cause.store(rows.at(WORD(0), places.cause))
                choose(rings, after - NO_STEPS, rang).store(rows.at(WORD(0), places.alarm))
                for i, (mark, kept) in enumerate(zip(made.marks, marks, strict=True)):
                    choose(rings, mark, kept).store(rows.at(WORD(0), places.marks + i))
            return over.as_word()

        return types.int64(memory, types.float64, types.float64), generate

    return advance
