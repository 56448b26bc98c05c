"""The crossing at misalignment 0.5 and the largest leads once more, from the netCDF file by plain pandas."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr


def rederive(files: Mapping[str, Path]) -> dict[str, float]:
    """Return the crossing in years, and the strong firms' largest lead and lag in points."""
    with xr.open_dataset(files["curves"]) as ds:
        ends = ds["events"].sel(misalignment=0.5).sum("cause").to_series().unstack("execution")
        firms = ds["firms"].sel(misalignment=0.5).to_series().astype("int64")
    dead = ends.astype("int64").cumsum()
    gap = (dead[0.05] * firms[1.0] - dead[1.0] * firms[0.05]) / (firms[0.05] * firms[1.0])
    # The lead ends for good between its largest value and the largest lag.
    between = gap.loc[gap.idxmax() : gap.idxmin()]
    last = between[between > 0].index[-1]
    pair = gap.loc[last:].iloc[:2]
    at = np.interp(0, -pair.to_numpy(), pair.index.to_numpy(dtype=float))
    return {"crossing_0.5": at / 52, "lead_0.5": 100 * gap.max(), "lag_0.5": 100 * gap.min()}
