"""Facts of the data from the Bureau's table, and of the model from replayed and recorded firms, by plain pandas."""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

TABLE = Path(__file__).resolve().parents[2] / "src" / "firmfate" / "data" / "establishments.csv.xz"
CELLS = {"defaults": "defaults", "manufacturing": "manufacturing 1", "total": "total 1"}


def rederive(files):
    """Return ranges of hazards and of growth of cohorts, and of the model medians, spreads, hazards and shares."""
    found = {}
    raw = pd.read_csv(TABLE, comment="#")
    raw = raw[raw["sector"].isin(["Total Private", "Manufacturing"])].set_index(["sector", "cohort", "age"])
    alive = raw["establishments"].unstack("age")
    size = (raw["employment"] / raw["establishments"]).unstack("age")
    for year in (1, 3, 5, 10, 15):
        ended = 1 - alive[year] / alive[year - 1]
        found[f"hazard_{year}_low"], found[f"hazard_{year}_high"] = ended.min(), ended.max()
    for age in (1, 5):
        grown = size[age + 1] / size[age] - 1
        found[f"size_growth_{age}_low"], found[f"size_growth_{age}_high"] = grown.min(), grown.max()
    with xr.open_dataset(files["firms"]) as ds:
        firms = ds[["cause", "event_week"]].to_dataframe().reset_index()
        names = ds["cause"].attrs["flag_meanings"].split()
    firms["ended"] = firms["event_week"].where(firms["cause"] > 0, np.inf)
    with xr.open_dataset(files["panel"]) as ds:
        years = ds[["sales", "margin", "inventory_days", "cash_days", "utilisation"]].to_dataframe().reset_index()
    for name, cell in CELLS.items():
        here = firms[firms["cell"] == cell]
        for year in (1, 3, 5, 10, 15):
            left = here[here["ended"] > 52 * (year - 1)]
            found[f"hazard_{year}_{name}"] = (left["ended"] <= 52 * year).mean()
        ended = here[here["cause"] > 0]["cause"]
        found[f"closed_well_{name}"] = (ended == names.index("background_exit")).mean()
        books = years[years["cell"] == cell].dropna(subset="sales")
        for key in ("inventory_days", "cash_days"):
            found[f"{key}_{name}"] = books[key].median()
        found[f"utilisation_{name}"] = books["utilisation"].mean()
        growth = np.log(books["sales"]).groupby(books["firm"]).diff().dropna()
        found[f"growth_sd_{name}"] = growth.std(ddof=0)
        found[f"growth_kurtosis_{name}"] = ((growth - growth.mean()) ** 4).mean() / growth.var(ddof=0) ** 2 - 3
        margin = books["margin"].clip(*books["margin"].quantile([0.01, 0.99]))
        found[f"margin_mean_{name}"], found[f"margin_sd_{name}"] = margin.mean(), margin.std(ddof=0)
    return found
