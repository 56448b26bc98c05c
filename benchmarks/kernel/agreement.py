"""Do the peers simulate the same model? Firm by firm under shared random numbers, by survival under others."""

from __future__ import annotations

import numpy as np
from benchmarks.kernel.peer import Firms, Peer

YEARS = (1, 3, 5, 10, 15, 20)
STANDARD_ERRORS = 4.0
IDENTICAL = 0.9999
"""Least share of firms whose event step must be the same under the same random numbers."""


def survival(firms: Firms, ages: np.ndarray) -> np.ndarray:
    """Return the share of firms alive at the end of each age in steps, (cells, ages)."""
    ended = np.where(firms.cause > 0, firms.event, np.iinfo(np.int32).max)
    return (ended[:, :, None] > ages).mean(axis=1)


def worst_gap(a: Firms, b: Firms, ages: np.ndarray) -> float:
    """Return the largest difference in survival over cells and ages, in standard errors of the difference."""
    n, m = a.event.shape[1], b.event.shape[1]
    s, t = survival(a, ages), survival(b, ages)
    pooled = (n * s + m * t) / (n + m)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    return float(np.max(np.divide(np.abs(s - t), error, out=np.zeros_like(s), where=error > 0)))


def check(results: list[tuple[Peer, Firms]], steps: int) -> tuple[list[str], list[str]]:
    """Compare all with the first, whose random numbers are ours; return what was found, and what is wrong."""
    reference_peer, reference = results[0]
    if not reference_peer.same_numbers:
        raise ValueError("the first peer must use our random numbers")
    ages = np.array([year * 52 for year in YEARS if year * 52 <= steps])
    found, wrong = [f"compared with: {reference_peer.name}"], []
    for peer, firms in results[1:]:
        if peer.same_numbers:
            count = min(firms.event.shape[1], reference.event.shape[1])
            mine, theirs = (np.stack([column[:, :count] for column in r]) for r in (firms, reference))
            equal = (mine == theirs).mean(axis=(1, 2))
            total = mine[0].size
            differ = [int((mine[i] != theirs[i]).sum()) for i in range(4)]
            names = ("event step", "cause", "alarm step", "green KPIs")
            counts = ", ".join(f"{count} in {name}" for count, name in zip(differ, names, strict=True))
            line = f"{peer.name}: of {total} firms differ {counts}"
            (found if equal.min() > IDENTICAL else wrong).append(line)
        else:
            gap = worst_gap(firms, reference, ages)
            line = f"{peer.name}: survival within {gap:.1f} standard errors at {len(ages)} ages, every cell"
            (found if gap <= STANDARD_ERRORS else wrong).append(line)
    return found, [f"**DISAGREES** {line}" for line in wrong]
