"""The compiler's options, in one place, and the one decorator that every compiled function carries.

``contract`` lets multiply and add fuse, ``nsz`` and ``arcp`` let divisions by constants become products. Reassociation
is never allowed: it would delete the rounding trick in `exp`. ``error_model='numpy'`` makes a division by zero an
infinity instead of a branch, without which nothing vectorises. The lock of the interpreter is released at the entry
point.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

FASTMATH = frozenset({"contract", "nsz", "arcp"})
OPTIONS: dict[str, Any] = {"fastmath": set(FASTMATH), "error_model": "numpy", "boundscheck": False}
VERSION = "2"
"""Version of the kernel's arithmetic: part of every shard, refused in a mix. Raise it when any result may change by a
bit."""


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a function that is always inlined into its caller."""
    from numba import njit

    return njit(forceinline=True, **OPTIONS)(function)


def entry(function: Callable[..., Any]) -> Any:
    """Compile an entry point: without the interpreter's lock, and kept on disk beside its source."""
    from numba import njit

    return njit(nogil=True, cache=True, **OPTIONS)(function)


def callable_when_compiled(function: Callable[..., Any]) -> None:
    """Let compiled code call a plain Python function, which stays one."""
    from numba.extending import register_jitable

    register_jitable(forceinline=True, **OPTIONS)(function)


def instruction_set() -> str:
    """Return the processor that code is compiled for: results are bit-identical only within one."""
    import llvmlite.binding as llvm

    return os.environ.get("NUMBA_CPU_NAME") or str(llvm.get_host_cpu_name())


def vector_lanes() -> int:
    """Return how many float64 one vector register holds on the processor that code is compiled for."""
    from numba.core import config
    from numba.core.codegen import get_host_cpu_features

    features = get_host_cpu_features() if config.CPU_FEATURES is None else config.CPU_FEATURES
    return 8 if config.CPU_NAME != "generic" and "+avx512f" in features.split(",") else 4
