"""The fits' errors from the raw table, and what strong execution adds on every fit, by plain pandas."""

from pathlib import Path

import pandas as pd
import xarray as xr

TABLE = Path(__file__).resolve().parents[2] / "src" / "firmfate" / "data" / "firm_survival.csv"
SERIES = {"manufacturing": ("BLS_BED_manufacturing", "2013-03"), "total": ("BLS_BED_total_private", "1994-03")}


def rederive(files):
    """Return the largest differences of fitted and tabulated survival, effects of execution, and where they turn."""
    raw = pd.read_csv(TABLE, comment="#", dtype={"cohort": str})
    found = {}
    for name, (series, cohort) in SERIES.items():
        table = raw[(raw["series"] == series) & (raw["cohort"] == cohort)].set_index("age_years")
        counted = table["n_surviving"] / table["n_surviving"].get(0, float("nan"))
        alive = counted.fillna(table["surviving_pct"] / 100)
        with xr.open_dataset(files[name]) as ds:
            fitted = ds["fitted"].isel(fit=0).to_series()
        found[f"firm_{name}"] = 100 * float((fitted - alive.loc[fitted.index]).abs().max())
        with xr.open_dataset(files[f"ends_{name}"]) as ds:
            ends = ds["firms"].to_series().unstack("cause")
        ended = ends[["insolvency", "customer_collapse", "gridlock", "background_exit"]]
        for fit, row in ended.div(ended.sum(axis=1), axis=0).iterrows():
            found[f"ends_background_exit_{name}_{fit + 1}"] = row["background_exit"]
        with xr.open_dataset(files[f"paradox_{name}"]) as ds:
            lived = ds["batch_lifetime"].to_dataframe()["batch_lifetime"]
            firms = ds["batch_firms"].to_dataframe()["batch_firms"].groupby(["fit", "execution", "misalignment"]).sum()
        for horizon in (260, 1040):
            weeks = lived.xs(horizon, level="horizon").groupby(["fit", "execution", "misalignment"]).sum()
            years = (weeks / firms / 52).unstack("execution")
            gain = (years[1.0] - years[0.05]).unstack("misalignment")
            for fit, row in gain.iterrows():
                found[f"aligned_{name}_{fit + 1}_{horizon // 52}"] = row[0.0]
                found[f"misaligned_{name}_{fit + 1}_{horizon // 52}"] = row[1.0]
                if horizon == 1040 and (row > 0).sum() and (row.sort_index() > 0).astype(int).diff().abs().sum() == 1:
                    after = next(m for m in row.index if row[m] < 0)
                    before = max(m for m in row.index if m < after)
                    share = row[before] / (row[before] - row[after])
                    found[f"turning_{name}_{fit + 1}"] = before + share * (after - before)
    return found
