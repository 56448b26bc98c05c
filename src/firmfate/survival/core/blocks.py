"""Run an estimator block of cells by block, so that its temporary arrays stay in the processor's cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from firmfate.survival.core.lifetable import Counts, Floats

BLOCK_NUMBERS = 1 << 17
"""Counts in a block: 1 MiB of floats for each temporary array."""


def by_blocks(
    estimator: Callable[..., tuple[Floats, ...]], events: Counts, firms: Counts, censored: Counts | None, **options: Any
) -> tuple[Floats, ...]:
    """Return ``estimator(events, firms, censored, **options)``, whose outputs begin with the dims of ``firms``."""
    cells = firms.size
    per_cell = max(1, events.shape[-1] * events.shape[-2])
    block = max(1, BLOCK_NUMBERS // per_cell)
    if cells <= block:
        return estimator(events, firms, censored, **options)
    flat_events = events.reshape(cells, *events.shape[-2:])
    flat_firms = firms.reshape(cells)
    flat_censored = None if censored is None else censored.reshape(cells, -1)
    whole: list[Floats] = []
    for start in range(0, cells, block):
        part = slice(start, start + block)
        few = None if flat_censored is None else flat_censored[part]
        results = estimator(flat_events[part], flat_firms[part], few, **options)
        if not whole:
            whole = [np.empty((cells, *result.shape[1:])) for result in results]
        for full, result in zip(whole, results, strict=True):
            full[part] = result
    return tuple(full.reshape(*firms.shape, *full.shape[1:]) for full in whole)
