"""Firms by NVIDIA's own cuda-bindings on a stand-in for the driver's library, ``libcuda.c``.

``LD_LIBRARY_PATH=FOLDER python -m tests.devices.by_library``: in a process of its own, which finds that library first.
"""

from __future__ import annotations

import ctypes
import sys

from tests.devices.blocks import counted, different, firms
from tests.devices.host_kernels import host_kernels, kinds, noting

from firmfate.devices import cuda, engine_on
from firmfate.errors import DeviceError
from firmfate.models import load_model
from firmfate.models.model import Model

TEXTS: dict[str, tuple[Model, bool]] = {}
LOADED: list[tuple[Model, bool]] = []


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p)
def load(text: bytes) -> int:
    """Return the number of the model whose text it is."""
    LOADED.append(TEXTS[text.decode()])
    return len(LOADED)


@ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint, ctypes.POINTER(ctypes.c_void_p))
def launch(module: int, name: bytes, threads: int, places: ctypes.Array) -> None:
    """Run a kernel on the arguments that stand at some places."""
    found = kinds(name.decode()).values()
    given = [kind.from_address(places[i]).value for i, kind in enumerate(found)]
    host_kernels(*LOADED[module - 1]).launch(name.decode(), threads, given)


def main() -> int:
    """Print in what `car` and `firm` differ from the processor's; exit status 1 where they do."""
    ctypes.CDLL("libcuda.so.1").stand_in(load, launch)
    cuda.ptx = noting(cuda.ptx, TEXTS)  # type: ignore[assignment]
    failed = False
    for name, dt in (("car", 13.0), ("firm", 1.0)):
        model = load_model(name)
        swept = [field for field in model.fields if field.startswith(("execution", "misalignment"))]
        asked = firms(model, swept, 1.0, own_rows=1, firms=301, steps=90)
        found, expected = (counted(engine_on(device, model, dt=dt), asked, fails=True) for device in ("cuda", "cpu"))
        wrong = different(found, expected)
        print(f"{name} on {cuda.device().name}: {int(expected['events'].sum())} events, different: {wrong}")
        failed = failed or bool(wrong)
    try:
        with cuda.device().queue() as queue:
            queue.reserve({"more than there is": 2**40})
    except DeviceError as fault:
        print(fault)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
