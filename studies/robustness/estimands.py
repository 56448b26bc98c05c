"""Robustness: on which assumptions the paradox depends, and where it ends; step size and horizon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from scipy.stats import qmc

from common.execution_effects import ESTIMANDS, boundary, effects_at, saltelli_points
from common.folder import load
from common.number_table import NumberTable, Row
from firmfate.analysis import Estimate, Lifetimes, turning_point
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.dataset import open_run
from firmfate.machine import cores
from firmfate.models import load_model
from firmfate.parameter_range import ParameterRange
from firmfate.sensitivity import elementary_effects, morris_design, sobol_indices

_spans = load("robustness", "ranges")
ranges, sourced, STRUCTURES, SWEPT = _spans.ranges, _spans.sourced, _spans.STRUCTURES, _spans.SWEPT

TOGETHER: dict[str, dict[str, float]] = {
    "the defaults": {},
    "execution has no gains (cost_gain = variability_gain = 0)": {"cost_gain": 0, "variability_gain": 0},
    "speed alone, and correction as strong as execution": {"lapse_share": 0, "steering_coupling": 1},
    "half shared metrics, correction in 13 weeks": {"shared_metrics": 0.5, "correct_time": 13},
    "correction in 4 weeks of distress seen in 4": {"correct_time": 4, "observe_time": 4},
    "no gain in unit cost (cost_gain = 0)": {"cost_gain": 0},
    "no gain in variability (variability_gain = 0)": {"variability_gain": 0},
}
"""Assumptions that are changed together."""

GAINS = ("cost_gain", "variability_gain")
CASES = {"helped": "aligned helped", "harmed": "misaligned harmed", "paradox": "paradox"}
MOST = 8
BOX = 512
"""Points in the joint space of all assumptions."""

TINY = 2_000
HORIZONS = (3, 5, 10, 20)
NAMES = {
    "aligned": "dRMST/dE aligned, years",
    "misaligned": "dRMST/dE misaligned, years",
    "turning": "turning point m*",
}


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
    everywhere = box_points(wide, points=8 if tiny else BOX, seed=of_design)
    box = effects_at(everywhere, firms=max(16, firms // 25), misalignments=(0, 1 / 3, 2 / 3, 1), **common)
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
    return {"morris": morris, "joint": joint, "sobol": sobol, "swept": swept, "together": together, "box": box}


def box_points(wide: Mapping[str, ParameterRange], *, points: int, seed: int) -> dict[str, np.ndarray]:
    """Return a Latin hypercube over ranges: parameter -> values."""
    unit = qmc.LatinHypercube(len(wide), rng=np.random.default_rng(seed)).random(points)
    return {
        name: np.array([span.value(at) for at in unit[:, column].tolist()])
        for column, (name, span) in enumerate(wide.items())
    }


def _estimates(ds: xr.Dataset) -> xr.DataArray:
    return ds["estimate"]


def estimands(runs: Mapping[str, xr.Dataset]) -> NumberTable:
    """Return elementary effects, Sobol indices, where the paradox ends, and what steps and horizons change."""
    return NumberTable(
        [
            *_box(runs["box"]), *_morris(runs["morris"]), *_sobol(runs["sobol"]),
            *_joint(runs["joint"], runs["sobol"]),
            *_boundaries(runs["swept"]), *_together(runs["together"]), *_steps(runs), *_horizons(runs),
            *_ranges(),
        ]
    )  # fmt: skip


def _box(ds: xr.Dataset) -> Iterator[Row]:
    """Return in which share of the space of all assumptions the paradox holds, and where the effect turns there."""
    section = "Share of the joint space of all assumptions"
    helps, harms = (ds["estimate"].sel(estimand=name).values for name in ESTIMANDS[:2])
    sure_helps, sure_harms = (ds["se"].sel(estimand=name).values * 2 for name in ESTIMANDS[:2])
    paradox = (helps > 0) & (harms < 0)
    cases = {
        "aligned_helped": (helps > 0, "execution helps the aligned"),
        "misaligned_harmed": (harms < 0, "execution harms the misaligned"),
        "paradox": (paradox, "both: the paradox holds"),
        "paradox_sure": ((helps > sure_helps) & (harms < -sure_harms), "both by more than two standard errors"),
        "against_sure": (
            (helps < -sure_helps) | (harms > sure_harms),
            "one of them has the other sign by more than two standard errors",
        ),
    }
    for name, (holds, text) in cases.items():
        yield Row(f"box_{name}", _share(holds), "share", text, section)
    section = "Share of the joint space of all assumptions, by where a parameter lies in its range"
    for name in (*GAINS, "shared_metrics", "lapse_share", "correct_time", *STRUCTURES):
        low, high = np.quantile(ds[name].values, [0.25, 0.75])
        for column, here in (("lowest quarter", ds[name].values <= low), ("highest quarter", ds[name].values >= high)):
            for kind, holds in (("helped", helps > 0), ("harmed", harms < 0), ("paradox", paradox)):
                yield Row(
                    f"box_{column.split()[0]}_{name}_{kind}", _share(holds[here]), "share", name, section,
                    f"{CASES[kind]}, {column}",
                )  # fmt: skip
    section = "The two effects and m* over the joint space of all assumptions"
    random = np.random.default_rng(1)
    for name in ESTIMANDS:
        values = ds["estimate"].sel(estimand=name).values
        drawn = values[random.integers(values.size, size=(400, values.size))]
        for share in (0.05, 0.25, 0.5, 0.75, 0.95):
            found = Estimate(float(np.quantile(values, share)), float(np.quantile(drawn, share, axis=1).std(ddof=1)))
            yield Row(f"box_{name}_{share:g}", found, "quantile", f"{share:.0%}", section, NAMES[name])


def _ranges() -> Iterator[Row]:
    """Return the ranges themselves, each with its source."""
    for name, (span, source) in sourced().items():
        scale = ", on a log scale" if span.log else ""
        for column, value in (("from", span.low), ("to", span.high)):
            exact = Estimate(value, np.nan)
            yield Row(f"range_{column}_{name}", exact, "its own unit", f"{name}: {source}{scale}", "Ranges", column)


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
