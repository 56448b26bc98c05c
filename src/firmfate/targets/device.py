"""A model's firms as functions for devices of many threads: what is recorded of them, and their counts.

Both are written for any target; a target links in ``firmfate_thread`` and ``firmfate_threads``, which say which thread
of how many runs. Counts are integers, added by atomic operations, so neither the order of threads nor their number
changes a bit.
"""

# mypy: disallow-untyped-calls=False

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

from firmfate.counts import BIN_WEEKS, COUNTED, EARLY_WEEKS, INVALID
from firmfate.kernel.writer import BYTE, DOUBLE, FLAG, INT, KINDS, WORD, Writer
from firmfate.models.model import Model
from firmfate.program.tracing import fields
from firmfate.targets.firm_writer import FirmWriter, Found
from firmfate.targets.function import begin, store_record

RUN, COUNT = "firmfate_run", "firmfate_count"
THREAD, THREADS = "firmfate_thread", "firmfate_threads"
"""Functions without arguments that a target brings, each a word: the number of a thread, and how many there are."""

RECORDS = {
    "event_step": INT.as_pointer(), "cause": BYTE.as_pointer(), "alarm_step": INT.as_pointer(),
    "marks": BYTE.as_pointer(),
}  # fmt: skip
"""As `firmfate.kernel.engine.Records` holds them."""

RUN_ARGUMENTS: dict[str, Any] = {
    "parameters": DOUBLE.as_pointer(), "column": INT.as_pointer(), "drawn": DOUBLE.as_pointer(), "drawn_rows": WORD,
    "drawn_columns": WORD, "key": WORD, "words": WORD.as_pointer(), "first": WORD, "cells": WORD, "replicates": WORD,
    "steps": INT, "dt": DOUBLE, "taken": WORD.as_pointer(), **RECORDS,
}  # fmt: skip
"""Arguments of ``firmfate_run``, which fills the records:

parameters : (cells, fields) float64
    In the order of ``model.fields``.
column : (fields) int32
    Which column of `drawn` holds a field; -1 where firms do not differ in it.
drawn : (drawn_rows, replicates, drawn_columns) float64
    Values that differ from firm to firm; row ``cell mod drawn_rows``.
key : 64 bits
    Key of all random numbers.
words : (cells) 64 bits
    What tells the random numbers of cells apart.
first, cells, replicates, steps, dt
    The first replicate, sizes, the horizon, and weeks in a step.
taken : (1) 64 bits
    How many firms have been taken by a thread, 0 at first.
"""

COUNT_ARGUMENTS: dict[str, Any] = {
    **RECORDS, "stratum": WORD.as_pointer(), "stratum_rows": WORD, "strata": WORD, "first": WORD, "cells": WORD,
    "replicates": WORD, "step_weeks": WORD, "week_steps": WORD, "horizons": WORD.as_pointer(),
    "weeks": WORD, "bins": WORD, "batches": WORD, "horizon_count": WORD,
    **{counter.name: WORD.as_pointer() for counter in COUNTED},
}  # fmt: skip
"""Arguments of ``firmfate_count``, which adds records to counts: those of `firmfate.kernel.engine.Engine.count`, and
the sizes of their tables."""


def write_kernels(model: Model, module: ir.Module, *, weekly: bool) -> None:
    """Write ``firmfate_run`` and ``firmfate_count``.

    Parameters
    ----------
    model : Model
    module : llvmlite.ir.Module
    weekly : bool
        Whether a step is a week. What is multiplied by its length is taken as it is then, to the same bits.
    """
    for name in (THREAD, THREADS):
        ir.Function(module, ir.FunctionType(WORD, []), name)
    _Run(model, *begin(module, RUN, RUN_ARGUMENTS), weekly=weekly).write()
    _Count(model, *begin(module, COUNT, COUNT_ARGUMENTS)).write()


class _Run:
    """Writes ``firmfate_run``: a thread steps a firm, and takes the next that nobody has when that is over.

    There is one loop, over steps. Its first part gives a new firm to threads whose firm is over; in its second all
    threads of a group step together, however old their firms are. With a share of the firms for each thread, fixed
    beforehand, a group would wait for the one whose firms live longest: for a sixth of its time, with `firm`.
    """

    def __init__(self, model: Model, builder: Any, given: dict[str, Any], *, weekly: bool) -> None:
        program = model.program.given({"run.dt": 1.0}) if weekly else model.program
        self.builder, self.given = builder, given
        self.firms = FirmWriter(program, fields(model.signature.parameters), Writer(builder, 1))

    def write(self) -> None:
        """Write it."""
        builder, given, firms = self.builder, self.given, self.firms
        total = builder.mul(given["cells"], given["replicates"])
        horizon = builder.sitofp(given["steps"], DOUBLE)
        of_run = firms.of_run(given["key"], given["dt"])
        handed = firms.handed_to_steps()
        head, change, renew, step, done = (
            builder.append_basic_block(name) for name in ("head", "change", "renew", "step", "done")
        )

        # Before its first firm, a thread has one that is over and beyond all that are asked for.
        none = [ir.Constant(KINDS[firms.graph.nodes[place].kind], 0) for place in handed]
        before = [WORD(-1), *firms.zeros().flat, *none]
        first = builder.block
        builder.branch(head)
        builder.position_at_end(head)
        over = builder.phi(FLAG)
        over.add_incoming(FLAG(1), first)
        carried = self._joined((before, first))
        this, *rest = carried
        steps = len(firms.zeros().flat)
        builder.cbranch(over, change, step)

        builder.position_at_end(change)
        with builder.if_then(builder.icmp_unsigned("<", this, total)):
            store_record(firms, firms.zeros().like(rest[:steps]), this, given, total)
        following = builder.atomic_rmw("add", given["taken"], WORD(1), "monotonic")
        builder.cbranch(builder.icmp_unsigned("<", following, total), renew, done)

        builder.position_at_end(renew)
        found, born = self._born(of_run, following)
        new = [following, *born.flat, *(found[place] for place in handed)]
        renewed = builder.block
        builder.branch(step)

        builder.position_at_end(step)
        this, *rest = self._joined((carried, head), (new, renewed))
        known = of_run | dict(zip(handed, rest[steps:], strict=True))
        after, ended = firms.stepped(known, born.like(rest[:steps]), horizon)
        over.add_incoming(ended, builder.block)
        for phi, one in zip(carried, [this, *after.flat, *rest[steps:]], strict=True):
            phi.add_incoming(one, builder.block)
        builder.branch(head)

        builder.position_at_end(done)
        builder.ret_void()

    def _joined(self, *ways: tuple[Sequence[Any], Any]) -> list[Any]:
        """Return values that are those of the block from which this one is reached."""
        joined = [self.builder.phi(value.type) for value in ways[0][0]]
        for values, block in ways:
            for phi, value in zip(joined, values, strict=True):
                phi.add_incoming(value, block)
        return joined

    def _born(self, of_run: Found, place: Any) -> tuple[Found, Any]:
        """Write a firm's start, and what its steps take from then."""
        builder, given = self.builder, self.given
        cell = builder.udiv(place, given["replicates"])
        column = builder.sub(place, builder.mul(cell, given["replicates"]))
        row = builder.mul(cell, WORD(len(self.firms.fields)))
        drawn_row = builder.add(builder.mul(builder.urem(cell, given["drawn_rows"]), given["replicates"]), column)
        drawn_row = builder.mul(drawn_row, given["drawn_columns"])

        def parameter(field: int) -> Any:
            where = builder.load(builder.gep(given["column"], [WORD(field)]))
            own = builder.gep(given["drawn"], [builder.add(drawn_row, builder.sext(where, WORD))])
            common = builder.gep(given["parameters"], [builder.add(row, WORD(field))])
            return builder.load(builder.select(builder.icmp_signed(">=", where, INT(0)), own, common))

        parameters = {name: parameter(i) for i, name in enumerate(self.firms.fields) if self.firms.needed(name)}
        found = self.firms.of_cell(of_run, builder.load(builder.gep(given["words"], [cell])), parameters)
        return self.firms.of_firm(found, builder.add(given["first"], column))


class _Count:
    """Writes ``firmfate_count``: a thread adds every so many-th firm to the counts."""

    def __init__(self, model: Model, builder: Any, given: dict[str, Any]) -> None:
        self.model, self.builder, self.given = model, builder, given
        self.sizes = {
            "week": given["weeks"], "bin": given["bins"], "batch": given["batches"],
            "horizon": given["horizon_count"], "cause": WORD(len(model.causes)), "end": WORD(len(model.causes) + 1),
            "mark": WORD(len(model.marks)), "value": WORD(max((mark.maximum for mark in model.marks), default=0) + 1),
        }  # fmt: skip
        self.dims = {counter.name: counter.dims[1:] for counter in COUNTED}

    def write(self) -> None:
        """Write it."""
        builder = self.builder
        thread, threads = (builder.call(builder.module.globals[name], []) for name in (THREAD, THREADS))
        with _every(builder, thread, builder.mul(self.given["cells"], self.given["replicates"]), threads) as place:
            self._firm(place)
        builder.ret_void()

    def _firm(self, place: Any) -> None:
        """Add a firm, as ``count`` in ``kernel/engine.py.in`` does."""
        builder, given = self.builder, self.given
        block = builder.udiv(place, given["replicates"])
        column = builder.sub(place, builder.mul(block, given["replicates"]))
        replicate = builder.add(given["first"], column)
        stratum = builder.add(builder.mul(builder.urem(block, given["stratum_rows"]), given["replicates"]), column)
        with builder.if_else(builder.icmp_unsigned(">", given["strata"], WORD(1))) as (several, one):
            with several:
                own = builder.load(builder.gep(given["stratum"], [stratum]))
                loaded = builder.block
            with one:
                alone = builder.block
        number = builder.phi(WORD)
        number.add_incoming(own, loaded)
        number.add_incoming(WORD(0), alone)
        at = {"cell": builder.add(builder.mul(block, given["strata"]), number)}
        end = builder.zext(builder.load(builder.gep(given["cause"], [place])), WORD)
        self._add("firms", at)
        with builder.if_else(builder.icmp_unsigned("==", end, WORD(INVALID))) as (invalid, valid):
            with invalid:
                self._add("invalid", at)
                self._atomic("umin", given["first_invalid"], at["cell"], replicate)  # -1 is the largest word
            with valid:
                self._valid(place, replicate, {**at, "end": end})

    def _valid(self, place: Any, replicate: Any, at: dict[str, Any]) -> None:
        builder, given = self.builder, self.given
        step = builder.zext(builder.load(builder.gep(given["event_step"], [place])), WORD)
        at = {**at, "batch": builder.urem(replicate, given["batches"])}
        self._add("batch_firms", at)
        with builder.if_then(builder.icmp_unsigned(">", at["end"], WORD(0))):
            weeks = builder.add(builder.mul(step, given["step_weeks"]), builder.sub(given["week_steps"], WORD(1)))
            week = builder.sub(builder.udiv(weeks, given["week_steps"]), WORD(1))
            at_event = {**at, "cause": builder.sub(at["end"], WORD(1)), "week": week}
            self._add("events", at_event)
            self._add("batch_events", {**at_event, "bin": builder.udiv(week, WORD(BIN_WEEKS))})
        with _every(builder, WORD(0), given["horizon_count"], WORD(1)) as i:
            horizon = builder.load(builder.gep(given["horizons"], [i]))
            least = builder.select(builder.icmp_unsigned("<", step, horizon), step, horizon)
            self._add("batch_lifetime", {**at, "horizon": i}, least)
        rang = builder.zext(builder.load(builder.gep(given["alarm_step"], [place])), WORD)
        with builder.if_then(builder.icmp_unsigned("!=", rang, WORD(0))):
            self._alarm(place, at, rang, builder.sub(step, rang))

    def _alarm(self, place: Any, at: dict[str, Any], rang: Any, warning: Any) -> None:
        builder, given = self.builder, self.given
        early = builder.icmp_unsigned(
            "<=", builder.mul(rang, given["step_weeks"]), builder.mul(WORD(EARLY_WEEKS), given["week_steps"])
        )
        self._add("alarms", at)
        self._add("warning_steps_sum", at, warning)
        self._add("warning_steps_sumsq", at, builder.mul(warning, warning))
        with builder.if_then(early):
            self._add("early_alarms", at)
            self._add("early_warning_steps_sum", at, warning)
        total = builder.mul(given["cells"], given["replicates"])
        for i in range(len(self.model.marks)):
            row = builder.add(builder.mul(WORD(i), total), place)
            value = builder.zext(builder.load(builder.gep(given["marks"], [row])), WORD)
            self._add("mark_count", {**at, "mark": WORD(i), "value": value})
            with builder.if_then(early):
                self._add("early_mark_count", {**at, "mark": WORD(i), "value": value})

    def _add(self, counter: str, at: Mapping[str, Any], value: Any = None) -> None:
        """Add to a counter at the place that `at` gives for its dims."""
        place = at["cell"]
        for dim in self.dims[counter]:
            place = self.builder.add(self.builder.mul(place, self.sizes[dim]), at[dim])
        self._atomic("add", self.given[counter], place, WORD(1) if value is None else value)

    def _atomic(self, operation: str, table: Any, place: Any, value: Any) -> None:
        self.builder.atomic_rmw(operation, self.builder.gep(table, [place]), value, "monotonic")


@contextmanager
def _every(builder: Any, first: Any, end: Any, by: Any) -> Iterator[Any]:
    """Write a loop over words, from the first on by steps, below an end; what is written within is its body."""
    before = builder.block
    head, body, after = (builder.append_basic_block(name) for name in ("every", "one", "behind"))
    builder.branch(head)
    builder.position_at_end(head)
    i = builder.phi(WORD)
    i.add_incoming(first, before)
    builder.cbranch(builder.icmp_unsigned("<", i, end), body, after)
    builder.position_at_end(body)
    yield i
    i.add_incoming(builder.add(i, by), builder.block)
    builder.branch(head)
    builder.position_at_end(after)
