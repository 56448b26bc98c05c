"""Simulating without a study: many firms at once by the engine, or one life in full by the plain-Python reading of a
model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from firmfate.counts import FIRMS
from firmfate.errors import FirmfateError, is_finite, whole
from firmfate.kernel.engine import INVALID, Engine, Records, Varying, refuse_cause, refuse_mark
from firmfate.machine import cores
from firmfate.models import load_model
from firmfate.models.model import NORMAL, Column, Model, columns
from firmfate.randomness import BIRTH, SHOCKS, counters, philox, split_key
from firmfate.values import cell_keys, parameter_table, some, values_of

if TYPE_CHECKING:
    import xarray as xr

PIECE = 16_384
"""Firms in one task of a thread."""


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
        A whole number, or 1/k for steps of k weeks; the model's own where not given (`firm` 1, `car` 1/13).
    seed : int
        0 .. 2**64 - 1.
    replicates : int or range
        Firms a cell, or which ones.
    common_random_numbers : bool
        Whether firm i of every cell meets the same shocks. If not, shocks follow the values of a cell, not of a firm.
    threads : int, optional
        All cores where not given. Results do not depend on it.

    Returns
    -------
    xarray.Dataset
        ``event_week`` (weeks; the horizon where censored), ``end`` (0 = censored, 1.. = causes, 255 = arithmetic
        failed), ``alarm_week`` (weeks; 0 = never) and the model's marks (``green_kpis``), over (cell, replicate).

    Raises
    ------
    FirmfateError
        Where a parameter is unknown, out of range, or arrays differ in length; where the model's step returned a cause
        or a mark that the model does not name.

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
    array([[8.8, 9.7],
           [7. , 4.7]], dtype=float32)
    """
    import xarray as xr

    model = load_model(model)
    steps_per_week = model.steps_per_week if steps_per_week is None else steps_per_week
    steps, dt = horizon(weeks, steps_per_week)
    wanted = replicates if isinstance(replicates, range) else range(whole("replicates", replicates, least=1))
    workers = cores() if threads is None else whole("threads", threads, least=1)
    if len(wanted) < 1 or wanted.step != 1 or wanted.start < 0:
        raise FirmfateError(
            f"replicates = {replicates!r}; allowed: a number from 1, or a range of step 1 from 0 or later"
        )
    table, varying = values_of(model, execution, misalignment, parameters or {}, dt, firms=len(wanted))
    keys = cell_keys(model, table, seed, common_random_numbers)
    engine = Engine(model)
    engine.warm_up()
    records = _in_threads(engine, table, keys, varying, wanted, steps, dt, workers)

    variables = {
        "event_week": records.event_step * np.float64(dt),
        "end": records.end,
        "alarm_week": records.alarm_step * np.float64(dt),
        **{mark.name: values for mark, values in zip(model.marks, records.marks, strict=True)},
    }
    ds = xr.Dataset(coords={"replicate": np.arange(wanted.start, wanted.stop)})
    for name, values in variables.items():
        entry = FIRMS.get(name)
        mark = next((mark for mark in model.marks if mark.name == name), None)
        attributes = {
            "units": entry.units if entry else "1",
            "long_name": entry.long_name if entry else (mark.meaning if mark else ""),
        }
        ds[name] = (("cell", "replicate"), values.astype(entry.dtype if entry else "u1"), attributes)
    ds.attrs = {
        "model": model.name, "weeks": weeks, "steps_per_week": float(steps_per_week), "seed": str(seed),
        "causes": ", ".join(cause.name for cause in model.causes),
    }  # fmt: skip
    return ds


def _in_threads(
    engine: Engine,
    table: NDArray[np.float64],
    keys: NDArray[np.uint64],
    varying: Varying | None,
    wanted: range,
    steps: int,
    dt: float,
    threads: int,
) -> Records:
    shape = (len(table), len(wanted))
    out = Records.empty(engine.model, *shape)
    share = math.ceil(out.end.size / (4 * threads))
    firms_each = max(1, min(PIECE, share))
    cells_each = max(1, firms_each // len(wanted))
    replicates_each = max(1, min(len(wanted), firms_each))

    def piece(cell: int, first: int) -> None:
        block = slice(cell, cell + cells_each)
        count = min(replicates_each, len(wanted) - first)
        part = engine.run(
            table[block], keys[block], first=wanted.start + first, replicates=count, steps=steps, dt=dt,
            varying=None if varying is None else some(varying, block, slice(first, first + count)),
        )  # fmt: skip
        for name in Records._fields:
            getattr(out, name)[..., block, first : first + count] = getattr(part, name)

    pieces = [(cell, first) for cell in range(0, shape[0], cells_each) for first in range(0, shape[1], replicates_each)]
    if threads == 1 or len(pieces) == 1:
        for cell, first in pieces:
            piece(cell, first)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda place: piece(*place), pieces))
    return out


def horizon(weeks: float, steps_per_week: float) -> tuple[int, float]:
    """Return (steps in the horizon, weeks in a step); refuse what is no whole number of steps."""
    valid = all(is_finite(x) and x > 0 for x in (weeks, steps_per_week))
    if not valid or min(abs(x - round(x)) for x in (steps_per_week, 1 / steps_per_week)) >= 1e-9:
        raise FirmfateError(
            f"steps_per_week = {steps_per_week!r}, weeks = {weeks!r}; allowed: a whole number or 1/k, and weeks above 0"
        )
    steps = round(weeks * steps_per_week)
    if steps < 1 or abs(steps - weeks * steps_per_week) > 1e-6:
        raise FirmfateError(f"weeks = {weeks} is no whole number of steps at steps_per_week = {steps_per_week:g}")
    return steps, 1.0 / steps_per_week


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
    """Live one life in full, in plain Python: the reading of a model that the compiled engine is held against.

    Parameters
    ----------
    model : str or Model
    execution, misalignment : scalar or (parts,) array
        A share; one value a division in the order sales, production, quality, finance, logistics.
    parameters : mapping
        Any parameter -> a number.
    weeks, steps_per_week, seed
        As in `simulate`.
    shocks : (steps, shocks) array, optional
        The random numbers of every step, in place of those of `seed` and `replicate`.
    firm_shocks : mapping, optional
        The once-a-firm draws by name (`firm`: ``buffer``, ``margin`` normal, ``exit`` uniform on (0, 1)), in place of
        those of `seed` and `replicate`.
    replicate : int
        Which firm.

    Returns
    -------
    xarray.Dataset
        Over ``step`` (0 = birth): the stocks at the start of the step, except that the two shock stocks are those
        after the step's draw; the shocks (``eps_demand``, ...); the auxiliaries of the step. Attributes
        ``event_week``, ``end``, ``alarm_week`` and the marks (``green_kpis``).

    Raises
    ------
    FirmfateError
        Where a parameter is unknown or out of range, or shocks have another shape.

    Examples
    --------
    >>> import firmfate
    >>> life = firmfate.simulate_path("firm", execution=1.0, misalignment=1.0, weeks=520, seed=1)
    >>> life.attrs["end"] > 0, "lead_time" in life
    (True, True)
    """
    model = load_model(model)
    steps_per_week = model.steps_per_week if steps_per_week is None else steps_per_week
    steps, dt = horizon(weeks, steps_per_week)
    row = parameter_table(model, _one_cell(execution), _one_cell(misalignment), parameters or {}, dt)
    if len(row) != 1:
        raise FirmfateError("simulate_path lives one life: every parameter is a single number (or one a division)")
    seed, replicate = whole("seed", seed, most=2**64 - 1), whole("replicate", replicate, most=2**64 - 1)
    table = random_numbers(model, shocks, seed, replicate, steps)
    draws = firm_draws(model, firm_shocks, seed, replicate)
    constants = model.settle(model.Parameters(*row[0].tolist()), dt)
    stocks, traits = model.start(constants, draws)
    path: list[Any] = []
    record: dict[str, Any] = {"event_step": steps, "end": 0, "alarm_step": 0, "marks": (0,) * len(model.marks)}
    for step in range(steps):
        path.append(stocks)
        stocks, cause, alarm, marks = model.step(
            stocks, model.shocks(*table[step].tolist()), constants, traits, step * dt
        )
        if alarm and not record["alarm_step"]:
            record["alarm_step"], record["marks"] = step + 1, marks
        if cause:
            record["event_step"], record["end"] = step + 1, cause
            break
    if not all(math.isfinite(value) for value in stocks):
        record["end"] = INVALID
    elif record["end"] not in range(len(model.causes) + 1):
        refuse_cause(model, f"cause {record['end']}")
    else:
        for mark, value in zip(model.marks, record["marks"], strict=True):
            if not 0 <= value <= mark.maximum:
                refuse_mark(model, mark, value)
    lived = len(path)
    return life(model, np.array(path, np.float64), table[:lived], constants, traits, dt, record)


def _one_cell(values: ArrayLike | None) -> ArrayLike | None:
    """Return values a division as those of one cell, (1, parts); a scalar as it is."""
    return np.atleast_2d(np.asarray(values)) if values is not None and np.ndim(values) else values


def random_numbers(
    model: Model, shocks: ArrayLike | None, seed: int, replicate: int, steps: int
) -> NDArray[np.float64]:
    """Return the shocks of every step, (steps, shocks): those given, or those of a seed and a replicate."""
    kinds = model.kinds(model.shocks)
    if shocks is None:
        words = [philox(split_key(seed), _step_counters(replicate, steps, block)) for block in range(_blocks(kinds))]
        return to_numbers(np.concatenate(words, axis=1), kinds)
    try:
        table = np.asarray(shocks, np.float64)
    except (TypeError, ValueError):
        raise FirmfateError(f"shocks = {shocks!r}; allowed: an array of numbers, (steps, shocks)") from None
    if table.ndim != 2 or table.shape[1] != len(kinds) or len(table) < steps:
        raise FirmfateError(
            f"shocks has shape {table.shape}; expected ({steps}, {len(kinds)}): {', '.join(model.shocks._fields)}"
        )
    return table[:steps]


def _step_counters(replicate: int, steps: int, block: int) -> NDArray[np.uint32]:
    table = np.empty((steps, 4), np.uint32)
    table[:, 0], table[:, 1] = replicate & 0xFFFFFFFF, replicate >> 32
    table[:, 2] = np.arange(steps)
    table[:, 3] = SHOCKS + 256 * block
    return table


def firm_draws(model: Model, given: Mapping[str, float] | None, seed: int, replicate: int) -> Any:
    """Return the once-a-firm draws: those given by name, the others from seed and replicate."""
    kinds = model.kinds(model.draws)
    numbers = np.array([replicate], np.uint64)
    words = [philox(split_key(seed), counters(numbers, stream=BIRTH, block=block)) for block in range(_blocks(kinds))]
    drawn = model.draws(*to_numbers(np.concatenate(words, axis=1), kinds)[0].tolist())
    names = drawn._fields
    for name, value in (given or {}).items():
        if name not in names:
            raise FirmfateError(
                f"firm_shocks: '{name}' is not drawn by the model '{model.name}'; allowed: {', '.join(names)}"
            )
        inside = is_finite(value) and (kinds[names.index(name)] == NORMAL or 0 < value < 1)
        if not inside:
            raise FirmfateError(
                f"firm_shocks: {name} = {value!r}; allowed: a finite number, above 0 and below 1 where uniform"
            )
    return drawn._replace(**(given or {}))


def _blocks(kinds: tuple[str, ...]) -> int:
    normals = kinds.count(NORMAL)
    return -(-(2 * -(-normals // 2) + len(kinds) - normals) // 4)


def to_numbers(words: NDArray[np.uint32], kinds: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the random numbers of some kinds from words, (n, words) -> (n, kinds): normals take pairs, uniforms
    follow."""
    u = (words.astype(np.float64) + 0.5) * 2.0**-32
    out = np.empty((len(words), len(kinds)))
    normals = [i for i, kind in enumerate(kinds) if kind == NORMAL]
    for order, position in enumerate(normals):
        radius = np.sqrt(-2.0 * np.log(u[:, order - order % 2]))
        angle = 2.0 * np.pi * u[:, order - order % 2 + 1]
        out[:, position] = radius * (np.sin(angle) if order % 2 else np.cos(angle))
    used = 2 * -(-len(normals) // 2)
    for order, position in enumerate(i for i, kind in enumerate(kinds) if kind != NORMAL):
        out[:, position] = u[:, used + order]
    return out


def life(
    model: Model, stocks: NDArray[np.float64], shocks: NDArray[np.float64], constants: Any, traits: Any, dt: float,
    record: Mapping[str, Any],
) -> xr.Dataset:  # fmt: skip
    """Return one life as a dataset: stocks at the start of every step, shocks, and the auxiliaries that the model
    observes."""
    import xarray as xr

    table: dict[str, tuple[Column, NDArray[np.float64]]] = {}
    for i, name in enumerate(model.shocks._fields):
        table[f"eps_{name}"] = (Column(f"eps_{name}", "1", f"random number of the step: {name}"), shocks[:, i])
    for i, column in enumerate(columns(model.stocks)):
        table[column.name] = (column, stocks[:, i])
    if model.observe is not None:
        seen = [
            model.observe(model.stocks(*s), model.shocks(*e), constants, traits, step * dt)
            for step, (s, e) in enumerate(zip(stocks.tolist(), shocks.tolist(), strict=True))
        ]
        values = np.array(seen, np.float64)
        for i, column in enumerate(columns(type(seen[0]))):
            table[column.name] = (column, values[:, i])
    steps = np.arange(len(stocks))
    ds = xr.Dataset(
        {
            name: ("step", values, {"units": column.unit, "long_name": column.meaning})
            for name, (column, values) in table.items()
        },
        coords={
            "step": steps,
            "week": ("step", steps * dt, {"units": "week", "long_name": "time at the start of the step"}),
        },
    )
    end = int(record["end"])
    ds.attrs = {
        "model": model.name,
        "event_week": record["event_step"] * dt,
        "end": end,
        "cause": "invalid" if end == INVALID else "censored" if end == 0 else model.causes[end - 1].name,
        "alarm_week": record["alarm_step"] * dt,
        **{mark.name: int(value) for mark, value in zip(model.marks, record["marks"], strict=True)},
    }
    return ds
