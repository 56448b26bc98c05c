"""Models for other processors: the same program, the same bits, without Numba.

One function steps firms one after the other, random numbers included. LLVM writes it as a WebAssembly module (`wasm`)
and as an object file for x86-64 and AArch64 (`object_file`). For NVIDIA's GPUs a thread steps a firm, and
a second kernel counts them (`ptx`). No other tool is needed.
"""

from firmfate.targets.gpu import ptx
from firmfate.targets.objects import object_file
from firmfate.targets.web import javascript, wasm

__all__ = ["javascript", "object_file", "ptx", "wasm"]
