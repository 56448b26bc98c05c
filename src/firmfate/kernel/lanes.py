"""Where the state of lanes stands in memory, and how compiled code reads and writes tuples of its numbers.

The state of W firms is one flat array of float64, row i of lane l at ``i * W + l``. One array keeps the compiler's
proof that no two accesses overlap trivial. Whole numbers stand in the same array as bit patterns.
"""

# mypy: disallow-untyped-calls=False, disallow-untyped-defs=False

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from firmfate.kernel.registers import DOUBLE, WORD


def numba_type(table: type) -> types.Type:
    """Return the compiler's type of a NamedTuple class whose fields are numbers or NamedTuples."""
    from firmfate.kernel.shape import members

    return types.BaseTuple.from_types(
        [numba_type(inner) if inner is not None else types.float64 for _, inner in members(table)], table
    )


def _pointer(context, builder, kind, memory):
    """Return where an array's numbers stand, or where a pointer points."""
    return context.make_array(kind)(context, builder, memory).data if isinstance(kind, types.Array) else memory


def _address(builder, context, kind, memory, index):
    """Return the address of an element of an array, or of what a pointer points to."""
    return builder.gep(_pointer(context, builder, kind, memory), [index])


class Rows:
    """Rows of numbers in memory, one a lane, as instructions address them.

    Parameters
    ----------
    context, builder
        The compiler's, while it writes a function.
    kind : numba type
        Of `memory`: an array, or a pointer, of float64.
    memory : llvmlite.ir.Value
    stride : int
        From a row to the next, in numbers.
    """

    def __init__(self, context, builder, kind, memory, *, stride=1):
        self.builder = builder
        self.base = _pointer(context, builder, kind, memory)
        self.stride = stride

    def at(self, first, row=0, lane=0):
        """Return the address of a lane in a row, counted from the row whose first lane is at `first`."""
        return self.builder.gep(self.base, [self.builder.add(first, WORD(row * self.stride + lane))])


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
def store_int(typing_context, array, index, value):
    """Store the bits of a whole number at `index`."""

    def generate(context, builder, signature, arguments):
        pointer = _address(builder, context, signature.args[0], *arguments[:2])
        builder.store(builder.bitcast(arguments[2], DOUBLE), pointer)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.int64), generate


@intrinsic
def from_lane(typing_context, array, lane):
    """Return a pointer to the state as seen from a lane on: what stands there as lane 0 is `lane` of `array`."""

    def generate(context, builder, signature, arguments):
        return _address(builder, context, signature.args[0], *arguments)

    return types.CPointer(types.float64)(array, types.intp), generate


@intrinsic
def load(typing_context, array, index, stride, table):
    """Return the NamedTuple `table` whose numbers stand at ``index``, ``index + stride``, ..., nested ones in order."""
    result = numba_type(table.instance_class)

    def generate(context, builder, signature, arguments):
        position = arguments[1]

        def read(kind):
            nonlocal position
            if kind == types.float64:
                value = builder.load(_address(builder, context, signature.args[0], arguments[0], position))
                position = builder.add(position, arguments[2], flags=["nsw"])
                return value
            return context.make_tuple(builder, kind, [read(inner) for inner in kind.types])

        return read(result)

    return result(array, types.intp, types.intp, table), generate


@intrinsic
def store(typing_context, array, index, stride, values):
    """Store the numbers of a tuple, nested ones in order, at ``index``, ``index + stride``, ..."""

    def generate(context, builder, signature, arguments):
        position = arguments[1]

        def write(kind, value):
            nonlocal position
            if isinstance(kind, types.BaseTuple):
                for i, inner in enumerate(kind.types):
                    write(inner, builder.extract_value(value, i))
                return
            number = context.cast(builder, value, kind, types.float64)
            builder.store(number, _address(builder, context, signature.args[0], arguments[0], position))
            position = builder.add(position, arguments[2], flags=["nsw"])

        write(values, arguments[3])
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, values), generate
