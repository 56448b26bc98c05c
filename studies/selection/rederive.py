"""Who is left, and the regressions, by plain pandas and NumPy from what is recorded of every firm."""

import numpy as np
import pandas as pd
import xarray as xr


def rederive(files):
    """Return means and slopes of survivors, and the effects of regressions on them."""
    with xr.open_dataset(files["study"].parent / "firms.nc") as ds:
        firms = ds.squeeze(drop=True).to_dataframe()
    firms["years"] = np.minimum(firms["event_week"].astype(float) / 52, 20)
    firms["ended"] = np.where(firms["cause"] == 0, np.inf, firms["event_week"].astype(float) / 52)
    found = {}
    for age in (0, 1, 5, 10):
        left = firms if age == 0 else firms[firms["ended"] > age]
        found[f"alive_{age}"] = len(left) / len(firms)
        found[f"execution_{age}"] = left["execution"].mean()
        found[f"slope_{age}"] = left["execution"].cov(left["misalignment"]) / left["misalignment"].var()
        found[f"misaligned_execution_{age}"] = left.loc[left["misalignment"] > 0.8, "execution"].mean()
        x = pd.DataFrame({"one": 1.0, "e": left["execution"], "m": left["misalignment"]})
        x["em"] = x["e"] * x["m"]
        beta = np.linalg.lstsq(x.to_numpy(), left["years"].to_numpy(), rcond=None)[0]
        found[f"life_aligned_{age}"], found[f"life_interaction_{age}"] = beta[1], beta[3]
        found[f"life_misaligned_{age}"] = beta[1] + beta[3]
    return found
