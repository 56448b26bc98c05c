"""What is asked of a model on another processor, what comes back, and what the engine says."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tests.kernel.machine_code import same_bits

from firmfate.kernel.engine import Engine
from firmfate.models.model import Model


class Asked(NamedTuple):
    """Firms of one cell."""

    row: np.ndarray
    key: int
    cell: int
    first: int
    count: int
    steps: int
    dt: float


class Found(NamedTuple):
    """Their records, the stocks at the start of the last step of each, and of every step of the first."""

    event_step: np.ndarray
    cause: np.ndarray
    alarm_step: np.ndarray
    marks: np.ndarray
    last: np.ndarray
    path: np.ndarray

    @classmethod
    def read(cls, folder: Path, model: Model, asked: Asked) -> Found:
        """Return what a processor has written: a file an array."""
        kinds = {"event_step": "i4", "cause": "u1", "alarm_step": "i4", "marks": "u1", "last": "f8", "path": "f8"}
        arrays: dict[str, Any] = {name: np.fromfile(folder / name, f"<{kind}") for name, kind in kinds.items()}
        arrays["marks"] = arrays["marks"].reshape(len(model.marks), asked.count)
        arrays["last"] = arrays["last"].reshape(asked.count, -1)
        arrays["path"] = arrays["path"].reshape(asked.steps, -1)[: arrays["event_step"][0]]
        return cls(**arrays)

    @classmethod
    def of_engine(cls, model: Model, asked: Asked) -> Found:
        """Return what the engine says."""
        engine = Engine(model, dt=asked.dt)
        records = engine.run(
            asked.row[None], key=asked.key, cells=np.array([asked.cell], np.uint64), first=asked.first,
            replicates=asked.count, steps=asked.steps,
        )  # fmt: skip
        paths = [
            engine.trace(asked.row, key=asked.key, cell=asked.cell, replicate=asked.first + i, steps=asked.steps).stocks
            for i in range(asked.count)
        ]
        last = np.array([path[-1] for path in paths])
        return cls(records.event_step[0], records.cause[0], records.alarm_step[0], records.marks[:, 0], last, paths[0])

    def differences(self, other: Found) -> list[str]:
        """Return the names of arrays that are not equal to the last bit."""
        pairs = zip(self._fields, self, other, strict=True)
        return [name for name, one, two in pairs if one.shape != two.shape or not same_bits(one, two)]
