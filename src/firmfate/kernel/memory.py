"""Where the state of firms stands in memory, and how compiled code reads and writes it.

The state of W firms side by side is one flat array of float64, row i of lane l at ``i * W + l``. One array keeps the
compiler's proof that no two accesses overlap trivial. Words stand in it as bit patterns, flags as 0 and 1.
"""

# mypy: disallow-untyped-calls=False, disallow-untyped-defs=False

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from firmfate.kernel.writer import DOUBLE, WORD
from firmfate.program.layout import Layout
from firmfate.program.stages import Stage


@dataclass(frozen=True, eq=False)
class Rows:
    """Which row holds what: stocks first, then what stages hand on to each other, then marks and events.

    Parameters
    ----------
    layout : Layout
    """

    layout: Layout

    @cached_property
    def handed_on(self) -> dict[int, int]:
        """Place of a value that a stage hands on -> its row."""
        places = [place for stage in (Stage.TIME, Stage.FIRM, Stage.CELL) for place in self.layout.handed_on(stage)]
        stocks = {f"stock.{name}": row for row, name in enumerate(self.layout.start)}
        nodes = self.layout.program.graph.nodes
        rows = {place: self.stocks + row for row, place in enumerate(p for p in places if nodes[p].data != "time.step")}
        for place, node in enumerate(nodes):
            if node.operation == "input" and node.data in stocks:
                rows[place] = stocks[str(node.data)]
            elif node.operation == "input" and node.data == "time.step":
                rows[place] = self.steps
        return rows

    @cached_property
    def shared(self) -> dict[int, int]:
        """Place of a value that is the same for all firms of a run -> where it stands in a table of their own."""
        return {place: row for row, place in enumerate(self.layout.handed_on(Stage.RUN))}

    @property
    def stocks(self) -> int:
        """How many stocks there are."""
        return len(self.layout.start)

    @cached_property
    def marks(self) -> int:
        """First row of the marks."""
        handed = (self.layout.handed_on(stage) for stage in (Stage.TIME, Stage.FIRM, Stage.CELL))
        return self.stocks + sum(map(len, handed))

    @property
    def steps(self) -> int:
        """Row of the steps that a firm has lived."""
        return self.marks + len(self.layout.marks)

    @property
    def alarm(self) -> int:
        """Row of the step of the alarm, 0 = never."""
        return self.steps + 1

    @property
    def cause(self) -> int:
        """Row of the cause of the end, 0 = none yet."""
        return self.steps + 2

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self.steps + 3


def pointer(context, builder, kind, memory):
    """Return where an array's numbers stand, or where a pointer points."""
    return context.make_array(kind)(context, builder, memory).data if isinstance(kind, types.Array) else memory


def align_stack(builder):
    """Let the function that is being written keep its spilled registers within cache lines.

    LLVM aligns the stack where it knows from the start that it must; it spills vectors later, and then across lines.
    """
    set.add(builder.function.attributes, '"stackrealign"')  # not among those that llvmlite knows by name


def on_stack(count):
    """Return what compiled code calls for a pointer to `count` float64 on its stack, at the begin of a cache line.

    So no vector lies across two lines, which would cost a quarter of the speed.
    """

    @intrinsic
    def place(typing_context):
        def generate(context, builder, signature, arguments):
            align_stack(builder)
            with builder.goto_entry_block():
                memory = builder.alloca(ir.ArrayType(DOUBLE, count))
            memory.align = 64
            return builder.bitcast(memory, DOUBLE.as_pointer())

        return types.CPointer(types.float64)(), generate

    return place


@intrinsic
def from_lane(typing_context, array, lane):
    """Return a pointer to the state as seen from a lane on: what stands there as lane 0 is `lane` of `array`."""

    def generate(context, builder, signature, arguments):
        return builder.gep(pointer(context, builder, signature.args[0], arguments[0]), [arguments[1]])

    return types.CPointer(types.float64)(array, types.intp), generate


class Address:
    """Addresses of lanes in rows.

    Parameters
    ----------
    builder : llvmlite.ir.IRBuilder
    base : llvmlite.ir.Value
        Where lane 0 of row 0 stands.
    stride : int
        From a row to the next, in numbers.
    """

    def __init__(self, builder, base, stride):
        self.builder, self.base, self.stride = builder, base, stride

    def __call__(self, row, lane=0):
        """Return the address of a lane in a row."""
        return self.builder.gep(self.base, [WORD(row * self.stride + lane)])
