"""Random programs on a GPU: kernels of several of them, a thread a row of inputs, compared with the interpreter."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np
from tests.kernel.machine_code import same_bits
from tests.program.examination import Case
from tests.targets import programs as rows
from tests.targets.cases import special_inputs

from firmfate.devices.cuda import device
from firmfate.program import interpreter
from firmfate.program.program import Program

CHUNK = 32
"""Programs a kernel."""


def run(programs: Sequence[Program], table: np.ndarray) -> np.ndarray:
    """Return what the device makes of rows of inputs."""
    found = np.zeros((len(table), rows.width(programs)))
    kernel = device().load(rows.kernel(programs), "run")["run"]
    with device().queue() as queue:
        places = queue.reserve({"inputs": table.nbytes, "outputs": found.nbytes})
        queue.upload(places["inputs"], table)
        arguments = [ctypes.c_uint64(places["inputs"]), ctypes.c_uint64(places["outputs"]), ctypes.c_int32(len(table))]
        queue.launch(kernel, len(table), arguments)
        queue.download(found, places["outputs"])
        queue.wait()
    return found


def different(first: int, factor: float = 1.0) -> list[int]:
    """Return which of a chunk of seeds, from `first` on, have other bits than the interpreter's.

    `factor` multiplies what the device found: a control.
    """
    seeds, inputs = range(first, first + CHUNK), special_inputs()
    programs = [Case.of(seed, exact=bool(seed % 2)).ruled for seed in seeds]
    found = rows.outputs(programs, factor * run(programs, rows.table(programs, inputs)))
    wrong = []
    for seed, program, one in zip(seeds, programs, found, strict=True):
        expected = interpreter.run(program, inputs)
        if not all(same_bits(one[name], values) for name, values in expected.items()):
            wrong.append(seed)
    return wrong
