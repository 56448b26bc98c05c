"""Models for other processors: the same program, the same bits, without Numba.

One function steps firms one after the other, random numbers included. LLVM writes it as a WebAssembly module (`wasm`),
as an object file of any processor that llvmlite knows (`object_file`), and as a kernel for NVIDIA's GPUs (`ptx`). No
other tool is needed. Nothing of the package runs on a GPU yet: the kernel's text is checked, not its execution.
"""

from firmfate.targets.gpu import ptx
from firmfate.targets.objects import object_file
from firmfate.targets.web import javascript, wasm

__all__ = ["javascript", "object_file", "ptx", "wasm"]
