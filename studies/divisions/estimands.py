"""The study of divisions: which KPI kills, alone and in company, and whether the whole is worse than its parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import xarray as xr

from common.number_table import NumberTable, Row
from firmfate.analysis import Estimate, Lifetimes
from firmfate.analysis.formatting import format_value
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.sensitivity import independent_harms, interactions, shapley, shapley_shares, whole_and_parts
from firmfate.survival import contrast, time_lost

SHARES = {
    "shapley": "Shapley values of the lost lifetime",
    "alone": "Lost by one misaligned division alone",
    "last": "Given back by releasing one division of five",
}
QUANTITIES = {
    "nobody": "mean lifetime, no division misaligned",
    "whole": "lost with all five misaligned",
    "parts": "sum of what each costs alone",
    "excess": "whole less sum of parts",
    "expected": "lost if harms were independent",
    "beyond": "whole less what independent harms would cost",
}
HORIZONS = (260, 520, 1040)


def estimands(runs: Mapping[str, xr.Dataset]) -> NumberTable:
    """Return Shapley values and interactions by execution; by horizon; with half-local KPIs; and of what firms die."""
    ds, half = runs["study"], runs["half"]
    return NumberTable(
        [*_shares(ds), *_ranks(ds), *_whole(ds), *_pairs(ds), *_causes(ds), *_horizons(ds), *_half(half)]
    )


def percent(share: float) -> str:
    """Return a share as names of rows hold it, which have no points: ``5`` for 0.05."""
    return f"{100 * share:.0f}"


def _shares(ds: xr.Dataset) -> Iterator[Row]:
    found = shapley(ds)
    for share, section in SHARES.items():
        for execution in found["execution"].values:
            for player in found["player"].values:
                value = Estimate.of(found.sel(share=share, execution=execution, player=player))
                column = f"execution {format_value(execution)}"
                yield Row(f"{share}_{player}_{percent(execution)}", value, "years", str(player), section, column)


def _ranks(ds: xr.Dataset) -> Iterator[Row]:
    """Compare the division with the largest share with the next one, at every execution."""
    shares = shapley(ds)["estimate"].sel(share="shapley")
    lived = Lifetimes(ds)
    for execution in shares["execution"].values:
        order = shares.sel(execution=execution).sortby(shares.sel(execution=execution), ascending=False)
        first, second = (str(name) for name in order["player"].values[:2])

        def gap(years: xr.DataArray, pair: tuple[str, str] = (first, second), at: float = execution) -> xr.DataArray:
            # Of two players' Shapley values, the difference: a weighted sum of mean lifetimes like each of them.
            return _shapley_of(years.sel(execution=at), pair[0]) - _shapley_of(years.sel(execution=at), pair[1])

        text = f"execution {format_value(execution)}: {first} less {second}"
        yield Row(
            f"first_{percent(execution)}", Estimate.of(lived.apply(gap)), "years", text, "Largest share less the next"
        )


def _shapley_of(years: xr.DataArray, player: str) -> xr.DataArray:
    names = [str(dim) for dim in years.dims if str(dim).startswith("misalignment_")]
    return shapley_shares(years, names)[f"misalignment_{player}"]


def _whole(ds: xr.Dataset) -> Iterator[Row]:
    both = xr.concat([whole_and_parts(ds), independent_harms(ds)], dim="quantity", coords="minimal", compat="override")
    for quantity, text in QUANTITIES.items():
        for execution in both["execution"].values:
            value = Estimate.of(both.sel(quantity=quantity, execution=execution))
            column = f"execution {format_value(execution)}"
            yield Row(f"{quantity}_{percent(execution)}", value, "years", text, "The whole and its parts", column)


def _pairs(ds: xr.Dataset) -> Iterator[Row]:
    found = interactions(ds).sel(execution=1.0)
    players = [str(name) for name in found["player"].values]
    for place, one in enumerate(players):
        for two in players[place + 1 :]:
            value = Estimate.of(found.sel(player=one, other=two))
            yield Row(f"pair_{one}_{two}", value, "years", f"{one} and {two}", "Interaction of pairs at execution 1")


def _causes(ds: xr.Dataset) -> Iterator[Row]:
    """Return how one misaligned division, alone, changes the years lost by each cause, at execution 1."""
    strong = ds.sel(execution=1.0)
    axes = [str(dim) for dim in strong["firms"].dims]
    nobody = dict.fromkeys(axes, 0.0)
    for axis in axes:
        found = contrast(strong, time_lost, between=({**nobody, axis: 1.0}, nobody))
        for cause in [name for name in found["cause"].values if name != "background_exit"]:
            value = Estimate.of(found.sel(cause=cause)).scaled(1 / WEEKS_PER_YEAR)
            player = axis.rpartition("_")[2]
            section = "Years lost by cause to one division alone, at execution 1"
            yield Row(f"cause_{player}_{cause}", value, "years", player, section, str(cause).replace("_", " "))


def _horizons(ds: xr.Dataset) -> Iterator[Row]:
    for tau in HORIZONS:
        found, whole = shapley(ds, tau=tau).sel(execution=1.0, share="shapley"), whole_and_parts(ds, tau=tau)
        column = f"within {tau // WEEKS_PER_YEAR} years"
        for player in found["player"].values:
            name = f"horizon_{player}_{tau // WEEKS_PER_YEAR}"
            yield Row(
                name, Estimate.of(found.sel(player=player)), "years", str(player), "By horizon, at execution 1", column
            )
        value = Estimate.of(whole.sel(execution=1.0, quantity="excess"))
        yield Row(
            f"horizon_excess_{tau // WEEKS_PER_YEAR}",
            value,
            "years",
            QUANTITIES["excess"],
            "By horizon, at execution 1",
            column,
        )


def _half(ds: xr.Dataset) -> Iterator[Row]:
    shares, whole, harms = shapley(ds).sel(share="shapley"), whole_and_parts(ds), independent_harms(ds)
    section = "KPIs half local"
    for execution in shares["execution"].values:
        column, short = f"execution {format_value(execution)}", percent(execution)
        for player in shares["player"].values:
            value = Estimate.of(shares.sel(execution=execution, player=player))
            yield Row(f"half_{player}_{short}", value, "years", str(player), section, column)
        for quantity, of in (("excess", whole), ("beyond", harms)):
            value = Estimate.of(of.sel(execution=execution, quantity=quantity))
            yield Row(f"half_{quantity}_{short}", value, "years", QUANTITIES[quantity], section, column)
