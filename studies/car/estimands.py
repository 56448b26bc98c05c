"""car (H3): the exact law against the simulated cars, its two dimensionless groups, and how far the firm obeys it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from common import car_law
from common.number_table import NumberTable, Row, row
from firmfate.analysis import Estimate, turning_point
from firmfate.analysis.cell_labels import labelled
from firmfate.analysis.formatting import format_value
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.models import load_model
from firmfate.simulation import Replayer, simulate_path
from firmfate.survival import kaplan_meier
from firmfate.survival.jackknife import covariance, limits

Floats = NDArray[np.float64]
LIVES, GROUPS = 160, 16
"""Firms replayed in each cell, and groups of them that are left out in turn for standard errors."""

REPAIRED = 0.5
"""A firm is repaired once governance has taken back half of the original misalignment."""

BINS = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, math.inf)


def estimands(runs: Mapping[str, xr.Dataset]) -> NumberTable:
    """Return the numbers of the study.

    Parameters
    ----------
    runs : mapping
        ``survival``, ``law`` and ``turning``: counts of cars; ``repairs``, as `derive` returns it.
    """
    return NumberTable([*_survival(runs["survival"].compute()), *_law(runs["law"].compute()),
                  *_turning(runs["turning"].compute()), *_firm(runs["repairs"])])  # fmt: skip


def derive(directories: Mapping[str, Path]) -> dict[str, xr.Dataset]:
    """Replay firms of ``firm``: how many died before they were repaired, and how fast they fall.

    Returns
    -------
    dict
        ``repairs``: ``died`` and ``lives`` (firms, by group) and ``fall``, the weeks until a firm without shocks and
        governance dies, inf where it outlives the horizon, over the cells of the study.
    """
    player = Replayer(directories["firm"])
    cells = [player.labels(cell) for cell in range(len(player.cells))]
    axes = {name: sorted({labels[name] for labels in cells}) for name in cells[0]}
    shape = tuple(map(len, axes.values()))
    lives = min(LIVES, player.study.replicates)
    died, fall = np.zeros((*shape, GROUPS)), np.zeros(shape)
    pursuit = player.study.model.stock_fields.index("pursuit")
    falls: dict[tuple[float, ...], float] = {}
    for cell, labels in enumerate(cells):
        place = tuple(axes[name].index(value) for name, value in labels.items())
        for replicate in range(lives):
            trace = player.trace(cell, replicate)
            repaired = bool((trace.stocks[:, pursuit] < REPAIRED).any())
            died[(*place, replicate % GROUPS)] += not repaired and int(trace.records.cause[0, 0]) > 0
        key = tuple(value for name, value in labels.items() if name != "correct_time")
        if key not in falls:
            falls[key] = _fall(player, labels)
        fall[place] = falls[key]
    ds = xr.Dataset({"died": ((*axes, "group"), died), "fall": (tuple(axes), fall)}, coords=axes)
    ds["lives"] = ("group", np.bincount(np.arange(lives) % GROUPS, minlength=GROUPS).astype(np.float64))
    return {"repairs": ds.assign_attrs(observe_time=player.study.base["observe_time"])}


def _fall(player: Replayer, labels: Mapping[str, float]) -> float:
    weeks = player.study.weeks
    life = simulate_path(
        "firm", execution=labels["execution"], misalignment=labels["misalignment"], weeks=weeks,
        parameters={**player.study.parameters, "cash_buffer": labels["cash_buffer"], "correct_time": 1e9},
        shocks=np.zeros((weeks, 3)),
        firm_shocks={"buffer": 0.0, "margin": 0.0, "exit": 0.5, "demand": 0.0, "cost": 0.0},
    )  # fmt: skip
    return float(life.attrs["event_week"]) if life.attrs["cause"] != "censored" else math.inf


def _survival(ds: xr.Dataset) -> Iterator[Row]:
    """Compare survival at every quarter of a year with the exact law."""
    section = "Exact against simulated survival, no notice"
    weeks = np.arange(13, ds.sizes["week"] + 1, 13)
    estimate = kaplan_meier(ds).estimate.sel(week=weeks)
    exact = xr.zeros_like(estimate)
    for execution in ds["execution"].values:
        for misalignment in ds["misalignment"].values:
            p = _car(execution=float(execution), misalignment=float(misalignment))
            exact.loc[{"execution": execution, "misalignment": misalignment}] = car_law.survival_of_many(
                weeks / WEEKS_PER_YEAR, _drift(p), p["buffer_mean"], p["buffer_sd"]
            )
    difference = estimate - exact
    error = (exact * (1 - exact) / ds["firms"]) ** 0.5
    yield row("cars", int(ds["firms"].sum()), "cars simulated", section=section)
    yield row("ages", estimate.size, "survival probabilities compared (9 cells, every quarter)", section=section)
    yield row(
        "largest_difference", 100 * float(abs(difference).max()), "largest difference", unit="points", section=section
    )
    text = "largest difference in its own standard errors (of so many, which are correlated, 3 to 4 are expected)"
    yield row("largest_z", float((abs(difference) / error).max()), text, section=section)


def law_of(ds: xr.Dataset) -> xr.Dataset:
    """Return the two groups, the exact and the simulated P(crash before notice) of every cell of ``law``."""
    ds = labelled(ds)
    p = _car() | {name: ds[name].values for name in ds["firms"].coords if name in _car()}
    distance = np.exp(p["buffer_mean"])
    x, g = car_law.groups(distance, _drift(p), p["sigma"], p["notice"])
    noticed = ds["alarms"].sum("batch").sel(end="crash").values
    cars = ds["firms"].values.astype(np.float64)
    share = (ds["events"].sum(["cause", "week"]).values - noticed) / cars
    exact = car_law.crash_before_notice(x, g)
    return xr.Dataset({name: ("cell", np.broadcast_to(value, cars.shape)) for name, value in
                       {"x": x, "g": g, "share": share, "exact": exact, "cars": cars}.items()})  # fmt: skip


def _law(ds: xr.Dataset) -> Iterator[Row]:
    section = "P(crash before notice): a function of X and G alone"
    found = law_of(ds)
    # A cell with p below 1e-3 has too few crashes for a normal error.
    known = found.where((found.exact > 1e-3) & (found.exact < 1 - 1e-3), drop=True)
    z = (known.share - known.exact) / (known.exact * (1 - known.exact) / known.cars) ** 0.5
    yield row("law_cells", known.sizes["cell"], "cells with a probability between 0.001 and 0.999", section=section)
    text = "root mean square distance from the law in standard errors (1 expected)"
    yield row("law_rms_z", float((z**2).mean() ** 0.5), text, section=section)
    yield row("law_largest_z", float(abs(z).max()), "largest of them", section=section)
    x = np.geomspace(0.01, 1000, 4001)
    for g in (1.0, 10.0, 100.0, 1000.0):
        gap = float(np.abs(car_law.crash_before_notice(x, g) - car_law.ballistic(x)).max())
        text = f"one curve exp(-1/X) in place of the law: largest error where G = {format_value(g)}"
        yield row(f"ballistic_{format_value(g)}", 100 * gap, text, unit="points", section=section)


def _turning(ds: xr.Dataset) -> Iterator[Row]:
    for notice in ds["notice"].values:
        for weeks in ds["horizon"].values:
            years = format_value(weeks / WEEKS_PER_YEAR)
            found = turning_point(ds, tau=int(weeks)).sel(notice=notice)
            yield row(f"m_star_{years}_{format_value(notice)}", found, f"notice {format_value(notice)} a year",
                      section="m* of cars by notice and horizon", column=f"{years} years")  # fmt: skip


def shares_of_firms(ds: xr.Dataset) -> xr.Dataset:
    """Return X = τ/fall of every cell of ``repairs``, and the share that died before repair, by the group left out.

    τ, the time that repair takes, is observe_time + correct_time; fall is the time in which a firm without shocks and
    governance reaches its end, as y0/v of the car. X is 0 where it outlives the horizon.

    Returns
    -------
    xarray.Dataset
        ``x`` (cell), ``share`` (cell), ``without`` (group, cell) and ``lives``.
    """
    flat = ds.stack(cell=[str(dim) for dim in ds["fall"].dims], create_index=False)
    died, lives = flat["died"], flat["lives"]
    return xr.Dataset(
        {
            "x": (ds.attrs["observe_time"] + flat["correct_time"]) / flat["fall"],
            "share": died.sum("group") / lives.sum("group"),
            "without": (died.sum("group") - died) / (lives.sum("group") - lives),
            "lives": lives.sum("group"),
        }
    ).transpose("group", "cell")


def _firm(ds: xr.Dataset) -> Iterator[Row]:
    section = "Firms that die before they are repaired"
    found = shares_of_firms(ds)
    x, share, without = (found[name].values for name in ("x", "share", "without"))
    falling = x > 0
    yield row("firm_cells", x.size, f"cells, {format_value(float(found['lives']))} firms each", section=section)
    text = "of these, a firm without shocks and governance dies within 20 years"
    yield row("firm_falling", int(falling.sum()), text, section=section)

    def estimated(f: Callable[[Floats], float], of: NDArray[np.bool_]) -> Estimate:
        left = np.array([f(one[of]) for one in without])
        value, se = f(share[of]), math.sqrt(covariance(left[:, np.newaxis])[0, 0])
        lower, upper = limits(value, se, len(left), 0.95)
        return Estimate(value, se, float(lower), float(upper))

    for low, high in itertools.pairwise(BINS):
        here = falling & (x > low) & (x <= high)
        if not here.any():
            continue
        column = (
            f"X {format_value(low)} to {format_value(high)}" if math.isfinite(high) else f"X above {format_value(low)}"
        )
        firms = estimated(lambda shares: float(shares.mean()), here)
        yield row(f"firm_{format_value(low)}", firms, "firms", section="Share that dies before repair", column=column)
        law = float(car_law.ballistic(x[here]).mean())
        yield row(
            f"law_{format_value(low)}", law, "law exp(-1/X)", section="Share that dies before repair", column=column
        )
    fallen = x[falling]
    for name, text, unit, f in (
        ("firm_rank", "rank correlation of the share with X", "1", partial(_rank, fallen)),
        ("firm_gap", "distance of cells from exp(-1/X), root mean square", "points", partial(_gap, fallen, 1.0)),
        ("firm_scale", "the factor a that brings exp(-1/(aX)) nearest", "1", partial(_scale, fallen)),
        ("firm_left", "distance of cells from that", "points", lambda s: _gap(fallen, _scale(fallen, s), s)),
        ("firm_spread", "distance of cells from the best increasing function of X", "points", partial(_spread, fallen)),
    ):
        yield row(name, estimated(f, falling), text, unit=unit, section=section)
    if not falling.all():
        text = "share that dies unrepaired where a firm without shocks does not die"
        yield row("firm_calm", estimated(lambda shares: float(shares.mean()), ~falling), text, section=section)


def _rank(x: Floats, share: Floats) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(x, share).statistic)


def _gap(x: Floats, scale: float, share: Floats) -> float:
    return 100.0 * float(np.sqrt(np.mean((share - car_law.ballistic(scale * x)) ** 2)))


def _scale(x: Floats, share: Floats) -> float:
    from scipy.optimize import minimize_scalar

    best = minimize_scalar(lambda log: _gap(x, math.exp(log), share), bounds=(-3.0, 5.0), method="bounded")
    return math.exp(best.x)


def _spread(x: Floats, share: Floats) -> float:
    from scipy.optimize import isotonic_regression

    ordered = share[np.argsort(x, kind="stable")]
    return 100.0 * float(np.sqrt(np.mean((ordered - isotonic_regression(ordered).x) ** 2)))


def _car(**given: float) -> dict[str, Any]:
    return {**load_model("car").defaults, **given}


def _drift(p: Mapping[str, Any]) -> Any:
    return p["drift"] + p["execution_gain"] * p["execution"] - p["harm"] * p["execution"] * p["misalignment"]
