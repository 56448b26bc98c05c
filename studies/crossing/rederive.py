"""The crossing at misalignment 0.7 and the largest leads once more, from the netCDF file by plain pandas."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr


def rederive(files: Mapping[str, Path]) -> dict[str, float]:
    """Return the crossing in years, and the strong firms' largest lead and lag in points."""
    with xr.open_dataset(files["curves"]) as ds:
        ends = ds["events"].sel(misalignment=0.7).sum("cause").to_series().unstack("execution")
        firms = ds["firms"].sel(misalignment=0.7).to_series()
    alive = 1 - ends.cumsum() / firms
    gap = (alive[1.0] - alive[0.05])[lambda gap: gap != 0]
    # The sign changes for good after the largest lead and before the largest lag.
    between = gap.loc[gap.idxmax() : gap.idxmin()]
    last = between[between > 0].index[-1]
    pair = gap.loc[last:].iloc[:2]
    at = np.interp(0, -pair.to_numpy(), pair.index.to_numpy(dtype=float))
    return {"crossing_0.7": at / 52, "lead_0.7": 100 * gap.max(), "lag_0.7": 100 * gap.min()}
