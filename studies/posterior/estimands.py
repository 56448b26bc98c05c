"""The posterior of `firm` given counted establishments, and what is left of the paradox over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

from common import posterior_sectors
from common.number_table import NumberTable, Row
from common.posterior_effects import averaged, effects, management, prior_draws, probability, signs
from common.posterior_setting import COHORTS, FREE, MIXED, OLDEST, bands, points, replicates, size, thinned, waves
from firmfate.analysis import Estimate
from firmfate.calibration import SurvivalTable, calibrate_posterior, establishment_table
from firmfate.calibration.exits import ExitLikelihood, between_cohorts, draw_alive, exits_of
from firmfate.calibration.posterior import MISFIT
from firmfate.dataset import open_run
from firmfate.machine import cores

SECTORS = {"total": "Total Private"}
LATER = range(2001, 2011)
"""Cohorts that no fit has seen; 2010 is the one that was named before."""

FACT_SD = 0.1
"""Judged: standard deviation of a surveyed log hazard ratio per standard deviation of management, of which a sign is
known."""

EVIDENCE = {
    "prior": "no data (the ranges alone)",
    "management": "management alone",
    "survival": "survival alone",
    "both": "survival and management",
}
SIGNS = {
    "helps": "execution helps the aligned",
    "harms": "it harms the misaligned",
    "paradox": "both: the paradox",
}
Floats = np.ndarray[Any, np.dtype[np.float64]]


def derive(directories: Mapping[str, Path], *, threads: int | None = None) -> dict[str, xr.Dataset]:
    """Draw from the prior and every sector's posterior; simulate the effects and the management fact on the draws."""
    with open_run(directories["study"]) as ds:
        firms, seed = int(ds["firms"].max()), int(ds.attrs["seed"])
    threads = threads or cores()
    found = {"prior": _simulated(prior_draws(FREE, _draws(firms), seed), firms, seed, threads)}
    training = directories["study"].parent / "training"
    for key, sector in SECTORS.items():
        found |= sampled(key, sector, training, firms=firms, seed=seed, threads=threads)
    return found | posterior_sectors.sampled(training, firms=firms, seed=seed, threads=threads)


def sampled(key: str, sector: str, training: Path, *, firms: int, seed: int, threads: int) -> dict[str, xr.Dataset]:
    """Draw from a sector's posterior; return the fit, the draws with their effects, and what cohorts it predicts."""
    table = establishment_table(sector, COHORTS, oldest=OLDEST)
    tree = calibrate_posterior(
        "firm", table, FREE, population=MIXED, firms=firms, points=points(firms), waves=waves(firms),
        particles=size(firms, tiny=20, small=1_000, full=4_000), moves=size(firms, tiny=1, small=60, full=60),
        checked=size(firms, tiny=8, small=128, full=128), seed=seed, threads=threads, folder=training,
    )  # fmt: skip
    fit = xr.merge([tree[group].to_dataset() for group in ("summary", "observed_data", "emulator", "runs")])
    fit["narrowed"] = tree["directions"]["narrowed"]
    draws = _simulated(thinned(tree, _draws(firms)), firms, seed, threads)
    draws["left_out"] = _left_out(table, draws["share"].values, fit["error_covariance"].values)
    return {
        f"fit_{key}": fit.assign(predicted=bands(tree)),
        f"draws_{key}": draws,
        f"later_{key}": _later(tree, sector, seed),
    }


def _draws(firms: int) -> int:
    """Return on how many draws the effects are simulated."""
    return size(firms, tiny=16, small=256, full=4_000)


def _simulated(draws: xr.Dataset, firms: int, seed: int, threads: int) -> xr.Dataset:
    one: dict[str, Any] = {"years": OLDEST, "seed": seed, "threads": threads, "replicates": replicates(firms)}
    return draws.merge(effects(draws, **one)).merge(management(draws, **one))


def estimands(runs: Mapping[str, xr.Dataset]) -> NumberTable:
    """Return what is left of the paradox, the effects with both errors, the fits, and how unseen cohorts are met."""
    return NumberTable(
        [*_paradox(runs), *_effects(runs), *_without(runs), *_values(runs), *_fits(runs), *posterior_sectors.rows(runs)]
    )


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
            for name, each in signs(ds).items():
                value = probability(each, weight, worth)
                yield Row(f"{name}_{evidence}_{key}", value, "probability", EVIDENCE[evidence], section, SIGNS[name])


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
                mean, noise, parameter = averaged(each, error, weight, worth)
                name, line = f"{kind}_{evidence}_{key}", f"{text}: {EVIDENCE[evidence]}"
                yield Row(name, mean, "", line, section, "mean ± Monte Carlo error of the draws")
                yield Row(f"{name}_noise", Estimate(noise, np.nan), "", line, section, "Monte Carlo error of one draw")
                yield Row(f"{name}_parameter", Estimate(parameter, np.nan), "", line, section, "parameter error")


def _without(runs: Mapping[str, xr.Dataset]) -> Iterator[Row]:
    for key, sector in SECTORS.items():
        section = f"One age left out at a time: {sector}"
        ds = runs[f"draws_{key}"]
        paradox, weight = signs(ds)["paradox"], ds["left_out"].values
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
