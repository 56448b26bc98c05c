"""Fine and Gray's regression of a cause's subdistribution hazard on counts: risk sets, and the error of the estimate.

A firm with an event of another cause stays in the risk set, weighted by the probability that it would still be
observed, G(t-) / G(s-), where s is the week of its event and G the Kaplan-Meier curve of the censorings of all cells
(Fine and Gray 1999, section 3).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from firmfate.survival.core.lifetable import Floats, per_at_risk

BLOCK_NUMBERS = 1 << 20
"""Numbers in one temporary array of influences: 8 MiB."""


class Competing(NamedTuple):
    """Counts of cells, each (cell, week)."""

    ended: Floats  # events of the cause
    others: Floats  # events of other causes
    censored: Floats  # in the last week, those who reach the horizon
    at_risk: Floats


class RiskSets(NamedTuple):
    """Firms in the risk sets of the subdistribution."""

    weight: Floats  # (cell, week)  at risk, or with an event of another cause and weighted
    observed: Floats  # (week,)  G(t-): the probability of not being censored before the week


def risk_sets(counts: Competing) -> RiskSets:
    """Return the weighted risk sets."""
    censoring = per_at_risk(counts.censored.sum(axis=0), counts.at_risk.sum(axis=0))
    observed = np.concatenate([[1.0], (1.0 - censoring).cumprod()[:-1]])
    earlier = _before(per_at_risk(counts.others, observed).cumsum(axis=-1))
    return RiskSets(counts.at_risk + observed * earlier, observed)


def sandwich(counts: Competing, sets: RiskSets, design: Floats, coefficients: Floats, information: Floats) -> Floats:
    """Return the covariance of the coefficients, (term, term), with the censoring distribution estimated.

    Fine and Gray (1999), eqs. 7 and 8: the inverse information around the sum over firms of the squares of eta, what a
    firm adds to the score, and psi, what it adds through G.

    Parameters
    ----------
    design : (cell, term)
    coefficients : (term,)
    information : (term, term)
    """
    risk = np.exp(design @ coefficients)
    exposure = risk @ sets.weight
    ended = counts.ended.sum(axis=0)
    step = per_at_risk(ended, exposure)  # of the baseline's cumulative hazard
    mean = per_at_risk(((risk[:, None] * design).T @ sets.weight).T, exposure[:, None])  # (week, term)
    ones = np.ones_like(mean[:, :1])
    moments = step[:, None] * np.concatenate([ones, mean], axis=-1)  # of 1 and the mean covariates
    until = moments.cumsum(axis=0)
    seen = sets.observed[:, None] * moments
    from_now = seen[::-1].cumsum(axis=0)[::-1]
    after = np.concatenate([from_now[1:], np.zeros_like(from_now[:1])])
    after = per_at_risk(after, sets.observed[:, None])

    carried = _before(per_at_risk(counts.others, sets.observed).cumsum(axis=-1))
    pull = risk @ carried
    pulled = (risk[:, None] * design).T @ carried
    through = pulled.T * from_now[:, :1] - pull[:, None] * from_now[:, 1:]  # q(u)
    at_risk = counts.at_risk.sum(axis=0)[:, None]
    at_censoring = per_at_risk(through, at_risk)
    psi = -(per_at_risk(counts.censored.sum(axis=0)[:, None], at_risk) * at_censoring).cumsum(axis=0)

    total = np.zeros_like(information)
    block = max(1, BLOCK_NUMBERS // mean.size)
    for start in range(0, len(design), block):
        some = slice(start, start + block)
        x, scale = design[some, None, :], risk[some, None, None]
        eta = -scale * (x * until[:, :1] - until[:, 1:])
        for number, influence in (
            (counts.ended, eta + x - mean + psi),
            (counts.others, eta - scale * (x * after[:, :1] - after[:, 1:]) + psi),
            (counts.censored, eta + psi + at_censoring),
        ):
            flat = influence.reshape(-1, influence.shape[-1])
            total += (number[some].reshape(-1, 1) * flat).T @ flat
    inverse = np.linalg.inv(information)
    covariance: Floats = inverse @ total @ inverse
    return covariance


def _before(sums: Floats) -> Floats:
    """Running sums over weeks, as they were when each week began."""
    return np.concatenate([np.zeros_like(sums[..., :1]), sums[..., :-1]], axis=-1)
