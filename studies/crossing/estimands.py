"""crossing (H4): when the survival curves of strong and weak misaligned firms cross, and what lies before and after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import xarray as xr

from common.number_table import NumberTable, Row, row
from firmfate.analysis import Estimate
from firmfate.analysis.formatting import format_value
from firmfate.analysis.poles import EXECUTION, MISALIGNMENT
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.survival import contrast, crossing, kaplan_meier, rmst_curve

WEAK, STRONG = 0.05, 1.0
BETWEEN = ({EXECUTION: STRONG}, {EXECUTION: WEAK})


def estimands(runs: Mapping[str, xr.Dataset]) -> NumberTable:
    """Return the numbers of the study.

    Parameters
    ----------
    runs : mapping
        ``curves``: counts over execution and misalignment; ``drivers``: over execution, cash_buffer and correct_time.
    """
    return NumberTable([*_by_misalignment(runs["curves"].compute()), *_by_driver(runs["drivers"].compute())])


def _by_misalignment(ds: xr.Dataset) -> Iterator[Row]:
    crossed = {"survival": crossing(ds, between=BETWEEN), "lived": crossing(ds, between=BETWEEN, f=rmst_curve)}
    gap, horizon = contrast(ds, kaplan_meier, between=BETWEEN), ds.sizes["week"]
    section = "Strong (1) against weak (0.05)"
    for misalignment in ds[MISALIGNMENT].values:
        here, text = {MISALIGNMENT: misalignment}, f"misalignment {format_value(misalignment)}"
        for name, key, column in (
            ("crossing", "survival", "survival crosses, years"),
            ("even", "lived", "years lived are even"),
        ):
            yield row(f"{name}_{format_value(misalignment)}", _years(crossed[key].sel(here), horizon), text,
                      unit="years, points", section=section, column=column)  # fmt: skip
        line = gap.sel(here)
        for name, place, column in (
            ("lead", int(line.estimate.argmax("week")), "largest lead of the strong, points"),
            ("lag", int(line.estimate.argmin("week")), "largest lag of the strong, points"),
        ):
            at = line.isel(week=place)
            yield row(f"{name}_{format_value(misalignment)}", Estimate.of(at.drop_vars("week")).scaled(100), text,
                      unit="years, points", section=section, column=column)  # fmt: skip


def _years(crossed: xr.Dataset, horizon: int) -> Estimate:
    """Return a crossing in years; unknown where the curves cannot be distinguished on both sides of it."""
    found = Estimate.of(crossed).scaled(1 / WEEKS_PER_YEAR)
    distinct = found.lower > 0 and found.upper < horizon / WEEKS_PER_YEAR
    return found if distinct else Estimate(np.nan, np.nan)


def _by_driver(ds: xr.Dataset) -> Iterator[Row]:
    crossed = crossing(ds, between=BETWEEN)
    for buffer in ds["cash_buffer"].values:
        for correct in ds["correct_time"].values:
            here = crossed.sel(cash_buffer=buffer, correct_time=correct)
            yield row(
                f"crossing_{format_value(buffer)}_{format_value(correct)}",
                _years(here, ds.sizes["week"]),
                f"buffer {format_value(buffer)} weeks",
                unit="years",
                column=f"correction {format_value(correct)} weeks",
                section="Survival crosses at misalignment 1, by buffer and correction time",
            )
