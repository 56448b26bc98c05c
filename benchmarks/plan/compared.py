"""Run a study after its pilot, and compare."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import firmfate
from firmfate import Study
from firmfate.execute import Threads
from firmfate.precision import pilot, recorded
from firmfate.precision.prediction import Pilot
from firmfate.survival import rmst


@dataclass(frozen=True)
class Compared:
    """What was predicted over what then happened, and both.

    Attributes
    ----------
    pilot : Pilot
    seconds : float
        Core-seconds of the run, from start to the gathered result.
    firms, bytes_, errors : float
        Predicted over found: firms, bytes of shards, and the largest standard error of a cell's mean lifetime; of a
        study with [precision] the largest half-width of each target, the ratio that is farthest from 1.
    """

    pilot: Pilot
    seconds: float
    firms: float
    bytes_: float
    errors: float

    @property
    def time(self) -> float:
        """Predicted over found core-seconds."""
        return self.pilot.core_seconds / self.seconds


def compared(study: Study, into: Path, *, seconds: float) -> Compared:
    """Return what a pilot of so many seconds predicts, beside what happens.

    Parameters
    ----------
    study : Study
    into : path
        A new run directory.
    seconds : float
        Of the pilot.
    """
    found = pilot(firmfate.plan(study), seconds=seconds)
    begin = time.process_time()
    ds = firmfate.run(study, into=into, on=Threads(1), progress=False)
    taken = time.process_time() - begin
    held = sum(path.stat().st_size for path in (into / "shards").iterdir())
    if study.precision:
        reached = {one.target: one.widest for one in recorded(ds.attrs["precision"])[0]}
        ratios = [found.expected(one) / reached[one.target.key] for one in found.targets]
        errors = max(ratios, key=lambda ratio: abs(ratio - 1))
    else:
        errors = float(found.se.max() / (rmst(ds)["se"].max() / 52))
    firms = int(ds["firms"].sum())
    ds.close()
    return Compared(found, taken, found.plan.firms / firms, found.shard_bytes / held, errors)
