"""Draws from a density over the unit cube by tempered sequential Monte Carlo.

A sample of the prior is weighted by a power of the density, resampled, and moved by random walks that leave that power
of the density as it is; the power grows to 1 in steps that leave half of the weight effective (Del Moral, Doucet &
Jasra 2006, Journal of the Royal Statistical Society B 68, 411-436; Chopin & Papaspiliopoulos 2020, An Introduction to
Sequential Monte Carlo, chapter 17). The sample starts everywhere, so that no mode has to be found by a walk.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EFFECTIVE = 0.5
"""Share of the particles that a step of the power leaves effective."""

ACCEPTED = 0.25
"""Share of moves to be accepted, to which the length of steps adapts."""

BLEND = 0.1
"""Share of moves by the spread of the prior in place of that of the particles, which frees what they have lost."""


@dataclass(frozen=True)
class Sample:
    """Particles, equally weighted.

    Attributes
    ----------
    cube : (particles, free) array
    log_density : (particles,) array
    log_evidence : float
        Log of the mean of the density over the prior.
    powers : int
        Steps of the power, 1 where the sample of the prior was enough.
    accepted : float
        Share of moves that were accepted at the last power.
    """

    cube: Floats
    log_density: Floats
    log_evidence: float
    powers: int
    accepted: float


def sampled(
    log_density: Callable[[Floats], Floats],
    prior: Floats,
    height: Floats,
    *,
    particles: int,
    moves: int,
    seed: list[int],
) -> Sample:
    """Draw particles from a density.

    Parameters
    ----------
    log_density : callable
        Points in the cube (points, free) -> log density (points,), up to a constant.
    prior : (points, free) array
        A sample of the prior, which is even over the cube; at least as many as there are particles.
    height : (points,) array
        Log density of these.
    particles : int
    moves : int
        Of every particle at each power; four times as many at the last.
    seed : list of int
    """
    from scipy.special import ndtr, ndtri

    random = np.random.Generator(np.random.Philox(np.random.SeedSequence(seed)))
    # Probits: the prior is normal there, and so are directions that the data leave alone.
    points = ndtri(np.clip(prior, 1e-12, 1 - 1e-12))
    power, evidence, powers, scale, rate = 0.0, 0.0, 0, 0.5, 0.0
    least = EFFECTIVE * particles
    while power < 1.0:
        step = _step(height, 1.0 - power, least)
        tilted = step * height
        evidence += float(np.log(np.exp(tilted - tilted.max()).mean()) + tilted.max())
        place = _resampled(tilted, particles, random)
        points, height = points[place], height[place]
        power, powers = power + step, powers + 1
        for _ in range(moves if power < 1.0 else 4 * moves):
            points, height, rate = _moved(points, height, power, scale, log_density, ndtr, random)
            scale = float(np.clip(scale * np.exp(rate - ACCEPTED), 0.02, 3.0))
    return Sample(np.asarray(ndtr(points)), height, evidence, powers, rate)


def _moved(
    points: Floats,
    height: Floats,
    power: float,
    scale: float,
    log_density: Callable[[Floats], Floats],
    ndtr: Callable[[Floats], Floats],
    random: np.random.Generator,
) -> tuple[Floats, Floats, float]:
    """Move every particle once by a step as wide as the difference of two others, or accept none.

    Particles are split in halves: each half steps by differences within the other (ter Braak & Vrugt 2008, Statistics
    and Computing 18, 435-446), which follows a ridge as the particles do, and leaves the density as it is.
    """
    count, free = points.shape
    points, height, accepted = points.copy(), height.copy(), 0
    order = random.permutation(count)
    for own, other in ((order[: count // 2], order[count // 2 :]), (order[count // 2 :], order[: count // 2])):
        left, right = random.choice(other, len(own)), random.choice(other, len(own))
        length = scale * 2.38 / (2 * free) ** 0.5 * np.exp(random.normal(0.0, 0.7, (len(own), 1)))
        steps = length * (points[left] - points[right]) + random.normal(0.0, 1e-3, (len(own), free))
        wide = random.uniform(size=len(own)) < BLEND
        steps[wide] = length[wide] * random.standard_normal((int(wide.sum()), free))
        proposed = points[own] + steps
        new = log_density(np.asarray(ndtr(proposed)))
        gain = power * (new - height[own]) + 0.5 * ((points[own] ** 2).sum(axis=1) - (proposed**2).sum(axis=1))
        taken = np.log(random.uniform(size=len(own))) < gain
        points[own[taken]], height[own[taken]] = proposed[taken], new[taken]
        accepted += int(taken.sum())
    return points, height, accepted / count


def _step(height: Floats, most: float, least: float) -> float:
    """Return by how much the power may grow, up to `most`, with so many points effective."""

    def effective(step: float) -> float:
        weight = np.exp(step * (height - height.max()))
        return float(weight.sum() ** 2 / (weight**2).sum())

    if effective(most) >= least:
        return most
    low, high = 0.0, most
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if effective(middle) >= least else (low, middle)
    return low


def _resampled(log_weight: Floats, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return places, drawn systematically: each as often as its weight says."""
    weight = np.exp(log_weight - log_weight.max())
    steps = (random.uniform() + np.arange(count)) / count
    return np.asarray(np.searchsorted(np.cumsum(weight / weight.sum()), steps).clip(0, len(weight) - 1))
