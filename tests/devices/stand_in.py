"""A stand-in for NVIDIA's driver: memory, queues and launches in this process, each call checked.

Kernels are run by `HostKernels`, so what comes back is right or wrong as it would be from a device. What it is given
as PTX it looks up among the texts that were written in this process.
"""

from __future__ import annotations

import ctypes
import sys
from collections import Counter
from enum import IntEnum
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.devices.host_kernels import host_kernels, kinds, noting

from firmfate.devices import cuda
from firmfate.devices.driver import BINDINGS
from firmfate.models.model import Model

MEMORY = 64 * 2**20


class CUresult(IntEnum):
    """What the driver reports."""

    CUDA_SUCCESS = 0
    CUDA_ERROR_OUT_OF_MEMORY = 2
    CUDA_ERROR_NO_DEVICE = 100
    CUDA_ERROR_UNSUPPORTED_PTX_VERSION = 222
    CUDA_ERROR_ILLEGAL_ADDRESS = 700


OK = (CUresult.CUDA_SUCCESS,)


class StandIn:
    """The functions of ``cuda.bindings.driver`` that are called, with their names and their arguments' order.

    Parameters
    ----------
    devices : int
    capability : (int, int)
    processors : int
    memory : int
        Bytes.
    fails : mapping
        Function -> what it reports.
    """

    CUdevice_attribute = SimpleNamespace(
        CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR="major",
        CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR="minor",
        CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT="processors",
    )

    def __init__(
        self, *, devices: int = 1, capability: tuple[int, int] = (9, 0), processors: int = 2, memory: int = MEMORY,
        **fails: CUresult,
    ) -> None:  # fmt: skip
        self.devices, self.memory, self.fails = devices, memory, fails
        self.attributes = {"major": capability[0], "minor": capability[1], "processors": processors}
        self.texts: dict[str, tuple[Model, bool]] = {}
        self.blocks: dict[int, Any] = {}
        self.calls: Counter[str] = Counter()
        self.threads: list[int] = []
        self.begun = False

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("cu"):
            return super().__getattribute__(name)
        self.calls[name] += 1
        if name in self.fails:
            return lambda *_: (self.fails[name],)
        assert self.begun or name in ("cuInit", "cuGetErrorString")
        return super().__getattribute__(name)

    def cuInit(self, flags: int) -> tuple[Any, ...]:
        assert flags == 0
        self.begun = True
        return OK

    def cuGetErrorString(self, error: CUresult) -> tuple[Any, ...]:
        return *OK, b"an illegal memory access was encountered"

    def cuDeviceGetCount(self) -> tuple[Any, ...]:
        return *OK, self.devices

    def cuDeviceGet(self, ordinal: int) -> tuple[Any, ...]:
        assert ordinal < self.devices
        return *OK, "device"

    def cuDeviceGetName(self, length: int, device: str) -> tuple[Any, ...]:
        return *OK, b"Stand-in" + bytes(length - 8)

    def cuDeviceGetAttribute(self, attribute: str, device: str) -> tuple[Any, ...]:
        return *OK, self.attributes[attribute]

    def cuDevicePrimaryCtxRetain(self, device: str) -> tuple[Any, ...]:
        return *OK, "context"

    def cuCtxSetCurrent(self, context: str) -> tuple[Any, ...]:
        assert context == "context"
        return OK

    def cuModuleLoadData(self, image: int) -> tuple[Any, ...]:
        return *OK, self.texts[ctypes.string_at(image).decode()]

    def cuModuleGetFunction(self, module: tuple[Model, bool], name: bytes) -> tuple[Any, ...]:
        return *OK, (*module, name.decode())

    def cuOccupancyMaxActiveBlocksPerMultiprocessor(self, function: Any, size: int, shared: int) -> tuple[Any, ...]:
        assert (size, shared) == (128, 0)
        return *OK, 1

    def cuStreamCreate(self, flags: int) -> tuple[Any, ...]:
        assert flags == 1
        return *OK, "stream"

    def cuStreamSynchronize(self, stream: str) -> tuple[Any, ...]:
        return OK

    def cuMemAlloc(self, size: int) -> tuple[Any, ...]:
        assert size > 0
        if sum(map(len, self.blocks.values())) + size > self.memory:
            return (CUresult.CUDA_ERROR_OUT_OF_MEMORY,)
        block = (ctypes.c_uint8 * size)(*np.random.default_rng(size).bytes(min(size, 4096)))
        self.blocks[ctypes.addressof(block)] = block
        return *OK, ctypes.addressof(block)

    def cuMemFree(self, place: int) -> tuple[Any, ...]:
        del self.blocks[place]
        return OK

    def _holds(self, place: int, size: int) -> bool:
        return any(begin <= place and place + size <= begin + len(block) for begin, block in self.blocks.items())

    def cuMemcpyHtoDAsync(self, to: int, source: int, size: int, stream: str) -> tuple[Any, ...]:
        assert self._holds(to, size)
        ctypes.memmove(to, source, size)
        return OK

    def cuMemcpyDtoHAsync(self, to: int, source: int, size: int, stream: str) -> tuple[Any, ...]:
        assert self._holds(source, size)
        ctypes.memmove(to, source, size)
        return OK

    def cuLaunchKernel(self, function: Any, *shape: Any) -> tuple[Any, ...]:
        *grid, shared, stream, pointers, extra = shape
        assert grid[1:3] + grid[4:] == [1, 1, 1, 1]
        assert (shared, stream, extra) == (0, "stream", 0)
        model, weekly, name = function
        found = kinds(name)
        places = (ctypes.c_void_p * len(found)).from_address(pointers)
        given = [kind.from_address(place).value for kind, place in zip(found.values(), places, strict=True)]
        self.threads.append(grid[0] * grid[3])
        host_kernels(model, weekly).launch(name, self.threads[-1], given)
        return OK


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let a stand-in be the driver of this process."""
    written = cuda.ptx

    def use(stand_in: StandIn | None) -> StandIn | None:
        cuda.device.cache_clear()
        if stand_in is not None:
            monkeypatch.setattr(cuda, "ptx", noting(written, stand_in.texts))
        monkeypatch.setitem(sys.modules, BINDINGS, stand_in)
        return stand_in

    yield use
    cuda.device.cache_clear()
