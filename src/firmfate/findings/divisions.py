"""Which division kills: lost years shared out over coalitions of divisions, and how far parts make each other worse."""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr

from firmfate.errors import EstimateError
from firmfate.findings.cells import axes_of, labelled
from firmfate.findings.lifetimes import Lifetimes
from firmfate.survival import contrast, kaplan_meier
from firmfate.survival.labels import check_weeks, describe
from firmfate.variables import WEEKS_PER_YEAR


def coalition_axes(ds: xr.Dataset) -> tuple[str, ...]:
    """Return the axes that are players: those of two values that belong to one division (``misalignment_sales``).

    Of a design ``[coalitions]`` all axes are players.

    Examples
    --------
    >>> from firmfate.survival import example
    >>> coalition_axes(example())
    ()
    """
    ds = labelled(ds)
    keyed = {name: str(ds[name].attrs.get("parameter", "")) for name in axes_of(ds)}
    if "cell" in ds["firms"].dims:
        return tuple(keyed)
    return tuple(name for name, key in keyed.items() if "." in key and ds.sizes[name] == 2)


def shapley(
    ds: xr.Dataset, *, players: Sequence[str] | None = None, tau: int | None = None, level: float = 0.95
) -> xr.Dataset:
    """Share the lost lifetime of the grand coalition out over its players.

    The worth of a coalition is v(S) = RMST(nobody) - RMST(S), in years. A player's Shapley value is its marginal
    worth averaged over all orders of joining; over all players they add up to v(everybody).

    Parameters
    ----------
    ds : xarray.Dataset
        Counts of a grid with two values (off, on) of every player, or of a design ``[coalitions]``; other axes stay.
    players : sequence of str, optional
        Their axes; `coalition_axes` where not given.
    tau : int, optional
        Weeks; the horizon by default.
    level : float
        Confidence level of t(B - 1) limits.

    Returns
    -------
    xarray.Dataset
        ``estimate``, ``se`` (jackknife over batches), ``lower``, ``upper`` in years over other axes, ``player`` and
        ``share``: "shapley"; "alone", v({d}), the first to join; "last", v(all) - v(all but d), what releasing this
        one gives back.

    Raises
    ------
    EstimateError
        Where there are fewer than two players, or one has not two values.

    References
    ----------
    Shapley (1953), A value for n-person games. Contributions to the Theory of Games 2, 307-317.
    """
    names = _players(ds, players)

    def shares(years: xr.DataArray) -> xr.DataArray:
        values = shares_of(years, names)
        worth = _worth(years, names)
        found = []
        for name in names:
            others = [other for other in names if other != name]
            marginal = worth.isel({name: 1}) - worth.isel({name: 0})
            ends = [marginal.isel(dict.fromkeys(others, state)) for state in (0, 1)]
            found.append(xr.concat([values[name], *ends], dim="share", coords="minimal", compat="override"))
        return xr.concat(found, dim="player", coords="minimal", compat="override")

    return _labelled(ds, names, tau, level, shares, "share", ["shapley", "alone", "last"], "lost lifetime, by player")


def shares_of(years: xr.DataArray, players: Sequence[str]) -> dict[str, xr.DataArray]:
    """Return the Shapley value of every player in the lost lifetime.

    Parameters
    ----------
    years : DataArray (players..., other axes...)
        Mean lifetimes, off before on along every player's dim; or a design ``[coalitions]``, along ``cell``.
    players : sequence of str

    Returns
    -------
    dict
        Player -> DataArray over other axes, in the unit of `years`.
    """
    names = tuple(players)
    worth = _worth(years, names)
    values = {}
    for name in names:
        others = [other for other in names if other != name]
        marginal = worth.isel({name: 1}) - worth.isel({name: 0})
        values[name] = _average(marginal, others)
    return values


def interactions(
    ds: xr.Dataset, *, players: Sequence[str] | None = None, tau: int | None = None, level: float = 0.95
) -> xr.Dataset:
    """Estimate how far each pair of players makes each other worse, averaged over what the others do.

    The Shapley interaction index of Grabisch & Roubens (1999, International Journal of Game Theory 28, 547-565):
    positive where two are worse together than one by one, negative where one leaves less for the other to spoil.

    Parameters
    ----------
    ds, players, tau, level
        As in `shapley`.

    Returns
    -------
    xarray.Dataset
        ``estimate``, ``se``, ``lower``, ``upper`` in years over other axes, ``player`` and ``other``; 0 with oneself.
    """
    names = _players(ds, players)

    def pairs(years: xr.DataArray) -> xr.DataArray:
        worth = _worth(years, names)
        nothing = 0.0 * worth.isel(dict.fromkeys(names, 0))
        table = {(name, name): nothing for name in names}
        for one, two in itertools.combinations(names, 2):
            others = [name for name in names if name not in (one, two)]
            rise = worth.isel({one: 1}) - worth.isel({one: 0})
            joint = rise.isel({two: 1}) - rise.isel({two: 0})
            table[one, two] = table[two, one] = _average(joint, others)
        rows = [
            xr.concat([table[one, two] for two in names], dim="other", coords="minimal", compat="override")
            for one in names
        ]
        return xr.concat(rows, dim="player", coords="minimal", compat="override")

    short = _short(names)
    return _labelled(ds, names, tau, level, pairs, "other", short, "interaction of two players in the lost lifetime")


def whole_and_parts(
    ds: xr.Dataset, *, players: Sequence[str] | None = None, tau: int | None = None, level: float = 0.95
) -> xr.Dataset:
    """Compare what all players cost together with the sum of what each costs alone.

    Parameters
    ----------
    ds, players, tau, level
        As in `shapley`.

    Returns
    -------
    xarray.Dataset
        ``estimate``, ``se``, ``lower``, ``upper`` in years over other axes and ``quantity``: "nobody" (RMST with no
        player on), "whole" (lost with all on), "parts" (sum of those lost alone), "excess" = whole - parts: above 0
        where the whole is worse than the sum of its parts.
    """
    names = _players(ds, players)

    def compare(years: xr.DataArray) -> xr.DataArray:
        worth = _worth(years, names)
        whole = worth.isel(dict.fromkeys(names, 1))
        parts = functools.reduce(
            operator.add, (worth.isel({other: int(other == name) for other in names}) for name in names)
        )
        nobody = _table(years, names).isel(dict.fromkeys(names, 0))
        return xr.concat([nobody, whole, parts, whole - parts], dim="quantity", coords="minimal", compat="override")

    found = Lifetimes(ds, tau=tau).apply(_without_labels(compare, names), level=level)
    found = found.assign_coords(quantity=["nobody", "whole", "parts", "excess"])
    return describe(found, units="year", long_name="lifetime lost by all players together, and one by one")


def independent_harms(
    ds: xr.Dataset, *, players: Sequence[str] | None = None, tau: int | None = None, level: float = 0.95
) -> xr.Dataset:
    """Compare what all players cost with what they would, if each thinned out the survivors regardless of the others.

    Lost years cannot exceed the years there are, so parts may add up to more than the whole by arithmetic alone. Where
    harms are independent, survival with all on is S0(t) Π S_d(t)/S0(t) (Bliss 1939, Annals of Applied Biology 26).

    Parameters
    ----------
    ds, players, tau, level
        As in `shapley`.

    Returns
    -------
    xarray.Dataset
        ``estimate``, ``se``, ``lower``, ``upper`` in years over other axes and ``quantity``: "expected" (lost if harms
        were independent) and "beyond" = lost in fact - expected: above 0 where divisions make each other worse.
    """
    names = _players(ds, players)
    ds = labelled(ds)
    until = check_weeks(tau, ds.sizes["week"])

    def lost(counts: xr.Dataset) -> xr.DataArray:
        alive = _table(labelled(counts).pipe(kaplan_meier)["estimate"], names)
        nobody, whole = (alive.isel(dict.fromkeys(names, state), drop=True) for state in (0, 1))
        product = nobody
        for name in names:
            alone = alive.isel({other: int(other == name) for other in names}, drop=True)
            product = product * (alone / nobody.where(nobody > 0)).fillna(0.0)
        years = [(nobody - curve).isel(week=slice(0, until)).sum("week") / WEEKS_PER_YEAR for curve in (product, whole)]
        found = xr.concat([years[0], years[1] - years[0]], dim="quantity")
        return found.assign_coords(quantity=["expected", "beyond"]).transpose(..., "quantity")

    found = contrast(ds, lost, level=level)
    return describe(
        found, units="year", long_name="lifetime lost by all players, were their harms independent", tau=until
    )


def _players(ds: xr.Dataset, players: Sequence[str] | None) -> tuple[str, ...]:
    names = tuple(players) if players is not None else coalition_axes(ds)
    if len(names) < 2:
        raise EstimateError(
            f"coalitions of {list(names) or 'nobody'}; a study of divisions has two values, off and on, of at least "
            'two axes such as "misalignment.sales" = [0, 1]'
        )
    values = {name: np.unique(labelled(ds)[name].values).size for name in names if name in labelled(ds).coords}
    if wrong := [name for name in names if values.get(name) != 2]:
        raise EstimateError(f"players {wrong} have not two values, off and on; the dataset's axes: {list(axes_of(ds))}")
    return names


def _table(years: xr.DataArray, names: Sequence[str]) -> xr.DataArray:
    """Return years with one dim a player, off first, whatever the design."""
    if "cell" in years.dims:
        years = years.set_index(cell=list(names)).unstack("cell")
    return years.sortby(list(names))


def _worth(years: xr.DataArray, names: Sequence[str]) -> xr.DataArray:
    table = _table(years, names)
    return table.isel(dict.fromkeys(names, 0)).drop_vars(names) - table.drop_vars(names)


def _average(gain: xr.DataArray, others: Sequence[str]) -> xr.DataArray:
    """Average over all orders what a player, or some that come as one, add to the others that are there already."""
    there = np.indices((2,) * len(others)).sum(axis=0)
    orders = [math.factorial(count) * math.factorial(len(others) - count) for count in range(len(others) + 1)]
    weights = np.array(orders)[there] / math.factorial(len(others) + 1)
    average: xr.DataArray = xr.dot(gain, xr.DataArray(weights, dims=others), dim=others)
    return average


def _short(names: Sequence[str]) -> list[str]:
    return [name.rpartition("_")[2] for name in names]


def _without_labels(f: Callable[[xr.DataArray], xr.DataArray], names: Sequence[str]) -> Callable[..., xr.DataArray]:
    return lambda years: f(years).drop_vars(names, errors="ignore").transpose(...)


def _labelled(
    ds: xr.Dataset,
    names: Sequence[str],
    tau: int | None,
    level: float,
    f: Callable[[xr.DataArray], xr.DataArray],
    dim: str,
    values: list[str],
    words: str,
) -> xr.Dataset:
    lived = Lifetimes(labelled(ds), tau=tau)
    found = lived.apply(_without_labels(f, names), level=level).assign_coords({"player": _short(names), dim: values})
    return describe(found.transpose(..., "player", dim), units="year", long_name=words, tau=lived.tau)
