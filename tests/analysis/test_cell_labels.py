"""How many firms cells hold, and which values of the axes are the poles."""

from __future__ import annotations

import numpy as np
import xarray as xr

from firmfate.analysis.cell_labels import firms_per_cell
from firmfate.analysis.poles import poles


def test_firms_of_an_incomplete_result_are_counted() -> None:
    for firms, words in (
        ([7, 0, 0], "1 of the 3 cells holds 7 firms, the others none"),
        ([7, 9, 0], "2 of the 3 cells hold between 7 and 9 firms, the others none"),
        ([7, 9, 8], "each of the 3 cells holds between 7 and 9 firms"),
        ([1000], "the one cell holds 1,000 firms"),
    ):
        assert firms_per_cell(xr.Dataset({"firms": ("cell", firms)})) == words


def test_poles_call_weak_what_is_nearest_to_a_twentieth() -> None:
    ds = xr.Dataset(
        {"firms": (("execution", "misalignment"), np.ones((4, 2), dtype=int))},
        coords={"execution": [0.0, 0.05, 0.5, 0.9], "misalignment": [0.1, 0.7]},
    )
    assert poles(ds) == (0.05, 0.9, 0.1, 0.7)
    assert poles(ds.isel(execution=[0])) is None
