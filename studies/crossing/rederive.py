"""The largest leads and lags of the strong once more, from the netCDF file by plain pandas."""

from collections.abc import Mapping
from pathlib import Path

import xarray as xr

LEADS, LAGS = (0.2, 0.35), (0.5, 1.0)


def rederive(files: Mapping[str, Path]) -> dict[str, float]:
    """Return the strong firms' largest lead, or lag, in points of survival, at four misalignments."""
    found = {}
    with xr.open_dataset(files["curves"]) as ds:
        for misalignment in (*LEADS, *LAGS):
            here = ds.sel(misalignment=misalignment)
            dead = here["events"].sum("cause").to_series().unstack("execution").astype("int64").cumsum()
            firms = here["firms"].to_series().astype("int64")
            gap = dead[0.05] / firms[0.05] - dead[1.0] / firms[1.0]
            name, value = ("lead", gap.max()) if misalignment in LEADS else ("lag", gap.min())
            found[f"{name}_{misalignment:g}"] = 100 * value
    return found
