"""Counts from a table of observed firms: `counts_from_table`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.counts import BIN_WEEKS
from firmfate.errors import EstimateError, did_you_mean
from firmfate.survival.labels import CLUSTERED, DEPENDENCE, INDEPENDENT
from firmfate.survival.rows import CENSORED
from firmfate.survival.tabulation import Cells, Rows, grid_of, names_of_counts, tabulate

if TYPE_CHECKING:
    import pandas as pd

LARGEST_GRID = 10
"""A grid holds at most so many times the cells that the table fills; beyond, cells form a list."""

ASSIGNMENT_SEED = 20261123
MOST_ASSIGNED_SINGLY = 20_000_000
"""Firms beyond which batches get random, hence slightly unequal, numbers of the firms of a row."""


def counts_from_table(
    table: Mapping[str, Any] | pd.DataFrame,
    *,
    duration: str,
    cause: str,
    covariates: Sequence[str] = (),
    weight: str | None = None,
    batch: str | None = None,
    entry: str | None = None,
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
        Column of weeks from the start to the event or the censoring, above 0; a part of a week counts as the week.
    cause : str
        Column of the cause of the event: a name or a number; None, NaN, "", 0, False or "censored" is a censoring.
    covariates : sequence of str
        Columns that distinguish cells. They become axes of a grid (cells that hold no firms are NaN in estimates),
        or, where the grid would be mostly empty, coordinates of one dim ``cell``.
    weight : str, optional
        Column of the number of firms in a row, integers.
    batch : str, optional
        Column of integers: firms that depend on each other share a batch, and errors of comparisons come from batches.
        Without it firms are taken to be independent, as errors then are, and assigned to ``batches`` at random.
    entry : str, optional
        Column of weeks from the start to the beginning of the observation (delayed entry, left truncation), from 0 and
        below the duration; a firm is at risk in the weeks after it, a part of a week counting as the week.
    causes : sequence, optional
        All causes in their order; by default those found, sorted.
    horizon : int, optional
        Weeks counted; longer durations are censored there. By default the longest duration.
    batches : int
        Number of batches where no column names them.
    bin_weeks : int
        Weeks in a bin of the batches' events; 1 makes all standard errors from batches exact.
    horizons : sequence of int
        Horizons of ``batch_lifetime``; the horizon itself is added. Left out where firms are censored before it, or
        enter late.

    Returns
    -------
    xarray.Dataset
        ``events``, ``firms``, ``batch_firms``, ``batch_events``; ``censored`` and ``batch_censored`` where firms are
        censored early, ``entered`` and ``batch_entered`` where they enter late, otherwise ``batch_lifetime``.
        ``attrs["dependence"]`` states how the firms depend on each other.

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

    The firm that is censored in week 5 was first observed at the end of week 3:

    >>> ds = counts_from_table(table | {"since": [0, 3, 0, 0]}, duration="weeks", cause="end", entry="since")
    >>> kaplan_meier(ds).estimate.sel(week=[2, 3, 5]).values.round(3)
    array([1.   , 0.667, 0.444])
    """
    columns = _columns(table, [duration, cause, *covariates, *(name for name in (weight, batch, entry) if name)])
    if clash := names_of_counts(covariates):
        raise EstimateError(f"covariates {clash} have names that counts use themselves; rename the columns")
    _refuse_twice("covariates", covariates)
    week = _weeks(columns[duration], duration)
    begin = _entries(columns[entry], entry, columns[duration]) if entry else np.zeros(week.size, dtype=np.int64)
    number = _integers(columns[weight], weight, least=0) if weight else np.ones(week.size, dtype=np.int64)
    code, names = _causes(columns[cause], causes)
    grid = grid_of(week.max() if horizon is None else horizon, batches, bin_weeks, horizons)
    code, week = np.where(week > grid.horizon, 0, code), np.minimum(week, grid.horizon)
    number = np.where(begin < grid.horizon, number, 0)  # who enters after the horizon is never at risk before it
    cell, cells = _cells([(name, columns[name]) for name in covariates])
    cell = np.broadcast_to(cell, week.shape)
    if batch:
        group = np.unique(_integers(columns[batch], batch, least=0), return_inverse=True)[1]
        grid = grid._replace(batches=int(group.max()) + 1)
        assigned = Assigned(np.arange(week.size), group, number)
    else:
        assigned = _assigned(cell, number, grid.batches)
    row = assigned.row
    begin = np.minimum(begin, week - 1)
    rows = Rows(cell[row], code[row], week[row], assigned.batch, assigned.number, begin[row] if entry else None)
    ds = tabulate(rows, cells, names, grid)
    return ds.assign_attrs({DEPENDENCE: CLUSTERED if batch else INDEPENDENT})


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


def _entries(column: NDArray[Any], name: str, durations: NDArray[Any]) -> NDArray[np.int64]:
    entries = _numbers(column, name, "weeks")
    wrong = np.flatnonzero(~((entries >= 0) & (entries < _numbers(durations, "duration", "weeks"))))
    if wrong.size:
        raise EstimateError(
            f"column '{name}', row {wrong[0]}: {column[wrong[0]]!r}; an entry is at least 0 weeks, and before the "
            f"end of the observation, {durations[wrong[0]]!r}"
        )
    return np.floor(entries).astype(np.int64)


def _integers(column: NDArray[Any], name: str | None, *, least: int) -> NDArray[np.int64]:
    numbers = _numbers(column, str(name), f"integers from {least}")
    wrong = np.flatnonzero(~((numbers >= least) & (numbers == np.floor(numbers)) & np.isfinite(numbers)))
    if wrong.size:
        raise EstimateError(f"column '{name}', row {wrong[0]}: {column[wrong[0]]!r}; integers from {least} are needed")
    return numbers.astype(np.int64)


def _causes(column: NDArray[Any], causes: Sequence[Any] | None) -> tuple[NDArray[np.int64], list[Any]]:
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
    positions = np.array([0 if censored(value) else place[value] for value in values])
    return positions[codes], [_name(name) for name in names]


def _name(cause: Any) -> Any:
    return "end" if cause is True else cause


def _cells(covariates: list[tuple[str, NDArray[Any]]]) -> tuple[NDArray[np.int64], Cells]:
    """Return the cell of each row, and the cells."""
    if not covariates:
        return np.zeros(1, dtype=np.int64), Cells([], {}, ())
    levels, codes = zip(*(_levels(name, column) for name, column in covariates), strict=True)
    shape = tuple(level.size for level in levels)
    flat = np.ravel_multi_index(codes, shape)
    filled, cell = np.unique(flat, return_inverse=True)
    names = [name for name, _ in covariates]
    if np.prod(shape, dtype=np.float64) <= LARGEST_GRID * filled.size:
        coords: dict[str, Any] = {name: (name, level) for name, level in zip(names, levels, strict=True)}
        return np.asarray(flat, dtype=np.int64), Cells(names, coords, shape)
    places = np.unravel_index(filled, shape)
    coords = {"cell": ("cell", np.arange(filled.size))}
    coords |= {name: ("cell", level[place]) for name, level, place in zip(names, levels, places, strict=True)}
    return cell, Cells(["cell"], coords, (filled.size,))


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


class Assigned(NamedTuple):
    """Firms of a row that are in a batch."""

    row: NDArray[np.int64]
    batch: NDArray[np.int64]
    number: NDArray[np.int64] | None  # None: one each


def _assigned(cell: NDArray[np.int64], number: NDArray[np.int64], batches: int) -> Assigned:
    """Assign firms to batches at random, as equally as can be in each cell and in all.

    At random, because tables are often sorted; with a fixed seed, so that a table always gives the same batches.
    """
    random = np.random.Generator(np.random.Philox(ASSIGNMENT_SEED))
    if number.sum() > MOST_ASSIGNED_SINGLY:
        share = random.multinomial(number, np.full(batches, 1.0 / batches))
        row, batch = np.nonzero(share)
        return Assigned(row, batch, share[row, batch])
    row = random.permutation(np.repeat(np.arange(number.size), number))
    if row.size and (cell != cell[0]).any():
        small = cell.astype(np.int16) if cell.max() < 2**15 else cell  # numpy sorts 16 bits by radix
        row = row[np.argsort(small[row], kind="stable")]
    return Assigned(row, np.arange(row.size) % batches, None)
