"""What all divisions cost a firm together: beside the sum of what each costs alone, and beside independent harms."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence

import xarray as xr

from firmfate.analysis.cell_labels import labelled
from firmfate.analysis.lifetimes import Lifetimes
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.sensitivity.players import off_and_on, players_of, without_labels, worth_of
from firmfate.survival import contrast, kaplan_meier
from firmfate.survival.labels import check_weeks, describe


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

    Examples
    --------
    Two axes of two values as players, off and on:

    >>> from firmfate.survival import example
    >>> ds = example().isel(execution=[0, 2])
    >>> found = whole_and_parts(ds, players=["execution", "misalignment"])
    >>> found.estimate.round(2).to_series().to_dict()
    {'nobody': 1.59, 'whole': 0.7, 'parts': 0.0, 'excess': 0.7}
    """
    names = players_of(ds, players)

    def compare(years: xr.DataArray) -> xr.DataArray:
        worth = worth_of(years, names)
        whole = worth.isel(dict.fromkeys(names, 1))
        parts = functools.reduce(
            operator.add, (worth.isel({other: int(other == name) for other in names}) for name in names)
        )
        nobody = off_and_on(years, names).isel(dict.fromkeys(names, 0))
        return xr.concat([nobody, whole, parts, whole - parts], dim="quantity", coords="minimal", compat="override")

    found = Lifetimes(labelled(ds), tau=tau).apply(without_labels(compare, names), level=level)
    found = found.assign_coords(quantity=["nobody", "whole", "parts", "excess"])
    return describe(found, units="year", long_name="lifetime lost by all players together, and one by one")


def independent_harms(
    ds: xr.Dataset, *, players: Sequence[str] | None = None, tau: int | None = None, level: float = 0.95
) -> xr.Dataset:
    """Compare what all players cost with what they would cost if each acted on survivors independently of the others.

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
        were independent) and "beyond" = what is lost - expected: above 0 where divisions make each other worse.

    Examples
    --------
    Two axes of two values as players, off and on:

    >>> from firmfate.survival import example
    >>> ds = example().isel(execution=[0, 2])
    >>> found = independent_harms(ds, players=["execution", "misalignment"])
    >>> found.estimate.round(2).to_series().to_dict()
    {'expected': 0.0, 'beyond': 0.7}
    """
    names = players_of(ds, players)
    ds = labelled(ds)
    until = check_weeks(tau, ds.sizes["week"])

    def lost(counts: xr.Dataset) -> xr.DataArray:
        alive = off_and_on(labelled(counts).pipe(kaplan_meier)["estimate"], names)
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
