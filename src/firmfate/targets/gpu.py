"""Models as kernels for NVIDIA's GPUs, in PTX."""

# mypy: disallow-untyped-calls=False

from __future__ import annotations

from llvmlite import ir

from firmfate.models import load_model
from firmfate.models.model import Model
from firmfate.targets.device import COUNT, RUN, THREAD, THREADS, write_kernels
from firmfate.targets.function import new_module
from firmfate.targets.lowering import optimised, target_machine

TRIPLE = "nvptx64-nvidia-cuda"
ARCHITECTURE = "sm_70"
"""The oldest that is written for (Volta, 2017): NVIDIA's drivers compile its text for every later one."""

REGISTER = "llvm.nvvm.read.ptx.sreg"
NUMBERS = f"""
declare i32 @{REGISTER}.tid.x()
declare i32 @{REGISTER}.ntid.x()
declare i32 @{REGISTER}.ctaid.x()
declare i32 @{REGISTER}.nctaid.x()

define i64 @{THREAD}() alwaysinline {{
  %thread = call i32 @{REGISTER}.tid.x()
  %block = call i32 @{REGISTER}.ctaid.x()
  %size = call i32 @{REGISTER}.ntid.x()
  %before = mul i32 %block, %size
  %number = add i32 %before, %thread
  %word = zext i32 %number to i64
  ret i64 %word
}}

define i64 @{THREADS}() alwaysinline {{
  %size = call i32 @{REGISTER}.ntid.x()
  %blocks = call i32 @{REGISTER}.nctaid.x()
  %count = mul i32 %blocks, %size
  %word = zext i32 %count to i64
  ret i64 %word
}}
"""
"""The number of a thread among all, and how many there are."""


def ptx(model: str | Model, architecture: str = ARCHITECTURE, *, weekly: bool = False) -> str:
    """Return a model's firms and their counts as kernels, ``firmfate_run`` and ``firmfate_count``.

    Every operation is rounded as the program says: no flag allows LLVM to contract or to approximate, and it writes
    sums and products with ``.rn``, which NVIDIA's assembler may not fuse. Nothing outside of the text is called.

    Parameters
    ----------
    model : str or Model
    architecture : str
        Compute capability, ``"sm_80"``.
    weekly : bool
        Whether a step is a week, which spares products; the bits are the same.

    Returns
    -------
    str
        PTX. The kernels' arguments are `firmfate.targets.device.RUN_ARGUMENTS` and ``COUNT_ARGUMENTS``, with pointers
        to memory of the device; any number of threads will do.

    Examples
    --------
    >>> from firmfate.targets import ptx
    >>> ".entry firmfate_run" in ptx("car")
    True
    """
    found = load_model(model)
    machine = target_machine(TRIPLE, architecture)
    module = new_module(found.name, TRIPLE, machine)
    write_kernels(found, module, weekly=weekly)
    return lowered(module, RUN, COUNT, architecture=architecture)


def lowered(module: ir.Module, *entries: str, architecture: str = ARCHITECTURE) -> str:
    """Return a module as PTX.

    Parameters
    ----------
    module : llvmlite.ir.Module
        May call ``firmfate_thread`` and ``firmfate_threads``.
    *entries : str
        Functions that are kernels.
    architecture : str
    """
    machine = target_machine(TRIPLE, architecture)
    for name in entries:
        module.globals[name].calling_convention = "ptx_kernel"
    made = optimised(str(module), machine, NUMBERS, keeping=entries)
    text: str = machine.emit_assembly(made)
    return text
