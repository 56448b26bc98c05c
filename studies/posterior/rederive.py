"""Probabilities, effects and coverage again, from the draws' files, by plain pandas."""

from statistics import NormalDist

import numpy as np
import xarray as xr

SECTORS = ("total",)
NORMAL = np.vectorize(NormalDist().cdf)


def rederive(files):
    """Return probabilities, mean effects, how many unseen cells are met, and every sector's fits and effects."""
    found = by_sector(files)
    for sector in SECTORS:
        with xr.open_dataset(files[f"draws_{sector}"]) as ds:
            effect = ds["effect"].to_series().unstack("misalignment")
            error = ds["effect_se"].to_series().unstack("misalignment")
            ratio, noise = ds["log_hazard_ratio"].to_series(), ds["log_hazard_ratio_se"].to_series()
        z = effect / error
        helps, harms = NORMAL(z[0.0]), NORMAL(-z[1.0])
        fact = (-ratio / (noise**2 + 0.1**2) ** 0.5).map(NormalDist().cdf, na_action="ignore").fillna(0.5)
        for evidence, weight in (("survival", fact * 0 + 1), ("both", fact)):
            share = weight / weight.sum()
            found[f"helps_{evidence}_{sector}"] = float((share * helps).sum())
            found[f"harms_{evidence}_{sector}"] = float((share * harms).sum())
            found[f"paradox_{evidence}_{sector}"] = float((share * helps * harms).sum())
            found[f"aligned_{evidence}_{sector}"] = float((share * effect[0.0]).sum())
            found[f"misaligned_{evidence}_{sector}"] = float((share * effect[1.0]).sum())
        with xr.open_dataset(files[f"later_{sector}"]) as ds:
            cells = ds[["observed", "lower", "upper"]].to_dataframe().dropna(subset="observed")
        within = (cells["observed"] >= cells["lower"]) & (cells["observed"] <= cells["upper"])
        found[f"inside_later_{sector}"] = float(within.sum())
        found[f"inside_2010_{sector}"] = float(within.xs(2010, level="cohort").sum())
    return found


def by_sector(files):
    """Return every sector's largest differences from its counts, probabilities and mean effects."""
    found = {}
    with xr.open_dataset(files["sector_fits"]) as ds:
        counted = ds["alive"].to_series()
        median = ds["predicted"].sel(limit=0.5).drop_vars("limit").to_series()
    off = 100 * (median - counted).abs().groupby(["sector", "cohorts"]).max()
    for (sector, cohorts), value in off.items():
        if cohorts in ("1994", "2013"):
            found[f"difference_{cohorts}_sector_{first_word(sector)}"] = value
    with xr.open_dataset(files["sector_draws"]) as ds:
        draws = ds[["effect", "effect_se"]].to_dataframe()
    for sector, own in draws.groupby("sector"):
        key = f"sector_{first_word(sector)}"
        effect, error = (own[name].droplevel("sector").unstack("misalignment") for name in ("effect", "effect_se"))
        z = effect / error
        helps, harms = NORMAL(z[0.0]), NORMAL(-z[1.0])
        found[f"helps_{key}"] = float(helps.mean())
        found[f"harms_{key}"] = float(harms.mean())
        found[f"paradox_{key}"] = float((helps * harms).mean())
        found[f"aligned_{key}"] = float(effect[0.0].mean())
        found[f"misaligned_{key}"] = float(effect[1.0].mean())
    return found


def first_word(sector):
    return sector.replace(",", " ").split()[0].lower()
