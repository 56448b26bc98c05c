"""Models as WebAssembly modules, for browsers and node: the engine's bits, without a server and without a tool.

WebAssembly has no fused multiply-add. `fused.ll` gives its bits by other operations, so a firm is the same firm.
"""

# mypy: disallow-untyped-calls=False

from __future__ import annotations

import json
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

    def call(self, name: str, *arguments: Any) -> Any:
        """Return what an LLVM intrinsic makes of values."""
        if name != "fma":
            return super().call(name, *arguments)
        module = self.builder.module
        function = module.globals.get(FUSED) or ir.Function(module, ir.FunctionType(DOUBLE, [DOUBLE] * 3), FUSED)
        return self.builder.call(function, arguments)


def wasm(model: str | Model) -> bytes:
    """Return a model as a WebAssembly module.

    It imports nothing. It exports ``firmfate_run``, whose arguments are those of `firmfate.targets.function.ARGUMENTS`,
    ``memory``, and ``__heap_base``, from where memory is the caller's. Its section ``firmfate`` says in JSON what the
    model is: name, digest of its program, parameters with their defaults, stocks, causes and marks. `javascript` makes
    use of all this.

    Parameters
    ----------
    model : str or Model

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
    machine = target_machine(TRIPLE)
    module = new_module(found.name, TRIPLE, machine)
    write_loop(found, module, WithoutFused)
    fused = (files("firmfate.targets") / "fused.ll").read_text(encoding="utf-8")
    written = machine.emit_object(optimised(str(module), machine, fused))
    return linked(written, function=NAME, about={"firmfate": _described(found)})


def _described(model: Model) -> bytes:
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

    It exports ``load(bytes)``, whose result has ``about`` and ``run(parameters, key, replicate, steps, options)``; the
    text says what they take and return. An ES module, for node and for browsers.

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
