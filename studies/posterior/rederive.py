"""Probabilities, effects and coverage again, from the draws' files, by plain pandas."""

from statistics import NormalDist

import numpy as np
import xarray as xr

SECTORS = ("total",)
NORMAL = np.vectorize(NormalDist().cdf)


def rederive(files):
    """Return probabilities and mean effects given survival and all evidence, and how many unseen cells are met."""
    found = {}
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
