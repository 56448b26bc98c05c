"""What every peer takes and gives: cells and firms in, four arrays of (cells, firms) out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from benchmarks.kernel.parameters import parameter_vector


class Cells(NamedTuple):
    """Parameters (parameters,), execution and misalignment (cells, 5), the horizon in steps, steps a week."""

    parameters: np.ndarray
    execution: np.ndarray
    misalignment: np.ndarray
    steps: int
    steps_per_week: int


class Firms(NamedTuple):
    """Event step (or the horizon), cause (0 = censored), alarm step (0 = never), green KPIs then: (cells, firms)."""

    event: np.ndarray
    cause: np.ndarray
    alarm: np.ndarray
    green: np.ndarray


Simulate = Callable[[Cells, int, int], Firms]


@dataclass(frozen=True)
class Peer:
    """A way to simulate, how many firms a cell it is timed on, whether its random numbers are ours, and whether its
    model is version 1."""

    name: str
    simulate: Simulate
    firms: int
    same_numbers: bool
    same_model: bool = True


class NotHere(Exception):
    """A peer cannot run on this machine; the message says why."""


def nine_cells(steps: int = 1040) -> Cells:
    """Return the mix that is timed: E and M each 0.1, 0.5, 0.9, all other parameters at their defaults."""
    shares = np.array([0.1, 0.5, 0.9])
    execution, misalignment = (
        np.repeat(grid.reshape(9, 1), 5, axis=1) for grid in np.meshgrid(shares, shares, indexing="ij")
    )
    return Cells(parameter_vector(), execution, misalignment, steps, 1)


def empty(cells: int, firms: int) -> Firms:
    """Return arrays to be filled."""
    shape = (cells, firms)
    return Firms(
        np.zeros(shape, np.int32), np.zeros(shape, np.uint8), np.zeros(shape, np.int32), np.zeros(shape, np.uint8)
    )
