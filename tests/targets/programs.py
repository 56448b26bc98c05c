"""Programs for other processors, without a model: one function that runs several of them on rows of inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from tests.kernel.machine_code import TYPES

from firmfate.kernel.writer import DOUBLE, INT, WORD, Values, Writer, write
from firmfate.program.operations import FLAG
from firmfate.program.program import Program
from firmfate.targets.device import THREAD
from firmfate.targets.function import begin, loop, new_module
from firmfate.targets.gpu import ARCHITECTURE, TRIPLE, lowered
from firmfate.targets.lowering import target_machine


def names(programs: Sequence[Program]) -> list[str]:
    """Return the inputs of all programs."""
    return sorted({name for program in programs for name in program.inputs})


ARGUMENTS = {"inputs": DOUBLE.as_pointer(), "outputs": DOUBLE.as_pointer(), "count": INT}


def write_row(builder: Any, programs: Sequence[Program], writer: Writer, i: Any) -> None:
    """Write what all programs make of one row of inputs, after each other."""
    given, out, _ = builder.function.args
    place = {name: at for at, name in enumerate(names(programs))}
    width = sum(len(program.outputs) for program in programs)
    row = builder.zext(i, WORD)
    at = 0
    for program in programs:
        nodes = program.graph.nodes
        found = {}
        for name, value in program.inputs.items():
            here = builder.add(builder.mul(row, WORD(len(place))), WORD(place[name]))
            found[value] = writer.load(builder.gep(given, [here]), nodes[value].kind)
        made = Values(program.graph, writer, found)
        write(range(len(nodes)), [made])
        for value in program.outputs.values():
            here = builder.add(builder.mul(row, WORD(width)), WORD(at))
            writer.store(made[value], builder.gep(out, [here]))
            at += 1


def write_rows(
    module: ir.Module, programs: Sequence[Program], new_writer: Callable[[Any], Writer] = lambda b: Writer(b, 1)
) -> None:
    """Write ``run(inputs, outputs, count)``: a loop over rows."""
    builder, given = begin(module, "run", ARGUMENTS)
    writer = new_writer(builder)
    with loop(builder, given["count"]) as i:
        write_row(builder, programs, writer, i)
    builder.ret_void()


def kernel(programs: Sequence[Program]) -> str:
    """Return PTX of a kernel ``run(inputs, outputs, count)``: a thread a row."""
    module = new_module("programs", TRIPLE, target_machine(TRIPLE, ARCHITECTURE))
    builder, given = begin(module, "run", ARGUMENTS)
    thread = builder.trunc(builder.call(ir.Function(module, ir.FunctionType(WORD, []), THREAD), []), INT)
    with builder.if_then(builder.icmp_unsigned("<", thread, given["count"])):
        write_row(builder, programs, Writer(builder, 1), thread)
    builder.ret_void()
    return lowered(module, "run")


def table(programs: Sequence[Program], inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return inputs as rows of bit patterns; flags as 0 and 1."""
    kinds = {name: p.graph.nodes[place].kind for p in programs for name, place in p.inputs.items()}
    columns = []
    for name in names(programs):
        values = np.asarray(inputs[name]).astype(TYPES[kinds[name]])
        columns.append(values.astype(np.float64) if kinds[name] == FLAG else values.view(np.float64))
    return np.ascontiguousarray(np.stack(columns, axis=1))


def outputs(programs: Sequence[Program], found: np.ndarray) -> list[dict[str, np.ndarray]]:
    """Return rows of outputs by program and name, as the interpreter does."""
    columns = iter(np.ascontiguousarray(found.T))
    made = []
    for program in programs:
        kinds = {name: program.graph.nodes[place].kind for name, place in program.outputs.items()}
        made.append(
            {name: (c != 0 if kind == FLAG else c.view(TYPES[kind]))
             for (name, kind), c in zip(kinds.items(), columns, strict=False)}
        )  # fmt: skip
    return made


def width(programs: Sequence[Program]) -> int:
    """Return how many outputs there are."""
    return sum(len(program.outputs) for program in programs)
