"""A map of the mean lifetime over any two axes of a study."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable

from firmfate.analysis import Lifetimes
from firmfate.analysis.cell_labels import labelled
from firmfate.analysis.formatting import spaced
from firmfate.analysis.surface import axes_of_cells
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.errors import EstimateError, did_you_mean
from firmfate.plots import mesh, style


@style.styled
def lifetime_map(ds: xr.Dataset, x: str, y: str, *, ax: Axes | None = None, tau: int | None = None) -> Axes:
    """Draw the mean lifetime within a horizon (RMST) over any two axes of a study.

    Of a grid the others are averaged over; scattered or listed cells are points, whose other axes differ.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts of a grid, a Latin hypercube, Sobol points or a list.
    x, y : str
        Two of its axes, as studies or datasets name them: ``misalignment.sales`` or ``misalignment_sales``.
    ax : Axes, optional
        Where to draw; a new figure if not given.
    tau : int, optional
        Weeks; the horizon by default.

    Returns
    -------
    Axes
        Its first collection holds the years, (y, x) or (cells,); the note beneath names the largest standard error.

    Raises
    ------
    EstimateError
        Where `x` or `y` is no axis of the study with two values or more, or both are the same.

    Examples
    --------
    >>> from firmfate.plots import lifetime_map
    >>> from firmfate.survival import example
    >>> ax = lifetime_map(example(), "execution", "misalignment")
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('execution', 'misalignment')
    """
    ds = labelled(ds)
    scattered = axes_of_cells(ds)
    axes = [name for name, values in scattered.items() if np.ptp(values) > 0] or [
        str(dim) for dim in ds["firms"].dims if ds.sizes[dim] > 1 and np.issubdtype(ds[dim].dtype, np.number)
    ]
    x, y = (name.replace(".", "_") for name in (x, y))
    for name in (x, y):
        if name not in axes or x == y:
            raise EstimateError(
                f"a map over {x!r} and {y!r}: allowed are two different axes of {axes}{did_you_mean(name, axes)}"
            )
    lifetimes = Lifetimes(ds, tau=tau)
    others = [axis for axis in axes if axis not in (x, y)]
    averaged_over = [dim for dim in ds["firms"].dims if dim != "cell"] if scattered else others
    if averaged_over:
        found = lifetimes.apply(lambda years: years.mean(averaged_over))
        years, errors = found["estimate"], found["se"]
    else:
        years, errors = lifetimes.estimate, lifetimes.se
    ax = style.axes_on(ax, 5.6, 4.2)
    if scattered:
        drawn: ScalarMappable = ax.scatter(
            years[x], years[y], c=years, cmap=style.LENGTHS, edgecolors=style.MUTED, linewidth=0.4
        )
    else:
        drawn = mesh.coloured(ax, years[x], years[y], years.transpose(y, x), cmap=style.LENGTHS, shading="nearest")
    ax.figure.colorbar(drawn, ax=ax, pad=0.02, aspect=28, label="years").outline.set_visible(False)
    ax.set(xlabel=spaced(x), ylabel=spaced(y))
    ax.set_title(f"Mean lifetime within {lifetimes.tau / WEEKS_PER_YEAR:g} years")
    ax.grid(visible=False)
    listed = ", ".join(map(spaced, others))
    averaged = (f"; cells differ in {listed} too" if scattered else f"; mean over {listed}") if others else ""
    known = errors.values[np.isfinite(errors.values)]
    error = f"standard error at most {known.max():.1g} years" if known.size else "too few firms for standard errors"
    style.note(ax, f"n = {style.counted(ds['firms'].values)} firms a cell; {error}{averaged}")
    return ax
