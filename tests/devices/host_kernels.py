"""The device's kernels compiled for this processor: the same instructions, run thread by thread.

What differs from the device's is the processor, and which number a thread reads as its own.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from firmfate.devices.cuda import ARGUMENTS, C_TYPES
from firmfate.kernel import compiler
from firmfate.models.model import Model
from firmfate.targets.device import RUN, THREAD, THREADS, write_kernels
from firmfate.targets.function import new_module
from firmfate.targets.lowering import optimised, target_machine

NUMBERS = "".join(
    f"""
@{name}.value = global i64 0
define i64 @{name}() alwaysinline {{
  %word = load i64, i64* @{name}.value
  ret i64 %word
}}
"""
    for name in (THREAD, THREADS)
)


class HostKernels:
    """The kernels of a model.

    Parameters
    ----------
    model : Model
    weekly : bool
    """

    def __init__(self, model: Model, *, weekly: bool) -> None:
        self._lock = threading.Lock()  # of those two numbers
        machine = target_machine(llvm.get_default_triple(), *compiler.processor())
        module = new_module(model.name, machine.triple, machine)
        write_kernels(model, module, weekly=weekly)
        self._code = llvm.create_mcjit_compiler(optimised(str(module), machine, NUMBERS), machine)
        self._code.finalize_object()
        self._thread, self._threads = (
            ctypes.c_uint64.from_address(self._code.get_global_value_address(f"{name}.value"))
            for name in (THREAD, THREADS)
        )
        self._run = {
            name: ctypes.CFUNCTYPE(None, *(C_TYPES.get(str(kind), ctypes.c_uint64) for kind in kinds.values()))(
                self._code.get_function_address(name)
            )
            for name, kinds in ARGUMENTS.items()
        }

    def launch(self, name: str, threads: int, arguments: Sequence[Any]) -> None:
        """Run a kernel: firms by threads side by side; counts, whose threads have numbers, in a random order."""
        run = self._run[name]
        if name == RUN:
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda _: run(*arguments), range(threads)))
            return
        with self._lock:
            self._threads.value = threads
            for thread in np.random.default_rng(threads).permutation(threads).tolist():
                self._thread.value = thread
                run(*arguments)


@cache
def host_kernels(model: Model, weekly: bool) -> HostKernels:
    """Return the kernels of a model, compiled once."""
    return HostKernels(model, weekly=weekly)


def kinds(name: str) -> Mapping[str, Any]:
    """Return the types of a kernel's arguments, in order."""
    return {argument: C_TYPES.get(str(kind), ctypes.c_uint64) for argument, kind in ARGUMENTS[name].items()}


def noting(write: Callable[..., str], texts: dict[str, tuple[Model, bool]]) -> Callable[..., str]:
    """Return what writes kernels, and notes in `texts` whose they are."""

    def noted(model: Model, *, weekly: bool) -> str:
        text = write(model, weekly=weekly)
        texts[text] = model, weekly
        return text

    return noted
