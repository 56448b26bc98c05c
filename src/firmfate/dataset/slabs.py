"""Slabs: blocks of cells small enough to hold in memory, as index into the axes and as flat positions."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

SLAB_BYTES = 256 * 1024**2
"""Held in memory at a time while gathering."""


def slabs(shape: tuple[int, ...], bytes_per_cell: int) -> Iterator[tuple[tuple[slice | int, ...], NDArray[np.intp]]]:
    """Yield (index into the axes, flat positions) of blocks of cells that fit into `SLAB_BYTES`."""
    flat = np.arange(math.prod(shape)).reshape(shape)
    leading = 0
    while leading < len(shape) and math.prod(shape[leading:]) * bytes_per_cell > SLAB_BYTES:
        leading += 1
    for index in np.ndindex(shape[:leading]):
        whole = (*index, *(slice(None),) * (len(shape) - leading))
        yield whole, np.atleast_1d(flat[whole]).ravel()
