"""structures: what each structure that is off by default does to both effects of execution and to where they turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import xarray as xr

from common.number_table import NumberTable, Row, row
from firmfate.analysis import Lifetimes, turning_point
from firmfate.analysis.formatting import format_value
from firmfate.analysis.poles import EXECUTION, MISALIGNMENT
from firmfate.survival import cumulative_incidence

STRUCTURES = {
    "equity": ("equity", "owners' money"),
    "misdiagnosis": ("misdiagnosis", "chasing KPIs in distress"),
    "onset": ("onset_time", "misalignment creeps in"),
    "growth": ("growth", "fast firms win customers"),
    "first-shocks": ("first_shocks", "an average market at the start"),
    "cost-gain": ("cost_gain", "gain in unit cost"),
}
"""Study file -> its parameter, and what it is called."""

DEFAULT = {"cost-gain": 0.05}
"""Values of the defaults; 0 where a structure is off."""

WEAK, STRONG = 0.05, 1.0


def estimands(runs: Mapping[str, xr.Dataset]) -> NumberTable:
    """Return the numbers of the study.

    Parameters
    ----------
    runs : mapping
        Counts over execution, misalignment and one structure by the name of its file; ``together``: with all five on.
    """
    found: list[Row] = []
    for key, (parameter, words) in STRUCTURES.items():
        found += _structure(runs[key].compute(), key, parameter, words)
    found += _together(runs["together"].compute())
    for key, (parameter, _) in STRUCTURES.items():
        found += _ends(runs[key].compute(), key, parameter)
    return NumberTable(found)


def effect(mean: xr.DataArray) -> xr.DataArray:
    """Return strong less weak execution at both ends of misalignment, over ``pole``."""
    gain = mean.sel({EXECUTION: STRONG}, drop=True) - mean.sel({EXECUTION: WEAK}, drop=True)
    poles = [gain.isel({MISALIGNMENT: place}, drop=True) for place in (0, -1)]
    return xr.concat(poles, "pole").assign_coords(pole=["aligned", "misaligned"])


def _structure(ds: xr.Dataset, key: str, parameter: str, words: str) -> Iterator[Row]:
    """Return both effects and m* at every value, and what the effects change against the default, paired."""
    lived = Lifetimes(ds)
    effects, turning = lived.apply(effect), turning_point(ds)
    usual = DEFAULT.get(key, 0.0)
    against = lived.apply(lambda mean: effect(mean) - effect(mean).sel({parameter: usual}, drop=True))
    section = "Strong less weak execution, mean lifetime within 20 years, one structure at a time"
    for value in ds[parameter].values:
        text, name = f"{parameter} {format_value(value)} ({words})", f"{key}_{format_value(value)}"
        here = {parameter: value}
        for pole in ("aligned", "misaligned"):
            yield row(
                f"{pole}_{name}", effects.sel(here).sel(pole=pole), text, unit="years, share", section=section,
                column=f"{pole}, years",
            )  # fmt: skip
            if value != usual:
                yield row(
                    f"change_{pole}_{name}", against.sel(here).sel(pole=pole), text, unit="years, share",
                    section=section, column=f"{pole}, less the default",
                )  # fmt: skip
        yield row(f"m_star_{name}", turning.sel(here), text, unit="years, share", section=section, column="m*")


def _together(ds: xr.Dataset) -> Iterator[Row]:
    section = "All five structures on"
    effects = Lifetimes(ds).apply(effect)
    for pole in ("aligned", "misaligned"):
        text = f"strong less weak execution, {pole}"
        yield row(f"{pole}_together", effects.sel(pole=pole), text, unit="years", section=section)
    yield row("m_star_together", turning_point(ds), "m*", section=section)


def _ends(ds: xr.Dataset, key: str, parameter: str) -> Iterator[Row]:
    """Return how strong misaligned firms end within 20 years, and how long weak and strong firms live."""
    corner = ds.sel({EXECUTION: STRONG, MISALIGNMENT: 1.0}, drop=True)
    shares = cumulative_incidence(corner).isel(week=-1)
    lived = Lifetimes(ds)
    section = "Strong misaligned firms: how they end; and mean lifetimes"
    for value in ds[parameter].values:
        text, name = f"{parameter} {format_value(value)}", f"{key}_{format_value(value)}"
        here = {parameter: value}
        for cause in ("insolvency", "customer_collapse"):
            share = shares.sel(here).sel(cause=cause).drop_vars(["cause", "week"], errors="ignore")
            yield row(f"{cause}_{name}", share, text, unit="share, years", section=section,
                      column=cause.replace("_", " "))  # fmt: skip
        for execution, misalignment in ((WEAK, 0.0), (STRONG, 0.0), (WEAK, 1.0), (STRONG, 1.0)):
            cell = {**here, EXECUTION: execution, MISALIGNMENT: misalignment}
            mean = xr.Dataset({"estimate": lived.estimate.sel(cell), "se": lived.se.sel(cell)})
            who = f"{'weak' if execution == WEAK else 'strong'} {'misaligned' if misalignment else 'aligned'}"
            yield row(
                f"rmst_{who.replace(' ', '_')}_{name}", mean.assign(lower=np.nan, upper=np.nan), text,
                unit="share, years", section=section, column=who,
            )  # fmt: skip
