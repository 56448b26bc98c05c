"""The main numbers of the study once more, from the netCDF files by plain pandas and the law written out again."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from common.plain_pandas import mean_lifetime


def rederive(files: Mapping[str, Path]) -> dict[str, float]:
    """Return the distance of cars from the law, m* of cars at 20 years, and the rank correlation of firms with X."""
    return {"law_rms_z": _law(files["law"]), **_turning(files["turning"]), "firm_rank": _firm(files["repairs"])}


def _law(file: Path) -> float:
    with xr.open_dataset(file) as ds:
        parameters = json.loads(ds.attrs["parameters"])
        names = [name for name, values in ds.variables.items() if "parameter" in values.attrs]
        cars = ds[["firms", *names]].to_dataframe()
        crashed = ds["events"].to_series().groupby(level="cell").sum()
        noticed = ds["alarms"].to_series().groupby(level=["cell", "end"]).sum().xs("crash", level="end")
    p = {**parameters, **{name: cars[name] for name in names}}
    drift = p["drift"] + p["execution_gain"] * p["execution"] - p["harm"] * p["execution"] * p["misalignment"]
    pull = np.sqrt(drift**2 + 2 * p["notice"] * p["sigma"] ** 2)
    exact = np.exp(np.exp(p["buffer_mean"]) / p["sigma"] ** 2 * (-drift - pull))
    z = ((crashed - noticed) / cars["firms"] - exact) / np.sqrt(exact * (1 - exact) / cars["firms"])
    return float(np.sqrt((z[exact.between(1e-3, 1 - 1e-3)] ** 2).mean()))


def _turning(file: Path) -> dict[str, float]:
    years = mean_lifetime(file, ["notice", "misalignment", "execution"]).unstack("execution")
    gap = years[1.0] - years[0.05]
    found = {}
    for notice in (0.0, 0.1):
        line = gap.loc[notice]
        ends = [i for i in range(len(line) - 1) if (line.iloc[i] > 0) != (line.iloc[i + 1] > 0)]
        if len(ends) != 1:  # too few cars to show where
            continue
        pair = line.iloc[ends[0] : ends[0] + 2]  # a line that falls to exactly 0 turns there
        found[f"m_star_20_{notice:g}"] = float(np.interp(0, -pair.to_numpy(), pair.index.to_numpy()))
    return found


def _firm(file: Path) -> float:
    with xr.open_dataset(file) as ds:
        died = ds["died"].to_series().rename("died")
        fall = ds["fall"].to_series()
        lives, observe = int(ds["lives"].sum()), ds.attrs["observe_time"]
    cells = [name for name in died.index.names if name != "group"]
    firms = pd.DataFrame({"share": died.groupby(level=cells).sum() / lives, "fall": fall.reorder_levels(cells)})
    firms["x"] = (observe + firms.index.get_level_values("correct_time")) / firms["fall"]
    falling = firms[firms["x"] > 0]
    return float(falling["x"].rank().corr(falling["share"].rank()))
