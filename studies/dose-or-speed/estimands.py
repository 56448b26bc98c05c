"""dose-or-speed (H13): are weak misaligned firms protected by a milder dose of their practices, or by being slow?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import xarray as xr

from common.number_table import NumberTable, Row, row
from firmfate.analysis import Estimate, Lifetimes, turning_point
from firmfate.analysis.formatting import format_value
from firmfate.analysis.poles import EXECUTION, MISALIGNMENT
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.sensitivity import shapley_shares

FACTORS = ("engine", "dose", "speed")
"""What differs between the weak and the strong firm of ``split``, in the order of its cells, the last fastest."""

LAPSE = "lapse_share"
WEAK, STRONG = 0.05, 1.0


def estimands(runs: Mapping[str, xr.Dataset]) -> NumberTable:
    """Return the numbers of the study.

    Parameters
    ----------
    runs : mapping
        ``lapse``: counts over execution, misalignment and lapse_share; ``split``: the eight cells of engine, dose and
        speed; ``slow``: the same where practices lapse slowly; ``speed``: over misalignment (the settled practice) and
        adopt_time.
    """
    return NumberTable(
        [
            *_split(runs["split"].compute(), "", "", "a tenth", "50"),
            *_split(runs["slow"].compute(), "_slow", ", where weak firms are slow (lapse_time 520)", "a half", "267"),
            *_lapse(runs["lapse"].compute()),
            *_speed(runs["speed"].compute()),
        ]
    )


def corners(years: xr.DataArray) -> xr.DataArray:
    """Return the mean lifetimes of ``split`` over engine, dose and speed, 0 = weak and 1 = strong."""
    return xr.DataArray(years.values.reshape(2, 2, 2), dims=FACTORS, coords={factor: [0, 1] for factor in FACTORS})


def _split(ds: xr.Dataset, suffix: str, who: str, tenth: str, tau: str) -> Iterator[Row]:
    lived = Lifetimes(ds)
    years = f"{lived.tau / WEEKS_PER_YEAR:g} years"
    section = f"Strong less weak at misalignment 1: mean lifetime within {years}{who}"
    whole = lived.apply(lambda mean: _difference(mean))
    yield row(f"whole{suffix}", whole, "in all", unit="years", section=section)
    names = {
        "engine": "engine: lower cost and variability of a strong firm",
        "dose": f"dose: practices settle at their full measure instead of {tenth}",
        "speed": f"speed: they get there with a time constant of 26 weeks instead of {tau}",
    }
    for factor in FACTORS:
        share = lived.apply(lambda mean, factor=factor: -shapley_shares(corners(mean), FACTORS)[factor])  # type: ignore[misc]
        yield row(f"share_{factor}{suffix}", share, f"{names[factor]} (Shapley value)", unit="years", section=section)
    for factor in ("dose", "speed"):
        for engine, engine_of in enumerate(("weak", "strong")):
            other = "speed" if factor == "dose" else "dose"
            here = {"engine": engine, other: engine}

            def alone(mean: xr.DataArray, factor: str = factor, here: dict[str, int] = here) -> xr.DataArray:
                line = corners(mean).isel(here, drop=True)
                return line.isel({factor: 1}, drop=True) - line.isel({factor: 0}, drop=True)

            text = f"{factor} alone, strong less weak, in a firm that is {engine_of} in all else"
            yield row(f"{factor}_of_{engine_of}{suffix}", lived.apply(alone), text, unit="years", section=section)


def _difference(mean: xr.DataArray) -> xr.DataArray:
    return corners(mean).isel(dict.fromkeys(FACTORS, 1), drop=True) - corners(mean).isel(
        dict.fromkeys(FACTORS, 0), drop=True
    )


def _lapse(ds: xr.Dataset) -> Iterator[Row]:
    lived = Lifetimes(ds)
    turning = turning_point(ds)
    section = "Lapses switched off"
    for share in ds[LAPSE].values:
        here, text = {LAPSE: share}, f"lapse share {format_value(share)}"
        worst = {MISALIGNMENT: 1.0, **here}

        def at(mean: xr.DataArray, execution: float, where: Mapping[str, float] = worst) -> xr.DataArray:
            return mean.sel({EXECUTION: execution, **where}, drop=True)

        effect = lived.apply(lambda mean, at=at: at(mean, STRONG) - at(mean, WEAK))  # type: ignore[misc]
        line = lived.estimate.sel(worst)
        lowest = float(line[EXECUTION][int(line.argmin(EXECUTION))])
        rise = lived.apply(lambda mean, at=at, lowest=lowest: at(mean, STRONG) - at(mean, lowest))  # type: ignore[misc]
        weak = xr.Dataset({"estimate": at(lived.estimate, WEAK), "se": at(lived.se, WEAK)})
        found: list[tuple[str, xr.Dataset | Estimate | float, str]] = [
            ("rmst_weak", weak.assign(lower=np.nan, upper=np.nan), "life of the weak (0.05), misalignment 1"),
            ("effect", effect, "strong less weak, misalignment 1"),
            ("worst", lowest, "worst execution, misalignment 1"),
            ("rise", rise, "execution 1 less the worst"),
            ("m_star", turning.sel(here), "m*"),
        ]
        for name, value, column in found:
            yield row(f"{name}_{format_value(share)}", value, text, unit="years", section=section, column=column)


def _speed(ds: xr.Dataset) -> Iterator[Row]:
    lived = Lifetimes(ds)
    section = "Speed at equal settled practice: mean lifetime"
    for adopt in ds["adopt_time"].values:
        tau = adopt / WEAK
        for practice in ds[MISALIGNMENT].values:
            here = {"adopt_time": adopt, MISALIGNMENT: practice}
            value = Estimate(float(lived.estimate.sel(here)), float(lived.se.sel(here)))
            yield row(
                f"rmst_{format_value(tau)}_{format_value(practice)}",
                value,
                f"time constant {format_value(tau)} weeks",
                unit="years",
                section=section,
                column=f"practice {format_value(practice)}",
            )
    fastest, slowest = ds["adopt_time"].values[[0, -1]]
    mild, full = 0.2, 1.0

    def at(mean: xr.DataArray, adopt: float, practice: float) -> xr.DataArray:
        return mean.sel({"adopt_time": adopt, MISALIGNMENT: practice}, drop=True)

    gain = lived.apply(lambda mean: at(mean, slowest, full) - at(mean, fastest, full))
    text = f"practice 1: time constant {format_value(slowest / WEAK)} less {format_value(fastest / WEAK)} weeks"
    yield row("gain_of_slowness", gain, text, unit="years", section="Slowness, dose")
    dose = lived.apply(lambda mean: at(mean, fastest, mild) - at(mean, fastest, full))
    text = f"time constant {format_value(fastest / WEAK)} weeks: practice {format_value(mild)} less 1"
    yield row("gain_of_mildness", dose, text, unit="years", section="Slowness, dose")
