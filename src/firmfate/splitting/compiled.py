"""Stages of splitting as machine code of this processor, and arrays in and out."""

# mypy: disallow-untyped-calls=False

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import threading
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firmfate.kernel import compiler
from firmfate.kernel.compose import cache_directory, hash_of_sources, write_aside
from firmfate.models.model import Model
from firmfate.program.program import Program
from firmfate.splitting.function import ADVANCE, BEGIN, COMMON, MORE, width, write_stage

DIGEST_SIZE = hashlib.sha256().digest_size
Floats = NDArray[np.float64]


class Reached(NamedTuple):
    """Where firms stand at the end of a stage, each of shape (firms,): `states` (firms, width), `status` (see
    `firmfate.splitting.function`), `best` the greatest importance of each before it ended, `lived` the steps
    that each has taken."""

    states: Floats
    status: NDArray[np.uint8]
    best: Floats
    lived: NDArray[np.int32]


class Stages:
    """A model's firms, from one state to another.

    Parameters
    ----------
    model : Model
    importance : Program
    row : (fields,) array
        Values of the parameters.
    dt : float
        Step in weeks.
    steps : int
        Horizon.
    cause : int
        Number of the cause, 0 for any.
    key : int
        Key of all random numbers.
    """

    _lock = threading.Lock()

    def __init__(
        self, model: Model, importance: Program, row: Floats, *, dt: float, steps: int, cause: int, key: int
    ) -> None:
        self.width = width(model)
        self.key, self.steps = key, steps
        self._row = np.ascontiguousarray(row, np.float64)
        self._dt, self._cause = dt, float(cause)
        with Stages._lock:
            self._code = _loaded(model, importance)

    def born(self, first: int, count: int) -> Floats:
        """Return the states of firms at their start, (count, width)."""
        states = np.empty((count, self.width))
        self._code.begin(self._row.ctypes.data, self.key, first, count, self._dt, states.ctypes.data)
        return states

    def advanced(self, states: Floats, first: int, level: float = np.inf) -> Reached:
        """Return firms at the level, at an event or at the horizon, whatever is first; their shocks are those of the
        replicates from `first` on."""
        count = len(states)
        states = np.array(states, np.float64, order="C")
        status, best, lived = np.empty(count, np.uint8), np.empty(count), np.empty(count, np.int32)
        self._code.advance(
            self._row.ctypes.data, self.key, first, count, self._dt, states.ctypes.data, self.steps, self._cause, level,
            status.ctypes.data, best.ctypes.data, lived.ctypes.data,
        )  # fmt: skip
        return Reached(states, status, best, lived)


class _Code(NamedTuple):
    """Functions in this process, and what holds their machine code."""

    begin: Any
    advance: Any
    engine: Any


C_TYPES = {"i64": ctypes.c_uint64, "i32": ctypes.c_int32, "double": ctypes.c_double}

_codes: dict[str, _Code] = {}


def _loaded(model: Model, importance: Program) -> _Code:
    import llvmlite.binding as llvm

    text = hashlib.sha256(_translator())
    for part in (model.program.digest, importance.digest, *model.fields):
        text.update(part.encode() + b"\0")
    named = text.hexdigest()[:16]
    if named not in _codes:
        machine = _machine()
        engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        engine.add_object_file(llvm.ObjectFileRef.from_data(_kept(model, importance, named, machine)))
        engine.finalize_object()
        functions = []
        for name, arguments in ((BEGIN, COMMON), (ADVANCE, COMMON | MORE)):
            kinds: list[Any] = [C_TYPES.get(str(kind), ctypes.c_void_p) for kind in arguments.values()]
            functions.append(ctypes.CFUNCTYPE(None, *kinds)(engine.get_function_address(name)))
        _codes[named] = _Code(functions[0], functions[1], engine)
    return _codes[named]


def _machine() -> Any:
    import llvmlite.binding as llvm

    compiler.vectors()  # makes LLVM know this processor
    name, features = compiler.processor()
    return llvm.Target.from_default_triple().create_target_machine(cpu=name, features=features, opt=3, jit=True)


def _kept(model: Model, importance: Program, named: str, machine: Any) -> bytes:
    """Return the object of a model's stages, from disk where an earlier process has written it; a damaged file is
    written anew."""
    path = cache_directory() / f"firmfate_stages_{named}.o"
    with contextlib.suppress(OSError):
        held = path.read_bytes()
        content = held[DIGEST_SIZE:]
        if held[:DIGEST_SIZE] == hashlib.sha256(content).digest():
            return content
    made = _translated(model, importance, machine)
    with contextlib.suppress(OSError):  # a full disk: the code is at hand all the same
        write_aside(path, hashlib.sha256(made).digest() + made)
    return made


def _translated(model: Model, importance: Program, machine: Any) -> bytes:
    from firmfate.targets.function import new_module
    from firmfate.targets.lowering import optimised

    module = new_module(model.name, machine.triple, machine)
    write_stage(model, importance, module)
    found: bytes = machine.emit_object(optimised(str(module), machine))
    return found


@cache
def _translator() -> bytes:
    """Return a hash of the sources that write machine code, of the compiler's version and of the processor."""
    import llvmlite

    text = hash_of_sources("firmfate.kernel", "firmfate.program", "firmfate.targets", "firmfate.splitting")
    for part in (llvmlite.__version__, *compiler.processor()):
        text.update(part.encode() + b"\0")
    found: bytes = text.digest()
    return found
