"""Effects of execution by step and horizon, and at the ends of sweeps, by plain pandas."""

import pandas as pd
import xarray as xr

ENDS = (0.05, 1.0)


def rederive(files):
    """Return slopes by step and horizon from the firms' summed lifetimes, and those of the sweeps and screens."""
    found = {}
    for key, name in (
        ("study", "step_study"),
        ("half", "step_half"),
        ("quarter", "step_quarter"),
        ("long", "horizon_40"),
    ):
        with xr.open_dataset(files[key]) as ds:
            steps = float(ds.attrs["steps_per_week"])
            last = int(ds["horizon"].max())
            lived = ds["batch_lifetime"].sel(horizon=last).to_dataframe()["batch_lifetime"]
            firms = ds["batch_firms"].to_dataframe()["batch_firms"]
            # A firm that exits within a week counts all of it, as in the weekly counts.
            weekly = ds["events"].sum("cause").to_dataframe()["events"].reset_index()
        cell = ["execution", "misalignment"]
        size = firms.groupby(cell).sum()
        weekly["weeks"] = weekly["week"] * weekly["events"]
        ended = weekly.groupby(cell)[["weeks", "events"]].sum()
        years = (ended["weeks"] + last * (size - ended["events"])) / size / 52
        if steps == 1:
            assert (years * size * 52 - lived.groupby(cell).sum()).abs().max() < 1e-6
        gain = (years.xs(ENDS[1]) - years.xs(ENDS[0])) / (ENDS[1] - ENDS[0])
        found[f"{name}_aligned"], found[f"{name}_misaligned"] = gain[0.0], gain[1.0]
    with xr.open_dataset(files["swept"]) as ds:
        mean = ds["lifetime"].to_dataframe()["lifetime"]
    mean = mean.groupby(["parameter", "point", "execution", "misalignment"]).mean().unstack("execution")
    gain = ((mean[1.0] - mean[0.05]) / 0.95).unstack("misalignment")
    for parameter in gain.index.unique("parameter"):
        here = gain.xs(parameter).sort_index()
        for end, row in (("low", here.iloc[0]), ("high", here.iloc[-1])):
            found[f"{end}_end_{parameter}_aligned"] = row[0.0]
            found[f"{end}_end_{parameter}_misaligned"] = row[1.0]
    with xr.open_dataset(files["joint"]) as ds, xr.open_dataset(files["sobol"]) as indices:
        table = pd.DataFrame({name: ds["estimate"].sel(estimand=name) for name in ("aligned", "misaligned")})
        every = indices.sizes["parameter"] + 2
    draws = table[(table.index % every == 0) | (table.index % every == every - 1)]
    with xr.open_dataset(files["box"]) as ds:
        box = pd.DataFrame({name: ds["estimate"].sel(estimand=name) for name in ("aligned", "misaligned")})
    found["box_paradox"] = float(((box["aligned"] > 0) & (box["misaligned"] < 0)).mean())
    found["share_paradox"] = float(((draws["aligned"] > 0) & (draws["misaligned"] < 0)).mean())
    return found
