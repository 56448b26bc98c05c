"""Strata: quantile bins of what firms draw, in which survival is counted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from firmfate.design.dependence import drawn_key, not_drawn
from firmfate.design.distributions import Distribution
from firmfate.errors import StudyError
from firmfate.tables import reading, schema
from firmfate.tables.reading import named, refuse
from firmfate.tables.schema import Schema

MOST_STRATA = 64


@dataclass(frozen=True)
class Stratum:
    """Quantile bins of one drawn parameter, which `edges` part."""

    key: str
    bins: int
    edges: tuple[float, ...]

    @property
    def names(self) -> tuple[str, str]:
        """Names of the coordinates that hold the lower and the upper edge of every stratum."""
        name = self.key.replace(".", "_")
        return f"{name}_lower", f"{name}_upper"


def read_strata(written: object, varying: Mapping[str, Distribution]) -> tuple[Stratum, ...]:
    """Read ``strata = { execution = 4 }``; in alphabetical order of the keys.

    Parameters
    ----------
    written : object
    varying : mapping
        Key -> distribution, of what is not the same for all firms.
    """
    found: list[Stratum] = []
    table = reading.table(written, "population.strata")
    for key, value in sorted(((drawn_key(name, varying), value) for name, value in table.items()), key=itemgetter(0)):
        path = f"population.strata.{named(key)}"
        if key not in varying:
            raise StudyError(f"{path}: {not_drawn(key, varying)}")
        if any(stratum.key == key for stratum in found):
            raise StudyError(f"{path}: is written twice; keep one")
        bins = reading.integer(value, path, 2, MOST_STRATA)
        edges = strata_edges(varying[key], bins)
        low, high = varying[key].reach
        if len(set(edges)) < len(edges) or edges[-1] >= high or edges[0] <= low:
            refuse(path, value, "its values are too few for so many quantile bins; take fewer")
        found.append(Stratum(key, bins, edges))
    count = math.prod(stratum.bins for stratum in found)
    if count > MOST_STRATA:
        raise StudyError(f"[population.strata] makes {count} strata; at most {MOST_STRATA}")
    return tuple(found)


def strata_edges(distribution: Distribution, bins: int) -> tuple[float, ...]:
    """Return the values that part the bins: quantiles at 1/bins, 2/bins, ..."""
    return tuple(distribution.quantile(np.arange(1, bins) / bins).tolist())


def strata_schema(keys: list[str]) -> Schema:
    """Return the JSON schema of ``strata``."""
    bins: Schema = {"type": "integer", "minimum": 2, "maximum": MOST_STRATA}
    return schema.table(dict.fromkeys(keys, bins), "quantile bins in which survival is counted")
