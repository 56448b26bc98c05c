"""Programs as machine code of this processor, for one lane or several, without Numba: to be run on arrays."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir

from firmfate.kernel import compiler
from firmfate.kernel.writer import DOUBLE, INT, Values, Writer, write
from firmfate.program.operations import FLAG, NUMBER
from firmfate.program.operations import WORD as WORD_KIND
from firmfate.program.program import Program
from firmfate.targets.lowering import optimised

llvm.initialize_native_target()
llvm.initialize_native_asmprinter()

TYPES = {NUMBER: np.float64, WORD_KIND: np.uint64, FLAG: np.bool_}


def ways() -> list[tuple[int, frozenset[str]]]:
    """Return lanes and features that this processor can run: one lane, four with and without gathers, eight."""
    widest, features = compiler.vectors()
    found = [(1, frozenset()), (4, frozenset())]
    if features:
        found.append((4, frozenset({"avx2"})))
    return [*found, (8, features)] if widest == 8 else found


class Compiled:
    """A program as machine code.

    Parameters
    ----------
    program : Program
    lanes : int
    engine : llvmlite.binding.ExecutionEngine
        Holds the code.
    name : str
        Of its function.
    """

    def __init__(self, program: Program, lanes: int, engine: llvm.ExecutionEngine, name: str) -> None:
        self.program, self.lanes, self.engine = program, lanes, engine
        self.call = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(engine.get_function_address(name))

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the outputs for arrays of inputs, as the interpreter does."""
        columns = [np.asarray(inputs[name]) for name in self.program.inputs]
        count = max((column.size for column in columns), default=1)
        rounds = -(-count // self.lanes)
        kinds = [self.program.graph.nodes[place].kind for place in self.program.outputs.values()]
        out = np.zeros((rounds, len(kinds), self.lanes))
        table = np.zeros((rounds, max(1, len(columns)), self.lanes))
        for i, (column, place) in enumerate(zip(columns, self.program.inputs.values(), strict=True)):
            values = np.broadcast_to(column, (count,)).astype(TYPES[self.program.graph.nodes[place].kind])
            bits = values.astype(np.float64) if values.dtype == np.bool_ else values.view(np.float64)
            table[:, i] = np.resize(bits, (rounds, self.lanes))
        for row, result in zip(table, out, strict=True):
            self.call(row.ctypes.data, result.ctypes.data)
        found = {}
        for i, (name, kind) in enumerate(zip(self.program.outputs, kinds, strict=True)):
            values = out[:, i].ravel()[:count]
            found[name] = values != 0 if kind == FLAG else values.view(TYPES[kind])
        return found


def write_function(module: ir.Module, name: str, program: Program, lanes: int, features: frozenset[str]) -> None:
    """Write a function of two pointers, to inputs and to outputs: of each, all lanes after each other."""
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [DOUBLE.as_pointer()] * 2), name)
    builder = ir.IRBuilder(function.append_basic_block())
    writer = Writer(builder, lanes, features)
    given = {
        place: writer.load(builder.gep(function.args[0], [INT(i * lanes)]), program.graph.nodes[place].kind)
        for i, place in enumerate(program.inputs.values())
    }
    found = Values(program.graph, writer, given)
    write(range(len(program.graph.nodes)), [found])
    for i, place in enumerate(program.outputs.values()):
        writer.store(found[place], builder.gep(function.args[1], [INT(i * lanes)]))
    builder.ret_void()


def compiled(asked: Sequence[tuple[Program, int, frozenset[str]]]) -> list[Compiled]:
    """Return programs, each with its lanes and features, as machine code of one module, by the passes that compile
    models."""
    module = ir.Module("programs")
    module.triple = llvm.get_default_triple()
    for i, (program, lanes, features) in enumerate(asked):
        write_function(module, f"run{i}", program, lanes, features)
    name, host = compiler.processor()
    machine = llvm.Target.from_default_triple().create_target_machine(cpu=name, features=host, opt=3, jit=True)
    engine = llvm.create_mcjit_compiler(optimised(str(module), machine), machine)
    engine.finalize_object()
    return [Compiled(program, lanes, engine, f"run{i}") for i, (program, lanes, _) in enumerate(asked)]


def same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    """Return whether two arrays are equal to the last bit; all NaN count as equal."""
    one, other = np.asarray(one), np.asarray(other)
    if one.dtype == np.float64:
        nan = np.isnan(one)
        return bool(
            np.array_equal(nan, np.isnan(other)) and np.array_equal(one[~nan].view("u8"), other[~nan].view("u8"))
        )
    return bool(np.array_equal(one, other))
