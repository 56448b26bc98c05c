"""The cells of a map: colours, which are one image where cells are many, and the places of dots that mark some."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from numpy.typing import ArrayLike, NDArray

from firmfate.plots.spacing import evenly_spaced

ALONG = 50
"""Cells along an axis that may each have a dot of its own."""
FEW_DOTS = 25
"""Along an axis of more cells."""
MOST_SHAPES = ALONG**2
"""Cells that a map draws as shapes, 250 bytes each in an SVG; more are an image within it."""


def coloured(ax: Axes, x: ArrayLike, y: ArrayLike, values: Any, **options: Any) -> QuadMesh:
    """Draw values (y, x) as colours, for cells around `x` and `y`, or between edges of cells.

    Parameters
    ----------
    ax : Axes
    x, y : (columns), (rows) arrays
        Centres of cells, with ``shading="nearest"``; or one more each, their edges.
    values : (rows, columns) array
        NaN leaves a cell out.
    **options
        Of ``Axes.pcolormesh``.

    Returns
    -------
    matplotlib.collections.QuadMesh
    """
    # Edges in the colour of their cell close the hairlines that viewers leave between shapes; an image has none.
    drawn: dict[str, Any] = {"edgecolors": "face", "linewidth": 0.6}
    if np.size(values) > MOST_SHAPES:
        drawn = {"rasterized": True}
    return ax.pcolormesh(x, y, values, **drawn, **options)


def are_thinned(shape: tuple[int, ...]) -> bool:
    """Return whether dots mark some cells of a map alone."""
    return max(shape) > ALONG


def name_of_dots(shape: tuple[int, ...]) -> str:
    """Return what a map's words call its dots: which cells may have one, where not all do."""
    return "dots, at some evenly spaced cells" if are_thinned(shape) else "dots"


def dots(marked: NDArray[np.bool_]) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Return where the dots for marked cells stand.

    Parameters
    ----------
    marked : (rows, columns) array of bool

    Returns
    -------
    rows, columns : arrays of int
        Of all marked cells, or of those at 25 evenly spaced rows, columns or both where there are more than 50.

    Examples
    --------
    >>> dots(np.array([[True, False], [False, True]]))
    (array([0, 1]), array([0, 1]))
    >>> len(dots(np.full((1000, 10), True))[0])
    250
    """
    rows, columns = (evenly_spaced(size, size if size <= ALONG else FEW_DOTS) for size in marked.shape)
    up, across = np.nonzero(marked[np.ix_(rows, columns)])
    return rows[up], columns[across]
