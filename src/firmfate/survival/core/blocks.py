"""Run an estimator block of cells by block, so that its temporary arrays stay in the processor's cache."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any

import numpy as np

from firmfate.survival.core.lifetable import CellCounts, Floats

BLOCK_NUMBERS = 1 << 17
"""Counts in a block: 1 MiB of floats for each temporary array."""


def by_blocks(estimator: Callable[..., tuple[Floats, ...]], counts: CellCounts, **options: Any) -> tuple[Floats, ...]:
    """Return ``estimator(counts, **options)``, whose outputs begin with the dims of ``firms``."""
    shape = counts.firms.shape
    cells = counts.firms.size
    per_cell = max(1, counts.events.shape[-1] * counts.events.shape[-2])
    block = max(1, BLOCK_NUMBERS // per_cell)
    if cells <= block:
        return estimator(counts, **options)
    flat = counts.map(lambda part: part.reshape(cells, *part.shape[len(shape) :]))
    gathered: list[Floats] = []
    for start in range(0, cells, block):
        here = slice(start, start + block)
        results = estimator(flat.map(itemgetter(here)), **options)
        if not gathered:
            gathered = [np.empty((cells, *result.shape[1:])) for result in results]
        for full, result in zip(gathered, results, strict=True):
            full[here] = result
    return tuple(full.reshape(*shape, *full.shape[1:]) for full in gathered)
