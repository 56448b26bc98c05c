"""Cells that hold different numbers of firms, the first replicates each, are compared with the right error."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from tests.bounded import Bounded, chance_of_spread, of_spread, times

from firmfate.analysis import Lifetimes, turning_point
from firmfate.dataset.summing import as_dataset
from firmfate.shards import Shard
from firmfate.survival import contrast, rmst

from .repetitions import APART, Cars

BETWEEN = ({"execution": 1.0}, {"execution": 0.2})


def differences(cars: Cars, repetitions: range) -> np.ndarray:
    """Return the difference between 1,024 and 4,096 firms, its error, and that of independent cells; by repetition."""
    counters, found = cars.worker.schema.counters, []
    for repetition in repetitions:
        parts = [cars.worker.counts(Shard((cell,), repetition * 2**20, n, "")) for cell, n in ((0, 1024), (1, 4096))]
        counted = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        ds = as_dataset(cars.study, cars.study.cells, counters, counted, over_axes=True).isel(misalignment=0)
        alone = Lifetimes(ds).se
        paired = contrast(ds, rmst, between=BETWEEN) / 52
        found.append((float(paired.estimate), float(paired.se), float(np.hypot(*alone.values))))
    return np.array(found)


@pytest.mark.slow
@pytest.mark.bounded(power=0.99, against="errors that are two thirds, or one and a half, of what they should be")
def test_the_error_of_a_difference_between_1024_and_4096_firms(bounded: Bounded) -> None:
    """What the jackknife says is the spread over repetitions; independent cells would have another."""
    repetitions, cars = 80, Cars((0.5,), rmst="1 year")

    @functools.cache
    def found(sample: int) -> np.ndarray:
        first = APART * sample
        return differences(cars, range(first, first + repetitions * times(sample)))

    def p_values(sample: int, column: int) -> list[float]:
        estimate, said = found(sample)[:, 0], np.sqrt((found(sample)[:, column] ** 2).mean())
        return of_spread(estimate.std(ddof=1) / said, len(estimate) - 1)

    assert not bounded.refuses(lambda sample: p_values(sample, 1))
    assert bounded.refuses(lambda sample: p_values(sample, 2))
    for factor in (2 / 3, 3 / 2):
        bounded.sees(chance_of_spread(factor, repetitions - 1))


def test_a_map_of_unequal_cells_has_its_derivatives_and_its_turning_point() -> None:
    cars = Cars((0.2, 0.5, 0.65, 1.0), m_star=0.004)
    _, ds = cars.run(0)
    assert ds["firms"].min() < ds["firms"].max()
    assert contrast(ds, rmst, along="misalignment").se.notnull().all()
    found = turning_point(ds)
    assert float(found.lower) < cars.turning < float(found.upper)
