"""Models as kernels for NVIDIA's GPUs, in PTX: one firm a thread. Written and checked as text; no command runs them."""

# mypy: disallow-untyped-calls=False

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from llvmlite import ir

from firmfate.kernel.writer import INT, Writer
from firmfate.models import load_model
from firmfate.models.model import Model
from firmfate.targets.function import ARGUMENTS, NAME, Firms, begin, new_module
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

    def write(builder: Any, given: dict[str, Any]) -> None:
        i = given["i"]
        with builder.if_then(builder.icmp_unsigned("<", i, given["count"])):
            Firms(found, Writer(builder, 1), given).write(i)

    return kernel(found.name, architecture, NAME, ARGUMENTS, write)


def kernel(
    name: str, architecture: str, entry: str, arguments: Mapping[str, Any],
    write: Callable[[Any, dict[str, Any]], None],
) -> str:  # fmt: skip
    """Return the text of a kernel.

    Parameters
    ----------
    name, architecture, entry : str
    arguments : mapping
        Name -> type.
    write : callable
        ``write(builder, given)`` writes what a thread does; `given` holds the arguments, and the thread's number as i.
    """
    machine = target_machine(TRIPLE, architecture)
    module = new_module(name, TRIPLE, machine)
    builder, given = begin(module, entry, arguments)
    builder.function.calling_convention = "ptx_kernel"
    write(builder, {**given, "i": _thread(builder)})
    builder.ret_void()
    text: str = machine.emit_assembly(optimised(str(module), machine))
    return text


def _thread(builder: Any) -> Any:
    """Return the number of a thread among all that were started."""

    def register(name: str) -> Any:
        function = ir.Function(builder.module, ir.FunctionType(INT, []), f"llvm.nvvm.read.ptx.sreg.{name}.x")
        return builder.call(function, [])

    return builder.add(builder.mul(register("ctaid"), register("ntid")), register("tid"))
