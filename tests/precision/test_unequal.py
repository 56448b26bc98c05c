"""Cells that hold different numbers of firms, the first replicates each, are compared with the right error."""

from __future__ import annotations

import numpy as np
import pytest

from firmfate.analysis import Lifetimes, turning_point
from firmfate.dataset.summing import as_dataset
from firmfate.shards import Shard
from firmfate.survival import contrast, rmst

from .repetitions import Cars

BETWEEN = ({"execution": 1.0}, {"execution": 0.2})


@pytest.mark.slow
def test_the_error_of_a_difference_between_1024_and_4096_firms() -> None:
    """What the jackknife says is the spread over repetitions; independent cells would have another."""
    cars = Cars((0.5,), rmst="1 year")
    counters, found = cars.worker.schema.counters, []
    for repetition in range(80):
        parts = [cars.worker.counts(Shard((cell,), repetition * 2**20, n, "")) for cell, n in ((0, 1024), (1, 4096))]
        counted = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        ds = as_dataset(cars.study, cars.study.cells, counters, counted, over_axes=True).isel(misalignment=0)
        alone = Lifetimes(ds).se
        paired = contrast(ds, rmst, between=BETWEEN) / 52
        found.append((float(paired.estimate), float(paired.se), float(np.hypot(*alone.values))))
    estimate, se, independent = np.array(found).T
    spread, error = estimate.std(ddof=1), estimate.std(ddof=1) / np.sqrt(2 * 80)
    assert np.sqrt((se**2).mean()) == pytest.approx(spread, abs=4 * error)
    assert np.sqrt((independent**2).mean()) > spread + 4 * error


def test_a_map_of_unequal_cells_has_its_derivatives_and_its_turning_point() -> None:
    cars = Cars((0.2, 0.5, 0.65, 1.0), m_star=0.004)
    _, ds = cars.run(0)
    assert ds["firms"].min() < ds["firms"].max()
    assert contrast(ds, rmst, along="misalignment").se.notnull().all()
    found = turning_point(ds)
    assert float(found.lower) < cars.turning < float(found.upper)
