"""A map of differences between two runs over the two axes of a grid."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from firmfate.analysis.formatting import spaced
from firmfate.errors import EstimateError
from firmfate.plots import mesh, style


@style.styled
def difference_map(
    difference: xr.DataArray, distinguishable: xr.DataArray, x: str, y: str, *, ax: Axes | None = None
) -> Axes:
    """Draw differences over two axes; dots mark cells where the sides cannot be distinguished.

    Of more than 50 cells along an axis, evenly spaced ones bear dots.

    Parameters
    ----------
    difference : DataArray (x, y)
        First less second.
    distinguishable : DataArray of bool (x, y)
    x, y : str
        The axes.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes
        Its first collection holds the differences, (y, x).

    Raises
    ------
    EstimateError
        Where the differences have other axes.

    Examples
    --------
    >>> import xarray as xr
    >>> from firmfate.plots import difference_map
    >>> years = xr.DataArray([[0.5, -1.0]], {"execution": [0.5], "misalignment": [0.0, 1.0]})
    >>> difference_map(years, years < 0, "execution", "misalignment").get_ylabel()
    'misalignment'
    """
    if set(difference.dims) != {x, y} or x == y:
        raise EstimateError(f"a map over {x!r} and {y!r} of differences over {list(difference.dims)}")
    ax = style.axes_on(ax, 5.6, 4.2)
    values = difference.transpose(y, x)
    finite = np.abs(values.values[np.isfinite(values.values)])
    most = float(finite.max()) if finite.size and finite.max() > 0 else 1.0
    drawn = mesh.coloured(ax, values[x], values[y], values, cmap=style.SIGNS, vmin=-most, vmax=most, shading="nearest")
    unit = difference.attrs.get("units", "")
    label = {"year": "years", "1": "share"}.get(unit, unit)
    ax.figure.colorbar(drawn, ax=ax, pad=0.02, aspect=28, label=label).outline.set_visible(False)
    up, across = mesh.dots(~distinguishable.transpose(y, x).values)
    ax.plot(
        values[x].values[across], values[y].values[up], "o", color="#111111", markeredgecolor="#ffffff",
        markeredgewidth=0.5, markersize=3,
    )  # fmt: skip
    ax.set(xlabel=spaced(x), ylabel=spaced(y))
    ax.set_title(f"First less second; {mesh.name_of_dots(values.shape)}: not distinguishable")
    ax.grid(visible=False)
    return ax
