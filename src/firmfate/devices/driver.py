"""NVIDIA's driver: a device, its memory, and kernels on it; whatever fails is one `DeviceError`.

The package ``cuda-bindings`` calls the driver, which compiles PTX itself: no toolkit is needed.
"""

from __future__ import annotations

import ctypes
import importlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from firmfate.errors import DeviceError

BINDINGS = "cuda.bindings.driver"
OLDEST = (7, 0)
"""Compute capability that the kernels are written for, and any later one."""
BLOCK = 128
"""Threads a block."""
ALIGNED = 256
"""Every array begins at a multiple of so many bytes, so that threads side by side read whole lines of memory."""
APART = 1
"""CU_STREAM_NON_BLOCKING: a queue waits for no other."""


class Kernel(NamedTuple):
    """A kernel, and how many of its blocks are on the device at the same time."""

    function: Any
    blocks: int


class Device:
    """A GPU.

    Parameters
    ----------
    driver : module
        ``cuda.bindings.driver``.

    Raises
    ------
    DeviceError
        Where there is no device, or it is too old.
    """

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self._lock, self._idle = threading.Lock(), list[Queue]()
        self.call("cuInit", 0)
        if self.call("cuDeviceGetCount") == 0:
            raise DeviceError(f"device 'cuda': {NO_DEVICE}")
        self._number = self.call("cuDeviceGet", 0)
        self.name = bytes(self.call("cuDeviceGetName", 128, self._number)).split(b"\0")[0].decode()
        self.capability = self._attribute("COMPUTE_CAPABILITY_MAJOR"), self._attribute("COMPUTE_CAPABILITY_MINOR")
        if self.capability < OLDEST:
            found, needed = (".".join(map(str, version)) for version in (self.capability, OLDEST))
            raise DeviceError(
                f"device 'cuda': {self.name} has compute capability {found}; needed: {needed} (Volta, 2017) or later"
            )
        self._processors = self._attribute("MULTIPROCESSOR_COUNT")
        self._context = self.call("cuDevicePrimaryCtxRetain", self._number)

    @classmethod
    def opened(cls) -> Self:
        """Return the first device that this process may use (``CUDA_VISIBLE_DEVICES`` says which).

        Raises
        ------
        DeviceError
            Where there is no package, no driver or no device, or it is too old.
        """
        try:
            driver = importlib.import_module(BINDINGS)
        except ImportError:
            raise DeviceError(
                "device 'cuda' needs NVIDIA's package cuda-bindings: pip install 'firmfate[cuda]'"
            ) from None
        return cls(driver)

    def call(self, name: str, *arguments: Any) -> Any:
        """Call the driver; return what it returns beside its status.

        Raises
        ------
        DeviceError
            Where the driver is not there, or reports a failure.
        """
        try:
            status, *found = getattr(self.driver, name)(*arguments)
        except RuntimeError as fault:  # what cuda-bindings raises where it finds no driver, or one without a function
            raise DeviceError(
                f"device 'cuda': NVIDIA's driver is not installed, or too old: {str(fault).splitlines()[0]}"
            ) from None
        if int(status) != 0:
            raise DeviceError(f"device 'cuda': {FAILURES.get(status.name) or self._failure(name, status)}")
        return found[0] if len(found) == 1 else tuple(found)

    def _failure(self, name: str, status: Any) -> str:
        _, text = self.driver.cuGetErrorString(status)
        return f"{name} failed with {status.name} ({bytes(text).decode()})"

    def _attribute(self, name: str) -> int:
        attribute = getattr(self.driver.CUdevice_attribute, f"CU_DEVICE_ATTRIBUTE_{name}")
        return int(self.call("cuDeviceGetAttribute", attribute, self._number))

    def load(self, text: str, *names: str) -> dict[str, Kernel]:
        """Compile PTX; return its kernels by name."""
        self.call("cuCtxSetCurrent", self._context)
        image = ctypes.create_string_buffer(text.encode())
        module = self.call("cuModuleLoadData", ctypes.addressof(image))
        found = {}
        for name in names:
            function = self.call("cuModuleGetFunction", module, name.encode())
            each = self.call("cuOccupancyMaxActiveBlocksPerMultiprocessor", function, BLOCK, 0)
            found[name] = Kernel(function, max(1, int(each)) * self._processors)
        return found

    @contextmanager
    def queue(self) -> Iterator[Queue]:
        """Give a queue of this device to this thread; its memory is used again by the next call."""
        self.call("cuCtxSetCurrent", self._context)
        with self._lock:
            queue = self._idle.pop() if self._idle else None
        queue = queue or Queue(self)
        try:
            yield queue
        finally:
            with self._lock:
                self._idle.append(queue)


class Queue:
    """What is done on a device after each other, and the memory that it takes there."""

    def __init__(self, device: Device) -> None:
        self._call = device.call
        self._stream = self._call("cuStreamCreate", APART)
        self._memory, self._size = 0, 0

    def reserve(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """Return where arrays of so many bytes go; what was there before is lost.

        Raises
        ------
        DeviceError
            Where the device has less memory.
        """
        places, end = {}, 0
        for name, size in sizes.items():
            places[name] = end
            end += -(-max(size, 1) // ALIGNED) * ALIGNED
        if end > self._size:
            if self._size:
                self._call("cuMemFree", self._memory)
                self._size = 0
            self._memory, self._size = int(self._call("cuMemAlloc", end)), end
        return {name: self._memory + place for name, place in places.items()}

    def upload(self, place: int, array: NDArray[Any]) -> None:
        """Copy an array to the device."""
        array = np.ascontiguousarray(array)
        if array.nbytes:
            self._call("cuMemcpyHtoDAsync", place, array.ctypes.data, array.nbytes, self._stream)

    def download(self, array: NDArray[Any], place: int) -> None:
        """Fill an array from the device; it is complete after `wait`."""
        assert array.flags.c_contiguous
        if array.nbytes:
            self._call("cuMemcpyDtoHAsync", array.ctypes.data, place, array.nbytes, self._stream)

    def launch(self, kernel: Kernel, firms: int, arguments: Sequence[Any]) -> None:
        """Begin a kernel.

        Parameters
        ----------
        kernel : Kernel
        firms : int
            No more threads than that are of use; where they are fewer, each has several.
        arguments : sequence of ctypes objects
        """
        pointers = (ctypes.c_void_p * len(arguments))(*map(ctypes.addressof, arguments))
        blocks = min(kernel.blocks, -(-firms // BLOCK))
        self._call(
            "cuLaunchKernel", kernel.function, blocks, 1, 1, BLOCK, 1, 1, 0, self._stream, ctypes.addressof(pointers), 0
        )

    def wait(self) -> None:
        """Wait until all is done."""
        self._call("cuStreamSynchronize", self._stream)


NO_DEVICE = "there is no NVIDIA GPU that this process may use (CUDA_VISIBLE_DEVICES may hide it)"
FAILURES = {
    "CUDA_ERROR_NO_DEVICE": NO_DEVICE,
    "CUDA_ERROR_OUT_OF_MEMORY": "the GPU has too little free memory: end what else uses it, or take fewer threads",
    "CUDA_ERROR_UNSUPPORTED_PTX_VERSION": "NVIDIA's driver is too old for these kernels: update it",
    "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH": "NVIDIA's driver and the library that calls it are of different versions",
}
"""What the driver reports -> what it means for the user."""
