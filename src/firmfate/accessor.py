"""``ds.firmfate``: estimators, findings and figures on datasets of counts, and on what `firmfate.simulate` returns.

Registered with xarray by ``import firmfate`` where xarray has been imported before, and by everything of firmfate that
reads or makes datasets; ``import firmfate`` alone imports no xarray.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import xarray as xr

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from firmfate.analysis import Finding


__all__ = ["Accessor", "Plots"]


class Plots:
    """Figures of a dataset: ``ds.firmfate.plot.map(x, y)``.

    Examples
    --------
    >>> from firmfate.survival import example
    >>> example().firmfate.plot.map("execution", "misalignment").get_xlabel()
    'execution'
    """

    def __init__(self, ds: xr.Dataset) -> None:
        self._ds = ds

    def map(self, x: str, y: str, **options: Any) -> Axes:
        """Draw the mean lifetime over two axes; see `firmfate.plots.lifetime_map`."""
        from firmfate.plots import lifetime_map

        return lifetime_map(self._ds, x, y, **options)

    def survival(self, **options: Any) -> Axes:
        """Draw survival curves with numbers at risk; see `firmfate.plots.survival_curves`."""
        from firmfate.plots import survival_curves

        return survival_curves(self._ds, **options)

    def lifetimes(self, **options: Any) -> Axes:
        """Draw mean lifetimes along an axis, with limits; see `firmfate.plots.lifetimes`."""
        from firmfate.plots import lifetimes

        return lifetimes(self._ds, **options)


@xr.register_dataset_accessor("firmfate")  # type: ignore[no-untyped-call]
class Accessor:
    """What firmfate estimates from a dataset.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts as ``result.nc`` holds them.

    Examples
    --------
    >>> from firmfate.survival import example
    >>> example().firmfate.rmst().estimate.sel(execution=1.0).round(1).values
    array([82.7, 46.1])
    """

    def __init__(self, ds: xr.Dataset) -> None:
        self._ds = ds

    def rmst(self, **options: Any) -> xr.Dataset:
        """Estimate mean lifetimes within a horizon, in weeks; see `firmfate.survival.rmst`."""
        from firmfate.survival import rmst

        return rmst(self._ds, **options)

    def survival(self, **options: Any) -> xr.Dataset:
        """Estimate survival curves; see `firmfate.survival.kaplan_meier`."""
        from firmfate.survival import kaplan_meier

        return kaplan_meier(self._ds, **options)

    def incidence(self, **options: Any) -> xr.Dataset:
        """Estimate cumulative incidence by cause; see `firmfate.survival.cumulative_incidence`."""
        from firmfate.survival import cumulative_incidence

        return cumulative_incidence(self._ds, **options)

    def contrast(self, f: Callable[..., Any] | None = None, **options: Any) -> xr.Dataset:
        """Contrast an estimator between cells, mean lifetimes by default; see `firmfate.survival.contrast`."""
        from firmfate.survival import contrast, rmst

        return contrast(self._ds, rmst if f is None else f, **options)

    def finding(self, **options: Any) -> Finding:
        """Put into words what the study found; see `firmfate.analysis.finding`."""
        from firmfate.analysis import finding

        return finding(self._ds, **options)

    def to_frame(self) -> pd.DataFrame:
        """Return rows of counts with frequency weights; see `firmfate.survival.to_rows`."""
        from firmfate.survival import to_rows

        return to_rows(self._ds)

    @property
    def plot(self) -> Plots:
        """Figures."""
        return Plots(self._ds)
