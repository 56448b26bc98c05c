"""Robustness: on which assumptions the paradox depends, and where it ends; step size and horizon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from common.execution_effects import ESTIMANDS, boundary, effects_at, saltelli_points
from common.number_table import NumberTable, Row
from firmfate.analysis import Estimate, Lifetimes, turning_point
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.dataset import open_run
from firmfate.machine import cores
from firmfate.models import load_model
from firmfate.parameter_range import ParameterRange
from firmfate.sensitivity import elementary_effects, morris_design, sobol_indices

WIDE = {
    "adopt_time": ParameterRange(8, 78, log=True),
    "lapse_time": ParameterRange(17, 156, log=True),
    "lapse_share": ParameterRange(0, 1),
    "shared_metrics": ParameterRange(0, 0.5),
    "communication": ParameterRange(0, 0.5),
    "steering_coupling": ParameterRange(0, 1),
    "lead_sensitivity": ParameterRange(0.2, 0.6),
    "observe_time": ParameterRange(8, 78, log=True),
    "correct_time": ParameterRange(13, 208, log=True),
    "relapse_time": ParameterRange(52, 468, log=True),
    "alarm": ParameterRange(0.5, 0.9),
    "customer_voice": ParameterRange(0, 0.6),
    "blindness": ParameterRange(0, 1),
    "cash_buffer": ParameterRange(3, 30, log=True),
    "buffer_sd": ParameterRange(0.3, 1.4),
    "background_exit": ParameterRange(0, 0.06),
    "cost_gain": ParameterRange(0, 0.1),
    "variability_gain": ParameterRange(0, 0.6),
    "demand_sd": ParameterRange(0.08, 0.32, log=True),
    "cost_sd": ParameterRange(0.025, 0.1, log=True),
    "margin_sd": ParameterRange(0.02, 0.08, log=True),
    "capacity": ParameterRange(1.2, 1.755),
    "utilisation_cap": ParameterRange(0.9, 0.995),
    "fill_time": ParameterRange(1, 1.3),
    "pick_time": ParameterRange(1, 1.3),
    "transit_time": ParameterRange(1, 1.3),
}
"""Ranges of what is decisive, off by default, or bounded; other assumptions go from 0.7 to 1.3 of their default."""

SWEPT = {
    "lapse_share": ParameterRange(0, 1),
    "shared_metrics": ParameterRange(0, 1),
    "steering_coupling": ParameterRange(0, 1),
    "correct_time": ParameterRange(2, 208, log=True),
    "observe_time": ParameterRange(2, 208, log=True),
    "adopt_time": ParameterRange(4, 416, log=True),
    "lapse_time": ParameterRange(4, 416, log=True),
    "cost_gain": ParameterRange(0, 0.3),
    "cash_buffer": ParameterRange(1, 200, log=True),
    "overhead_cut": ParameterRange(0, 1),
    "alarm": ParameterRange(0.3, 1.2),
    "prevention_loss": ParameterRange(0, 1),
    "capability_loss": ParameterRange(0, 1),
    "soft_orders": ParameterRange(0, 1.5),
    "discount": ParameterRange(0, 0.2),
    "demand_sd": ParameterRange(0.02, 0.64, log=True),
    "overhead": ParameterRange(0.2, 0.38),
    "utilisation_cap": ParameterRange(0.85, 0.999),
    "capacity": ParameterRange(1.15, 3, log=True),
    "variability_gain": ParameterRange(0, 0.9),
    "customer_floor": ParameterRange(0.1, 0.9),
}
"""Wide sweeps, one parameter at a time, in search of where the paradox ends."""

TOGETHER: dict[str, dict[str, float]] = {
    "the defaults": {},
    "execution has no gains (cost_gain = variability_gain = 0)": {"cost_gain": 0, "variability_gain": 0},
    "speed alone, and correction as strong as execution": {"lapse_share": 0, "steering_coupling": 1},
    "half shared metrics, correction in 13 weeks": {"shared_metrics": 0.5, "correct_time": 13},
    "correction in 4 weeks of distress seen in 4": {"correct_time": 4, "observe_time": 4},
}
"""Assumptions that are changed together."""

MOST = 8
TINY = 2_000
HORIZONS = (3, 5, 10, 20)
NAMES = {
    "aligned": "dRMST/dE aligned, years",
    "misaligned": "dRMST/dE misaligned, years",
    "turning": "turning point m*",
}


def ranges() -> dict[str, ParameterRange]:
    """Return the range of every parameter of `firm` that its table marks as an assumption."""
    found = {}
    for row in load_model("firm").parameters:
        if not row.assumption:
            continue
        low, high = 0.7 * row.default, 1.3 * row.default
        found[row.name] = WIDE.get(row.name, ParameterRange(max(low, row.allowed.low), min(high, row.allowed.high)))
    return found


def derive(directories: Mapping[str, Path], *, threads: int | None = None) -> dict[str, xr.Dataset]:
    """Screen all assumptions, share the variance out among the eight that matter, and sweep some one by one."""
    with open_run(directories["study"]) as ds:
        firms, seed = int(ds["firms"].max()), int(ds.attrs["seed"])
    tiny = firms < TINY
    wide = ranges()
    of_design = seed % 2**32
    screen = morris_design(wide, trajectories=2 if tiny else 10, seed=of_design)
    common: dict[str, Any] = {"seed": seed, "threads": threads or cores()}
    screened = effects_at(screen.points, firms=max(16, firms // 20), **common)
    morris = elementary_effects(screened.rename(point="cell"), _estimates, screen, seed=of_design)
    # Of each estimand the share of a parameter in all effects; the eight largest of their sum are taken on.
    share = (morris["mu_star"] / morris["mu_star"].sum("parameter")).sum("estimand")
    eight = [str(name) for name in share.sortby(share, ascending=False)["parameter"].values[:MOST]]
    chosen = {name: wide[name] for name in eight}
    design = saltelli_points(chosen, points=4 if tiny else 256, seed=of_design)
    joint = effects_at(design, firms=max(16, firms // 50), misalignments=(0, 1 / 3, 2 / 3, 1), **common)
    sobol = sobol_indices(joint.rename(point="cell"), _estimates, seed=of_design)
    sweeps = []
    for name, span in SWEPT.items():
        values = [span.value(at) for at in np.linspace(0, 1, 3 if tiny else 9)]
        found = effects_at({name: values}, firms=max(16, firms // 5), misalignments=(0, 1), **common)
        sweeps.append(found.rename({name: "value"}).reset_coords("value"))
    swept = xr.concat(sweeps, dim="parameter").assign_coords(parameter=list(SWEPT))
    defaults = load_model("firm").defaults
    keys = sorted({key for changed in TOGETHER.values() for key in changed})
    table = {key: [changed.get(key, defaults[key]) for changed in TOGETHER.values()] for key in keys}
    together = effects_at(table, firms=max(16, firms // 5), **common).reset_coords(keys)
    return {"morris": morris, "joint": joint, "sobol": sobol, "swept": swept, "together": together}


def _estimates(ds: xr.Dataset) -> xr.DataArray:
    return ds["estimate"]


def estimands(runs: Mapping[str, xr.Dataset]) -> NumberTable:
    """Return elementary effects, Sobol indices, where the paradox ends, and what steps and horizons change."""
    return NumberTable(
        [
            *_morris(runs["morris"]), *_sobol(runs["sobol"]), *_joint(runs["joint"], runs["sobol"]),
            *_boundaries(runs["swept"]), *_together(runs["together"]), *_steps(runs), *_horizons(runs),
        ]
    )  # fmt: skip


def _morris(ds: xr.Dataset) -> Iterator[Row]:
    section = "Elementary effects over a parameter's whole range"
    largest = (ds["mu_star"] / ds["mu_star"].sum("parameter")).sum("estimand")
    for name in largest.sortby(largest, ascending=False)["parameter"].values[:20]:
        for estimand in ESTIMANDS:
            here = ds.sel(parameter=name, estimand=estimand)
            value = Estimate(float(here["mu_star"]), float(here["mu_star_se"]))
            yield Row(f"size_{name}_{estimand}", value, "mean size", str(name), section, NAMES[estimand])
            mean = Estimate(float(here["mu"]), float(here["sigma"]))
            yield Row(
                f"mean_{name}_{estimand}",
                mean,
                "mean ± spread",
                str(name),
                "Elementary effects with sign",
                NAMES[estimand],
            )


def _sobol(ds: xr.Dataset) -> Iterator[Row]:
    for kind, words in (("first", "alone (first order)"), ("total", "with all interactions (total)")):
        section = f"Share of the variance, {words}"
        for name in ds["parameter"].values:
            for estimand in ESTIMANDS:
                here = ds.sel(parameter=name, estimand=estimand)
                value = Estimate(float(here[kind]), float(here[f"{kind}_se"]))
                yield Row(f"{kind}_{name}_{estimand}", value, "1", str(name), section, NAMES[estimand])


def _joint(ds: xr.Dataset, sobol: xr.Dataset) -> Iterator[Row]:
    """Return in which share of the space of the eight the paradox holds, and at which ends of their ranges."""
    helps, harms = (ds["estimate"].sel(estimand=name) for name in ESTIMANDS[:2])
    parts = {"aligned_helped": helps > 0, "misaligned_harmed": harms < 0, "paradox": (helps > 0) & (harms < 0)}
    # Only the two independent samples of the design, every tenth and every last point of ten, count as draws.
    eight = [str(name) for name in sobol["parameter"].values]
    place = np.arange(ds.sizes["point"]) % (len(eight) + 2)
    draw = (place == 0) | (place == len(eight) + 1)
    section = "Share of the joint space of the eight"
    texts = {
        "aligned_helped": "execution helps the aligned", "misaligned_harmed": "execution harms the misaligned",
        "paradox": "both: the paradox holds",
    }  # fmt: skip
    for name, holds in parts.items():
        yield Row(f"share_{name}", _share(holds.values[draw]), "share", texts[name], section)
    section = "Share in which the paradox holds, by where a parameter lies in its range"
    for name in eight:
        values = ds[name].values[draw]
        low, high = np.quantile(values, [0.25, 0.75])
        for column, here in (("lowest quarter", values <= low), ("highest quarter", values >= high)):
            share = _share(parts["paradox"].values[draw][here])
            yield Row(f"{column.split()[0]}_{name}", share, "share", name, section, column)


def _share(holds: np.ndarray) -> Estimate:
    """Return a share with its binomial standard error, at least 1/(2n)."""
    share = float(np.mean(holds)) if holds.size else np.nan
    return Estimate(
        share, float(np.sqrt(max(share * (1 - share), 0.25 / holds.size) / holds.size)) if holds.size else np.nan
    )


def _boundaries(ds: xr.Dataset) -> Iterator[Row]:
    section = "One assumption at a time: dRMST/dE at the ends of a wide sweep, and where it is 0"
    for name in ds["parameter"].values:
        here = ds.sel(parameter=name)
        for estimand in ESTIMANDS[:2]:
            for column, point in (("at the low end", 0), ("at the high end", -1)):
                at = here.isel(point=point).sel(estimand=estimand)
                low, high = (float(here["value"].isel(point=end)) for end in (0, -1))
                text = f"{name} {low:.3g} to {high:.3g}, {estimand}"
                value = Estimate(float(at["estimate"]), float(at["se"]))
                yield Row(f"{column.split()[2]}_end_{name}_{estimand}", value, "years", text, section, column)
            zero = Estimate(*boundary(here.set_coords("value"), "value", estimand))
            yield Row(f"zero_{name}_{estimand}", zero, "years", text, section, "0 at (its own unit)")


def _together(ds: xr.Dataset) -> Iterator[Row]:
    for place, text in enumerate(TOGETHER):
        for name in ESTIMANDS:
            here = ds.isel(point=place).sel(estimand=name)
            value = Estimate(float(here["estimate"]), float(here["se"]))
            yield Row(f"together_{place}_{name}", value, "estimate", text, "Assumptions changed together", NAMES[name])


def _slopes(ds: xr.Dataset, *, tau: int | None = None) -> dict[str, Estimate]:
    """Return the three estimands of a grid of execution and misalignment, with errors from batches."""
    lived = Lifetimes(ds, tau=tau)
    found = {}
    for name, at in (("aligned", 0), ("misaligned", -1)):

        def slope(years: xr.DataArray, at: int = at) -> xr.DataArray:
            gain = years.isel(execution=-1) - years.isel(execution=0)
            width = float(years["execution"][-1] - years["execution"][0])
            return gain.isel(misalignment=at).drop_vars(["execution", "misalignment"], errors="ignore") / width

        found[name] = Estimate.of(lived.apply(slope))
    return {**found, "turning": Estimate.of(turning_point(ds, tau=tau))}


def _steps(runs: Mapping[str, xr.Dataset]) -> Iterator[Row]:
    section = "Step size"
    whole = _slopes(runs["study"])
    for key, text in (("study", "1 week"), ("half", "1/2 week"), ("quarter", "1/4 week")):
        for name, value in _slopes(runs[key]).items():
            yield Row(f"step_{key}_{name}", value, "estimate", text, section, NAMES[name])
            if key != "study":
                less = Estimate(value.estimate - whole[name].estimate, float(np.hypot(value.se, whole[name].se)))
                yield Row(f"change_{key}_{name}", less, "estimate", f"{text} less 1 week", section, NAMES[name])


def _horizons(runs: Mapping[str, xr.Dataset]) -> Iterator[Row]:
    section = "Horizon"
    for years in HORIZONS:
        for name, value in _slopes(runs["study"], tau=years * WEEKS_PER_YEAR).items():
            yield Row(f"horizon_{years}_{name}", value, "estimate", f"{years} years", section, NAMES[name])
    for name, value in _slopes(runs["long"]).items():
        yield Row(f"horizon_40_{name}", value, "estimate", "40 years", section, NAMES[name])
