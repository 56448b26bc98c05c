"""A fan of many trajectories: where half and nine tenths of the surviving firms are, and how many survive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.analysis.formatting import spaced
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.errors import EstimateError, did_you_mean, shortened
from firmfate.plots import style
from firmfate.plots.one_trajectory import column, panels_of, who

BANDS = ((0.05, 0.15), (0.25, 0.3))
"""Lower limits of the bands, as shares of the surviving firms, and their opacities."""


@style.styled
def fan(ds: xr.Dataset, *, variables: Sequence[str] | None = None, axes: NDArray[Any] | None = None) -> NDArray[Any]:
    """Draw quantiles over many trajectories at every age, among firms still alive, and the number of those.

    Parameters
    ----------
    ds : xarray.Dataset
        Over (``trajectory``, ``step``), as `firmfate.replay` returns it for several replicates; NaN after an event.
    variables : sequence of str, optional
        Columns; by default cash, customers and lead time of a firm, or the first of another model.
    axes : array of Axes, optional
        One a variable and one for the number alive; a new figure if not given.

    Returns
    -------
    array of Axes
        The median as a line, 25-75 % and 5-95 % as bands, as long as 4 and 20 firms survive, one for each share
        outside; the last panel shows firms alive. Late quantiles are those of survivors.

    Raises
    ------
    EstimateError
        Where there is no dim ``trajectory``, or a column is unknown.

    Examples
    --------
    >>> import firmfate
    >>> study = firmfate.Study(name="cars", model="car", years=5, replicates=64, grid={"misalignment": [0, 1]})
    >>> firmfate.run(study, into="runs/cars", progress=False).close()
    >>> cars = firmfate.replay("runs/cars", misalignment=1, replicate=range(24))
    >>> [ax.get_ylabel() for ax in fan(cars)][-1]
    'firms alive'
    """
    if "trajectory" not in ds.dims:
        raise EstimateError("fan() draws many firms, over the dim `trajectory`; replay a range of replicates")
    units = {name: unit.split(",")[0] for name, _, unit in panels_of(ds.isel(trajectory=0))}
    if variables is None:
        known = [name for name in units if name in ds]
        variables = [name for name in ("cash", "customers", "perceived_lead_time") if name in known] or known[:3]
    for name in variables:
        if name not in ds and name != "inventory":
            raise EstimateError(f"a trajectory has no column '{name}'{did_you_mean(name, map(str, ds.data_vars))}")
    if axes is None:
        count = len(variables) + 1
        _, grid = style.canvas(6.2, 1.5 * count + 0.6, count, 1, sharex=True)
        axes = grid[:, 0]
    axes = style.given(axes, (len(variables) + 1,))
    ds = ds.isel(step=style.band_points(ds.sizes["step"]))
    years = ds["week"].values / WEEKS_PER_YEAR
    alive = np.zeros(years.size)
    for ax, name in zip(axes[:-1], variables, strict=True):
        values = column(ds.transpose("trajectory", "step", ...), name)
        alive = np.isfinite(values).sum(axis=0)
        some = alive > 0
        for share, opacity in BANDS:
            enough = alive * share >= 1.0 - 1e-9
            if not enough.any():
                continue
            low, high = np.nanquantile(values[:, enough], (share, 1 - share), axis=0)
            words = f"{100 * share:.0f}-{100 * (1 - share):.0f} %"
            ax.fill_between(years[enough], low, high, color=style.BLUE, alpha=opacity, linewidth=0, label=words)
        ax.plot(years[some], np.nanmedian(values[:, some], axis=0), color=style.BLUE, label="median")
        unit = shortened(units.get(name, ""), style.LONGEST_TITLE // 2)
        ax.set_ylabel(f"{spaced(name)}\n({unit})" if unit else spaced(name), fontsize=8)
    axes[0].legend(loc="best", ncols=3, fontsize=7.5)
    axes[0].set_title(who(ds))
    axes[-1].plot(years, alive, color=style.MUTED, drawstyle="steps-post")
    axes[-1].set(ylabel="firms alive", ylim=(0, None))
    style.age_axis(axes[-1], years[-1])
    # The error of a median in shares of firms: sqrt(1/4n).
    error = 0.5 / np.sqrt(max(1, int(alive.max())))
    style.note(
        axes[-1],
        f"n = {ds.sizes['trajectory']:,} firms; the median's rank is uncertain by ± {error:.0%} of firms at the start",
    )
    return axes
