"""Main effects and interactions over scattered cells: a polynomial of degree two, fitted to their mean lifetimes.

Cells of a Latin hypercube, of Sobol points or of a list differ in all axes at once, so that no two of them show the
effect of one axis alone. A polynomial of Legendre terms separates the axes; how much of the variance each component
carries is its share (Sudret 2008, Reliability Engineering & System Safety 93, 964-979).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.analysis.cell_labels import labelled
from firmfate.analysis.lifetimes import Lifetimes
from firmfate.analysis.pairs_of_axes import joint_effects
from firmfate.errors import EstimateError
from firmfate.survival.jackknife import limits, standard_error

Floats = NDArray[np.float64]

CELLS_PER_TERM = 2
"""Fewest cells for each term of the polynomial."""
MOST_GROUPS = 50
"""Groups of cells that are left out in turn."""


def surface_effects(ds: xr.Dataset, *, tau: int | None = None, level: float = 0.95) -> xr.Dataset:
    """Estimate main effects and interactions of all axes of scattered cells on the mean lifetime.

    Every axis is mapped to [-1, 1], by its logarithm where its values are spread more evenly so. The polynomial has
    Legendre terms of degree one and two in every axis and the product of each pair; without products, and then without
    squares, where there are fewer than two cells a term or the terms cannot be separated.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts of cells along one dim ``cell`` whose axes are coordinates: a Latin hypercube, Sobol or Saltelli points,
        coalitions, a list. Other dims are averaged over.
    tau : int, optional
        Weeks; the horizon by default.
    level : float
        Confidence level.

    Returns
    -------
    xarray.Dataset
        Over ``axis``, with the coordinates ``low`` and ``high``: ``estimate``, by how many years firms live longer at
        an axis's highest value than at its lowest, averaged over the others; ``bend``, by how many in the middle than
        at the ends; ``share``, of the variance between cells. Over ``axis`` and ``other``: ``interaction``, by how
        many years the effect of one is larger at the other's highest value than at its lowest; ``joint_share``. And
        ``explained``, the share of the variance of cells that a polynomial fitted without them predicts (PRESS), which
        warns where a polynomial is not what the lifetimes follow. Each has ``_se``, ``_lower`` and ``_upper`` beside it
        (``se``, ``lower``, ``upper`` of ``estimate``). The variance adds that over batches of firms and that over
        groups of cells (both by jackknife), an upper bound as the latter holds part of the former; of ``explained`` it
        is that over batches alone. Limits are Student's.

    Raises
    ------
    EstimateError
        Where the cells are not scattered, or too few for terms of degree one.

    Examples
    --------
    >>> from firmfate.analysis import surface_effects
    >>> from firmfate.survival import example
    >>> points = example().stack(cell=["execution", "misalignment"]).reset_index("cell").transpose("cell", ...)
    >>> found = surface_effects(points)
    >>> found["estimate"].round(2).values, found["se"].round(2).values
    (array([-0.35, -0.38]), array([0.39, 0.26]))
    """
    return surface_effects_of(Lifetimes(labelled(ds), tau=tau), level=level)


def surface_effects_of(lifetimes: Lifetimes, *, level: float) -> xr.Dataset:
    """Return `surface_effects` of lifetimes at hand, whose dataset has its axes as coordinates."""
    mean = _over_cells(lifetimes.estimate)
    known = np.isfinite(mean)
    fit = _polynomial(_checked(lifetimes.ds), known)
    mean, everything = mean[known], np.ones(int(known.sum()), bool)
    groups = min(len(mean), MOST_GROUPS)
    number = np.arange(len(mean)) % groups

    def quantities(years: Floats) -> Floats:
        return np.append(fit.quantities(years, everything), fit.predicted(years))

    found = quantities(mean)
    se, parts = np.full_like(found, np.nan), groups
    if lifetimes.without is not None:
        of_batches = standard_error(np.array([quantities(_over_cells(one)[known]) for one in lifetimes.without]))
        of_cells = standard_error(np.array([fit.quantities(mean, number != group) for group in range(groups)]))
        se, parts = np.hypot(of_batches, np.append(of_cells, 0.0)), min(groups, len(lifetimes.without))
    lower, upper = limits(found, se, parts, level)
    return fit.table({"": found, "_se": se, "_lower": lower, "_upper": upper})


def is_scattered(ds: xr.Dataset) -> bool:
    """Return whether the cells lie along ``cell`` and have numbers as axes."""
    return bool(axes_of_cells(labelled(ds)))


def axes_of_cells(ds: xr.Dataset) -> dict[str, Floats]:
    """Return the axes of cells along ``cell``: name -> (cells,) array; empty where there are none."""
    found = {str(name): c for name, c in ds.coords.items() if c.dims == ("cell",) and name != "cell"}
    return {name: c.values.astype(np.float64) for name, c in found.items() if np.issubdtype(c.dtype, np.number)}


def _checked(ds: xr.Dataset) -> dict[str, Floats]:
    axes = axes_of_cells(ds)
    if "cell" not in ds["firms"].dims or not axes:
        raise EstimateError("the cells must lie along one dim `cell`, with the design's axes as coordinates along it")
    return axes


def _over_cells(years: xr.DataArray) -> Floats:
    """Return years (cells,), the mean over strata and other dims."""
    found: Floats = years.mean([dim for dim in years.dims if dim != "cell"], skipna=False).values
    return found


def _mapped(values: Floats) -> Floats:
    """Return values within [-1, 1], by their logarithms where these are spread more evenly."""

    def onto(x: Floats) -> Floats:
        found: Floats = 2 * (x - x.min()) / (x.max() - x.min()) - 1
        return found

    linear = onto(values)
    if values.min() <= 0:
        return linear
    log = onto(np.log(values))
    return log if abs(np.median(log)) < abs(np.median(linear)) else linear


@dataclass(frozen=True)
class _Polynomial:
    """Terms of degree two over cells; `bent` are axes with a square, `pairs` those with a product: all, or none."""

    axes: dict[str, tuple[float, float]]
    bent: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]
    terms: Floats

    def coefficients(self, years: Floats, kept: NDArray[np.bool_]) -> Floats:
        return np.asarray(np.linalg.lstsq(self.terms[kept], years[kept], rcond=None)[0], np.float64)

    def quantities(self, years: Floats, kept: NDArray[np.bool_]) -> Floats:
        """Return rises, bends, shares, interactions and joint shares, one after the other."""
        c = self.coefficients(years, kept)
        count, first = len(self.axes), 1 + len(self.axes)
        bends = dict(zip(self.bent, range(first, first + len(self.bent)), strict=True))
        products = range(first + len(self.bent), len(c))
        total = np.var(years[kept])
        parts = [[1 + axis, *([bends[axis]] if axis in bends else [])] for axis in range(count)]
        parts += [[place] for place in products]
        components = [self.terms[kept][:, part] @ c[part] for part in parts]
        shares = [np.var(component) / total if total > 0 else np.nan for component in components]
        bent = [-1.5 * c[bends[axis]] if axis in bends else np.nan for axis in range(count)]
        return np.array([*(2 * c[1 : 1 + count]), *bent, *shares[:count], *(4 * c[products.start :]), *shares[count:]])

    def predicted(self, years: Floats) -> float:
        """Return the share of the variance that is predicted where each cell is left out of the fit."""
        basis: Floats = np.linalg.qr(self.terms)[0]
        leverage: Floats = (basis**2).sum(axis=1)
        errors = (years - basis @ (basis.T @ years)) / np.clip(1 - leverage, 1e-12, None)
        spread = ((years - years.mean()) ** 2).sum()
        return float(1 - (errors**2).sum() / spread) if spread > 0 else float("nan")

    def table(self, columns: dict[str, Floats]) -> xr.Dataset:
        """Return quantities, and what is predicted, by their names, over ``axis`` and ``other``."""
        count, pairs = len(self.axes), len(self.pairs)
        ends = np.cumsum([count, count, count, pairs, pairs, 1])
        data: dict[str, Any] = {}
        for suffix, column in columns.items():
            rises, bends, shares, joint, joint_shares, predicted = np.split(column, ends[:-1])
            data[f"estimate{suffix}" if not suffix else suffix[1:]] = ("axis", rises, {"units": "year"})
            data[f"bend{suffix}"] = ("axis", bends, {"units": "year"})
            data[f"share{suffix}"] = ("axis", shares, {"units": "1"})
            data[f"explained{suffix}"] = ((), predicted[0], {"units": "1"})
            data |= joint_effects(joint, joint_shares, count, suffix)
        low, high = zip(*self.axes.values(), strict=True)
        names = list(self.axes)
        return xr.Dataset(
            data, {"axis": names, "other": names, "low": ("axis", list(low)), "high": ("axis", list(high))}
        )


def _polynomial(axes: dict[str, Floats], known: NDArray[np.bool_]) -> _Polynomial:
    """Return the largest polynomial that the cells with an estimate can separate."""
    used = {name: values[known] for name, values in axes.items()}
    used = {name: values for name, values in used.items() if values.size and np.ptp(values) > 0}
    cells, count = int(known.sum()), len(used)
    x = [_mapped(values) for values in used.values()]
    curved = tuple(axis for axis, values in enumerate(x) if np.unique(values).size > 2)
    every = tuple(itertools.combinations(range(count), 2))
    for bent, pairs in ((curved, every), (curved, ()), ((), every), ((), ())):
        columns = [np.ones(cells), *x, *((3 * x[axis] ** 2 - 1) / 2 for axis in bent)]
        columns += [x[one] * x[two] for one, two in pairs]
        fits = cells >= CELLS_PER_TERM * len(columns)
        if count and fits and np.linalg.matrix_rank(np.stack(columns, axis=1)) == len(columns):
            limits = {name: (float(values.min()), float(values.max())) for name, values in used.items()}
            return _Polynomial(limits, bent, pairs, np.stack(columns, axis=1))
    raise EstimateError(
        f"{cells} cells with an estimate cannot separate {count} axes; allowed: two cells or more for each axis, and "
        "two more, in which no axis follows from others"
    )
