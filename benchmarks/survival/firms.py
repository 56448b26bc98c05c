"""The firms that all programs estimate: two groups, 260 weeks, two causes, some censored early."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

WEEKS = 260
TAU = 208


class Firms(NamedTuple):
    """One row a firm."""

    group: NDArray[np.int8]
    week: NDArray[np.int16]
    end: NDArray[np.int8]  # 0 = censored, 1, 2 = causes


class Rows(NamedTuple):
    """One row for every group, week and end, with its number of firms."""

    group: NDArray[np.int64]
    week: NDArray[np.int64]
    end: NDArray[np.int64]
    firms: NDArray[np.int64]


def draw(number: int) -> Firms:
    """Half the firms in each group; the second exits a third sooner."""
    random = np.random.Generator(np.random.Philox(1))
    group = (np.arange(number) % 2).astype(np.int8)
    life = np.ceil(random.standard_exponential(number, dtype=np.float32) * np.where(group, 120, 180))
    leave = random.integers(20, 4 * WEEKS, number)
    week = np.minimum(np.minimum(life, leave), WEEKS).astype(np.int16)
    cause = np.where(random.random(number, dtype=np.float32) < 0.3, 2, 1)
    return Firms(group, week, np.where(life <= np.minimum(leave, WEEKS), cause, 0).astype(np.int8))


def grouped(firms: Firms) -> Rows:
    """Count equal firms."""
    place = (firms.group.astype(np.int64) * (WEEKS + 1) + firms.week) * 3 + firms.end
    number = np.bincount(place, minlength=2 * (WEEKS + 1) * 3)
    filled = np.flatnonzero(number)
    return Rows(filled // 3 // (WEEKS + 1), filled // 3 % (WEEKS + 1), filled % 3, number[filled])
