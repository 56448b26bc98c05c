"""Models as kernels for NVIDIA's GPUs, in PTX: one firm a thread. Written and checked as text; no command runs them."""

# mypy: disallow-untyped-calls=False

from __future__ import annotations

from typing import Any

from llvmlite import ir

from firmfate.kernel.writer import INT, Writer
from firmfate.models import load_model
from firmfate.models.model import Model
from firmfate.targets.function import Firms, begin, new_module
from firmfate.targets.lowering import optimised, target_machine

TRIPLE = "nvptx64-nvidia-cuda"


def ptx(model: str | Model, architecture: str = "sm_80") -> str:
    """Return a kernel of a model's firms, ``firmfate_run``: thread i steps the firm ``first + i``.

    Every operation is rounded as the program says: no flag allows LLVM to contract or to approximate, and it writes
    sums and products with ``.rn``, which NVIDIA's assembler may not fuse. Experimental: what is checked is the text.

    Parameters
    ----------
    model : str or Model
    architecture : str
        Compute capability, ``"sm_80"``.

    Returns
    -------
    str
        PTX. The kernel's arguments are those of `firmfate.targets.function.ARGUMENTS`, with pointers to memory of the
        device.

    Examples
    --------
    >>> from firmfate.targets import ptx
    >>> ".entry firmfate_run" in ptx("car")
    True
    """
    found = load_model(model)
    machine = target_machine(TRIPLE, architecture)
    module = new_module(found.name, TRIPLE, machine)
    builder, given = begin(module)
    builder.function.calling_convention = "ptx_kernel"
    i = _thread(builder)
    with builder.if_then(builder.icmp_unsigned("<", i, given["count"])):
        Firms(found, Writer(builder, 1), given).write(i)
    builder.ret_void()
    text: str = machine.emit_assembly(optimised(str(module), machine))
    return text


def _thread(builder: Any) -> Any:
    """Return the number of a thread among all that were started."""

    def register(name: str) -> Any:
        function = ir.Function(builder.module, ir.FunctionType(INT, []), f"llvm.nvvm.read.ptx.sreg.{name}.x")
        return builder.call(function, [])

    return builder.add(builder.mul(register("ctaid"), register("ntid")), register("tid"))
