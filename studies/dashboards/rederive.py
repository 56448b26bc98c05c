"""Green KPIs and warning time at the alarm, and before the end, once more by plain pandas."""

from collections.abc import Mapping
from pathlib import Path

import xarray as xr


def rederive(files: Mapping[str, Path]) -> dict[str, float]:
    """Return means of strong and weak misaligned firms that died, over alarms after the first 13 weeks."""
    found = {}
    names = {name: name for name in ("green_kpi_count", "alarms", "warning_steps_sum")}
    with xr.open_dataset(files["alarms"]) as ds:
        later = {name: (ds[name].astype("int64") - ds[f"early_{name}"].astype("int64")).to_series() for name in names}
    for execution in (1.0, 0.05):
        green, alarms, weeks = (
            later[name].xs((execution, 1.0), level=("execution", "misalignment")).drop("censored", level="end")
            for name in names
        )
        by_number = green.groupby(level="green").sum()
        found[f"green_{execution:g}_1"] = (by_number.index.to_series() * by_number).sum() / by_number.sum()
        found[f"warning_{execution:g}_1"] = weeks.sum() / alarms.sum()
    with xr.open_dataset(files["lives"]) as ds:
        lives = ds[["green", "health"]].to_dataframe()
    strong = lives[(lives["cell"] == "strong misaligned") & (lives["age"] >= 156)].astype(
        {"green": float, "health": float}
    )
    for quantity in ("green", "health"):
        for before in (156, 1):
            found[f"{quantity}_strong_misaligned_{before}"] = strong[quantity].xs(before, level="before").mean()
    return found
