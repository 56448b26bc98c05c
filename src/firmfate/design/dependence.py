"""How what firms draw hangs together: correlations of pairs, as a Gaussian copula."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from firmfate.design.distributions import Distribution
from firmfate.errors import StudyError, did_you_mean
from firmfate.tables import reading, schema
from firmfate.tables.reading import named, refuse
from firmfate.tables.schema import Schema

Pair = tuple[str, str, float]
"""Two keys, and the correlation of their normal scores."""


def read_correlations(written: object, varying: Mapping[str, Distribution]) -> tuple[Pair, ...]:
    """Read [[population.correlation]]: two keys, and their Spearman (`rank`) or normal-score (`normal`) correlation.

    Parameters
    ----------
    written : object
    varying : mapping
        Key -> distribution, of what is not the same for all firms.
    """
    if not isinstance(written, list):
        refuse("population.correlation", written, "must be a list of tables, each written [[population.correlation]]")
    found: dict[tuple[str, str], float] = {}
    for place, item in enumerate(written):
        path = f"population.correlation[{place}]"
        reading.table(item, path, ("between", "rank", "normal"))
        between = item.get("between")
        if not isinstance(between, list) or len(between) != 2 or not all(isinstance(key, str) for key in between):
            refuse(f"{path}.between", between, 'must be two keys of [population], such as ["execution", "cash_buffer"]')
        between = [drawn_key(key, varying) for key in between]
        for key in between:
            if key not in varying:
                refuse(f"{path}.between", between, not_drawn(key, varying))
        first, second = sorted(between)
        if first == second or (first, second) in found:
            refuse(f"{path}.between", between, "must be two different keys, a pair that is named once")
        kinds = [kind for kind in ("rank", "normal") if kind in item]
        if len(kinds) != 1:
            raise StudyError(f"{path} needs either rank = .. (Spearman's) or normal = .. (of normal scores)")
        value = reading.number(item[kinds[0]], f"{path}.{kinds[0]}")
        if not -1 < value < 1:
            refuse(f"{path}.{kinds[0]}", value, "must lie in (-1, 1)")
        # Spearman's rank correlation of a bivariate normal (Pearson 1907): rho_S = 6/pi asin(r/2)
        found[first, second] = 2 * math.sin(math.pi * value / 6) if kinds == ["rank"] else value
    pairs = tuple((first, second, value) for (first, second), value in sorted(found.items()))
    if pairs and cholesky(correlated(pairs), pairs) is None:
        raise StudyError("[[population.correlation]]: these correlations cannot all hold at once; weaken some of them")
    return pairs


def drawn_key(written: str, varying: Mapping[str, Any]) -> str:
    """Return a key as [population] has it: ``alarm_sales`` of datasets is ``alarm.sales``, where that is drawn."""
    return next((key for key in varying if written in (key, key.replace(".", "_"))), written)


def not_drawn(key: str, varying: Mapping[str, Any]) -> str:
    """Return the words that refuse a key which is the same for all firms."""
    hint = did_you_mean(key, varying) or f"; those that do: {', '.join(varying) or 'none'}"
    return f"'{named(key)}' does not differ by [population]{hint}"


def correlation_schema(keys: list[str]) -> Schema:
    """Return the JSON schema of [[population.correlation]]."""
    between = {"type": "array", "minItems": 2, "maxItems": 2, "items": {"enum": keys}}
    strength = {"type": "number", "exclusiveMinimum": -1, "exclusiveMaximum": 1}
    properties: dict[str, Schema] = {"between": between, "rank": strength, "normal": strength}
    return {"type": "array", "items": schema.table(properties, "a pair", required=("between",))}


def correlated(pairs: tuple[Pair, ...]) -> tuple[str, ...]:
    """Return the keys that are in any pair, in alphabetical order."""
    return tuple(sorted({key for pair in pairs for key in pair[:2]}))


def weights(pairs: tuple[Pair, ...]) -> dict[str, tuple[tuple[str, float], ...]]:
    """Return how each correlated key's normal score is made of independent ones: key -> (other key, weight), ...

    A key that is correlated with none before it in the alphabet has itself alone, with weight 1.
    """
    keys = correlated(pairs)
    factor = cholesky(keys, pairs) or []
    return {
        key: tuple((other, weight) for other, weight in zip(keys, row, strict=True) if weight)
        for key, row in zip(keys, factor, strict=True)
    }


def cholesky(keys: tuple[str, ...], pairs: tuple[Pair, ...]) -> list[list[float]] | None:
    """Return the lower Cholesky factor of a correlation matrix, or None where it is not positive definite.

    Plain arithmetic, so that all machines find the same bits.
    """
    matrix = [[float(row == column) for column in keys] for row in keys]
    for first, second, value in pairs:
        a, b = keys.index(first), keys.index(second)
        matrix[a][b] = matrix[b][a] = value
    factor = [[0.0] * len(keys) for _ in keys]
    for row in range(len(keys)):
        for column in range(row + 1):
            rest = matrix[row][column] - sum(factor[row][k] * factor[column][k] for k in range(column))
            if row == column and rest <= 1e-12:
                return None
            factor[row][column] = math.sqrt(rest) if row == column else rest / factor[column][column]
    return factor
