"""The main numbers of the study once more, from the netCDF file by plain pandas: no estimator of the package."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from common.plain_pandas import mean_lifetime

WEAK, STRONG = 0.05, 1.0


def rederive(files: Mapping[str, Path]) -> dict[str, float]:
    """Return the effect of execution at both ends, its errors, and m* at every horizon."""
    with xr.open_dataset(files["study"]) as ds:
        firms = ds["firms"].to_dataframe()["firms"]
        lived = ds["batch_lifetime"].to_dataframe()["batch_lifetime"]
        in_batch = ds["batch_firms"].to_dataframe()["batch_firms"]
        horizons = ds["horizon"].values
    found = {}
    for tau in horizons:
        gap = _gap(mean_lifetime(files["study"], ["execution", "misalignment"], tau / 52))
        found[f"m_star_{tau // 52}"] = _turning_point(gap)
    found |= {"effect_aligned": gap.iloc[0], "effect_misaligned": gap.iloc[-1]}

    longest = lived.xs(horizons[-1], level="horizon").unstack("batch") / 52
    left = longest.rsub(longest.sum(axis=1), axis=0) / in_batch.unstack("batch").rsub(firms, axis=0)
    gaps = _gap(left)
    errors = np.sqrt(gaps.var(axis=1, ddof=0) * (gaps.shape[1] - 1))
    found |= {"effect_aligned.se": errors.iloc[0], "effect_misaligned.se": errors.iloc[-1]}
    return found


def _gap(years: pd.Series | pd.DataFrame) -> pd.Series | pd.DataFrame:
    return years.xs(STRONG, level="execution") - years.xs(WEAK, level="execution")


def _turning_point(gap: pd.Series) -> float:
    """Where the line through the gaps crosses 0 from above, on the way from the largest to the smallest of them."""
    x, y = gap.index.to_numpy(), gap.to_numpy()
    crossings = [
        x[i] + y[i] * (x[i + 1] - x[i]) / (y[i] - y[i + 1])
        for i in range(y.argmax(), y.argmin())
        if y[i] > 0 > y[i + 1]
    ]
    return float(crossings[0]) if crossings else float("nan")
