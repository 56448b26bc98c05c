"""From a labelled dataset of counts to arrays and back: the layer between xarray and the estimators in ``core``."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.counts import check_counts
from firmfate.errors import EstimateError, FirmfateError, did_you_mean
from firmfate.survival.core.blocks import by_blocks
from firmfate.survival.core.lifetable import CellCounts, Floats, LifeTable, life_table

T = TypeVar("T")

PSEUDO = "pseudo_counts"
"""Attribute of datasets made inside a contrast, whose counts are fractions of firms."""

DEPENDENCE = "dependence"
"""Attribute of counts of observed firms, with one of the two values below.

Counts without it are of a simulation: cells hold the same replicates, which may share random numbers."""

INDEPENDENT = "firms are independent"
CLUSTERED = "firms of a batch depend on each other"

LARGEST_INTEGER = 2.0**53
"""From here on neighbouring integers are one float."""

WEEKLY = ("censored", "entered")
"""Optional variables (axes..., week)."""

NEEDED = (
    *("events", "firms", "invalid", *WEEKLY),
    *("batch_firms", "batch_events", "batch_censored", "batch_entered", "batch_lifetime"),
)
"""Variables from which all estimates are made; all but the first two are optional."""


class Counts(NamedTuple):
    """The counts of a dataset: cells x cause x week, with cells of invalid firms turned to NaN firms."""

    events: xr.DataArray  # (axes..., cause, week)
    firms: xr.DataArray  # (axes...), float; NaN where a firm's arithmetic failed
    censored: xr.DataArray | None  # (axes..., week)
    entered: xr.DataArray | None  # (axes..., week)
    weeks: int

    @property
    def axes(self) -> tuple[Hashable, ...]:
        """The dims that distinguish cells."""
        return self.firms.dims

    def of_cause(self, cause: Any) -> Counts:
        """Return the counts with ``cause`` as the only event; other causes become censorings of their week."""
        position = position_of(self.events, "cause", cause)
        others = self.events.sum("cause") - self.events.isel(cause=position)
        censored = others if self.censored is None else others + self.censored
        return self._replace(events=self.events.isel(cause=[position]), censored=censored.transpose(*self.axes, "week"))

    def arrays(self, order: Sequence[Hashable] | None = None) -> CellCounts:
        """Return the counts as arrays, the axes in this order."""
        axes = self.axes if order is None else tuple(order)
        weekly = (
            None if counted is None else counted.transpose(*axes, "week").values
            for counted in (self.censored, self.entered)
        )
        events = self.events.transpose(*axes, "cause", "week").values
        return CellCounts(events, self.firms.transpose(*axes).values, *weekly)

    def table(self, cells: NDArray[np.int_]) -> tuple[CellCounts, LifeTable]:
        """Return counts and life table of some cells, by their positions in the flattened axes."""
        events, firms, *weekly = self.arrays()
        flat = CellCounts(
            events.reshape(-1, *events.shape[-2:])[cells],
            firms.ravel()[cells],
            *(None if counted is None else counted.reshape(-1, self.weeks)[cells] for counted in weekly),
        )
        return flat, life_table(flat)


def counts_of(ds: xr.Dataset) -> Counts:
    """Take the counts from a dataset.

    Raises
    ------
    EstimateError
        Where variables are missing, or have other dims or kinds than in the register.
    """
    if not isinstance(ds, xr.Dataset):
        raise EstimateError(f"estimators take a dataset with `events` and `firms`, not {type(ds).__name__}")
    if not ds.attrs.get(PSEUDO):
        try:
            check_counts(ds)
        except FirmfateError as error:
            raise EstimateError(str(error)) from error
    weeks = ds.sizes["week"]
    firms = ds["firms"].astype(np.float64)
    if "invalid" in ds:
        firms = firms.where(ds["invalid"] == 0)
    axes = firms.dims
    events = ds["events"].transpose(*axes, "cause", "week")
    censored, entered = (ds[name].transpose(*axes, "week") if name in ds else None for name in WEEKLY)
    return Counts(events, firms, censored, entered, weeks)


def computed(ds: xr.Dataset) -> xr.Dataset:
    """Return the variables that estimates need, in memory."""
    return ds[[name for name in NEEDED if name in ds]].compute()


def observed_throughout(ds: xr.Dataset) -> bool:
    """Return whether all firms are observed from the first week on, until an event or the horizon."""
    early = "censored" in ds and bool((ds["censored"].isel(week=slice(None, -1)) > 0).any())
    return not early and not ("entered" in ds and bool((ds["entered"] > 0).any()))


def axis_of(ds: xr.Dataset, name: Any) -> Any:
    """Return an axis as the dataset names it: ``misalignment.sales`` of studies is ``misalignment_sales`` here."""
    axes, found = ds["firms"].dims, str(name).replace(".", "_")
    return found if name not in axes and found in axes else name


def by_axis(ds: xr.Dataset, given: Mapping[Any, T]) -> dict[Any, T]:
    """Return what is given of axes, by their names in the dataset.

    Raises
    ------
    EstimateError
        Where an axis is given twice, as studies and as datasets name it.
    """
    found = {axis_of(ds, axis): value for axis, value in given.items()}
    if len(found) < len(given):
        raise EstimateError(f"an axis is given twice, with '.' and with '_': {', '.join(map(str, given))}; keep one")
    return found


def position_of(labelled: xr.DataArray | xr.Dataset, dim: Hashable, label: Any) -> int:
    """Return the index of a coordinate's value (floats to 9 digits), or say which values there are."""
    if dim not in labelled.dims:
        axes = sorted(map(str, labelled.dims))
        raise EstimateError(f"there is no axis '{dim}'; the axes are {axes}{did_you_mean(str(dim), axes)}")
    values = labelled[dim].values
    if np.issubdtype(values.dtype, np.number) and isinstance(label, (int, float, np.number)):
        hits = np.flatnonzero(np.isclose(values, float(label), rtol=1e-9, atol=1e-12))
    else:
        hits = np.flatnonzero(values == label)
    if hits.size != 1:
        shown = ", ".join(str(value) for value in values[:12]) + (", .." if values.size > 12 else "")
        near = did_you_mean(str(label), map(str, values))
        raise EstimateError(f"{dim} = {label!r} is not one of its values: {shown}{near}")
    return int(hits[0])


def numbers(values: Any) -> Floats | None:
    """Return one or many numbers as an array, or None where they are something else."""
    try:
        array = np.asarray(values)
    except ValueError:  # rows of unequal lengths
        return None
    return array.astype(np.float64) if array.dtype.kind in "biuf" else None


def integers(values: Any) -> NDArray[np.int_] | None:
    """Return one or many integers of any type as an array, or None where they are something else."""
    found = numbers(values)
    if found is None or not ((np.abs(found) < LARGEST_INTEGER) & (found == np.floor(found))).all():
        return None
    return found.astype(np.int_)


def check_weeks(tau: float | None, horizon: int) -> int:
    """Return tau as an integer number of weeks within 1..horizon; None is the horizon."""
    if tau is None:
        return horizon
    return check_integer(tau, horizon, f"tau = {tau}: an integer number of weeks from 1 to the horizon, {horizon}")


def check_integer(value: Any, most: float, otherwise: str) -> int:
    """Return one integer within 1..most, or raise with the words of ``otherwise``."""
    found = integers(value)
    if found is None or found.ndim or not 1 <= found <= most:
        raise EstimateError(otherwise)
    return int(found)


def estimated(
    counts: Counts,
    estimator: Callable[..., tuple[Floats, ...]],
    *,
    dims: Sequence[str],
    coords: Mapping[str, Any],
    names: Sequence[str] = ("estimate", "se", "lower", "upper"),
    units: str,
    long_name: str,
    **options: Any,
) -> xr.Dataset:
    """Apply a core estimator to every cell and label what it returns.

    On Dask-backed counts the result is lazy and computed block of cells by block of cells; causes and weeks of a cell
    are gathered into one block.

    Parameters
    ----------
    dims, coords
        Dimensions that the estimates have behind the axes of the cells, and their coordinates.
    """
    inner = {"cause": "_cause", "week": "_week"}
    events = counts.events.drop_vars(["cause", "week"], errors="ignore").rename(inner)
    arguments = [events, counts.firms]
    inner_dims: list[Sequence[str]] = [["_cause", "_week"], []]
    weekly = {"censored": counts.censored, "entered": counts.entered}
    held = {name: counted for name, counted in weekly.items() if counted is not None}
    for counted in held.values():
        arguments.append(counted.drop_vars("week", errors="ignore").rename(week="_week"))
        inner_dims.append(["_week"])

    def on_arrays(events: Any, firms: Any, *others: Any) -> Floats | tuple[Floats, ...]:
        arrays = CellCounts(events, firms, **dict(zip(held, others, strict=True)))
        results = by_blocks(estimator, arrays, **options)
        return results if len(names) > 1 else results[0]

    sizes = {dim: len(np.atleast_1d(coords[dim])) for dim in dims}
    results = xr.apply_ufunc(
        on_arrays,
        *arguments,
        input_core_dims=inner_dims,
        output_core_dims=[list(dims)] * len(names),
        dask="parallelized",
        output_dtypes=[np.float64] * len(names),
        dask_gufunc_kwargs={"output_sizes": sizes, "allow_rechunk": True},
        keep_attrs=False,
    )
    labelled = xr.Dataset(dict(zip(names, results if len(names) > 1 else [results], strict=True)))
    labelled = labelled.assign_coords({dim: coords[dim] for dim in dims if coords[dim] is not None})
    return describe(labelled, units=units, long_name=long_name)


TESTS = {
    "statistic": "estimate over its standard error",
    "p_value": "p-value of the hypothesis that the term has no effect",
    "independent_se": "standard error if firms were independent",
    "joint_statistic": "statistic of all terms together",
    "joint_p_value": "p-value of the hypothesis that no term has an effect",
}
"""What else a table of a regression holds, all without unit."""

WORDS = {"estimate": "", "se": "standard error of the ", "lower": "lower limit of the ", "upper": "upper limit of the "}


def describe(ds: xr.Dataset, *, units: str, long_name: str, **attributes: Any) -> xr.Dataset:
    """Give estimates, their errors and tests units and long names, and the dataset further attributes."""
    for name, words in WORDS.items():
        if name in ds:
            ds[name].attrs = {"units": units, "long_name": words + long_name}
    for name, words in TESTS.items():
        if name in ds:
            ds[name].attrs = {"units": "1", "long_name": words}
    if "term" in ds.coords:
        ds["term"].attrs = {"units": "1", "long_name": "term of the formula"}
    if "week" in ds.coords:
        ds["week"].attrs = {"units": "week", "long_name": "week of life"}
    ds.attrs.update(attributes)
    return ds


def weeks_from_zero(counts: Counts) -> NDArray[np.int_]:
    """Return the coordinate of a curve: weeks 0..H."""
    return np.arange(counts.weeks + 1)


def causes_of(counts: Counts) -> Any:
    """Return the causes' names, or their numbers where they have none."""
    return counts.events["cause"].values
