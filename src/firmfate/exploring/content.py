"""What the page is given of a run: its axes, and counts from which it makes all estimates."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.analysis.cell_labels import axes_of, labelled
from firmfate.analysis.formatting import format_short, format_value, spaced
from firmfate.analysis.poles import EXECUTION, MISALIGNMENT, poles
from firmfate.analysis.strata_axes import STRATUM, unfolded
from firmfate.counts import BIN_WEEKS, DRAWN_FROM, WEEKS_PER_YEAR
from firmfate.exploring import alarms
from firmfate.exploring.batches import horizons_of
from firmfate.exploring.packing import packed, packed_texts
from firmfate.survival.batches import FEWEST_BATCHES
from firmfate.survival.core.limits import student_quantile

MOST_CELLS = 5_000
"""Cells that a page explores."""
MOST_PACKED = 300_000
"""Characters of counts in a page; counts of batches beyond it are left out, and with them differences."""
CURVE_VALUES = 250_000
"""Counts of which curves consist, in all cells, causes and points of time."""
LEVEL = 0.95

ENDED = "batch_ended"
"""Name of `firmfate.exploring.batches.ended_by_batch` in a dataset of counts."""


def content(ds: xr.Dataset) -> dict[str, Any] | None:
    """Return what the page is given of a run, as JSON has it.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts in memory, the axes of the study among their coordinates; with `ENDED` if differences are wanted.

    Returns
    -------
    dict or None
        None where there is nothing to explore: one cell alone, or more than `MOST_CELLS`.
    """
    strata = ds.sizes.get(STRATUM, 1)
    ds = unfolded(labelled(ds))
    dims = [str(dim) for dim in ds["firms"].dims]
    cells = int(ds["firms"].size)
    if not 1 < cells <= MOST_CELLS:
        return None
    counted = horizons_of(ds)
    valid = (ds["invalid"] == 0) if "invalid" in ds else xr.ones_like(ds["firms"], bool)
    firms = ds["firms"].where(valid, 0).values.ravel().astype(np.int64)
    events = ds["events"].transpose(*dims, "cause", "week").values.reshape(cells, ds.sizes["cause"], -1)
    horizons = sorted({*counted, *range(WEEKS_PER_YEAR, ds.sizes["week"], WEEKS_PER_YEAR)})
    curve = _points(ds.sizes["week"], cells * ds.sizes["cause"], horizons)
    sums = _lifetimes(events, firms, horizons)
    every = _packed_all(sums)
    few = _packed_all({name: one[:, np.isin(horizons, counted)] for name, one in sums.items()})
    counts = {
        "firms": packed(firms), "events": packed(np.add.reduceat(events, [0, *curve[:-1]], axis=-1, dtype=np.int64)),
    }  # fmt: skip
    counts |= _of_batches(ds, dims, cells, room=MOST_PACKED - _size(counts | few))
    counts, horizons = (counts | every, horizons) if _size(counts | every) <= MOST_PACKED else (counts | few, counted)
    used = int(((ds["batch_firms"] > 0).any(dims)).sum()) if "batch_firms" in ds else 0
    at = poles(ds)
    return {
        "grid": len(dims) > 1,
        "axes": [_axis(ds, dim) for dim in dims] if len(dims) > 1 else _columns(ds, dims[0]),
        "draws": _draws(ds),
        "strata": strata,
        "smallest": int(min(firms[firms > 0], default=0)),
        "largest": int(firms.max()),
        "names": [] if len(dims) > 1 else _names(ds, dims[0]),
        "causes": [str(cause).replace("_", " ") for cause in ds["cause"].values],
        "horizons": horizons,
        "counted": counted,
        "curve": curve,
        "stepsPerWeek": float(ds.attrs.get("steps_per_week", 1)),
        "common": bool(int(ds.attrs.get("common_random_numbers", 0))),
        "batches": used if used >= FEWEST_BATCHES else 0,
        "quantile": student_quantile(LEVEL, max(used, 2) - 1),
        "quantileOfTwo": student_quantile(LEVEL, 2 * (max(used, 2) - 1)),
        "poles": None if at is None else {
            "execution": dims.index(EXECUTION), "misalignment": dims.index(MISALIGNMENT),
            "weak": ds[EXECUTION].values.tolist().index(at.weak),
            "strong": ds[EXECUTION].values.tolist().index(at.strong),
        },
        "counts": counts,
        "alarms": packed_texts(alarms.rows(ds)),
    }  # fmt: skip


def _points(weeks: int, rows: int, horizons: list[int]) -> list[int]:
    """Return the weeks at which curves have points, as many as there is room for; horizons are among them."""
    every = BIN_WEEKS
    while rows * weeks / every > CURVE_VALUES and every < weeks:
        every *= 2
    return sorted({*range(every, weeks, every), *horizons, weeks})


def _lifetimes(events: NDArray[Any], firms: NDArray[np.int64], horizons: list[int]) -> dict[str, NDArray[np.int64]]:
    """Return the sums over firms of min(lifetime, horizon) in weeks and of its square, (cells, horizon)."""
    ended = events.sum(axis=1, dtype=np.int64)
    alive = firms - ended.sum(axis=-1)
    weeks = np.arange(1, ended.shape[-1] + 1, dtype=np.int64)
    until = np.minimum(weeks, np.array(horizons)[:, None])
    lived, squares = (ended @ (until**power).T + alive[:, None] * np.array(horizons) ** power for power in (1, 2))
    held = (firms > 0)[:, None]
    return {"lived": lived * held, "squares": squares * held}


def _packed_all(arrays: dict[str, NDArray[np.int64]]) -> dict[str, dict[str, Any]]:
    return {name: packed(values) for name, values in arrays.items()}


def _size(counts: dict[str, dict[str, Any]]) -> int:
    return sum(len(one["data"]) for one in counts.values())


def _of_batches(ds: xr.Dataset, dims: list[str], cells: int, room: int) -> dict[str, Any]:
    """Return counts by batch as far as there is room: lifetimes first, then events."""
    if ENDED not in ds:
        return {}

    def parts() -> Iterator[tuple[str, dict[str, Any]]]:
        horizon = {"horizon": horizons_of(ds)}
        lifetime = ds["batch_lifetime"].sel(horizon)
        yield "batchFirms", packed(ds["batch_firms"].transpose(*dims, "batch").values.reshape(cells, -1))
        yield "batchLived", packed(_flat(lifetime.transpose(*dims, "batch", "horizon").values, len(dims)))
        yield "batchEnded", packed(_flat(ds[ENDED].transpose(*dims, "batch", "cause", "horizon").values, len(dims)))

    found: dict[str, Any] = {}
    for name, part in parts():
        room -= len(part["data"])
        if room < 0:
            break
        found[name] = part
    return found if "batchLived" in found else {}


def _flat(values: NDArray[Any], axes: int) -> NDArray[Any]:
    return values.reshape(-1, *values.shape[axes:])


def _axis(ds: xr.Dataset, dim: str) -> dict[str, Any]:
    """Return one axis of a grid: its values in words, and as numbers where they are."""
    values = ds[dim].values if dim in ds.coords else np.arange(ds.sizes[dim])
    numbers = np.issubdtype(values.dtype, np.number)
    texts = [format_value(float(value)) if numbers else str(value) for value in values]
    return {
        "name": spaced(dim), "meaning": _meaning(ds, dim), "texts": texts,
        "numbers": [float(value) for value in values] if numbers else None,
    }  # fmt: skip


def _meaning(ds: xr.Dataset, name: str) -> str:
    """Return what an axis means, as the model's table of parameters has it."""
    return str(ds[name].attrs.get("long_name", "")) if name in ds.coords else ""


def _columns(ds: xr.Dataset, dim: str) -> list[dict[str, Any]]:
    """Return what differs between cells along one dim, as columns with a value for every cell; what is drawn last."""
    if dim != "cell":
        return [_axis(ds, dim)]
    axes = sorted(_along_cells(ds), key=lambda name: DRAWN_FROM in ds[name].attrs)
    named = {name: ds[name].values for name in axes}
    return [
        {
            "name": spaced(name),
            "meaning": _meaning(ds, name),
            "texts": [format_short(float(value), 4) for value in values],
            "numbers": values.tolist(),
        }
        for name, values in named.items()
    ]


def _along_cells(ds: xr.Dataset) -> list[str]:
    return [name for name in axes_of(ds) if ds[name].dims == ("cell",)]


def _draws(ds: xr.Dataset) -> dict[str, Any] | None:
    """Return of a study with draws of a posterior how many there are, and what of; of others None."""
    along = _along_cells(ds)
    drawn = [name for name in along if DRAWN_FROM in ds[name].attrs]
    if not drawn:
        return None
    crossed = [name for name in along if name not in drawn]
    each = math.prod(np.unique(ds[name].values).size for name in crossed)
    return {
        "count": ds.sizes["cell"] // each,
        "drawn": [spaced(name) for name in drawn],
        "crossed": [spaced(name) for name in crossed],
    }


def _names(ds: xr.Dataset, dim: str) -> list[str]:
    """Return the names of cells that have some; otherwise their numbers."""
    values = ds[dim].values if dim in ds.coords else np.arange(ds.sizes[dim])
    if np.issubdtype(values.dtype, np.number):
        return [f"cell {place}" for place in range(len(values))]
    return [str(value) for value in values]
