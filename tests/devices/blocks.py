"""Blocks of firms for two engines, and in what their records and counts differ."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from firmfate.counts import INVALID, Counters
from firmfate.kernel.engine import Varying
from firmfate.models.model import Model

CELLS, BATCHES, STRATA = 3, 8, 2


def firms(model: Model, swept: Sequence[str], most: float, *, own_rows: int, firms: int, steps: int) -> dict[str, Any]:
    """Return what is asked of an engine: cells that differ in some fields, and words of 64 bits that use all of them.

    Parameters
    ----------
    model : Model
    swept : sequence of str
        Fields that are drawn, from 0 to `most`.
    own_rows : int
        0 where firms of a cell are alike; otherwise firms differ in these fields, and so many rows hold them.
    """
    rng = np.random.default_rng(5)
    table = np.array([[model.defaults[field] for field in model.fields]] * CELLS)
    places = np.array([model.fields.index(field) for field in swept], np.int64)
    table[:, places] = rng.uniform(0.0, most, (CELLS, len(places)))
    own = Varying(places, rng.uniform(0.0, most, (own_rows, firms, len(places)))) if own_rows else None
    words = np.array([0, 7, 2**63 + 5], np.uint64)
    return {
        "parameters": table, "key": 2**63 + 11, "cells": words, "first": 2**40 + 3, "replicates": firms,
        "steps": steps, "varying": own,
    }  # fmt: skip


def counted(engine: Any, asked: dict[str, Any], *, fails: bool = False) -> dict[str, np.ndarray]:
    """Return what an engine records and counts of firms, twice; if `fails`, some fail, and strata are counted apart."""
    ratio = Fraction(engine.dt).limit_denominator(1000)
    strata = STRATA if fails and asked["varying"] else 1
    weeks = -(-asked["steps"] * ratio.numerator // ratio.denominator)
    counters = Counters.of(engine.model, weeks=weeks, batches=BATCHES, horizons=2, strata=strata)
    rows = len(asked["varying"].values) if asked["varying"] else 1
    stratum = np.random.default_rng(6).integers(0, STRATA, (rows, asked["replicates"])) if strata > 1 else None
    records, counts = engine.run(**asked), counters.empty(CELLS)
    found = {name: values.copy() for name, values in records._asdict().items()}
    if fails:
        records.cause[0, ::50] = INVALID
    for _ in range(2):
        engine.count(
            records, counts, first=asked["first"], step_weeks=ratio.numerator, week_steps=ratio.denominator,
            horizons=np.array([asked["steps"] // 3, asked["steps"]]), stratum=stratum, strata=strata,
        )  # fmt: skip
    return {**found, **counts}


def different(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> list[str]:
    """Return the names of arrays that are not equal."""
    return [name for name, values in other.items() if not np.array_equal(one[name], values)]
