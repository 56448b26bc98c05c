"""Simulated exits at many points of the box, kept in pieces, so that a run that was interrupted goes on."""

from __future__ import annotations

import hashlib
import io
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmfate import files
from firmfate.calibration.exits import between_ages
from firmfate.calibration.simulated_survival import SimulatedSurvival
from firmfate.errors import RunDirectoryError

Floats = NDArray[np.float64]

PIECE = 256
"""Points of a piece."""


def simulated_exits(
    simulated: SimulatedSurvival, cube: Floats, *, firms: int, seed: int, first: int = 0, folder: Path | None = None
) -> Floats:
    """Simulate firms of their own at every point, so that errors of points are independent, and regression halves them.

    Parameters
    ----------
    simulated : SimulatedSurvival
    cube : (points, free) array
    firms : int
        At each point.
    seed : int
    first : int
        Number of the first point: point i has the replicates (first + i) firms .. (first + i + 1) firms - 1.
    folder : Path, optional
        Where pieces are kept, each under a digest of all that it depends on.

    Returns
    -------
    (points, ages + 1) array
        Exits between ages, and firms alive at the end; NaN where nothing could be simulated.
    """
    found = []
    for begin in range(0, len(cube), PIECE):
        units = cube[begin : begin + PIECE]
        place = None
        if folder is not None:
            words = (simulated.identity, str(simulated.ages.tolist()), str((firms, seed, first + begin)))
            digest = hashlib.sha256("\n".join(words).encode() + units.tobytes()).hexdigest()[:16]
            place = folder / f"training-{digest}.npy"
        if place is not None and place.is_file():
            exits = _unpacked(place, (len(units), len(simulated.ages) + 1))
        else:
            exits = _exits(simulated, units, firms=firms, seed=seed, first=first + begin)
            if place is not None:
                files.make_folder(place.parent)
                files.write(place, _packed(exits))
        found.append(exits)
    return np.concatenate(found)


def _exits(simulated: SimulatedSurvival, units: Floats, *, firms: int, seed: int, first: int) -> Floats:
    starts = [(first + place) * firms for place in range(len(units))]
    alive = np.rint(simulated.curves(units, firms=firms, seed=seed, first=starts) * firms)
    return between_ages(np.concatenate([np.full((len(units), 1), float(firms)), alive], axis=1))


def _unpacked(place: Path, shape: tuple[int, ...]) -> Floats:
    """Return what was kept in a file; a header alone says how many numbers a file of NumPy's holds, so it comes first.

    Raises
    ------
    RunDirectoryError
        Where it holds something else than so many numbers.
    """
    content = files.read(place)
    expected = _packed(np.zeros(shape))
    head = len(expected) - 8 * math.prod(shape)
    if len(content) != len(expected) or content[:head] != expected[:head]:
        raise RunDirectoryError(f"{place} is damaged; remove it, and run the same command again")
    return np.frombuffer(content, np.float64, offset=head).reshape(shape)


def _packed(exits: Floats) -> bytes:
    stream = io.BytesIO()
    np.save(stream, exits, allow_pickle=False)
    return stream.getvalue()
