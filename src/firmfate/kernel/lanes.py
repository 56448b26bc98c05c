"""What the compiler has no words for: a loop over lanes that must vectorise, and tuples of numbers kept one lane apart.

The state of W firms is one flat array of float64, row i of lane l at ``i * W + l``. One array keeps the compiler's
proof that no two accesses overlap trivial. Whole numbers stand in the same array as bit patterns.
"""

# mypy: disallow-untyped-calls=False, disallow-untyped-defs=False

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

WORD = ir.IntType(64)


def numba_type(table: type) -> types.Type:
    """Return the compiler's type of a NamedTuple class whose fields are numbers or NamedTuples."""
    from firmfate.kernel.shape import members

    return types.BaseTuple.from_types(
        [numba_type(inner) if inner is not None else types.float64 for _, inner in members(table)], table
    )


def _address(builder, context, kind, memory, index):
    """Return the address of an element of an array, or of what a pointer points to."""
    base = context.make_array(kind)(context, builder, memory).data if isinstance(kind, types.Array) else memory
    return builder.gep(base, [index])


@intrinsic
def load_int(typing_context, array, index):
    """Return the whole number whose bits stand at `index`."""

    def generate(context, builder, signature, arguments):
        pointer = _address(builder, context, signature.args[0], *arguments)
        return builder.bitcast(builder.load(pointer), WORD)

    return types.int64(array, types.intp), generate


@intrinsic
def store_int(typing_context, array, index, value):
    """Store the bits of a whole number at `index`."""

    def generate(context, builder, signature, arguments):
        pointer = _address(builder, context, signature.args[0], *arguments[:2])
        builder.store(builder.bitcast(arguments[2], ir.DoubleType()), pointer)
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


def _hint(module, name, bits, value):
    return module.add_metadata([ir.MetaDataString(module, name), ir.Constant(ir.IntType(bits), value)])


@intrinsic
def over_lanes(typing_context, function, lanes, interleave, arguments):
    """Call ``function(lane, *arguments)`` for `lanes` lanes, as a loop that LLVM is told to vectorise.

    Return the OR of the results. LLVM warns on stderr where it cannot vectorise.
    """
    if not (isinstance(lanes, types.IntegerLiteral) and isinstance(interleave, types.IntegerLiteral)):
        return None
    called = function.get_call_type(typing_context, (types.intp, *arguments.types), {})

    def generate(context, builder, signature, values):
        *_, packed = values
        passed = [
            context.cast(builder, builder.extract_value(packed, i), given, wanted)
            for i, (given, wanted) in enumerate(zip(arguments.types, called.args[1:], strict=True))
        ]
        callee = context.get_function(function, called)
        before = builder.block
        body, after = builder.append_basic_block("lanes.body"), builder.append_basic_block("lanes.after")
        builder.branch(body)
        builder.position_at_end(body)
        lane, seen = builder.phi(WORD), builder.phi(WORD)
        lane.add_incoming(WORD(0), before)
        seen.add_incoming(WORD(0), before)
        flag = context.cast(builder, callee(builder, [lane, *passed]), called.return_type, types.int64)
        any_flag = builder.or_(seen, flag)
        following = builder.add(lane, WORD(1), flags=["nuw", "nsw"])
        latch = builder.block
        branch = builder.cbranch(builder.icmp_signed("<", following, WORD(lanes.literal_value)), body, after)
        lane.add_incoming(following, latch)
        seen.add_incoming(any_flag, latch)
        module = builder.module
        hints = [
            _hint(module, "llvm.loop.vectorize.enable", 1, 1),
            _hint(module, "llvm.loop.interleave.count", 32, interleave.literal_value),
            module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")]),
        ]
        loop = module.add_metadata([ir.MetaDataString(module, f"lanes {id(branch)}")])
        loop.operands = (loop, *hints)
        branch.set_metadata("llvm.loop", loop)
        builder.position_at_end(after)
        return any_flag

    return types.int64(function, lanes, interleave, arguments), generate


__all__ = ["from_lane", "load", "load_int", "numba_type", "over_lanes", "store", "store_int"]
