"""Shapley values and interaction indices of the lifetime that divisions cost a firm, over a design ``[coalitions]``."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import xarray as xr

from firmfate.analysis.cell_labels import labelled
from firmfate.analysis.lifetimes import Lifetimes
from firmfate.sensitivity.players import average_over_orders, players_of, short_names, without_labels, worth_of
from firmfate.survival.labels import describe


def shapley(
    ds: xr.Dataset, *, players: Sequence[str] | None = None, tau: int | None = None, level: float = 0.95
) -> xr.Dataset:
    """Share the lifetime that all players together cost out among them.

    The worth of a coalition is v(S) = RMST(nobody) - RMST(S), in years. A player's Shapley value is its marginal
    worth averaged over all orders of joining; over all players they add up to v(everybody).

    Parameters
    ----------
    ds : xarray.Dataset
        Counts of a grid with two values (off, on) of every player, or of a design ``[coalitions]``; other axes stay.
    players : sequence of str, optional
        Their axes; by default those of two values that belong to one division, or all of ``[coalitions]``.
    tau : int, optional
        Weeks; the horizon by default.
    level : float
        Confidence level of t(B - 1) limits.

    Returns
    -------
    xarray.Dataset
        ``estimate``, ``se`` (jackknife over batches), ``lower``, ``upper`` in years over other axes, ``player`` and
        ``share``: "shapley"; "alone", v({d}), the first to join; "last", v(all) - v(all but d), what switching
        this one off gives back.

    Raises
    ------
    EstimateError
        Where there are fewer than two players, or one has not two values.

    References
    ----------
    Shapley (1953), A value for n-person games. Contributions to the Theory of Games 2, 307-317.

    Examples
    --------
    See `firmfate.design.coalitions`.
    """
    names = players_of(ds, players)

    def shares(years: xr.DataArray) -> xr.DataArray:
        values = shapley_shares(years, names)
        worth = worth_of(years, names)
        found = []
        for name in names:
            others = [other for other in names if other != name]
            marginal = worth.isel({name: 1}) - worth.isel({name: 0})
            ends = [marginal.isel(dict.fromkeys(others, state)) for state in (0, 1)]
            found.append(xr.concat([values[name], *ends], dim="share", coords="minimal", compat="override"))
        return xr.concat(found, dim="player", coords="minimal", compat="override")

    return _estimated(ds, names, tau, level, shares, "share", ["shapley", "alone", "last"], "lost lifetime, by player")


def shapley_shares(years: xr.DataArray, players: Sequence[str]) -> dict[str, xr.DataArray]:
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

    Examples
    --------
    >>> import xarray as xr
    >>> years = xr.DataArray([[10.0, 8.0], [7.0, 3.0]], {"sales": [0, 1], "quality": [0, 1]})  # off and on
    >>> {name: float(value) for name, value in shapley_shares(years, ["sales", "quality"]).items()}
    {'sales': 4.0, 'quality': 3.0}
    """
    names = tuple(players)
    worth = worth_of(years, names)
    values = {}
    for name in names:
        others = [other for other in names if other != name]
        marginal = worth.isel({name: 1}) - worth.isel({name: 0})
        values[name] = average_over_orders(marginal, others)
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

    Examples
    --------
    Two axes of two values as players, off and on:

    >>> from firmfate.survival import example
    >>> ds = example().isel(execution=[0, 2])
    >>> found = interactions(ds, players=["execution", "misalignment"]).sel(player="execution", other="misalignment")
    >>> found.estimate.round(2).item(), found.se.round(2).item()
    (0.7, 0.03)
    """
    names = players_of(ds, players)

    def pairs(years: xr.DataArray) -> xr.DataArray:
        worth = worth_of(years, names)
        nothing = 0.0 * worth.isel(dict.fromkeys(names, 0))
        table = {(name, name): nothing for name in names}
        for one, two in itertools.combinations(names, 2):
            others = [name for name in names if name not in (one, two)]
            rise = worth.isel({one: 1}) - worth.isel({one: 0})
            joint = rise.isel({two: 1}) - rise.isel({two: 0})
            table[one, two] = table[two, one] = average_over_orders(joint, others)
        rows = [
            xr.concat([table[one, two] for two in names], dim="other", coords="minimal", compat="override")
            for one in names
        ]
        return xr.concat(rows, dim="player", coords="minimal", compat="override")

    short = short_names(names)
    return _estimated(ds, names, tau, level, pairs, "other", short, "interaction of two players in the lost lifetime")


def _estimated(
    ds: xr.Dataset,
    names: Sequence[str],
    tau: int | None,
    level: float,
    f: Callable[[xr.DataArray], xr.DataArray],
    dim: str,
    values: list[str],
    words: str,
) -> xr.Dataset:
    lifetimes = Lifetimes(labelled(ds), tau=tau)
    found = lifetimes.apply(without_labels(f, names), level=level)
    found = found.assign_coords({"player": short_names(names), dim: values}).transpose(..., "player", dim)
    return describe(found, units="year", long_name=words, tau=lifetimes.tau)
