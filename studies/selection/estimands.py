"""The study of selection (H10): who is left of a mixed population, and how wrong a regression on survivors is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from common.number_table import NumberTable, Row
from common.survivor_moments import estimated, least_squares, mean_of, moments
from firmfate.analysis import Estimate
from firmfate.counts import WEEKS_PER_YEAR

AGES = (0, 1, 3, 5, 10, 15, 19)
"""Years at which survivors are looked at."""

NEXT = 5
"""Years ahead, for who asks how long survivors go on."""

CROSSED = ("execution", "misalignment", "both")
"""The regression of the essay's claim: execution, misalignment and their product."""

KNOWN = (*CROSSED, "log_buffer", "unit_cost")


def derive(directories: Mapping[str, Path]) -> dict[str, xr.Dataset]:
    """Sum products over the survivors of each age, from what is recorded of every firm."""
    with xr.open_dataset(directories["study"] / "firms.nc") as ds:
        firms = ds.load().squeeze(drop=True)
    years = firms["event_week"].values.astype(np.float64) / WEEKS_PER_YEAR
    execution, misalignment = firms["execution"].values, firms["misalignment"].values
    strong, misaligned = execution > 0.8, misalignment > 0.8
    horizon = float(AGES[-1] + 1)
    columns = {
        "execution": execution,
        "misalignment": misalignment,
        "both": execution * misalignment,
        "log_buffer": np.log(firms["cash_buffer"].values),
        "unit_cost": firms["unit_cost"].values,
        "buffer": firms["cash_buffer"].values,
        "most_misaligned": misaligned,
        "most_aligned": misalignment < 0.2,
        "strong_misaligned": strong & misaligned,
        "lifetime": np.minimum(years, horizon),
    }
    ahead = np.array([np.clip(years - age, 0, NEXT) for age in AGES])
    table = xr.Dataset({name: ("firm", values) for name, values in columns.items()})
    table["ahead"] = (("age", "firm"), ahead)
    lived = xr.DataArray(np.where(firms["cause"].values == 0, np.inf, years), dims="firm")
    sums = moments(table, lived=lived, ages=AGES)
    return {"moments": sums.to_dataset(name="sums")}


def estimands(runs: Mapping[str, xr.Dataset]) -> NumberTable:
    """Return who is left by age, and what regressions on them say beside the truth at birth."""
    sums = runs["moments"]["sums"]
    return NumberTable([*_left(sums), *_regressions(sums), *_ahead(sums)])


def _left(sums: xr.DataArray) -> Iterator[Row]:
    start = sums.sel(age=0, row="one", column="one").sum("batch")

    def slope(total: xr.DataArray) -> xr.DataArray:
        return least_squares(total, "execution", ["misalignment"]).sel(term="misalignment", drop=True)

    asked: dict[str, tuple[str, Callable[[xr.DataArray], xr.DataArray]]] = {
        "execution": ("mean execution", lambda total: mean_of(total, "execution")),
        "misalignment": ("mean misalignment", lambda total: mean_of(total, "misalignment")),
        "slope": ("slope of execution on misalignment", slope),
        "misaligned_execution": (
            "mean execution where misalignment is above 0.8",
            lambda total: mean_of(total, "execution", among="most_misaligned"),
        ),
        "aligned_execution": (
            "mean execution where it is below 0.2",
            lambda total: mean_of(total, "execution", among="most_aligned"),
        ),
        "strong_misaligned": (
            "share strong and misaligned (both above 0.8)",
            lambda total: mean_of(total, "strong_misaligned"),
        ),
        "buffer": ("mean buffer at the start, weeks", lambda total: mean_of(total, "buffer")),
        "strong_misaligned_buffer": (
            "the same of the strong and misaligned",
            lambda total: mean_of(total, "buffer", among="strong_misaligned"),
        ),
        "strong_misaligned_cost": (
            "unit cost of the strong and misaligned",
            lambda total: mean_of(total, "unit_cost", among="strong_misaligned"),
        ),
    }
    alive = sums.sel(row="one", column="one").sum("batch") / start
    for age in AGES:
        share = float(alive.sel(age=age))
        value = Estimate(share, float(np.sqrt(share * (1 - share) / float(start))))
        yield Row(f"alive_{age}", value, "1", "share alive", "Who is left", f"age {age}")
    for name, (text, f) in asked.items():
        found = estimated(sums, f)
        for age in AGES:
            yield Row(f"{name}_{age}", Estimate.of(found.sel(age=age)), "1", text, "Who is left", f"age {age}")


def _effects(outcome: str, by: tuple[str, ...], at: float | None) -> Callable[[xr.DataArray], xr.DataArray]:
    """Return the effect of execution at a misalignment, or the interaction where none is named."""

    def effect(total: xr.DataArray) -> xr.DataArray:
        found = least_squares(total, outcome, by)
        both = found.sel(term="both", drop=True)
        return both if at is None else found.sel(term="execution", drop=True) + at * both

    return effect


TERMS = {
    "aligned": ("execution, aligned", 0.0),
    "misaligned": ("execution, misaligned", 1.0),
    "interaction": ("execution x misalignment", None),
}


def _regressions(sums: xr.DataArray) -> Iterator[Row]:
    """Return what a regression of total lifetimes shows, of all firms at birth and of survivors."""
    ages = [age for age in AGES if age <= 10]
    for kind, by, section in (
        ("life", CROSSED, "Years of life on execution, misalignment and their product, by who is in the sample"),
        ("known", KNOWN, "The same with buffer and unit cost known"),
    ):
        for name, (text, at) in TERMS.items():
            found = estimated(sums, _effects("lifetime", by, at))
            for age in ages:
                column = "all that were born" if age == 0 else f"alive at {age}"
                yield Row(f"{kind}_{name}_{age}", Estimate.of(found.sel(age=age)), "years", text, section, column)
        if kind == "known":
            continue
        for name, (text, at) in TERMS.items():

            def kept(total: xr.DataArray, at: float | None = at) -> xr.DataArray:
                effect = _effects("lifetime", CROSSED, at)(total)
                return effect / effect.sel(age=0, drop=True)

            found = estimated(sums, kept)
            for age in ages[1:]:
                value = Estimate.of(found.sel(age=age))
                yield Row(
                    f"kept_{name}_{age}",
                    value,
                    "share of the effect at birth",
                    text,
                    "What survivors show of it",
                    f"alive at {age}",
                )


def _ahead(sums: xr.DataArray) -> Iterator[Row]:
    section = f"Years lived of the next {NEXT}, by age"
    ages = [age for age in AGES if age <= 15]
    for name, (text, at) in TERMS.items():
        found = estimated(sums, _effects("ahead", CROSSED, at))
        for age in ages:
            yield Row(f"ahead_{name}_{age}", Estimate.of(found.sel(age=age)), "years", text, section, f"age {age}")
    found = estimated(sums, _effects("ahead", KNOWN, 1.0))
    for age in ages:
        text = "execution, misaligned; buffer and unit cost known"
        yield Row(f"ahead_known_{age}", Estimate.of(found.sel(age=age)), "years", text, section, f"age {age}")
