"""Integers as compressed text, exactly: differences along cells, in planes of bytes, deflated.

Counts of neighbouring cells are alike, the more so under common random numbers, so that their differences are small,
and their upper bytes zeros.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST = 2**52
"""Below this, integers and their differences are exact in a browser's numbers."""


def packed(values: NDArray[Any]) -> dict[str, Any]:
    """Return integers (cells, ...) as JSON has them; ``web/unpacking.mjs`` reads it.

    Parameters
    ----------
    values : (cells, ...) array of integers, below 2^52 in size

    Returns
    -------
    dict
        ``shape``; ``bytes``, how many each integer has; ``data``: zigzag differences along cells, which come last,
        plane by plane from the lowest byte on, deflated (zlib), in base64.

    Raises
    ------
    OverflowError
        Where an integer is too large.

    Examples
    --------
    >>> found = packed(np.array([[300], [299]]))
    >>> found["shape"], found["bytes"]
    ([2, 1], 2)
    """
    cells_last = np.moveaxis(values.astype(np.int64), 0, -1)
    if cells_last.size and int(np.abs(cells_last).max()) >= LARGEST:
        raise OverflowError(f"a count of {int(np.abs(cells_last).max())} is not exact in a browser")
    steps = np.diff(cells_last, axis=-1, prepend=0)
    zigzag = np.where(steps < 0, -2 * steps - 1, 2 * steps).astype("<u8")
    size = max(1, -(-int(zigzag.max(initial=0)).bit_length() // 8))
    planes = zigzag.reshape(-1).view(np.uint8).reshape(-1, 8)[:, :size].T
    return {"shape": list(values.shape), "bytes": size, "data": _deflated(planes.tobytes())}


def packed_texts(texts: Any) -> str:
    """Return JSON of texts, deflated, in base64."""
    return _deflated(json.dumps(texts, separators=(",", ":"), ensure_ascii=False).encode())


def _deflated(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content, 9)).decode()
