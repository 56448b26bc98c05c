"""Numbers over draws of a posterior, with two errors: that of the simulation, and that of the parameters."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.analysis.cell_labels import labelled
from firmfate.analysis.formatting import Estimate
from firmfate.analysis.lifetimes import Lifetimes
from firmfate.counts import DRAWN_FROM
from firmfate.errors import EstimateError
from firmfate.survival.core.limits import normal_quantile

DRAW = "draw"


def by_draw(ds: xr.Dataset) -> xr.Dataset:
    """Return counts of the design [posterior] over ``draw`` and its other axes; other datasets as they are.

    What was drawn is then a coordinate along ``draw``.
    """
    along = {str(name): v for name, v in ds.coords.items() if v.dims == ("cell",) and "parameter" in v.attrs}
    drawn = [name for name, values in along.items() if DRAWN_FROM in values.attrs]
    if not drawn:
        return ds
    number = _draws(along, drawn)
    if len(set(number.tolist())) < 2:
        return ds
    others = [name for name in along if name not in drawn]
    order = np.lexsort([*(along[name].values for name in reversed(others)), number])
    ds = ds.isel(cell=order)
    along = {name: ds[name] for name in along}
    crossed = {name: np.unique(along[name].values) for name in others}
    each = math.prod(len(values) for values in crossed.values())
    sizes = {DRAW: len(set(number.tolist())), **{name: len(values) for name, values in crossed.items()}}
    if math.prod(sizes.values()) != ds.sizes["cell"]:
        raise EstimateError(f"{ds.sizes['cell']} cells are not all combinations of draws and axes: {sizes}")

    def unstacked(values: xr.DataArray) -> xr.Variable:
        at = values.dims.index("cell")
        shape = (*values.shape[:at], *sizes.values(), *values.shape[at + 1 :])
        dims = (*values.dims[:at], *sizes, *values.dims[at + 1 :])
        return xr.Variable(dims, values.values.reshape(shape), values.attrs)

    kept = {name: v for name, v in ds.coords.items() if "cell" not in v.dims}
    own = {name: (DRAW, along[name].values[::each], along[name].attrs) for name in drawn}
    axes = {name: (name, values, along[name].attrs) for name, values in crossed.items()}
    counts = {name: unstacked(v) if "cell" in v.dims else v for name, v in ds.data_vars.items()}
    return xr.Dataset(counts, {**kept, **own, **axes, DRAW: np.arange(sizes[DRAW])}, ds.attrs)


def _draws(along: dict[str, xr.DataArray], drawn: list[str]) -> NDArray[np.int64]:
    """Return the draw of each cell, whatever their order; the same values in cells that are alike are several draws."""
    rows = np.stack([values.values for values in along.values()], axis=-1)
    _, alike = np.unique(rows, axis=0, return_inverse=True)
    _, first, of_draw = np.unique(rows[:, [list(along).index(name) for name in drawn]], axis=0, return_index=True,
                                  return_inverse=True)  # fmt: skip
    sort = np.argsort(alike.ravel(), kind="stable")
    starts = np.searchsorted(alike.ravel()[sort], alike.ravel()[sort])
    again = np.empty(len(rows), np.int64)
    again[sort] = np.arange(len(rows)) - starts
    number: NDArray[np.int64] = first[of_draw.ravel()] + len(rows) * again
    return number


def both_errors(ds: xr.Dataset, f: Callable[[xr.DataArray], xr.DataArray], *, tau: int | None = None) -> xr.Dataset:
    """Average a function of mean lifetimes over the draws of a posterior, with both its errors.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts of a study with the design [posterior].
    f : callable
        Mean lifetimes in years (axes...), one draw or all along ``draw`` -> what is asked, without the other axes.
    tau : int, optional
        Weeks; the horizon by default.

    Returns
    -------
    xarray.Dataset
        ``estimate``, the mean over draws; ``se``, its Monte Carlo error: of the firms simulated, and of the number of
        draws; ``parameter_error``, the standard deviation over the posterior: that of the draws' estimates, less what
        their firms make of it; ``parameter_error_se``; ``parameter_error_upper``, its one-sided 95 % limit, which is
        above 0 where firms are too few to tell the draws apart; ``above``, the probability that it is above 0, of each
        draw given its own error; ``above_se``; ``draws``, how many have an estimate; and of each draw, along ``draw``,
        ``each`` and ``each_se``. Draws are taken as independent.

    Raises
    ------
    EstimateError
        Where the counts have no draws, where `f` keeps other axes, or where fewer than two draws give an estimate with
        an error.

    Examples
    --------
    >>> import firmfate
    >>> from firmfate.analysis import both_errors
    >>> draws = [{"drift": -0.3}, {"drift": -0.2}, {"drift": -0.1}]
    >>> study = firmfate.Study(name="over", model="car", years=5, replicates=400,
    ...                        posterior={"draws": draws, "execution": [0, 1]})
    >>> with firmfate.run(study, into="runs/over", progress=False) as ds:
    ...     found = both_errors(ds, lambda years: years.isel(execution=1) - years.isel(execution=0))
    >>> sorted(found)[:4]
    ['above', 'above_se', 'draws', 'each']

    Notes
    -----
    Draws share random numbers, and their errors are correlated. With e the errors of n draws and E that of their mean,
    the errors make (sum e² - n E²)/(n - 1) of the variance between draws.
    """
    ds = by_draw(labelled(ds))
    if DRAW not in ds["firms"].dims:
        raise EstimateError("both errors need draws: a study with the design [posterior]")
    lifetimes = Lifetimes(ds, tau=tau)
    found = lifetimes.apply(f)
    each, error = found["estimate"], found["se"]
    if set(each.dims) != {DRAW}:
        left = ", ".join(map(str, each.dims)) or "nothing"
        raise EstimateError(f"the function must leave `{DRAW}` alone; it leaves {left}")
    known = np.isfinite(each) & np.isfinite(error)
    count = int(known.sum())
    if count < 2:
        raise EstimateError(f"{count} of {known.size} draws have an estimate with an error; two or more are needed")
    mean = lifetimes.apply(lambda years: f(years).where(known).mean(DRAW))
    squares = float((error.where(known) ** 2).sum())
    noise = max(0.0, (squares - count * float(mean["se"]) ** 2) / (count - 1))
    spread = float(each.where(known).var(DRAW, ddof=1))
    parameter = math.sqrt(max(0.0, spread - noise))
    if math.sqrt(spread) < 1e-12 * abs(float(mean["estimate"])):  # rounding
        parameter = spread = 0.0
    wide = normal_quantile(0.9) * spread * math.sqrt(2 / (count - 1))
    above = share_of_draws(float(np.nanmean(above_zero(each.where(known), error))), count)
    return xr.Dataset(
        {
            "estimate": float(mean["estimate"]),
            "se": math.hypot(float(mean["se"]), parameter / math.sqrt(count)),
            "parameter_error": parameter,
            "parameter_error_se": spread / max(parameter, 1e-300) / math.sqrt(2 * (count - 1)) if parameter else np.nan,
            "parameter_error_upper": math.sqrt(parameter**2 + wide),
            "above": above.estimate,
            "above_se": above.se,
            "draws": count,
            "each": each,
            "each_se": error,
        }
    )


def above_zero(each: xr.DataArray, error: xr.DataArray) -> NDArray[np.float64]:
    """Return the probability on each draw, (draw,), that its number is above 0, given its own error.

    A draw whose firms all live alike has no error, and its sign is known.
    """
    from scipy.stats import norm

    found: NDArray[np.float64] = norm.cdf((each / error.where(error > 0, np.finfo(float).tiny)).values)
    return found


def share_of_draws(share: float, draws: float) -> Estimate:
    """Return a share of draws with its binomial error: half a draw is added to either side, so that that of 0 and 1 is
    above 0.

    Examples
    --------
    >>> round(share_of_draws(1.0, 99).se, 4)
    0.0071
    """
    near = (share * draws + 0.5) / (draws + 1)
    return Estimate(share, math.sqrt(near * (1 - near) / draws))
