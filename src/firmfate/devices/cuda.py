"""A model on an NVIDIA GPU: the interface of the processor's engine, kernels from the same program, the same bits."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmfate.counts import COUNTED
from firmfate.devices.driver import Device, Kernel
from firmfate.kernel.engine import Records, Varying, refuse_records
from firmfate.models.model import Model
from firmfate.targets import ptx
from firmfate.targets.device import COUNT, COUNT_ARGUMENTS, RUN, RUN_ARGUMENTS

device = cache(Device.opened)
"""The first device that this process may use, opened once."""

ARGUMENTS = {RUN: RUN_ARGUMENTS, COUNT: COUNT_ARGUMENTS}
C_TYPES: dict[str, Any] = {"double": ctypes.c_double, "i32": ctypes.c_int32, "i64": ctypes.c_uint64}
"""Type of a kernel's argument in LLVM -> in C; what is not here is a pointer."""


@cache
def _kernels(device: Device, model: Model, weekly: bool) -> dict[str, Kernel]:
    """Return a model's kernels, compiled once a process."""
    return device.load(ptx(model, weekly=weekly), RUN, COUNT)


class CudaEngine:
    """A model, compiled for the device.

    Parameters
    ----------
    model : Model
    dt : float
        Step in weeks.

    Raises
    ------
    DeviceError
        Where there is no device, or not what using it takes.
    """

    cached = False
    """Machine code is kept by NVIDIA's driver, if at all."""

    _lock = threading.Lock()

    def __init__(self, model: Model, *, dt: float) -> None:
        self.model, self.dt = model, float(dt)
        self._device = device()
        self._kernels: dict[str, Kernel] = {}

    @property
    def compiled(self) -> bool:
        """Whether machine code is at hand in this process."""
        return bool(self._kernels)

    def warm_up(self) -> float:
        """Write the kernels and have the driver compile them; return the seconds that took."""
        begin = time.perf_counter()
        with self._lock:
            if not self.compiled:
                self._kernels = _kernels(self._device, self.model, self.dt == 1.0)
        return time.perf_counter() - begin

    def run(
        self,
        parameters: NDArray[np.float64],
        *,
        key: int,
        cells: NDArray[np.uint64],
        first: int,
        replicates: int,
        steps: int,
        varying: Varying | None = None,
    ) -> Records:
        """Step every firm of a block to its end, as `firmfate.kernel.engine.Engine.run`.

        Raises
        ------
        ModelError
            Where the model's step returned a mark beyond its maximum.
        DeviceError
            Where the device lacks memory, or fails.
        """
        records = Records.empty(self.model, len(parameters), replicates)
        column = np.full(len(self.model.fields), -1, np.int32)
        drawn = np.zeros((1, 1, 0)) if varying is None else np.asarray(varying.values, np.float64)
        if varying is not None:
            column[varying.fields] = np.arange(len(varying.fields))
        given: dict[str, NDArray[Any]] = {
            "parameters": np.asarray(parameters, np.float64), "column": column, "drawn": drawn,
            "words": np.asarray(cells, np.uint64), "taken": np.zeros(1, np.uint64),
        }  # fmt: skip
        numbers = {
            "drawn_rows": len(drawn), "drawn_columns": drawn.shape[2], "key": key, "first": first,
            "cells": len(parameters), "replicates": replicates, "steps": steps,
        }  # fmt: skip
        self._call(RUN, given, records._asdict(), numbers, uploads=False)
        refuse_records(self.model, records)
        return records

    def count(
        self,
        records: Records,
        counts: Mapping[str, NDArray[np.int64]],
        *,
        first: int,
        step_weeks: int,
        week_steps: int,
        horizons: NDArray[np.int64],
        stratum: NDArray[np.int64] | None = None,
        strata: int = 1,
    ) -> None:
        """Add the records of a block to its counts, in place, as `firmfate.kernel.engine.Engine.count`."""
        stratum = np.zeros((1, 1), np.int64) if stratum is None else np.asarray(stratum, np.int64)
        cells, replicates = records.cause.shape
        given = {**records._asdict(), "stratum": stratum, "horizons": np.asarray(horizons, np.int64)}
        numbers = {
            "stratum_rows": len(stratum), "strata": strata, "first": first, "cells": cells, "replicates": replicates,
            "step_weeks": step_weeks, "week_steps": week_steps, "horizon_count": len(horizons),
            "weeks": counts["events"].shape[2], "bins": counts["batch_events"].shape[3],
            "batches": counts["batch_firms"].shape[1],
        }  # fmt: skip
        self._call(COUNT, given, {one.name: counts[one.name] for one in COUNTED}, numbers, uploads=True)

    def _call(
        self,
        entry: str,
        given: Mapping[str, NDArray[Any]],
        filled: Mapping[str, NDArray[Any]],
        numbers: Mapping[str, int],
        *,
        uploads: bool,
    ) -> None:
        """Run a kernel on arrays that are given and arrays that it fills, which go to the device first if `uploads`."""
        self.warm_up()
        with self._device.queue() as queue:
            places = queue.reserve({name: array.nbytes for name, array in (*given.items(), *filled.items())})
            for name, array in (*given.items(), *(filled.items() if uploads else ())):
                queue.upload(places[name], array)
            values = {**places, **numbers, "dt": self.dt}
            typed = [C_TYPES.get(str(kind), ctypes.c_uint64)(values[name]) for name, kind in ARGUMENTS[entry].items()]
            queue.launch(self._kernels[entry], numbers["cells"] * numbers["replicates"], typed)
            for name, array in filled.items():
                queue.download(array, places[name])
            queue.wait()
