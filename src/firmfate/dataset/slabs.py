"""Slabs: blocks of cells small enough to hold in memory, as index into the axes and as flat positions; and chunks."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

SLAB_BYTES = 256 * 1024**2
"""Held in memory at a time while gathering."""

CHUNK_BYTES = 64 * 1024
"""Of counts in a chunk of a file: a chunk costs about 20 microseconds beside its bytes, and is read as a whole."""


def slabs(shape: tuple[int, ...], bytes_per_cell: int) -> Iterator[tuple[tuple[slice | int, ...], NDArray[np.intp]]]:
    """Yield (index into the axes, flat positions in the block's shape) of blocks of cells that fit into `SLAB_BYTES`.

    In order, each cell once: a range of one axis, single values of the axes before it, all of those behind it.
    """
    flat = np.arange(math.prod(shape)).reshape(shape)
    cut = 0
    while cut < len(shape) - 1 and math.prod(shape[cut + 1 :]) * bytes_per_cell > SLAB_BYTES:
        cut += 1
    each = max(1, SLAB_BYTES // (math.prod(shape[cut + 1 :]) * bytes_per_cell))
    for before in np.ndindex(shape[:cut]):
        for begin in range(0, shape[cut], each):
            index = (*before, slice(begin, begin + each), *(slice(None),) * (len(shape) - cut - 1))
            yield index, flat[index]


def chunk(shape: tuple[int, ...], bytes_per_cell: int) -> tuple[int, ...]:
    """Return how many cells along each axis share a chunk of a file: neighbours along the last axes, one at least.

    Examples
    --------
    >>> chunk((1000, 1000), 208), chunk((21, 7, 5), 208), chunk((25, 25), 8320)
    ((1, 315), (9, 7, 5), (1, 7))
    """
    room, found = max(1, CHUNK_BYTES // bytes_per_cell), []
    for size in reversed(shape):
        found.append(min(size, room))
        room = room // size or 1
    return tuple(reversed(found))
