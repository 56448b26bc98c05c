"""dashboards (H5): green KPIs and warning time at the alarm, and what firms saw in the three years before their end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from common.number_table import NumberTable, Row, row
from firmfate.analysis import Estimate, alarm_shares, green_dashboards, warning_time
from firmfate.analysis.formatting import format_value
from firmfate.analysis.poles import EXECUTION, MISALIGNMENT
from firmfate.models.firm.practices import DIVISIONS
from firmfate.simulation import Replayer
from firmfate.survival.core.limits import student_quantile

LIVES = 1000
"""Firms replayed in each of the cells of `CELLS`."""

WEEKS, LEAST = 156, 52
"""Weeks before the end that are kept, and the shortest life: means are over firms that lived all of the weeks shown."""

CELLS = {
    "strong misaligned": (1.0, 1.0), "strong half aligned": (1.0, 0.5), "strong aligned": (1.0, 0.0),
    "weak misaligned": (0.05, 1.0), "weak aligned": (0.05, 0.0),
}  # fmt: skip
SHOWN = (156, 104, 52, 26, 1)
TIE = 1e-9
"""A KPI is green when it is at least as good as at the start, within this relative difference."""

Floats = NDArray[np.float64]


def estimands(runs: Mapping[str, xr.Dataset]) -> NumberTable:
    """Return the numbers of the study.

    Parameters
    ----------
    runs : mapping
        ``alarms``: counts over execution and misalignment; ``lives``, as `derive` returns it.
    """
    return NumberTable([*_alarms(runs["alarms"].compute()), *_paths(runs["lives"])])


def derive(directories: Mapping[str, Path]) -> dict[str, xr.Dataset]:
    """Replay firms of some cells of ``alarms`` and keep the last years of those that died.

    Returns
    -------
    dict
        ``lives``: ``health``, ``green`` (number of KPIs) and ``kpi`` (division; improvement on the start, a share)
        over ``firm`` and ``before`` (weeks to the end, 156..1; NaN before birth), with ``cell`` and the firm's age at
        its end in weeks.
    """
    player = Replayer(directories["alarms"])
    kept: list[xr.Dataset] = []
    for name, (execution, misalignment) in CELLS.items():
        cell = player.nearest({EXECUTION: execution, MISALIGNMENT: misalignment})
        for replicate in range(min(LIVES, player.study.replicates)):
            path = player.trajectory(cell, replicate)
            if path.attrs["cause"] == "censored" or path.sizes["step"] < LEAST:
                continue
            last = seen(path).isel(week=slice(-WEEKS, None)).rename(week="before")
            last = last.pad(before=(WEEKS - last.sizes["before"], 0))
            kept.append(last.assign_coords(cell=name, age=path.sizes["step"]))
    lives = xr.concat(kept, "firm").assign_coords(before=np.arange(WEEKS, 0, -1)).astype(np.float32)
    return {"lives": lives.assign_attrs(lives=min(LIVES, player.study.replicates))}


def seen(path: xr.Dataset) -> xr.Dataset:
    """Return health, green KPIs and the KPIs' improvement on the start, at the start of every week of a trajectory.

    Parameters
    ----------
    path : xarray.Dataset
        One firm, as `firmfate.replay` returns it.
    """
    kpi = np.array([path[f"kpi_{division}"] / path[f"kpi_{division}"][0] - 1.0 for division in DIVISIONS])
    kpi[1:] *= -1.0  # of bookings more is better, of all others less
    return xr.Dataset(
        {
            "health": ("week", path.health.values),
            "green": ("week", path.green_kpis.values),
            "kpi": (("division", "week"), kpi),
        },
        coords={"division": list(DIVISIONS)},
    )


def _alarms(ds: xr.Dataset) -> Iterator[Row]:
    found = (
        green_dashboards(ds).sel(alarm_kind="later"),
        warning_time(ds).sel(alarm_kind="later"),
        alarm_shares(ds).sel(alarm_kind="none"),
    )
    for quantity, (name, section, unit) in zip(
        found,
        (
            ("green", "Green KPIs of five at the alarm, firms that died", "1"),
            ("warning", "Weeks from the alarm to the end", "weeks"),
            ("unalarmed", "Share of deaths without an alarm", "1"),
        ),
        strict=True,
    ):
        for execution in ds[EXECUTION].values:
            for misalignment in ds[MISALIGNMENT].values:
                here = quantity.sel({EXECUTION: execution, MISALIGNMENT: misalignment}, drop=True)
                yield row(
                    f"{name}_{format_value(execution)}_{format_value(misalignment)}",
                    here,
                    f"execution {format_value(execution)}",
                    unit=unit,
                    section=section,
                    column=f"misalignment {format_value(misalignment)}",
                )


def lived_long(ds: xr.Dataset, cell: str, *, weeks: int = WEEKS) -> xr.Dataset:
    """Return the firms of one cell that died after so many weeks or more."""
    return ds.isel(firm=np.flatnonzero((ds["cell"].values == cell) & (ds["age"].values >= weeks)))


def _mean(values: Floats) -> Estimate:
    n = len(values)
    if n < 2:
        return Estimate(np.nan, np.nan)
    mean, se = float(values.mean(dtype=np.float64)), float(values.std(ddof=1, dtype=np.float64) / np.sqrt(n))
    half = student_quantile(0.95, n - 1) * se
    return Estimate(mean, se, mean - half, mean + half) if se > 0 else Estimate(mean, se)


def _paths(ds: xr.Dataset) -> Iterator[Row]:
    for name in CELLS:
        here = lived_long(ds, name)
        key = name.replace(" ", "_")
        section = "Firms that died after three years or more, of the replayed"
        yield row(f"lives_{key}", here.sizes["firm"], f"{name}: firms of {ds.attrs['lives']:,}", section=section)
        for quantity, section in (
            ("green", "Green KPIs before the end"),
            ("health", "Health before the end (alarm below 0.7)"),
        ):
            for before in SHOWN:
                value = _mean(here[quantity].sel(before=before).values)
                yield row(f"{quantity}_{key}_{before}", value, name, section=section, column=_weeks(before))
    strong = lived_long(ds, "strong misaligned")
    for division in DIVISIONS:
        for before in SHOWN:
            value = _mean(strong["kpi"].sel(division=division, before=before).values).scaled(100)
            yield row(f"kpi_{division}_{before}", value, division, unit="%", column=_weeks(before),
                      section="Strong misaligned: KPI's improvement on the start before the end")  # fmt: skip
    section = "Strong misaligned: do KPIs look best just before the end?"
    for late, early in ((1, 52), (1, 156), (52, 156)):
        change = strong["green"].sel(before=late) - strong["green"].sel(before=early)
        text = f"green KPIs, {_weeks(late)} less {_weeks(early)}"
        yield row(f"change_{late}_{early}", _mean(change.values), text, section=section)
    short = lived_long(ds, "strong misaligned", weeks=LEAST)
    change = short["green"].sel(before=1) - short["green"].sel(before=LEAST)
    text = f"the same, last week less {LEAST}, of all {short.sizes['firm']} that died after a year or more"
    yield row("change_of_all", _mean(change.values), text, section=section)
    mean = strong["green"].mean("firm")
    peak = float(mean["before"][int(mean.argmax("before"))])
    yield row("peak", peak, "their mean is highest so many weeks before the end", unit="weeks", section=section)
    best = (strong["green"].sel(before=52) == len(DIVISIONS)).values.astype(np.float64)
    yield row("all_green_52", _mean(best), "share of firms with all five green a year before the end", section=section)


def _weeks(before: int) -> str:
    return f"{before} weeks before" if before > 1 else "last week"
