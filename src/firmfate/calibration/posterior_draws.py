"""Draws of a posterior as a table that a study takes: ``[posterior] draws = "draws.csv"``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    import pandas as pd

MOST_DRAWS = 256


def draws_table(tree: xr.DataTree, most: int = MOST_DRAWS) -> pd.DataFrame:
    """Return draws of a posterior, a row a draw, a column a parameter of the model.

    Parameters
    ----------
    tree : xarray.DataTree
        As `calibrate_posterior` returns it.
    most : int

    Returns
    -------
    pandas.DataFrame
        Evenly over all runs, and no more than the fewest effective draws of a parameter, so that they count as
        independent; equal ones once. The misfit, and arguments of distributions, are no parameters of a firm and left
        out. Empty where nothing else was drawn.

    Examples
    --------
    >>> import xarray as xr
    >>> runs = (("chain", "draw"), [[0.1, 0.2], [0.3, 0.4]])
    >>> tree = xr.DataTree.from_dict({
    ...     "posterior": xr.Dataset({"drift": runs, "misfit": runs}),
    ...     "summary": xr.Dataset({"ess_bulk": ("parameter", [3.2, 4.0])}),
    ... })
    >>> draws_table(tree).to_csv(index=False).split()
    ['drift', '0.1', '0.3', '0.4']
    """
    import pandas as pd

    drawn = tree["posterior"].to_dataset()
    flat = drawn.stack(all=("chain", "draw"))
    effective = tree["summary"].to_dataset()["ess_bulk"]
    worth = min(most, int(effective.min()) if bool(effective.notnull().any()) else 2, flat.sizes["all"])
    places = np.linspace(0, flat.sizes["all"] - 1, max(worth, 2)).round().astype(int)
    kept = [str(key) for key in drawn.data_vars if key != "misfit" and not str(key).startswith("population.")]
    if not kept:
        return pd.DataFrame()
    frame = flat[kept].isel(all=places).reset_index("all", drop=True).to_dataframe()[kept]
    return frame.drop_duplicates().reset_index(drop=True)
