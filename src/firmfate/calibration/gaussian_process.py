"""Regression of several outputs by Gaussian processes with one kernel: linear mean, Matern 5/2, a length a dimension.

Rasmussen & Williams (2006), Gaussian Processes for Machine Learning, chapters 2 and 5. The variance of the noise is
known, as that of simulated shares is; lengths and the outputs' variances maximise the marginal likelihood.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEARNED_FROM = 600
"""Points from which lengths are learned; all points are predicted from."""

ITERATIONS = 25
SINGLE = 1e-6
"""Rounding of a correlation in single precision: a sum of many has this times the norm of their weights."""

ROUGH = 0.25
"""Standard deviation of what rounding adds, in those of the noise, above which correlations are computed in double."""

BLOCK = 16
"""Points predicted at once, which keeps them in a processor's cache."""


class GaussianProcess:
    """Outputs of points, known at some points with noise.

    Parameters
    ----------
    points : (points, dimensions) array
        In the unit cube.
    outputs : (points, outputs) array
    noise : float
        Variance of the error of an output.

    Attributes
    ----------
    lengths : (dimensions,) array
        Over which outputs change, in units of the cube's side.
    """

    def __init__(self, points: Floats, outputs: Floats, noise: float) -> None:
        from scipy.linalg import cho_factor, cho_solve

        design = _linear(points)
        self._slopes = np.linalg.lstsq(design, outputs, rcond=None)[0]
        rest = (outputs - design @ self._slopes) / noise**0.5
        chosen = np.unique(np.linspace(0, len(points) - 1, LEARNED_FROM).round().astype(int))
        self.lengths, scales = _learned(points[chosen], rest[chosen])
        self._points, gram = points, _kernel(points, points, self.lengths)
        self._weights = np.empty_like(rest)
        for place, scale in enumerate(scales):
            factor = cho_factor(scale * gram + np.eye(len(points)), lower=True, overwrite_a=True)
            self._weights[:, place] = scale * noise**0.5 * cho_solve(factor, rest[:, place])
        # Smooth functions of little noise are sums of large weights that cancel.
        self._double = SINGLE * float(np.linalg.norm(self._weights, axis=0).max()) > ROUGH * noise**0.5

    def __call__(self, points: Floats) -> Floats:
        """Return the mean of the outputs at other points, (points, outputs).

        Correlations are computed in single precision, several times as fast, unless their rounding would be felt.
        """
        from firmfate.calibration.matern import correlate

        found = _linear(points) @ self._slopes
        if self._double:
            return np.asarray(found + _kernel(points, self._points, self.lengths) @ self._weights)
        known = (self._points * (5.0**0.5 / self.lengths)).astype(np.float32)
        others = (points * (5.0**0.5 / self.lengths)).astype(np.float32)
        own, squares, weights = (
            (others * others).sum(axis=1),
            (known * known).sum(axis=1),
            self._weights.astype(np.float32),
        )
        columns, overwrite = np.ascontiguousarray(known.T), correlate()
        for begin in range(0, len(points), BLOCK):
            block = slice(begin, begin + BLOCK)
            kernel = others[block] @ columns
            overwrite(kernel, own[block], squares)
            found[block] += kernel @ weights
        return np.asarray(found)


def _linear(points: Floats) -> Floats:
    return np.concatenate([np.ones((len(points), 1)), points], axis=1)


def _squares(points: Floats, others: Floats, lengths: Floats) -> Floats:
    left, right = points / lengths, others / lengths
    found = (left * left).sum(axis=1)[:, np.newaxis] + (right * right).sum(axis=1) - 2.0 * left @ right.T
    return np.asarray(np.maximum(found, 0.0))


def _kernel(points: Floats, others: Floats, lengths: Floats) -> Floats:
    """Return the correlations, (points, others): (1 + r + r²/3) exp(-r), r the distance times √5."""
    distance = np.sqrt(5.0 * _squares(points, others, lengths))
    return np.asarray((1.0 + distance * (1.0 + distance / 3.0)) * np.exp(-distance))


def _learned(points: Floats, outputs: Floats) -> tuple[Floats, Floats]:
    """Return lengths and variances of the outputs, in units of the noise's, of the largest marginal likelihood."""
    from scipy.optimize import minimize

    dimensions = points.shape[1]
    start = np.concatenate([np.zeros(dimensions), np.log(np.maximum(outputs.var(axis=0), 1.5))])
    bounds = [(-2.5, 3.0)] * dimensions + [(-6.0, 16.0)] * outputs.shape[1]
    found = minimize(
        _loss, np.clip(start, *np.transpose(bounds)), args=(points, outputs), jac=True, method="L-BFGS-B",
        bounds=bounds, options={"maxiter": ITERATIONS},
    ).x  # fmt: skip
    return np.exp(found[:dimensions]), np.exp(found[dimensions:])


def _loss(logs: Floats, points: Floats, outputs: Floats) -> tuple[float, Floats]:
    """Return minus the log marginal likelihood and its slopes by log lengths and log variances."""
    dimensions = points.shape[1]
    lengths, scales = np.exp(logs[:dimensions]), np.exp(logs[dimensions:])
    distance = np.sqrt(5.0 * _squares(points, points, lengths))
    decay = np.exp(-distance)
    values, vectors = np.linalg.eigh((1.0 + distance * (1.0 + distance / 3.0)) * decay)
    values = np.maximum(values, 0.0)
    loss, slopes, by_kernel = 0.0, np.zeros_like(logs), np.zeros_like(decay)
    for place, scale in enumerate(scales):
        spread = scale * values + 1.0
        turned = vectors.T @ outputs[:, place]
        solved = turned / spread
        loss += 0.5 * float(turned @ solved + np.log(spread).sum())
        weights = vectors @ solved
        by_kernel += 0.5 * scale * ((vectors / spread) @ vectors.T - np.outer(weights, weights))
        slopes[dimensions + place] = 0.5 * scale * float((values / spread).sum() - (values * solved**2).sum())
    by_squares = by_kernel * (-5.0 / 6.0) * (1.0 + distance) * decay
    for place in range(dimensions):
        steps = (points[:, place, np.newaxis] - points[:, place]) / lengths[place]
        slopes[place] = -2.0 * float((by_squares * steps**2).sum())
    return loss, slopes
