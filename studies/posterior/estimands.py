"""The posterior of `firm` given counted establishments, and what is left of the paradox over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

from common.number_table import NumberTable, Row
from common.posterior_effects import effects, management, prior_draws
from firmfate.analysis import Estimate
from firmfate.calibration import ParameterRange, SurvivalTable, calibrate_posterior, establishment_table
from firmfate.calibration.exits import ExitLikelihood, between_cohorts, draw_alive, exits_of
from firmfate.calibration.posterior import MISFIT
from firmfate.dataset import open_run
from firmfate.machine import cores

SECTORS = {"total": "Total Private"}
COHORTS = range(1994, 2001)
LATER = range(2001, 2011)
"""Cohorts that no fit has seen; 2010 is the one that was named before."""

OLDEST = 20
FREE = {
    "cash_buffer": ParameterRange(0.2, 30, log=True),
    "buffer_sd": ParameterRange(0.3, 2.5, log=True),
    "credit_weeks": ParameterRange(0.5, 12, log=True),
    "unit_cost": ParameterRange(0.5, 0.68),
    "margin_sd": ParameterRange(0.01, 0.2, log=True),
    "demand_sd": ParameterRange(0.02, 0.4, log=True),
    "cost_sd": ParameterRange(0.005, 0.2, log=True),
    "background_exit": ParameterRange(0.001, 0.08, log=True),
    "cost_gain": ParameterRange(0, 0.1),
    "population.misalignment.high": ParameterRange(0.05, 1),
}
"""The ranges of baseline, that of robustness for `cost_gain`, and how far misalignment reaches in the population."""

MIXED = {"execution": {"uniform": [0, 1]}, "misalignment": {"uniform": {"low": 0.0, "high": 1.0}}}
FACT_SD = 0.1
"""Judged: standard deviation of a surveyed log hazard ratio per standard deviation of management, of which a sign is
known."""

EVIDENCE = {
    "prior": "no data (the ranges alone)",
    "management": "management alone",
    "survival": "survival alone",
    "both": "survival and management",
}
TINY = 1_000
"""Firms below which a run only tries the study out."""

Floats = np.ndarray[Any, np.dtype[np.float64]]


def derive(directories: Mapping[str, Path], *, threads: int | None = None) -> dict[str, xr.Dataset]:
    """Draw from the prior and every sector's posterior; simulate the effects and the management fact on the draws."""
    with open_run(directories["study"]) as ds:
        firms, seed = int(ds["firms"].max()), int(ds.attrs["seed"])
    threads = threads or cores()
    found = {"prior": _simulated(prior_draws(FREE, _draws(firms), seed), firms, seed, threads)}
    for key, sector in SECTORS.items():
        training = directories["study"].parent / "training"
        found |= sampled(key, sector, training, firms=firms, seed=seed, threads=threads)
    return found


def sampled(key: str, sector: str, training: Path, *, firms: int, seed: int, threads: int) -> dict[str, xr.Dataset]:
    """Draw from a sector's posterior; return the fit, the draws with their effects, and what cohorts it predicts."""
    tiny, large = firms < TINY, firms >= 10 * TINY
    table = establishment_table(sector, COHORTS, oldest=OLDEST)
    tree = calibrate_posterior(
        "firm", table, FREE, population=MIXED, firms=firms, points=128 if tiny else 8_192 if large else 2_048,
        particles=20 if tiny else 4_000 if large else 1_000, moves=1 if tiny else 20, checked=8 if tiny else 128,
        seed=seed, threads=threads, folder=training,
    )  # fmt: skip
    fit = xr.merge([tree[group].to_dataset() for group in ("summary", "observed_data", "emulator", "runs")])
    fit["narrowed"] = tree["directions"]["narrowed"]
    draws = _simulated(_thinned(tree, _draws(firms)), firms, seed, threads)
    draws["left_out"] = _left_out(table, draws["share"].values, fit["error_covariance"].values)
    return {
        f"fit_{key}": fit.merge(_bands(tree)),
        f"draws_{key}": draws,
        f"later_{key}": _later(tree, sector, seed),
    }


def _draws(firms: int) -> int:
    """Return on how many draws the effects are simulated."""
    return 16 if firms < TINY else 4_000 if firms >= 10 * TINY else 256


def _simulated(draws: xr.Dataset, firms: int, seed: int, threads: int) -> xr.Dataset:
    size: dict[str, Any] = {
        "years": OLDEST,
        "seed": seed,
        "threads": threads,
        "replicates": 64 if firms < TINY else firms // 10,
    }
    return draws.merge(effects(draws, **size)).merge(management(draws, **size))


def estimands(runs: Mapping[str, xr.Dataset]) -> NumberTable:
    """Return what is left of the paradox, the effects with both errors, the fits, and how unseen cohorts are met."""
    return NumberTable([*_paradox(runs), *_effects(runs), *_without(runs), *_values(runs), *_fits(runs)])


def _thinned(tree: xr.DataTree, draws: int) -> xr.Dataset:
    """Return draws of the posterior, evenly over all runs, with the emulated shares of exits."""
    both = tree["posterior"].to_dataset().assign(share=tree["emulated"]["share"])
    flat = both.stack(all=("chain", "draw")).reset_index("all", drop=True)
    places = np.linspace(0, flat.sizes["all"] - 1, draws).round().astype(int)
    chosen = flat.isel(all=places).rename(all="draw").drop_vars(["chain", "draw"], errors="ignore")
    return chosen.assign_coords(draw=np.arange(draws)).transpose("draw", ...)


def _left_out(table: SurvivalTable, shares: Floats, error: Floats) -> xr.DataArray:
    """Return weights that make draws those of the posterior without one age, (age left out, draw), each adding up to 1.

    Without the age, exits before and after it are one number. Its root is that of the sum of squares, along which the
    emulator's covariance is carried by the derivative.
    """
    exits = exits_of(table)
    shares = shares.astype(np.float64)
    whole = ExitLikelihood(exits, MISFIT, error)(np.sqrt(shares))
    found = []
    for place in range(len(table.ages)):
        merge = np.delete(np.eye(len(exits)), place + 1, axis=0)
        merge[place, place + 1] = 1.0
        mean = merge @ shares.mean(axis=0)
        slopes = merge * np.sqrt(shares.mean(axis=0)) / np.sqrt(mean)[:, np.newaxis]
        few = ExitLikelihood(merge @ exits, MISFIT, slopes @ error @ slopes.T)(np.sqrt(shares @ merge.T))
        weight = np.exp(few - whole - (few - whole).max())
        found.append(weight / weight.sum())
    return xr.DataArray(np.array(found), dims=("age_left_out", "draw"), coords={"age_left_out": table.ages})


def _bands(tree: xr.DataTree) -> xr.Dataset:
    alive = tree["posterior_predictive"]["alive"].quantile([0.025, 0.5, 0.975], dim=("chain", "draw"))
    return xr.Dataset({"predicted": alive.astype(np.float64).rename(quantile="limit")})


def _later(tree: xr.DataTree, sector: str, seed: int) -> xr.Dataset:
    """Return 95 % intervals that the posterior predicts for cohorts it has not seen, beside what was counted."""
    between = between_cohorts([establishment_table(sector, year, oldest=OLDEST) for year in COHORTS])
    shares = tree["emulated"].to_dataset()["share"].values.reshape(-1, OLDEST + 1).astype(np.float64)
    error = tree["emulator"].to_dataset()["error_covariance"].values
    misfit = tree["posterior"].to_dataset()["misfit"].values.ravel()
    ages = np.arange(1, OLDEST + 1)
    shape = (len(LATER), OLDEST)
    observed, limits = np.full(shape, np.nan), np.full((2, *shape), np.nan)
    for place, year in enumerate(LATER):
        table = establishment_table(sector, year, oldest=min(OLDEST, 2023 - year))
        # Exits after the ages of the table belong to those alive at its end.
        known = len(table.ages)
        few = np.concatenate([shares[:, :known], shares[:, known:].sum(axis=1, keepdims=True)], axis=1)
        random = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, year])))
        assert table.firms is not None
        drawn = draw_alive(
            np.sqrt(few), misfit, table.firms, random, error=error[: known + 1, : known + 1], between=between
        )
        observed[place, : len(table.ages)] = table.surviving
        limits[:, place, : len(table.ages)] = np.quantile(drawn, [0.025, 0.975], axis=0)
    return xr.Dataset(
        {
            "observed": (("cohort", "age"), observed),
            "lower": (("cohort", "age"), limits[0]),
            "upper": (("cohort", "age"), limits[1]),
            "between": ((), between, {"long_name": "variance between cohorts, 1/concentration"}),
        },
        coords={"cohort": list(LATER), "age": ages},
    )


def weights(ds: xr.Dataset, *, fact: bool) -> Floats:
    """Return the weight of every draw, (draw,), which add up to 1: that of the management fact, or none.

    The fact's likelihood is the probability that a survey with an error of `FACT_SD` finds that better managed firms
    exit less; the error of the simulated ratio adds to it. Where there is no ratio, either sign is as likely.
    """
    error = np.hypot(FACT_SD, ds["log_hazard_ratio_se"].values)
    weight = stats.norm.cdf(-ds["log_hazard_ratio"].values / error) if fact else np.ones(ds.sizes["draw"])
    weight = np.where(np.isfinite(weight), weight, 0.5)
    return np.asarray(weight / weight.sum())


def _samples(runs: Mapping[str, xr.Dataset], key: str) -> Iterator[tuple[str, xr.Dataset, Floats, float]]:
    """Yield each body of evidence with its draws, their weights, and how many independent draws they are worth."""
    for evidence in EVIDENCE:
        survival, fact = evidence in ("survival", "both"), evidence in ("management", "both")
        ds = runs[f"draws_{key}"] if survival else runs["prior"]
        weight = weights(ds, fact=fact)
        worth = float(ds.sizes["draw"])
        if survival:
            worth = min(worth, float(runs[f"fit_{key}"]["ess_bulk"].min()))
        yield evidence, ds, weight, worth / ds.sizes["draw"] / float((weight**2).sum())


def _paradox(runs: Mapping[str, xr.Dataset]) -> Iterator[Row]:
    for key, sector in SECTORS.items():
        section = f"Probabilities given the evidence: {sector}"
        for evidence, ds, weight, worth in _samples(runs, key):
            z = ds["effect"] / ds["effect_se"]
            helps = stats.norm.cdf(z.sel(misalignment=0.0))
            harms = stats.norm.cdf(-z.sel(misalignment=1.0))
            kinds = (
                ("helps", "execution helps the aligned", helps),
                ("harms", "it harms the misaligned", harms),
                ("paradox", "both: the paradox", helps * harms),
            )
            for name, column, each in kinds:
                share = float((weight * each).sum())
                near = (share * worth + 0.5) / (worth + 1)
                value = Estimate(share, float(np.sqrt(near * (1 - near) / worth)))
                yield Row(f"{name}_{evidence}_{key}", value, "probability", EVIDENCE[evidence], section, column)


def _effects(runs: Mapping[str, xr.Dataset]) -> Iterator[Row]:
    kinds = {"aligned": "years, aligned", "misaligned": "years, misaligned", "turning": "m*"}
    for key, sector in SECTORS.items():
        for kind, text in kinds.items():
            section = f"Effects with both errors: {sector}"
            for evidence, ds, weight, worth in _samples(runs, key):
                if kind == "turning":
                    each, error = ds["turning"].values, ds["turning_se"].values
                else:
                    here = ds.sel(misalignment=0.0 if kind == "aligned" else 1.0)
                    each, error = here["effect"].values, here["effect_se"].values
                known = np.isfinite(each)
                weight_here = np.where(known, weight, 0.0) / weight[known].sum()
                each, error = np.where(known, each, 0.0), np.where(np.isfinite(error), error, 0.0)
                mean = float((weight_here * each).sum())
                spread = float((weight_here * (each - mean) ** 2).sum())
                noise = float((weight_here * error**2).sum())
                name, line = f"{kind}_{evidence}_{key}", f"{text}: {EVIDENCE[evidence]}"
                yield Row(name, Estimate(mean, float(np.sqrt(spread / worth))), "", line, section,
                          "mean ± Monte Carlo error of the draws")  # fmt: skip
                yield Row(f"{name}_noise", Estimate(float(np.sqrt(noise)), np.nan), "", line, section,
                          "Monte Carlo error of one draw")  # fmt: skip
                parameter = Estimate(float(np.sqrt(max(spread - noise, 0.0))), np.nan)
                yield Row(f"{name}_parameter", parameter, "", line, section, "parameter error")


def _without(runs: Mapping[str, xr.Dataset]) -> Iterator[Row]:
    for key, sector in SECTORS.items():
        section = f"One age left out at a time: {sector}"
        ds = runs[f"draws_{key}"]
        z = ds["effect"] / ds["effect_se"]
        paradox = stats.norm.cdf(z.sel(misalignment=0.0)) * stats.norm.cdf(-z.sel(misalignment=1.0))
        weight = ds["left_out"].values
        kinds = {
            "paradox": ("P(paradox)", weight @ paradox),
            "aligned": ("years, aligned", weight @ ds["effect"].sel(misalignment=0.0).values),
            "misaligned": ("years, misaligned", weight @ ds["effect"].sel(misalignment=1.0).values),
            "worth": ("effective draws", 1.0 / (weight**2).sum(axis=1)),
        }
        for kind, (text, each) in kinds.items():
            for word, value in (("lowest", each.min()), ("highest", each.max())):
                yield Row(f"{kind}_without_{word}_{key}", Estimate(float(value), np.nan), "", text, section, word)


def _values(runs: Mapping[str, xr.Dataset]) -> Iterator[Row]:
    section = "Parameters given survival: median and 95 % limits"
    for key, sector in SECTORS.items():
        fit = runs[f"fit_{key}"]
        for name in fit["parameter"].values:
            row = fit.sel(parameter=name)
            label = str(name).rpartition(".")[0].rpartition(".")[2] or str(name)
            text = "misalignment reaches to" if label == "misalignment" else label
            for limit in ("lower", "median", "upper"):
                value = Estimate(float(row[limit]), np.nan)
                yield Row(f"{limit}_{label}_{key}", value, "its own unit", text, section, f"{sector}, {limit}")


def _fits(runs: Mapping[str, xr.Dataset]) -> Iterator[Row]:
    section = "How well it fits, and how well it was sampled"
    for key, sector in SECTORS.items():
        fit, later = runs[f"fit_{key}"], runs[f"later_{key}"]
        error = abs(fit["predicted"].sel(limit=0.5) - fit["alive"]).max()
        inside = (later["observed"] >= later["lower"]) & (later["observed"] <= later["upper"])
        counted = later["observed"].notnull()
        rows = (
            ("error", 100 * float(error), "largest difference of the median prediction, points"),
            ("misfit", 100 * float(fit["median"].sel(parameter="misfit")), "misfit, points (median)"),
            (
                "between",
                50 * float(later["between"]) ** 0.5,
                "scatter of cohorts around their mean, points at one half",
            ),
            ("cells_2010", float(counted.sel(cohort=2010).sum()), "ages of the cohort of 2010, unseen"),
            ("inside_2010", float(inside.sel(cohort=2010).sum()), "of these within 95 % limits"),
            ("cells_later", float(counted.sum()), "cells of the cohorts 2001 to 2010, unseen"),
            ("inside_later", float(inside.sum()), "of these cells within 95 % limits"),
            ("directions", float((fit["narrowed"] >= 2).sum()), "directions narrowed to less than half of the prior"),
            ("rhat", float(fit["r_hat"].max()), "R-hat of eight independent runs, largest of all parameters"),
            ("evidence", float(fit["log_evidence"].std("chain", ddof=1)), "scatter of the log evidence between runs"),
            ("emulator", 100 * float(fit["error"]), "error of the emulator, points at one half, in the likelihood"),
            ("chi_squared", float(fit["chi_squared"]), "squared differences of simulated draws over their variance"),
            ("bias", 100 * float(abs(fit["difference"])), "emulated less simulated survival, largest mean, points"),
            ("bias_se", 100 * float(fit["difference_se"]), "its Monte Carlo error, points"),
            ("ess", float(fit["ess_bulk"].min()), "effective draws, fewest"),
        )
        for name, value, text in rows:
            yield Row(f"{name}_{key}", Estimate(value, np.nan), "", text, section, sector)
