"""From LLVM's language to a target's: optimised, and written as text or as an object."""

# mypy: disallow-untyped-calls=False

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import llvmlite.binding as llvm

from firmfate.errors import ModelError


@cache
def _initialize() -> None:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()


def target_machine(triple: str, cpu: str = "", features: str = "", *, reloc: str = "default") -> Any:
    """Return LLVM's description of a target.

    Raises
    ------
    ModelError
        Where llvmlite has no such target.
    """
    _initialize()
    try:
        target = llvm.Target.from_triple(triple)
    except RuntimeError as fault:
        raise ModelError(f"target '{triple}' is not one of LLVM's: {fault}") from None
    return target.create_target_machine(cpu=cpu, features=features, opt=3, reloc=reloc)


def optimised(text: str, machine: Any, *more: str, keeping: Sequence[str] = ()) -> Any:
    """Return a module, with others linked in, optimised for a target.

    No pass may change a rounding: the text carries no flag that would allow it. Where names are to be kept, other
    functions are part of those that call them.
    """
    module = llvm.parse_assembly(text)
    for other in more:
        part = llvm.parse_assembly(other)
        part.triple, part.data_layout = module.triple, module.data_layout
        module.link_in(part)
    if keeping:
        for function in module.functions:
            if not function.is_declaration and function.name not in keeping:
                function.linkage = "internal"
    module.verify()
    passes = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    passes.getModulePassManager().run(module, passes)
    return module
