"""Simulating many firms without a study."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from firmfate.counts import INVALID, attributes, firm_variables, flags_of_cause
from firmfate.design.cells import random_keys, random_words
from firmfate.devices import engine_on, firms_a_call
from firmfate.errors import FirmfateError, InvalidFirmsWarning, check_int, is_finite
from firmfate.kernel.engine import Records, Varying
from firmfate.machine import cores
from firmfate.models import load_model
from firmfate.models.model import Model
from firmfate.progress import Progress, shows_bars
from firmfate.simulation.given_values import given_parameters, some, values_of

if TYPE_CHECKING:
    import xarray as xr

    from firmfate.devices.choosing import AnyEngine

PIECE = 16_384
"""Firms in one task of a thread that steps them on the processor."""


def simulate(
    model: str | Model,
    *,
    execution: ArrayLike | None = None,
    misalignment: ArrayLike | None = None,
    parameters: Mapping[str, ArrayLike] | None = None,
    weeks: int = 1040,
    steps_per_week: float | None = None,
    seed: int = 0,
    replicates: int | range = 10_000,
    common_random_numbers: bool = True,
    threads: int | None = None,
    device: str = "cpu",
    progress: bool | None = None,
) -> xr.Dataset:
    """Simulate many firms and return what is recorded of each.

    Parameters
    ----------
    model : str or Model
        ``"firm"``, ``"car"``, ``"my_model.py:NAME"``, or a model.
    execution, misalignment : scalar, (cells,), (cells, parts) or (cells, replicates, parts) array
        A share. Parts are the divisions in the order sales, production, quality, finance, logistics; an array of one
        dimension is always cells. The model's default where not given.
    parameters : mapping
        Any parameter -> a scalar, (cells,) or (cells, replicates) array; ``"misalignment.sales"`` names one division's.
        Of values firm by firm, a length of 1 stands for all cells, or for all parts.
    weeks : int
        Horizon.
    steps_per_week : float, optional
        An integer, or 1/k for steps of k weeks; the model's own where not given (`firm` 1, `car` 1/13).
    seed : int
        0 .. 2**64 - 1.
    replicates : int or range
        Firms a cell, or which ones.
    common_random_numbers : bool
        Whether firm i of every cell meets the same shocks. If not, shocks follow the values of a cell, not of a firm.
    threads : int, optional
        All cores where not given. Results do not depend on it.
    device : str
        ``"cpu"``, or ``"cuda"`` for an NVIDIA GPU. Results do not depend on it.
    progress : bool, optional
        True: show on standard error how it goes on, by a bar on a terminal and in a notebook, by a line every 30
        seconds elsewhere. False: show nothing. Where not given, a bar, and nothing elsewhere. A bar comes after a
        second.

    Returns
    -------
    xarray.Dataset
        Over (cell, replicate): ``event_week`` (weeks; the horizon where censored, NaN where the arithmetic has failed),
        ``cause`` (0 = censored, 1.. = causes, 255 = the arithmetic has failed; the names are in its attributes),
        ``alarm_week`` (weeks; 0 = never) and the model's marks (``green_kpis``). What was given in the call are
        coordinates; the estimators of `firmfate.survival` take the dataset as it is.

    Warns
    -----
    InvalidFirmsWarning
        Where the arithmetic of some firms has failed.

    Raises
    ------
    FirmfateError
        Where a parameter is unknown, out of range, or arrays differ in length; where the model's step returned a mark
        beyond its maximum.
    DeviceError
        Where the device cannot be used here.

    Examples
    --------
    >>> import firmfate, numpy as np
    >>> firms = firmfate.simulate("firm", execution=[0.1, 0.9], misalignment=1.0, replicates=200, weeks=520)
    >>> mean = firms.event_week.mean("replicate")
    >>> bool(mean[0] > mean[1])
    True

    Every firm its own execution, in two cells:

    >>> own = np.linspace(0, 1, 200).reshape(1, 200, 1)  # (all cells, replicates, all divisions)
    >>> firms = firmfate.simulate("firm", execution=own, misalignment=[0.0, 1.0], replicates=200, weeks=520)
    >>> years = firms.event_week.values.reshape(2, 2, 100).mean(axis=2) / 52
    >>> years.round(1)  # aligned and misaligned x the weaker and the stronger half
    array([[9.4, 9.8],
           [7.6, 5. ]], dtype=float32)
    """
    model = load_model(model)
    steps_per_week = model.steps_per_week if steps_per_week is None else steps_per_week
    steps, dt = horizon(weeks, steps_per_week)
    wanted = replicates if isinstance(replicates, range) else range(check_int("replicates", replicates, least=1))
    workers = cores() if threads is None else check_int("threads", threads, least=1)
    if len(wanted) < 1 or wanted.step != 1 or wanted.start < 0:
        raise FirmfateError(
            f"replicates = {replicates!r}; allowed: a number from 1, or a range of step 1 from 0 or later"
        )
    given = given_parameters(model, execution, misalignment, parameters or {})
    table, varying = values_of(model, given, dt, firms=len(wanted))
    seed = check_int("seed", seed, most=2**64 - 1)
    keys = random_keys(seed, model, table, common=common_random_numbers)
    words = random_words(keys, common=common_random_numbers)
    engine = engine_on(device, model, dt=dt)
    engine.warm_up()
    shown = shows_bars() if progress is None else progress
    with Progress(len(table) * len(wanted), 0, shown=shown, brief=True) as bar:
        most = firms_a_call(device, PIECE)
        records = _in_threads(engine, table, seed, words, varying, wanted, steps, workers, most, bar)
    ds = _labelled(model, records, wanted, dt)
    ds = ds.assign_coords(_coordinates(model, given, len(table), len(wanted)))
    ds.attrs = {"model": model.name, "weeks": weeks, "steps_per_week": float(steps_per_week), "seed": str(seed)}
    _warn_of_invalid(ds, model)
    return ds


def _labelled(model: Model, records: Records, wanted: range, dt: float) -> xr.Dataset:
    """Return what is recorded of firms as a dataset, with units and meanings."""
    import xarray as xr

    valid = records.cause != INVALID
    variables = {
        "event_week": np.where(valid, records.event_step * np.float64(dt), np.nan),
        "cause": records.cause,
        "alarm_week": np.where(valid, records.alarm_step * np.float64(dt), np.nan),
        **{mark.name: values for mark, values in zip(model.marks, records.marks, strict=True)},
    }
    ds = xr.Dataset(coords={"replicate": np.arange(wanted.start, wanted.stop)})
    register = firm_variables(model)
    for name, values in variables.items():
        ds[name] = (("cell", "replicate"), values.astype(register[name].dtype), attributes(name, register))
    ds["cause"].attrs |= flags_of_cause(model)
    return ds


def _coordinates(
    model: Model, given: Mapping[str, NDArray[np.float64]], cells: int, firms: int
) -> dict[str, tuple[tuple[str, ...], NDArray[np.float64], dict[str, str]]]:
    """Return what was given in the call as coordinates: of all firms, by cell, or by firm."""
    coordinates = {}
    for key, values in given.items():
        row, names = model.parameter(key), model.keys[key]
        attributes = {"units": row.unit, "long_name": row.meaning, "parameter": key}
        parts = values.ndim > 1 and len(names) > 1 and values.shape[-1] == len(names)
        columns = np.moveaxis(values, -1, 0) if parts else [values[..., 0] if values.ndim == 3 else values]
        for name, column in zip(names if parts else [key.replace(".", "_")], columns, strict=True):
            if column.ndim == 2 and column.shape[1] == 1:
                column = column[:, 0]
            column = np.broadcast_to(column, (cells, *column.shape[1:])) if column.ndim else column
            dims = ("cell", "replicate")[: column.ndim]
            coordinates[name] = (dims, np.array(column), attributes)
    return coordinates


def _warn_of_invalid(ds: xr.Dataset, model: Model) -> None:
    """Warn of firms whose arithmetic has failed, and name the call that shows the first."""
    invalid = ds["cause"].values == INVALID
    if invalid.any():
        cell, place = (int(found[0]) for found in np.nonzero(invalid))
        replicate = int(ds["replicate"].values[place])
        warnings.warn(
            f"the arithmetic of {int(invalid.sum()):,} of {invalid.size:,} firms has failed; their event_week is NaN. "
            f"The first is replicate {replicate} of cell {cell}: simulate_path('{model.name}', ..., "
            f"replicate={replicate}) shows how",
            InvalidFirmsWarning,
            stacklevel=3,
        )


def _in_threads(
    engine: AnyEngine,
    table: NDArray[np.float64],
    key: int,
    cells: NDArray[np.uint64],
    varying: Varying | None,
    wanted: range,
    steps: int,
    threads: int,
    most: int,
    shown: Progress,
) -> Records:
    shape = (len(table), len(wanted))
    out = Records.empty(engine.model, *shape)
    share = math.ceil(out.cause.size / (4 * threads))
    firms_each = max(1, min(most, share))
    cells_each = max(1, firms_each // len(wanted))
    replicates_each = max(1, min(len(wanted), firms_each))

    def piece(cell: int, first: int) -> tuple[int, int]:
        block = slice(cell, cell + cells_each)
        count = min(replicates_each, len(wanted) - first)
        part = engine.run(
            table[block], key=key, cells=cells[block], first=wanted.start + first, replicates=count, steps=steps,
            varying=None if varying is None else some(varying, block, slice(first, first + count)),
        )  # fmt: skip
        for name in Records._fields:
            getattr(out, name)[..., block, first : first + count] = getattr(part, name)
        return part.cause.size, int(part.event_step.sum(dtype=np.int64))

    pieces = [(cell, first) for cell in range(0, shape[0], cells_each) for first in range(0, shape[1], replicates_each)]
    if threads == 1 or len(pieces) == 1:
        for cell, first in pieces:
            shown.advance(*piece(cell, first))
    else:
        with ThreadPoolExecutor(threads) as pool:
            for done in pool.map(lambda place: piece(*place), pieces):
                shown.advance(*done)
    return out


def horizon(weeks: float, steps_per_week: float) -> tuple[int, float]:
    """Return (steps in the horizon, weeks in a step); refuse what is no integer number of steps."""
    valid = all(is_finite(x) and x > 0 for x in (weeks, steps_per_week))
    if not valid or min(abs(x - round(x)) for x in (steps_per_week, 1 / steps_per_week)) >= 1e-9:
        raise FirmfateError(
            f"steps_per_week = {steps_per_week!r}, weeks = {weeks!r}; allowed: an integer or 1/k, and weeks above 0"
        )
    steps = round(weeks * steps_per_week)
    if steps < 1 or abs(steps - weeks * steps_per_week) > 1e-6:
        step = f"1/{steps_per_week:g}" if steps_per_week > 1 else f"{1 / steps_per_week:g}"
        raise FirmfateError(
            f"weeks = {weeks} is no integer number of steps at steps_per_week = {steps_per_week:g}; allowed: "
            f"multiples of {step}"
        )
    return steps, 1.0 / steps_per_week
