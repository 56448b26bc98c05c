"""The stages of a model's program as functions that Numba's loop calls: once a cell, once a firm, every step."""

# mypy: disallow-untyped-calls=False, disallow-untyped-defs=False, disallow-incomplete-defs=False

from __future__ import annotations

from numba import types
from numba.extending import intrinsic

from firmfate.kernel.memory import Address, align_stack, pointer
from firmfate.kernel.writer import DOUBLE, WORD, Writer, write
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

    def _loaded(self, writer, at, shared, stage, lane, wanted):
        """Return what earlier stages hand on to the values of this one, loaded."""
        needed = set()
        for place in wanted:
            needed.update(self.graph.nodes[place].arguments)
        given = {}
        for place in sorted(needed):
            node = self.graph.nodes[place]
            if node.operation == "constant" or not (self.layout.stage[place] < stage or node.operation == "input"):
                continue
            if place in self.rows.shared:
                given[place] = self._shared(writer, shared, place)
            elif place in self.rows.handed_on:
                given[place] = writer.load(at(self.rows.handed_on[place], lane), node.kind)
        return given

    def _shared(self, writer, shared, place):
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
                (found,) = write(self.graph, self.layout.worked_out(Stage.RUN, handed), [given], [writer])
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
                wanted = self.layout.worked_out(Stage.CELL, handed)
                given = self._loaded(writer, at, arguments[1], Stage.CELL, 0, wanted)
                for place, name in self._inputs(Stage.CELL):
                    given[place] = self._of_cell(builder, row, arguments[3], name)
                (found,) = write(self.graph, wanted, [given], [writer])
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
                wanted = self.layout.worked_out(Stage.FIRM, {*handed, *starts.values()})
                given = self._loaded(writer, at, arguments[1], Stage.FIRM, 0, wanted)
                given |= {place: words[name] for place, name in self._inputs(Stage.FIRM)}
                (found,) = write(self.graph, wanted, [given], [writer])
                for place in handed:
                    writer.store(found[place], at(self.rows.handed_on[place]))
                for row, place in enumerate(starts.values()):
                    writer.store(self._output(writer, at, arguments[1], found, place), at(row))
                for row in range(self.rows.marks, self.rows.count):
                    writer.store(DOUBLE(0.0), at(row))
                return context.get_dummy_value()

            return types.void(memory, shared, types.uint64), generate

        return begin

    def _output(self, writer, at, shared, found, place):
        """Return an output: worked out here, handed on by an earlier stage, or constant."""
        if place in found:
            return found[place]
        node = self.graph.nodes[place]
        if node.operation == "constant":
            return writer.node(node, ())
        if place in self.rows.shared:
            return self._shared(writer, shared, place)
        return writer.load(at(self.rows.handed_on[place]), node.kind)

    def draw(self):
        """Return ``draw(memory, shared)``: works out what a step's time and shocks fix, for several registers of
        firms."""

        @intrinsic
        def draw(typing_context, memory, shared):
            def generate(context, builder, signature, arguments):
                align_stack(builder)
                at = Address(builder, arguments[0], self.lanes)
                writers = [Writer(builder, self.vector, self.features)] * self.together
                handed = self.layout.handed_on(Stage.TIME)
                wanted = self.layout.worked_out(Stage.TIME, handed)
                first = [group * self.vector for group in range(self.together)]
                given = [
                    self._loaded(writer, at, arguments[1], Stage.TIME, lane, wanted)
                    for writer, lane in zip(writers, first, strict=True)
                ]
                made = write(self.graph, wanted, given, writers)
                for writer, lane, found in zip(writers, first, made, strict=True):
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
                cause, alarm = layout.events
                outputs = {*layout.next.values(), *layout.marks.values(), cause, alarm}
                wanted = layout.worked_out(Stage.STEP, outputs)
                given = self._loaded(writer, at, arguments[1], Stage.STEP, 0, wanted)
                (found,) = write(self.graph, wanted, [given], [writer])

                def number(place):
                    value = self._output(writer, at, arguments[1], found, place)
                    if self.graph.nodes[place].kind == FLAG_KIND:
                        return builder.select(value, writer.constant(DOUBLE, 1.0), writer.constant(DOUBLE, 0.0))
                    return value

                zero, one = writer.constant(DOUBLE, 0.0), writer.constant(DOUBLE, 1.0)
                after = builder.fadd(writer.load(at(rows.steps), "number"), one)
                rung = writer.load(at(rows.alarm), "number")
                moved = [number(place) for place in layout.next.values()]
                marked = [number(place) for place in layout.marks.values()]
                why = number(cause)
                for row, value in enumerate(moved):
                    writer.store(value, at(row))
                writer.store(after, at(rows.steps))
                ended = builder.fcmp_unordered("!=", why, zero)
                over = builder.or_(ended, builder.fcmp_ordered(">=", after, writer.spread(arguments[2])))
                ringing = builder.fcmp_unordered("!=", number(alarm), zero)
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
