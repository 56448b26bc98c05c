"""Models as WebAssembly modules, for browsers and node: the engine's bits, without a server and without a tool.

WebAssembly has no fused multiply-add. `fused.ll` gives its bits by other operations, so a firm is the same firm, in ten
times the time. Its relaxed SIMD has one, which is an instruction of the processor wherever that has it: `relaxed.ll`.
"""

# mypy: disallow-untyped-calls=False

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from llvmlite import ir

from firmfate.kernel.writer import DOUBLE, Writer
from firmfate.models import load_model
from firmfate.models.model import Model
from firmfate.targets.function import NAME, new_module, write_loop
from firmfate.targets.linking import linked
from firmfate.targets.lowering import optimised, target_machine

TRIPLE = "wasm32-unknown-unknown"
FUSED = "firmfate_fused"


class WithoutFused(Writer):
    """Writes a fused multiply-add as a call of the function that stands for it."""

    def __init__(self, builder: Any) -> None:
        super().__init__(builder, 1)

    def call(self, name: str, *arguments: Any, gives: Any = None) -> Any:
        """Return what an LLVM intrinsic makes of values."""
        if name != "fma":
            return super().call(name, *arguments, gives=gives)
        module = self.builder.module
        function = module.globals.get(FUSED) or ir.Function(module, ir.FunctionType(DOUBLE, [DOUBLE] * 3), FUSED)
        return self.builder.call(function, arguments)


def wasm(model: str | Model, *, relaxed: bool = False) -> bytes:
    """Return a model as a WebAssembly module.

    It imports nothing. It exports ``firmfate_run``, whose arguments are those of `firmfate.targets.function.ARGUMENTS`,
    ``firmfate_fused``, its fused multiply-add, ``memory``, and ``__heap_base``, from where memory is the caller's. Its
    section ``firmfate`` says in JSON what the model is: name, digest of its program, parameters with their defaults,
    stocks, causes and marks. `javascript` makes use of all this.

    Parameters
    ----------
    model : str or Model
    relaxed : bool
        Whether to multiply and add by relaxed SIMD: ten times as fast, in engines that have it. An engine may round
        twice, so ``firmfate_fused`` has to be tried first; `javascript` does, and takes another module if need be.

    Returns
    -------
    bytes

    Examples
    --------
    >>> from firmfate.targets import wasm
    >>> wasm("car")[:4]
    b'\\x00asm'
    """
    found = load_model(model)
    return module(
        found.name, lambda made: write_loop(found, made, WithoutFused), NAME, described(found), relaxed=relaxed
    )


def module(
    name: str, write: Callable[[ir.Module], None], function: str, about: bytes, *, relaxed: bool = False
) -> bytes:
    """Return a WebAssembly module of one function.

    Parameters
    ----------
    name : str
    write : callable
        Writes the function into a module of LLVM, with `WithoutFused`.
    function : str
        Its name.
    about : bytes
        Content of the section ``firmfate``.
    relaxed : bool
        As of `wasm`.
    """
    machine = target_machine(TRIPLE, features="+simd128,+relaxed-simd" if relaxed else "")
    made = new_module(name, TRIPLE, machine)
    write(made)
    fused = (files("firmfate.targets") / ("relaxed.ll" if relaxed else "fused.ll")).read_text(encoding="utf-8")
    written = machine.emit_object(optimised(str(made), machine, fused))
    return linked(written, functions=(function, FUSED), about={"firmfate": about})


def described(model: Model) -> bytes:
    """Return what a model is, as JSON: what its module says in the section ``firmfate``."""
    about = {
        "model": model.name,
        "program": model.program.digest,
        "parameters": model.defaults,
        "stocks": model.stock_fields,
        "causes": [cause.name for cause in model.causes],
        "marks": [mark.name for mark in model.marks],
    }
    return json.dumps(about, separators=(",", ":")).encode()


def javascript() -> str:
    """Return the JavaScript that runs a module of `wasm`: one for all models, without dependencies.

    It exports ``load(...modules)``, which takes the first module that the engine at hand runs to the right bits; its
    result has ``about`` and ``run(parameters, key, replicate, steps, options)``. The text says what they take and
    return. An ES module, for node and for browsers.

    Returns
    -------
    str

    Examples
    --------
    >>> from firmfate.targets import javascript
    >>> "export async function load" in javascript()
    True
    """
    return (files("firmfate.targets") / "firms.mjs").read_text(encoding="utf-8")
