"""Variance a firm of what studies ask for, with and without a variant's dependence between firms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firmfate import Study
from firmfate.shards import Worker
from firmfate.shards.directory import fingerprint_of

Floats = NDArray[np.float64]

POINTS, FIRMS = 11, 8192
AXIS = {"from": 0.0, "to": 1.0, "points": POINTS}


def lifetimes(model: str = "firm") -> Floats:
    """Return lifetimes in years, (execution, misalignment, firm), on a map of 11 x 11 cells."""
    study = Study(
        name="variance", model=model, seed=20261123, replicates=FIRMS, grid={"execution": AXIS, "misalignment": AXIS}
    )
    worker = Worker(study, fingerprint_of(study))
    blocks = np.arange(POINTS**2).reshape(POINTS, POINTS)
    rows = [worker.records(block, 0, FIRMS).event_step for block in blocks]
    return np.stack(rows) / study.steps_per_week / 52


def asked(lived: Floats) -> dict[str, Floats]:
    """Return values of single firms, (places, firm), whose means are what is asked for."""
    effect = lived[-1] - lived[0]
    mean = effect.mean(axis=-1)
    place = int(np.flatnonzero((mean[:-1] > 0) & (mean[1:] <= 0))[0])
    beyond = mean[place] / (mean[place] - mean[place + 1])
    return {
        "mean lifetime": lived.reshape(-1, FIRMS),
        "alive after 5 years": (lived > 5).reshape(-1, FIRMS) * 1.0,
        "effect of execution": effect,
        "m*": ((1 - beyond) * effect[place] + beyond * effect[place + 1])[np.newaxis],
    }


def gains(values: Floats, group: int) -> Floats:
    """Return how many times fewer firms it takes, (places,): variance of a firm over that of groups' means, a firm."""
    batches = FIRMS // group
    # Groups are neighbours, or, of more than two, replicates that are equal modulo their number.
    cut = values.reshape(-1, batches, group) if group == 2 else values.reshape(-1, group, batches).swapaxes(1, 2)
    own, of_means = values.var(axis=-1), cut.mean(axis=-1).var(axis=-1, ddof=1) * group
    found: Floats = (own[own > 0] / of_means[own > 0]).astype(np.float64)
    return found


def known(values: Floats) -> Floats:
    """Return the gain where the expectation given what pairs share were known exactly: no method brings more."""
    own, centred = values.var(axis=-1), values - values.mean(axis=-1, keepdims=True)
    shared = (centred[:, 0::2] * centred[:, 1::2]).mean(axis=-1)
    found: Floats = 1 / (1 - shared[own > 0] / own[own > 0])
    return found


def by_control(values: Floats, controls: Floats) -> Floats:
    """Return the gain of a control variate whose mean is known: the one of `controls` that is correlated most."""
    kept = values[values.std(axis=-1) > 0]
    controls = controls[controls.std(axis=-1) > 0]
    shared = np.corrcoef(np.concatenate([kept, controls]))[: len(kept), len(kept) :]
    found: Floats = 1 / (1 - (shared**2).max(axis=1))
    return found


def row(gain: Floats) -> str:
    """Return median and range."""
    if gain.size == 1:
        return f"{gain[0]:.2f}"
    return f"{np.median(gain):.2f} ({gain.min():.2f} to {gain.max():.2f})"
