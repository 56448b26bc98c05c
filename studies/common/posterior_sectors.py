"""Every sector: fits of its cohorts of 1994 and 2013, and what execution does given those of 1994 to 2000."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from common import posterior_setting as setting
from common.number_table import Row
from common.posterior_effects import averaged, effects, probability, signs
from firmfate.analysis import Estimate
from firmfate.calibration import calibrate_posteriors, establishment_table, read_establishments

TABLES: dict[str, tuple[int | range, int]] = {
    "1994": (1994, 20),
    "2013": (2013, 10),
    "1994-2000": (setting.COHORTS, setting.OLDEST),
}
"""Cohorts, and the age at which their table ends."""

TOTAL = "Total Private"
FITTED = ("1994", "2013")
POOLED = "1994-2000"
FITTED_ALONE = "Manufacturing"
CLOSE, MIDDLING = 1.0, 2.0
"""Points of survival, within which fits are counted."""

SETTLED = 1.05
"""R-hat, above which runs are counted as disagreeing."""

OF_MEDIAN = float(np.sqrt(np.pi / 2))
"""Standard error of the median of normal draws, in standard errors of their mean."""


def sectors() -> list[str]:
    """Return all sectors that are counted, the total last."""
    names = [str(name) for name in read_establishments()["sector"].values]
    return sorted(names, key=lambda name: (name == TOTAL, name))


def key_of(sector: str) -> str:
    """Return the name of a sector in names of numbers: its first word."""
    return sector.split()[0].strip(",").lower()


def sampled(training: Path, *, firms: int, seed: int, threads: int) -> dict[str, xr.Dataset]:
    """Draw from the posterior of every table of every sector, which share their training points.

    Returns
    -------
    dict
        ``sector_fits``, over ``sector``, ``cohorts`` and ``age``; ``sector_draws``, over ``sector`` and ``draw``, of
        the cohorts added up, with their effects. Of few firms, as in a trial, only some sectors.
    """
    asked = sectors()[:: setting.size(firms, tiny=5, small=1, full=1)]
    places = [(sector, name) for sector in asked for name in TABLES]
    tables = [establishment_table(sector, TABLES[name][0], oldest=TABLES[name][1]) for sector, name in places]
    trees = calibrate_posteriors(
        "firm", tables, setting.FREE, population=setting.MIXED, firms=firms, points=setting.points(firms),
        waves=setting.waves(firms), particles=setting.size(firms, tiny=20, small=200, full=2_000),
        moves=setting.size(firms, tiny=1, small=100, full=100), checked=setting.size(firms, tiny=8, small=16, full=64),
        seed=seed, threads=threads, folder=training,
    )  # fmt: skip
    found = dict(zip(places, trees, strict=True))
    drawn = setting.size(firms, tiny=8, small=64, full=512)
    one: dict[str, Any] = {
        "replicates": setting.replicates(firms), "years": setting.OLDEST, "seed": seed, "threads": threads,
    }  # fmt: skip
    fits, draws = [], []
    for sector in asked:
        fits.append(_along("cohorts", {name: _fit(found[sector, name]) for name in TABLES}))
        chosen = setting.thinned(found[sector, POOLED], drawn)
        draws.append(chosen.drop_dims("exit_age").merge(effects(chosen, **one)))
    return {
        "sector_fits": _along("sector", dict(zip(asked, fits, strict=True))),
        "sector_draws": _along("sector", dict(zip(asked, draws, strict=True))),
    }


def _along(dimension: str, parts: Mapping[str, xr.Dataset]) -> xr.Dataset:
    return xr.concat(list(parts.values()), dim=dimension, join="outer").assign_coords({dimension: list(parts)})


def _fit(tree: xr.DataTree) -> xr.Dataset:
    """Return what one fit found: counted and predicted survival, parameters, and how well it was sampled."""
    groups = [tree[group].to_dataset() for group in ("summary", "observed_data", "runs")]
    check = tree["emulator"].to_dataset()[["difference", "difference_se", "error", "chi_squared", "chi_squared_se"]]
    return xr.merge(
        [*groups, check.reset_coords(drop=True)], join="exact", compat="no_conflicts"
    ).assign(narrowed=tree["directions"]["narrowed"], predicted=setting.bands(tree))  # fmt: skip


def rows(runs: Mapping[str, xr.Dataset]) -> Iterator[Row]:
    """Return how well every sector is fitted, what is left of the paradox in it, and how well all was sampled."""
    every = sectors()
    fits, draws = runs["sector_fits"].reindex(sector=every), runs["sector_draws"].reindex(sector=every)
    yield from _fits(fits)
    yield from _effects(fits, draws)
    yield from _between(runs["sector_fits"], runs["sector_draws"])
    yield from _unseen(runs["sector_fits"])
    yield from _sampling(runs["sector_fits"])


def differences(fits: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
    """Return by how many points the median prediction misses the counts at most, and its Monte Carlo error.

    Both (sector, cohorts). The error is that of the median of as many normal draws as the fewest effective ones.
    """
    off = 100 * abs(fits["predicted"].sel(limit=0.5) - fits["alive"])
    spread = 100 * (fits["predicted"].sel(limit=0.975) - fits["predicted"].sel(limit=0.025)) / (2 * 1.96)
    error = OF_MEDIAN * spread / np.sqrt(fits["ess_bulk"].min("parameter"))
    largest = off.max("age")
    return largest, error.where(off == largest).max("age")


def _fits(fits: xr.Dataset) -> Iterator[Row]:
    section = "Fits by sector: the cohorts of 1994 (ages 1 to 20) and of 2013 (ages 1 to 10)"
    misfit, rhat = fits.sel(parameter="misfit"), fits["r_hat"].max("parameter")
    unknown, known = xr.full_like(rhat, np.nan), rhat.notnull()
    kinds = {
        "difference": ("largest difference, points", *differences(fits)),
        "misfit": ("misfit, points", 100 * misfit["median"], 100 * OF_MEDIAN * misfit["mcse"]),
        "rhat": ("R-hat", rhat, unknown),
        "directions": ("directions narrowed", (fits["narrowed"] >= 2).sum("direction").where(known), unknown),
    }
    for sector in sectors():
        for cohort in FITTED:
            for kind, (text, values, errors) in kinds.items():
                one = {"sector": sector, "cohorts": cohort}
                value = Estimate(float(values.sel(one)), float(errors.sel(one)))
                yield Row(f"{kind}_{cohort}_sector_{key_of(sector)}", value, "", sector, section, f"{cohort}: {text}")


def _effects(fits: xr.Dataset, draws: xr.Dataset) -> Iterator[Row]:
    section = "By sector, given the survival of the cohorts 1994 to 2000"
    columns = {"helps": "P(helps the aligned)", "harms": "P(harms the misaligned)", "paradox": "P(paradox)"}
    count = draws.sizes["draw"]
    even = np.full(count, 1.0 / count)
    off = [values.sel(cohorts=POOLED) for values in differences(fits)]
    rhat = fits["r_hat"].sel(cohorts=POOLED).max("parameter")
    for sector in sectors():
        ds, key = draws.sel(sector=sector), f"sector_{key_of(sector)}"
        worth = min(float(count), float(fits["ess_bulk"].sel(sector=sector, cohorts=POOLED).min()))
        for kind, probabilities in signs(ds).items():
            yield Row(f"{kind}_{key}", probability(probabilities, even, worth), "", sector, section, columns[kind])
        aligned, misaligned = ds.sel(misalignment=0.0), ds.sel(misalignment=1.0)
        cells = {
            "turning": ("m*", ds["turning"], ds["turning_se"]),
            "aligned": ("years, aligned", aligned["effect"], aligned["effect_se"]),
            "misaligned": ("years, misaligned", misaligned["effect"], misaligned["effect_se"]),
        }
        for kind, (text, each, error) in cells.items():
            mean, _, parameter = averaged(each.values, error.values, even, worth)
            yield Row(f"{kind}_{key}", mean, "", sector, section, text)
            spread = Estimate(parameter, parameter / float(np.sqrt(2.0 * (worth - 1.0))))
            yield Row(f"{kind}_{key}_parameter", spread, "", sector, section, f"{text}: parameter error")
        miss = Estimate(*(float(values.sel(sector=sector)) for values in off))
        yield Row(f"difference_{key}", miss, "", sector, section, "largest difference, points")
        yield Row(f"rhat_{key}", Estimate(float(rhat.sel(sector=sector)), np.nan), "", sector, section, "R-hat")


def _between(fits: xr.Dataset, draws: xr.Dataset) -> Iterator[Row]:
    """Return whether sectors, the total apart, differ by more than the Monte Carlo errors of their means."""
    section = "Sectors beside each other: do their means differ by more than Monte Carlo error?"
    apart = [name for name in draws["sector"].values if name != TOTAL]
    ds, fits = draws.sel(sector=apart), fits.sel(sector=apart, cohorts=POOLED)
    worth = np.minimum(float(ds.sizes["draw"]), fits["ess_bulk"].min("parameter"))
    cells = {
        "turning": ("m*", ds["turning"]),
        "aligned": ("years, aligned", ds["effect"].sel(misalignment=0.0, drop=True)),
        "misaligned": ("years, misaligned", ds["effect"].sel(misalignment=1.0, drop=True)),
    }
    survival = fits["alive"].sel(age=setting.OLDEST, drop=True)
    for kind, (text, each) in cells.items():
        mean, variance = each.mean("draw"), each.var("draw") / worth
        common = (mean / variance).sum() / (1.0 / variance).sum()
        ratio = float(((mean - common) ** 2 / variance).sum()) / (len(apart) - 1)
        value = Estimate(ratio, float(np.sqrt(2.0 / (len(apart) - 1))))
        yield Row(f"ratio_{kind}_sectors", value, "", text, section, "squared differences over their variance")
        together = float(xr.corr(mean, survival))
        error = (1.0 - together**2) / float(np.sqrt(len(apart) - 1))
        column = f"correlation with the share alive at age {setting.OLDEST}"
        yield Row(f"correlation_{kind}_sectors", Estimate(together, error), "", text, section, column)


def unseen(fits: xr.Dataset) -> xr.DataArray:
    """Return which counts of other sectors lie within the 95 % limits of the sector fitted, (fitted, sector, age)."""
    given = fits.sel(cohorts=POOLED)
    limits = given["predicted"].rename(sector="fitted")
    alive = given["alive"].dropna("age")
    inside: xr.DataArray = (alive >= limits.sel(limit=0.025)) & (alive <= limits.sel(limit=0.975))
    return inside.where(inside["fitted"] != inside["sector"])


def _unseen(fits: xr.Dataset) -> Iterator[Row]:
    section = "Sectors that were not seen: one is fitted, the others are predicted"
    apart = [name for name in fits["sector"].values if name != TOTAL]
    inside = unseen(fits.sel(sector=apart))
    share = inside.mean(("sector", "age"))
    spread = (
        fits["predicted"].sel(cohorts=POOLED, limit=[0.025, 0.975], sector=apart).diff("limit").max(("age", "limit"))
    )
    end = 100 * fits["alive"].sel(cohorts=POOLED, sector=apart, age=setting.OLDEST)
    exact: dict[str, tuple[Any, str]] = {
        "mean": (share.mean(), "share of counts of the others within 95 % limits, mean of the sectors fitted"),
        "least": (share.min(), "the least of these"),
        "most": (share.max(), "the most"),
        "width": (100 * spread.mean(), "width of the limits at their widest age, points, mean"),
        "lowest": (end.min(), f"share alive at age {setting.OLDEST}, least of the sectors, percent"),
        "highest": (end.max(), "the most"),
    }
    if FITTED_ALONE in apart:
        text = f"fitted to {FITTED_ALONE.lower()}: share of counts of the others within 95 % limits"
        exact = {"manufacturing": (share.sel(fitted=FITTED_ALONE), text)} | exact
    for name, (value, text) in exact.items():
        yield Row(f"unseen_{name}_sectors", Estimate(float(value), np.nan), "1", text, section)


def _sampling(fits: xr.Dataset) -> Iterator[Row]:
    section = "Sectors: how well all their tables were fitted and sampled"
    off, chi, rhat = differences(fits)[0], fits["chi_squared"], fits["r_hat"].max("parameter")
    single, own = off.sel(cohorts=list(FITTED)), rhat.sel(cohorts=POOLED)
    exact: dict[str, tuple[Any, str]] = {
        "single": (single.size, "tables of one cohort"),
        "close": ((single < CLOSE).sum(), "of these, median predictions within one point at all ages"),
        "middling": ((single < MIDDLING).sum(), "within two points"),
        "worst": (single.max(), "largest difference of these, points"),
        "worst_pooled": (off.sel(cohorts=POOLED).max(), "largest difference given 1994 to 2000, points"),
        "rhat_single": (rhat.sel(cohorts=list(FITTED)).max(), "R-hat, largest of the tables of one cohort"),
        "rhat_pooled": (own.max(), "R-hat, largest given 1994 to 2000"),
        "unsettled": ((own > SETTLED).sum(), "tables of these with R-hat above 1.05"),
        "ess": (fits["ess_bulk"].min(), "effective draws, fewest of all"),
        "emulator": (100 * fits["error"].max(), "error of the emulator, points at one half, largest of all"),
    }
    for name, (value, text) in exact.items():
        yield Row(f"{name}_sectors", Estimate(float(value), np.nan), "1", text, section)
    mean = Estimate(float(chi.mean()), float(chi.std(ddof=1)) / chi.size**0.5)
    text = "squared differences of simulated draws over their variance, mean of all tables"
    yield Row("chi_squared_sectors", mean, "1", text, section)
