"""Proportional hazards on grouped counts: complementary log-log with a free baseline in each week, or Breslow's.

A firm of cell c in week t has its event with probability 1 - exp(-exp(a_t + x_c b)): the continuous model, seen week
by week (Kalbfleisch and Prentice 1973), free of any bias from ties. The baseline is as long as the horizon, but its
block of the information matrix is diagonal, so that a step solves a system in b alone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firmfate.survival.core.lifetable import Floats
from firmfate.survival.core.newton import climb


class Grouped(NamedTuple):
    """Counts and design of the cells, sorted by stratum."""

    ended: Floats  # (cell, week)
    at_risk: Floats  # (cell, week)
    design: Floats  # (cell, term)
    starts: NDArray[np.int_]  # (stratum,)  first cell of each stratum
    sizes: NDArray[np.int_]  # (stratum,)  its number of cells
    basis: Floats  # (week, time function): b of a week is basis @ b

    def by_stratum(self, values: Floats) -> Floats:
        """Sum (cell, ...) over the cells of each stratum."""
        return np.asarray(np.add.reduceat(values, self.starts, axis=0))

    def to_cells(self, values: NDArray[Any]) -> NDArray[Any]:
        """Repeat (stratum, ...) for each cell."""
        return np.repeat(values, self.sizes, axis=0)

    def log_ratio(self, coefficients: Floats) -> Floats:
        """x_c b(t), (cell, week), of coefficients (time function, term)."""
        return (self.design @ coefficients.T) @ self.basis.T

    def moments(self, weights: Floats) -> tuple[Floats, Floats]:
        """Sum weights (cell, week) times x, and times x x', in each stratum and week."""
        terms = self.design.shape[1]
        products = (self.design[:, :, None] * self.design[:, None, :]).reshape(len(self.design), -1)
        both = np.concatenate([self.design, products], axis=1)
        sums = np.stack([weights[i : i + n].T @ both[i : i + n] for i, n in zip(self.starts, self.sizes, strict=True)])
        return sums[..., :terms], sums[..., terms:].reshape(*sums.shape[:-1], terms, terms)


class Fit(NamedTuple):
    """Coefficients (time function, term), their information matrix (flattened alike), and the baseline."""

    coefficients: Floats
    information: Floats
    baseline: Floats  # (stratum, week) log cumulative hazard of a week; NaN where it has no events


def grouped(
    ended: Floats, at_risk: Floats, design: Floats, stratum: NDArray[np.int_], basis: Floats | None = None
) -> Grouped:
    """Sort cells by stratum; basis None is one coefficient for all weeks."""
    order = np.argsort(stratum, kind="stable")
    _, starts, sizes = np.unique(stratum[order], return_index=True, return_counts=True)
    basis = np.ones((ended.shape[1], 1)) if basis is None else basis
    return Grouped(ended[order], at_risk[order], design[order], starts, sizes, basis)


def fit_cloglog(data: Grouped, start: Fit | None = None) -> Fit:
    """Fit the complementary log-log model by Fisher scoring."""
    total, exposed = data.by_stratum(data.ended), data.by_stratum(data.at_risk)
    some = (total > 0) & (total < exposed)  # other weeks hold no information on coefficients
    informative = data.to_cells(some)
    ended = np.where(informative, data.ended, 0.0)
    at_risk = np.where(informative, data.at_risk, 0.0)
    share = np.where(some, total, 1.0) / np.where(some, exposed, 2.0)
    first = np.log(-np.log1p(-share))
    shape = (data.basis.shape[1], data.design.shape[1])
    if start is not None:
        first = np.where(np.isnan(start.baseline), first, start.baseline)
    begin = (first, np.zeros(shape) if start is None else start.coefficients)

    def hazard(at: tuple[Floats, Floats]) -> Floats:
        # e^30 is certainty, e^-700 impossibility; beyond, exp would overflow before a step is halved.
        return np.exp(np.clip(data.to_cells(at[0]) + data.log_ratio(at[1]), -700.0, 30.0))

    def log_likelihood(at: tuple[Floats, Floats]) -> float:
        mu = hazard(at)
        return float((ended * np.log(-np.expm1(-mu)) - (at_risk - ended) * mu).sum())

    def system(at: tuple[Floats, Floats]) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        mu = hazard(at)
        ends = -np.expm1(-mu)
        score = mu * (ended / ends - at_risk)
        weight = at_risk * mu * mu * (1.0 - ends) / ends
        linear, square = data.moments(weight)
        cross = _spread(linear, data.basis)
        own = np.where(some, data.by_stratum(weight), 1.0)
        left = data.by_stratum(score)
        gradient = _gradient(score, data) - np.einsum("stk,st->k", cross, left / own)
        information = _information(square, data.basis) - np.einsum("stk,stl->kl", cross / own[..., None], cross)
        return gradient, information, cross, own, left

    def step(at: tuple[Floats, Floats]) -> tuple[tuple[Floats, Floats], float]:
        gradient, information, cross, own, left = system(at)
        change = np.asarray(np.linalg.solve(information, gradient), dtype=np.float64)
        baseline = np.where(some, (left - cross @ change) / own, 0.0)
        return (baseline, change.reshape(shape)), _size(change, information)

    baseline, coefficients = climb(begin, log_likelihood, step, _add)
    information = system((baseline, coefficients))[1]
    return Fit(coefficients, information, np.where(some, baseline, np.nan))


def fit_breslow(data: Grouped, start: Fit | None = None) -> Fit:
    """Fit Cox's partial likelihood with Breslow's ties (Breslow 1974), whose bias does not shrink with firms."""
    total = data.by_stratum(data.ended)
    shape = (data.basis.shape[1], data.design.shape[1])
    observed = _gradient(data.ended, data)

    def exposure(at: Floats) -> Floats:
        return data.at_risk * np.exp(np.minimum(data.log_ratio(at), 300.0))

    def log_likelihood(at: Floats) -> float:
        everyone = data.by_stratum(exposure(at))
        return float(observed @ at.ravel() - (total * np.log(np.where(total > 0, everyone, 1.0))).sum())

    def system(at: Floats) -> tuple[Floats, Floats]:
        weight = exposure(at)
        everyone = data.by_stratum(weight)
        rate = np.where(total > 0, total, 0.0) / np.where(everyone > 0, everyone, 1.0)
        linear, square = data.moments(weight)
        cross = _spread(linear, data.basis)
        gradient = observed - np.einsum("stk,st->k", cross, rate)
        pull = rate / np.where(everyone > 0, everyone, 1.0)
        information = _information(square * rate[..., None, None], data.basis)
        return gradient, information - np.einsum("stk,stl->kl", cross * pull[..., None], cross)

    def step(at: Floats) -> tuple[Floats, float]:
        gradient, information = system(at)
        change = np.asarray(np.linalg.solve(information, gradient), dtype=np.float64)
        return change.reshape(shape), _size(change, information)

    begin = np.zeros(shape) if start is None else start.coefficients
    coefficients = climb(begin, log_likelihood, step, lambda at, change, fraction: at + fraction * change)
    everyone = data.by_stratum(exposure(coefficients))
    hazard = np.where(total > 0, total, np.nan) / np.where(everyone > 0, everyone, 1.0)
    return Fit(coefficients, system(coefficients)[1], np.log(hazard))


def _add(at: tuple[Floats, Floats], change: tuple[Floats, Floats], fraction: float) -> tuple[Floats, Floats]:
    return at[0] + fraction * change[0], at[1] + fraction * change[1]


def _size(change: Floats, information: Floats) -> float:
    """The largest change of a coefficient, in standard errors.

    At most in units: a coefficient that runs to infinity goes on by steps of 1 while its standard error explodes.
    """
    errors = np.sqrt(np.abs(np.diag(np.linalg.inv(information))))
    return float(np.abs(change / np.minimum(errors, 1.0)).max())


def _spread(linear: Floats, basis: Floats) -> Floats:
    """(stratum, week, term) times time functions: (stratum, week, function x term)."""
    return (basis[None, :, :, None] * linear[:, :, None, :]).reshape(*linear.shape[:2], -1)


def _gradient(score: Floats, data: Grouped) -> Floats:
    return (data.basis.T @ (score.T @ data.design)).ravel()


def _information(square: Floats, basis: Floats) -> Floats:
    """Sum (stratum, week, term, term) times the products of time functions, flattened alike in rows and columns."""
    functions, terms = basis.shape[1], square.shape[-1]
    products = (basis[:, :, None] * basis[:, None, :]).reshape(len(basis), -1)
    blocks = products.T @ square.sum(axis=0).reshape(len(basis), -1)
    k = functions * terms
    information: Floats = blocks.reshape(functions, functions, terms, terms).transpose(0, 2, 1, 3).reshape(k, k)
    return information
