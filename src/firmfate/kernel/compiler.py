"""The compiler's options, in one place, and the processor that code is compiled for.

Nothing is left to the compiler's judgement: no flag allows it to fuse, reorder or approximate arithmetic on numbers.
What is rounded, and how, stands in the program (`firmfate.program`), so all processors give the same bits.
``error_model='numpy'`` makes a division by zero in the loop around it an infinity instead of a branch.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

OPTIONS: dict[str, Any] = {"fastmath": False, "error_model": "numpy", "boundscheck": False}
VERSION = "3"
"""Version of what is counted and recorded of a firm: part of every shard, refused in a mix. Raise it when the loop
around a model's program may change a count; the program has a digest of its own."""


def entry(function: Callable[..., Any]) -> Any:
    """Compile an entry point: without the interpreter's lock, and kept on disk beside its source."""
    from numba import njit

    _load_arrays_alone()
    return njit(nogil=True, cache=True, **OPTIONS)(function)


@contextmanager
def collection_paused() -> Iterator[None]:
    """Look for no garbage within the block, in which objects are made that stay.

    Numba registers some 100,000 of them before machine code on disk is at hand, and Python would look through all of
    them again and again: a seventh of the start. Pauses of two threads may not overlap.
    """
    paused = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if paused:
            gc.enable()


@cache
def _load_arrays_alone() -> None:
    """Load Numba's functions of arrays without SciPy's linear algebra.

    Numba imports it to learn whether it is there, which takes a third of the start from machine code on disk; no kernel
    needs it. Whoever multiplies matrices in a function of their own has it imported then, as ever.
    """
    import importlib.util
    import sys

    from numba.np import linalg

    if "numba.np.arraymath" in sys.modules or importlib.util.find_spec("scipy") is None:
        return
    asked = linalg.ensure_blas
    linalg.ensure_blas = lambda: None
    try:
        importlib.import_module("numba.np.arraymath")
    finally:
        linalg.ensure_blas = asked


@cache
def processor() -> tuple[str, str]:
    """Return name and features of the processor that code is compiled for.

    ``NUMBA_CPU_NAME`` alone stands for that processor with the features it has; Numba would add those of this machine.
    """
    import llvmlite.binding as llvm
    from numba.core import config
    from numba.core.codegen import get_host_cpu_features

    if config.CPU_NAME and config.CPU_FEATURES is None:
        config.CPU_FEATURES = ""
    features = get_host_cpu_features() if config.CPU_FEATURES is None else config.CPU_FEATURES
    return config.CPU_NAME or str(llvm.get_host_cpu_name()), features


PROBE = """
define <8 x double> @sum(<8 x double> %a, <8 x double> %b) {
  %c = fadd <8 x double> %a, %b
  ret <8 x double> %c
}
"""


@cache
def vectors() -> tuple[int, frozenset[str]]:
    """Return how many float64 one register of the processor holds, and the features that `Writer` makes use of."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    name, features = processor()
    machine = llvm.Target.from_default_triple().create_target_machine(cpu=name, features=features)
    text = machine.emit_assembly(llvm.parse_assembly(PROBE))
    if "zmm" in text:
        return 8, frozenset({"avx512"})
    return 4, frozenset({"avx2"} if "ymm" in text and _gathers(machine) else ())


def _gathers(machine: Any) -> bool:
    """Return whether a processor with registers of four float64 has AVX2, whose integers are as wide."""
    import llvmlite.binding as llvm

    words = PROBE.replace("double", "i64").replace("fadd", "add").replace("8 x", "4 x")
    text = machine.emit_assembly(llvm.parse_assembly(words))
    return any(
        "vpaddq" in line and "ymm" in line for line in text.splitlines()
    )  # AVX alone passes ymm, and halves them
