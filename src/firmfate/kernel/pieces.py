"""The stages of a model's program as functions that Numba's loop calls: once a cell, once a firm, every step."""

# mypy: disallow-untyped-calls=False, disallow-untyped-defs=False, disallow-incomplete-defs=False

from __future__ import annotations

from numba import types
from numba.extending import intrinsic

from firmfate.kernel.memory import Address, align_stack, pointer
from firmfate.kernel.schedule import APART, ordered, overwritten
from firmfate.kernel.writer import DOUBLE, WORD, Values, Writer, write
from firmfate.program.operations import FLAG as FLAG_KIND
from firmfate.program.stages import Stage


class Pieces:
    """Writes the stages of a program.

    Parameters
    ----------
    rows : Rows
    fields : sequence of str
        Names of the parameters' inputs, in the order in which they are given.
    lanes : int
        Firms side by side.
    vector : int
        How many of them one register holds.
    together : int
        How many registers' firms draw their random numbers together.
    features : frozenset of str
        Of the processor; see `Writer`.
    """

    def __init__(self, rows, fields, *, lanes, vector, together, features) -> None:
        self.rows, self.fields, self.lanes = rows, {f"p.{name}": i for i, name in enumerate(fields)}, lanes
        self.vector, self.together, self.features = vector, together, features
        self.layout = rows.layout
        self.graph = rows.layout.program.graph

    def _inputs(self, stage):
        """Yield (place, name) of the inputs of a stage."""
        for place, node in enumerate(self.graph.nodes):
            if node.operation == "input" and self.layout.stage[place] == stage:
                yield place, str(node.data)

    def of_run(self, writer, shared, place):
        """Return a value that is the same for all firms of a run, in every lane."""
        scalar = Writer(writer.builder, 1, self.features)
        one = scalar.load(writer.builder.gep(shared, [WORD(self.rows.shared[place])]), self.graph.nodes[place].kind)
        return writer.spread(one)

    def prepare(self):
        """Return ``prepare(shared, key, dt)``: works out what is the same for all firms of a run."""

        @intrinsic
        def prepare(typing_context, shared, key, dt):
            def generate(context, builder, signature, arguments):
                writer = Writer(builder, 1, self.features)
                values = {
                    "run.dt": arguments[2],
                    "run.key.low": builder.and_(arguments[1], WORD(0xFFFFFFFF)),
                    "run.key.high": builder.lshr(arguments[1], WORD(32)),
                }
                given = {place: values[name] for place, name in self._inputs(Stage.RUN)}
                handed = self.layout.handed_on(Stage.RUN)
                found = Values(self.graph, writer, given)
                write(self.layout.worked_out(Stage.RUN, handed), [found])
                for place in handed:
                    writer.store(found[place], builder.gep(arguments[0], [WORD(self.rows.shared[place])]))
                return context.get_dummy_value()

            return types.void(shared, types.uint64, types.float64), generate

        return prepare

    def _of_cell(self, builder, row, cell, name):
        """Return an input that parameters or the cell's random numbers fix."""
        if name == "cell.low":
            return builder.and_(cell, WORD(0xFFFFFFFF))
        if name == "cell.high":
            return builder.lshr(cell, WORD(32))
        return builder.load(builder.gep(row, [WORD(self.fields[name])]))

    def settle(self):
        """Return ``settle(memory, shared, parameters, cell)``: works out for one lane what its parameters fix."""

        @intrinsic
        def settle(typing_context, memory, shared, parameters, cell):
            def generate(context, builder, signature, arguments):
                writer = Writer(builder, 1, self.features)
                at = Address(builder, arguments[0], self.lanes)
                row = pointer(context, builder, signature.args[2], arguments[2])
                handed = self.layout.handed_on(Stage.CELL)
                given = {
                    place: self._of_cell(builder, row, arguments[3], name) for place, name in self._inputs(Stage.CELL)
                }
                found = HandedOn(self, Stage.CELL, writer, arguments, given=given)
                write(self.layout.worked_out(Stage.CELL, handed), [found])
                for place in handed:
                    writer.store(found[place], at(self.rows.handed_on[place]))
                return context.get_dummy_value()

            return types.void(memory, shared, parameters, types.uint64), generate

        return settle

    def begin(self):
        """Return ``begin(memory, shared, replicate)``: lets a firm begin in one lane, of parameters that are
        settled."""

        @intrinsic
        def begin(typing_context, memory, shared, replicate):
            def generate(context, builder, signature, arguments):
                writer = Writer(builder, 1, self.features)
                at = Address(builder, arguments[0], self.lanes)
                words = {
                    "replicate.low": builder.and_(arguments[2], WORD(0xFFFFFFFF)),
                    "replicate.high": builder.lshr(arguments[2], WORD(32)),
                }
                handed = self.layout.handed_on(Stage.FIRM)
                starts = self.layout.start
                given = {place: words[name] for place, name in self._inputs(Stage.FIRM)}
                found = HandedOn(self, Stage.FIRM, writer, arguments, given=given)
                write(self.layout.worked_out(Stage.FIRM, {*handed, *starts.values()}), [found])
                for place in handed:
                    writer.store(found[place], at(self.rows.handed_on[place]))
                for row, place in enumerate(starts.values()):
                    writer.store(found[place], at(row))
                for row in range(self.rows.marks, self.rows.count):
                    writer.store(DOUBLE(0.0), at(row))
                return context.get_dummy_value()

            return types.void(memory, shared, types.uint64), generate

        return begin

    def draw(self):
        """Return ``draw(memory, shared)``: works out what a step's time and shocks fix, for several registers of
        firms."""

        @intrinsic
        def draw(typing_context, memory, shared):
            def generate(context, builder, signature, arguments):
                align_stack(builder)
                at = Address(builder, arguments[0], self.lanes)
                writer = Writer(builder, self.vector, self.features)
                handed = self.layout.handed_on(Stage.TIME)
                wanted = self.layout.worked_out(Stage.TIME, handed)
                first = [group * self.vector for group in range(self.together)]
                groups = [HandedOn(self, Stage.TIME, writer, arguments, lane=lane) for lane in first]
                write(ordered(self.graph, wanted), groups, apart=APART if "avx512" in self.features else 0)
                for lane, found in zip(first, groups, strict=True):
                    for place in handed:
                        if place in wanted:
                            writer.store(found[place], at(self.rows.handed_on[place], lane))
                return context.get_dummy_value()

            return types.void(memory, shared), generate

        return draw

    def advance(self):
        """Return ``advance(memory, shared, horizon)``: steps one register of firms; returns those that are over, as
        bits.

        Cause, alarm and marks are written in the steps in which something has happened to one of the firms.
        """
        rows, layout = self.rows, self.layout

        @intrinsic
        def advance(typing_context, memory, shared, horizon):
            def generate(context, builder, signature, arguments):
                align_stack(builder)
                writer = Writer(builder, self.vector, self.features)
                at = Address(builder, arguments[0], self.lanes)
                found = HandedOn(self, Stage.STEP, writer, arguments)

                def number(place):
                    if self.graph.nodes[place].kind == FLAG_KIND:
                        return builder.select(found[place], writer.constant(DOUBLE, 1.0), zero)
                    return found[place]

                zero, one = writer.constant(DOUBLE, 0.0), writer.constant(DOUBLE, 1.0)
                order = ordered(self.graph, layout.worked_out(Stage.STEP, layout.wanted[Stage.STEP]))
                early, late = overwritten(layout, order)
                for place in order:
                    write([place], [found])
                    for row, stock in early.get(place, ()):
                        writer.store(number(stock), at(row))
                why, alarm = (number(place) for place in layout.events)
                marked = [number(place) for place in layout.marks.values()]
                for row, value in [(row, number(stock)) for row, stock in late]:
                    writer.store(value, at(row))
                after = builder.fadd(writer.load(at(rows.steps), "number"), one)
                rung = writer.load(at(rows.alarm), "number")
                writer.store(after, at(rows.steps))
                ended = builder.fcmp_unordered("!=", why, zero)
                over = builder.or_(ended, builder.fcmp_ordered(">=", after, writer.spread(arguments[2])))
                ringing = builder.fcmp_unordered("!=", alarm, zero)
                rings = builder.and_(ringing, builder.fcmp_ordered("==", rung, zero))
                something = builder.icmp_unsigned("!=", writer.flags(builder.or_(over, rings)), WORD(0))
                with builder.if_then(something, likely=False):
                    writer.store(why, at(rows.cause))
                    writer.store(builder.select(rings, after, rung), at(rows.alarm))
                    for row, mark in enumerate(marked, start=rows.marks):
                        writer.store(builder.select(rings, mark, writer.load(at(row), "number")), at(row))
                return writer.flags(over)

            return types.int64(memory, shared, types.float64), generate

        return advance


class HandedOn(Values):
    """Values of a stage in one group of lanes; what earlier stages hand on is loaded where it is first needed.

    Parameters
    ----------
    pieces : Pieces
    stage : Stage
    writer : Writer
    arguments : sequence of llvmlite.ir.Value
        Of the function that is written: the firms' state, and what is the same for all firms of a run.
    lane : int
        The first of the group.
    given : mapping, optional
        Values that are there already.
    """

    def __init__(self, pieces, stage, writer, arguments, *, lane=0, given=None) -> None:
        super().__init__(pieces.graph, writer, given or {})
        self.pieces, self.stage, self.lane, self.shared = pieces, stage, lane, arguments[1]
        self.at = Address(writer.builder, arguments[0], pieces.lanes)

    def __missing__(self, place):
        rows, node = self.pieces.rows, self.graph.nodes[place]
        if self.pieces.layout.stage[place] >= self.stage and node.operation != "input":
            return super().__missing__(place)
        if place in rows.shared:
            self[place] = self.pieces.of_run(self.writer, self.shared, place)
        elif place in rows.handed_on:
            self[place] = self.writer.load(self.at(rows.handed_on[place], self.lane), node.kind)
        else:
            return super().__missing__(place)
        return self[place]
