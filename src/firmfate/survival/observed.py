"""Counts from a table of firms that others observed: `counts_from_table`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.counts import BIN_WEEKS, COUNTS, attributes
from firmfate.errors import EstimateError, did_you_mean
from firmfate.survival.labels import LARGEST_WHOLE, whole_between, whole_numbers
from firmfate.survival.rows import CENSORED

if TYPE_CHECKING:
    import pandas as pd

LARGEST_GRID = 10
"""A grid holds at most so many times the cells that the table fills; beyond, cells form a list."""

OWN_NAMES = frozenset({"week", "cause", "batch", "bin", "horizon", "cell", *COUNTS})
DEALING_SEED = 20261123
MOST_DEALT_SINGLY = 20_000_000
"""Firms beyond which batches get random, hence slightly unequal, numbers of the firms of a row."""


def counts_from_table(
    table: Mapping[str, Any] | pd.DataFrame,
    *,
    duration: str,
    cause: str,
    covariates: Sequence[str] = (),
    weight: str | None = None,
    batch: str | None = None,
    causes: Sequence[Any] | None = None,
    horizon: int | None = None,
    batches: int = 32,
    bin_weeks: int = BIN_WEEKS,
    horizons: Sequence[int] = (),
) -> xr.Dataset:
    """Count a table of firms, so that observed firms meet the same estimators as simulated ones.

    Parameters
    ----------
    table : mapping of columns, or pandas.DataFrame
        One row for each firm, or for each group of equal firms.
    duration : str
        Column of weeks from the start to the end or the censoring, above 0; a part of a week counts as the week.
    cause : str
        Column of the cause of the end: a name or a number; None, NaN, "", 0, False or "censored" is a censoring.
    covariates : sequence of str
        Columns that tell cells apart. They become axes of a grid (cells that hold no firms are NaN in estimates),
        or, where the grid would be mostly empty, coordinates of one dim ``cell``.
    weight : str, optional
        Column of the number of firms in a row, whole numbers.
    batch : str, optional
        Column of whole numbers: firms that depend on each other share a batch. By default firms are dealt to
        ``batches`` in turn, which is right for independent firms.
    causes : sequence, optional
        All causes in their order; by default those found, sorted.
    horizon : int, optional
        Weeks counted; who lives longer is censored there. By default the longest duration.
    batches : int
        Number of batches where no column tells them.
    bin_weeks : int
        Weeks in a bin of the batches' events; 1 makes all standard errors of contrasts exact.
    horizons : sequence of int
        Horizons of ``batch_lifetime``; the horizon itself is added. Left out where firms are censored before it.

    Returns
    -------
    xarray.Dataset
        ``events``, ``firms``, ``censored`` and ``batch_censored`` (where firms are censored early), ``batch_firms``,
        ``batch_events``, ``batch_lifetime``.

    Raises
    ------
    EstimateError
        Where a column is missing, or holds what it cannot.

    Examples
    --------
    >>> from firmfate.survival import counts_from_table, kaplan_meier
    >>> table = {"weeks": [3, 5, 5, 8], "end": ["exit", "", "exit", ""], "size": ["small", "small", "small", "large"]}
    >>> ds = counts_from_table(table, duration="weeks", cause="end", covariates=["size"])
    >>> kaplan_meier(ds).estimate.sel(size="small", week=[2, 3, 5]).values.round(3)
    array([1.   , 0.667, 0.333])
    """
    columns = _columns(
        table, [duration, cause, *covariates, *([weight] if weight else []), *([batch] if batch else [])]
    )
    clash = [name for name in covariates if name in OWN_NAMES]
    if clash:
        raise EstimateError(f"covariates {clash} have names that counts use themselves; rename the columns")
    _refuse_twice("covariates", covariates)
    week = _weeks(columns[duration], duration)
    number = _whole(columns[weight], weight, least=0) if weight else np.ones(week.size, dtype=np.int64)
    end, names = _ends(columns[cause], causes)
    last = week.max() if horizon is None else horizon
    last = whole_between(last, LARGEST_WHOLE, f"horizon = {horizon}: a whole number of weeks, at least 1")
    bin_weeks, batches = (
        whole_between(size, LARGEST_WHOLE, f"{option} = {size}: a whole number, at least 1")
        for option, size in (("bin_weeks", bin_weeks), ("batches", batches))
    )
    taus = whole_numbers(horizons)
    if taus is None or taus.ndim != 1 or (taus < 1).any() or (taus > last).any():
        raise EstimateError(f"horizons = {horizons}: a list of whole numbers of weeks from 1 to the horizon, {last}")
    end, week = np.where(week > last, 0, end), np.minimum(week, last)
    cell, dims, coords = _cells([(name, columns[name]) for name in covariates])
    shape = tuple(len(coords[dim][1]) for dim in dims)

    cell = np.broadcast_to(cell, week.shape)
    if batch:
        group = np.unique(_whole(columns[batch], batch, least=0), return_inverse=True)[1]
        batches, row = int(group.max()) + 1, np.arange(week.size)
    else:
        row, group, number = _dealt(cell, number, batches)
    cell, end, week = cell[row], end[row], week[row]

    bins = np.append(np.arange(bin_weeks, last, bin_weeks), last)
    of_week = np.searchsorted(bins, week)
    cells, ways = int(np.prod(shape, dtype=np.int64)), len(names) + 1
    weekly = _tally((cell, end, week - 1), number, (cells, ways, last)).reshape(*shape, ways, last)
    binned = _tally((cell, group, end, of_week), number, (cells, batches, ways, len(bins)))
    binned = binned.reshape(*shape, batches, ways, len(bins))
    counted = {
        "events": ((*dims, "cause", "week"), weekly[..., 1:, :]),
        "firms": (tuple(dims), weekly.sum(axis=(-2, -1))),
        "batch_firms": ((*dims, "batch"), binned.sum(axis=(-2, -1))),
        "batch_events": ((*dims, "batch", "cause", "bin"), binned[..., 1:, :]),
    }
    lifetime_coords = {}
    if weekly[..., 0, :-1].any():
        counted["censored"] = ((*dims, "week"), weekly[..., 0, :])
        counted["batch_censored"] = ((*dims, "batch", "bin"), binned[..., 0, :])
    else:
        ends = np.union1d(taus, last)
        lived = [_tally((cell, group), number * np.minimum(week, tau), (cells, batches)) for tau in ends]
        counted["batch_lifetime"] = ((*dims, "batch", "horizon"), np.stack(lived, axis=-1).reshape(*shape, batches, -1))
        lifetime_coords["horizon"] = ends
    ds = xr.Dataset(
        counted,
        coords={
            **coords,
            "cause": names,
            "week": np.arange(1, last + 1),
            "batch": np.arange(batches),
            "bin": bins,
            **lifetime_coords,
        },
        attrs={"steps_per_week": 1},
    )
    for name in ds.data_vars:
        if name in COUNTS:
            ds[name].attrs = attributes(str(name))
    return ds


def _tally(
    where: tuple[NDArray[np.int64], ...], number: NDArray[np.int64], shape: tuple[int, ...]
) -> NDArray[np.int64]:
    """Add up ``number`` in the places of an array of this shape; exact up to 2^53."""
    flat = np.ravel_multi_index(where, shape)
    sums = np.bincount(flat, weights=number, minlength=int(np.prod(shape, dtype=np.int64)))
    return np.rint(sums).astype(np.int64).reshape(shape)


def _columns(table: Any, needed: Sequence[str]) -> dict[str, NDArray[Any]]:
    known = [str(name) for name in table]
    columns = {}
    for name in needed:
        if name not in known:
            raise EstimateError(f"the table has no column '{name}'; it has {known}{did_you_mean(name, known)}")
        columns[name] = np.asarray(table[name])
    sizes = {name: column.shape for name, column in columns.items()}
    if len(set(sizes.values())) != 1 or next(iter(columns.values())).ndim != 1 or not next(iter(columns.values())).size:
        raise EstimateError(f"columns must be one-dimensional, equally long and not empty: {sizes}")
    return columns


def _refuse_twice(argument: str, given: Sequence[Any]) -> None:
    twice = [name for place, name in enumerate(given) if name in given[:place]]
    if twice:
        raise EstimateError(f"{argument} = {list(given)}: {twice[0]!r} is there twice; each may be named once")


def _numbers(column: NDArray[Any], name: str, needed: str) -> NDArray[np.float64]:
    try:
        # numpy would take the nanoseconds of a length of time for its number.
        kinds = {type(value) for value in column} if column.dtype == object else {column.dtype.type}
        if kinds & {np.timedelta64, np.datetime64}:
            raise TypeError("lengths of time and dates; divide lengths of time by numpy.timedelta64(1, 'W')")
        return column.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise EstimateError(f"column '{name}' holds something else than numbers ({needed}): {error}") from error


def _weeks(column: NDArray[Any], name: str) -> NDArray[np.int64]:
    weeks = _numbers(column, name, "weeks")
    wrong = np.flatnonzero(~(np.isfinite(weeks) & (weeks > 0)))
    if wrong.size:
        raise EstimateError(
            f"column '{name}', row {wrong[0]}: {column[wrong[0]]!r}; a duration is above 0 weeks, and finite"
        )
    return np.ceil(weeks).astype(np.int64)


def _whole(column: NDArray[Any], name: str | None, *, least: int) -> NDArray[np.int64]:
    numbers = _numbers(column, str(name), f"whole ones from {least}")
    wrong = np.flatnonzero(~((numbers >= least) & (numbers == np.floor(numbers)) & np.isfinite(numbers)))
    if wrong.size:
        raise EstimateError(
            f"column '{name}', row {wrong[0]}: {column[wrong[0]]!r}; whole numbers from {least} are needed"
        )
    return numbers.astype(np.int64)


def _ends(column: NDArray[Any], causes: Sequence[Any] | None) -> tuple[NDArray[np.int64], list[Any]]:
    """Return 0 for a censoring, 1.. for the causes, and the causes' names."""
    import pandas as pd

    def censored(value: Any) -> bool:
        return value is None or value in ("", 0, CENSORED) or (isinstance(value, float) and np.isnan(value))

    codes, uniques = pd.factorize(column, use_na_sentinel=False)
    values = [value.item() if isinstance(value, np.generic) else value for value in uniques]
    found = {value for value in values if not censored(value)}
    if causes is None:
        try:
            names = sorted(found)
        except TypeError as error:
            raise EstimateError(f"causes are of several kinds: {found}; name them in `causes`") from error
    else:
        names = list(causes)
        _refuse_twice("causes", names)
        if found - set(names):
            unknown = sorted(map(str, found - set(names)))
            raise EstimateError(f"the table holds causes that `causes` does not: {unknown}")
    names = names or ["end"]
    place = {name: position + 1 for position, name in enumerate(names)}
    ends = np.array([0 if censored(value) else place[value] for value in values])
    return ends[codes], [_name(name) for name in names]


def _name(cause: Any) -> Any:
    return "end" if cause is True else cause


def _cells(covariates: list[tuple[str, NDArray[Any]]]) -> tuple[NDArray[np.int64], list[str], dict[str, Any]]:
    """Return the cell of each row, the cells' dims, and coordinates."""
    if not covariates:
        return np.zeros(1, dtype=np.int64), [], {}
    levels, codes = zip(*(_levels(name, column) for name, column in covariates), strict=True)
    shape = tuple(level.size for level in levels)
    flat = np.ravel_multi_index(codes, shape)
    filled, cell = np.unique(flat, return_inverse=True)
    names = [name for name, _ in covariates]
    if np.prod(shape, dtype=np.float64) <= LARGEST_GRID * filled.size:
        return (
            np.asarray(flat, dtype=np.int64),
            names,
            {name: (name, level) for name, level in zip(names, levels, strict=True)},
        )
    places = np.unravel_index(filled, shape)
    coords: dict[str, Any] = {"cell": ("cell", np.arange(filled.size))}
    coords |= {name: ("cell", level[place]) for name, level, place in zip(names, levels, places, strict=True)}
    return cell, ["cell"], coords


def _levels(name: str, column: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the values of a covariate, ascending, and the position of each row's."""
    import pandas as pd

    unknown = np.flatnonzero(pd.isna(column))
    if unknown.size:
        raise EstimateError(
            f"column '{name}', row {unknown[0]}: {column[unknown[0]]!r}; a covariate needs a value in every row: leave "
            "such rows out, or give them a name of their own"
        )
    try:
        return np.unique(column, return_inverse=True)
    except TypeError as error:
        raise EstimateError(
            f"column '{name}' holds values of several kinds, all numbers or all text are needed: {error}"
        ) from error


def _dealt(
    cell: NDArray[np.int64], number: NDArray[np.int64], batches: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Deal the firms of each cell to batches at random: return row, batch and number of firms of every share.

    At random, because tables are often sorted; with a fixed seed, so that a table always gives the same batches.
    """
    random = np.random.Generator(np.random.Philox(DEALING_SEED))
    if number.sum() > MOST_DEALT_SINGLY:
        share = random.multinomial(number, np.full(batches, 1.0 / batches))
        row, batch = np.nonzero(share)
        return row, batch, share[row, batch]
    row = random.permutation(np.repeat(np.arange(number.size), number))
    row = row[np.argsort(cell[row], kind="stable")]
    first = np.flatnonzero(np.diff(cell[row], prepend=-1))
    sizes = np.diff(np.append(first, row.size))
    return row, (np.arange(row.size) - np.repeat(first, sizes)) % batches, np.ones(row.size, dtype=np.int64)
