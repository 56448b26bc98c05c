"""One firm in full: every stock, random number and auxiliary of every step, in plain Python and to the engine's
bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from firmfate.counts import INVALID, outcomes
from firmfate.errors import FirmfateError, check_int, is_finite
from firmfate.kernel.engine import refuse_mark
from firmfate.models import load_model
from firmfate.models.declarations import Column
from firmfate.models.model import Model
from firmfate.program import interpreter
from firmfate.program.random_numbers import NORMAL
from firmfate.program.tracing import fields
from firmfate.simulation.given_values import parameter_table
from firmfate.simulation.many_firms import horizon

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]


def random_numbers(
    model: Model, *, key: int, replicate: int, steps: int, cell: int = 0
) -> tuple[dict[str, float], Floats]:
    """Return the random numbers of a firm.

    Parameters
    ----------
    model : Model
    key, replicate : int
        64 bits.
    steps : int
    cell : int
        What distinguishes the random numbers of cells; 0 where they are common.

    Returns
    -------
    (dict, (steps, shocks) array)
        Named draws, and the shocks of every step.
    """
    words = {"run.key": key, "cell": cell, "replicate": replicate}
    given: dict[str, Any] = {f"{name}.low": word & 0xFFFFFFFF for name, word in words.items()}
    given |= {f"{name}.high": word >> 32 for name, word in words.items()} | {"time.step": np.arange(float(steps))}
    found = interpreter.run(model.randomness, given) if model.randomness.outputs else {}
    draws = {name: float(found[f"draw.{name}"][0]) for name in fields(model.signature.draws)}
    shocks = [found[f"shock.{name}"] for name in fields(model.signature.shocks)]
    return draws, np.stack(shocks, axis=-1) if shocks else np.empty((steps, 0))


def simulate_path(
    model: str | Model,
    *,
    execution: ArrayLike | None = None,
    misalignment: ArrayLike | None = None,
    parameters: Mapping[str, float] | None = None,
    weeks: int = 1040,
    steps_per_week: float | None = None,
    shocks: ArrayLike | None = None,
    firm_shocks: Mapping[str, float] | None = None,
    seed: int = 0,
    replicate: int = 0,
) -> xr.Dataset:
    """Simulate one firm in full.

    Parameters
    ----------
    model : str or Model
    execution, misalignment : scalar or (parts,) array
        A share; one value a division in the order sales, production, quality, finance, logistics.
    parameters : mapping
        Any parameter -> a number.
    weeks : int
        Horizon.
    steps_per_week : float, optional
        An integer, or 1/k for steps of k weeks; the model's own where not given.
    shocks : (steps, shocks) array, optional
        Random numbers of every step, in place of those of `seed` and `replicate`.
    firm_shocks : mapping, optional
        Named random numbers of the firm, likewise; those not given come from seed and replicate.
    seed, replicate : int
        0 .. 2**64 - 1.

    Returns
    -------
    xarray.Dataset
        Over ``step``: stocks at the start of every step, random numbers (``eps_...``) and auxiliaries. ``attrs`` hold
        ``event_week``, ``cause``, ``alarm_week`` and the marks. A firm whose arithmetic has failed has the
        ``cause`` "invalid" and the ``event_week`` NaN.

    Raises
    ------
    FirmfateError
        Where a parameter is unknown or out of range, or shocks have another shape.

    Examples
    --------
    >>> import firmfate
    >>> path = firmfate.simulate_path("firm", execution=1.0, misalignment=1.0, seed=1)
    >>> path.attrs["cause"], path.sizes["step"] == path.attrs["event_week"]
    ('customer_collapse', True)
    """
    model = load_model(model)
    steps_per_week = model.steps_per_week if steps_per_week is None else steps_per_week
    steps, dt = horizon(weeks, steps_per_week)
    row = parameter_table(model, _one_cell(execution), _one_cell(misalignment), parameters or {}, dt)
    if len(row) != 1:
        raise FirmfateError("simulate_path is of one firm: each parameter is a single number (or one a division)")
    seed, replicate = check_int("seed", seed, most=2**64 - 1), check_int("replicate", replicate, most=2**64 - 1)
    draws, table = random_numbers(model, key=seed, replicate=replicate, steps=steps)
    draws |= _given_draws(model, firm_shocks or {})
    if shocks is not None:
        table = _given_shocks(model, shocks, steps)
    path, record = _simulated(model, row[0], dt, draws, table)
    return trajectory_dataset(model, row[0], dt, draws=draws, stocks=path, shocks=table[: len(path)], record=record)


def _simulated(
    model: Model, row: Floats, dt: float, draws: Mapping[str, float], shocks: Floats
) -> tuple[Floats, dict[str, Any]]:
    """Return the stocks of every step, and the record of a firm."""
    functions = model.in_python
    given = dict(zip((f"p.{name}" for name in fields(model.signature.parameters)), row.tolist(), strict=True))
    stocks, fixed = functions.begin({**given, "run.dt": dt, **{f"draw.{name}": x for name, x in draws.items()}})
    path = []
    record: dict[str, Any] = {"event_step": len(shocks), "cause": 0, "alarm_step": 0, "marks": (0,) * len(model.marks)}
    for step, numbers in enumerate(shocks.tolist()):
        path.append(stocks)
        stocks, cause, alarm, marks = functions.step(stocks, numbers, float(step), fixed)
        if alarm and not record["alarm_step"]:
            record["alarm_step"], record["marks"] = step + 1, marks
        if cause:
            record["event_step"], record["cause"] = step + 1, int(cause)
            break
    if not np.isfinite(stocks).all():
        record["cause"] = INVALID
    else:
        for mark, value in zip(model.marks, record["marks"], strict=True):
            if not (0 <= value <= mark.maximum and value == int(value)):
                refuse_mark(model, mark.name, value, mark.maximum)
    return np.array(path, np.float64), record


def _one_cell(values: ArrayLike | None) -> ArrayLike | None:
    """Return values a division as those of one cell, (1, parts); a scalar as it is."""
    return np.atleast_2d(np.asarray(values)) if values is not None and np.ndim(values) else values


def _given_shocks(model: Model, shocks: ArrayLike, steps: int) -> Floats:
    names = fields(model.signature.shocks)
    try:
        table = np.asarray(shocks, np.float64)
    except (TypeError, ValueError):
        raise FirmfateError(f"shocks = {shocks!r}; allowed: an array of numbers, (steps, shocks)") from None
    if table.ndim != 2 or table.shape[1] != len(names) or len(table) < steps:
        raise FirmfateError(f"shocks has shape {table.shape}; expected ({steps}, {len(names)}): {', '.join(names)}")
    return table[:steps]


def _given_draws(model: Model, given: Mapping[str, float]) -> dict[str, float]:
    names, kinds = fields(model.signature.draws), model.signature.draw_kinds
    for name, value in given.items():
        if name not in names:
            raise FirmfateError(
                f"firm_shocks: '{name}' is not drawn by the model '{model.name}'; allowed: {', '.join(names)}"
            )
        kind = kinds[names.index(name)]
        inside = is_finite(value) and (kind == NORMAL or (value > 0 and (kind != "uniform" or value < 1)))
        if not inside:
            raise FirmfateError(
                f"firm_shocks: {name} = {value!r}; allowed: a finite number, above 0 unless normal, below 1 if uniform"
            )
    return {name: float(value) for name, value in given.items()}


def trajectory_dataset(
    model: Model, row: Floats, dt: float, *, draws: Mapping[str, float], stocks: Floats, shocks: Floats,
    record: Mapping[str, Any],
) -> xr.Dataset:  # fmt: skip
    """Return one firm as a dataset: stocks at the start of every step, shocks, and the auxiliaries of the model.

    Parameters
    ----------
    model : Model
    row : (fields,) array
    dt : float
        Step in weeks.
    draws : mapping
    stocks : (steps, stocks) array
    shocks : (steps, shocks) array
    record : mapping
        ``event_step``, ``cause`` (0 = censored), ``alarm_step`` and ``marks``.
    """
    import xarray as xr

    steps = np.arange(len(stocks))
    table: dict[str, tuple[Column, Floats]] = {}
    for column, name, values in _columns(model.shocks, shocks.T):
        table[f"eps_{name}"] = (Column(f"eps_{name}", "1", column.meaning or f"random number: {name}"), values)
    for column, name, values in _columns(model.stocks, stocks.T):
        table[name] = (column, values)
    if model.observe is not None:
        given: dict[str, Any] = dict(zip((f"p.{n}" for n in fields(model.signature.parameters)), row, strict=True))
        given |= {f"draw.{name}": value for name, value in draws.items()}
        given |= {"run.dt": dt, "time.step": steps.astype(float)}
        given |= dict(zip((f"shock.{n}" for n in fields(model.signature.shocks)), shocks.T, strict=True))
        given |= dict(zip((f"stock.{n}" for n in fields(model.signature.stocks)), stocks.T, strict=True))
        seen = interpreter.run(model.observed, given)
        for column, name, values in _columns(model.auxiliaries, seen.values()):
            table[name] = (column, values)
    ds = xr.Dataset(
        {
            name: ("step", values, {"units": column.unit, "long_name": column.meaning or name.replace("_", " ")})
            for name, (column, values) in table.items()
        },
        coords={
            "step": steps,
            "week": ("step", steps * dt, {"units": "week", "long_name": "time at the start of the step"}),
        },
    )
    end = int(record["cause"])
    ds.attrs = {
        "model": model.name,
        "event_week": record["event_step"] * dt if end != INVALID else np.nan,
        "cause": outcomes(model)[-1 if end == INVALID else end],
        "alarm_week": record["alarm_step"] * dt,
        **{mark.name: int(value) for mark, value in zip(model.marks, record["marks"], strict=True)},
    }
    return ds


def _columns(columns: Any, arrays: Any) -> Any:
    """Yield every single number of some columns: the column, its own name, and its array."""
    waiting = iter(arrays)
    for column in columns:
        for name in column.fields:
            yield column, name, next(waiting)
