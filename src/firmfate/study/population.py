"""[population] as a study writes it: how firms of one cell differ, how that hangs together, and strata to count."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmfate.errors import StudyError, did_you_mean
from firmfate.models import Model
from firmfate.models.declarations import Parameter
from firmfate.study import reading
from firmfate.study.csv_files import read_rows
from firmfate.study.distributions import FAMILIES, NAMES, Distribution
from firmfate.study.keys import allowed_value, parameter_keys
from firmfate.study.reading import refuse, show

WORDS = ("correlation", "strata")
MOST_STRATA = 64


@dataclass(frozen=True)
class PopulationTable:
    """How firms differ.

    Attributes
    ----------
    distributions : tuple of Distribution
        In alphabetical order of their keys: the order in the file has no meaning.
    correlations : tuple of (str, str, float)
        Two keys and the correlation of their normal scores (a Gaussian copula).
    strata : tuple of (str, int)
        Keys whose draws are counted by quantile bins, and how many bins.
    """

    distributions: tuple[Distribution, ...] = ()
    correlations: tuple[tuple[str, str, float], ...] = ()
    strata: tuple[tuple[str, int], ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """The parameters that differ."""
        return tuple(distribution.key for distribution in self.distributions)

    @property
    def described(self) -> dict[str, str]:
        """What identifies this population, key by key: equal descriptions draw equal firms and count equal strata."""
        pairs = {f"correlation {first}, {second}": f"{value:.12g}" for first, second, value in self.correlations}
        strata = {f"strata {key}": str(bins) for key, bins in self.strata}
        return {**{each.key: each.described for each in self.distributions}, **pairs, **strata}


def read_population(tables: Mapping[str, Any], model: Model, folder: Path, files: dict[str, Path]) -> PopulationTable:
    """Read [population]; a study without one has firms that differ by their random numbers alone."""
    if "population" not in tables:
        return PopulationTable()
    written = reading.table(tables["population"], "population")
    pairs = sorted(parameter_keys(written, model, "population", words=WORDS))
    if not pairs:
        raise StudyError("[population] has no parameter; write one, such as unit_cost = { normal = [0.57, 0.02] }")
    found = tuple(
        read_distribution(key, value, f"population.{key}", model.parameter(key), folder, files) for key, value in pairs
    )
    varying = {distribution.key: distribution for distribution in found if not distribution.constant}
    return PopulationTable(
        found, _correlations(written.get("correlation", []), varying), _strata(written.get("strata", {}), varying)
    )


def read_distribution(
    key: str, value: object, path: str, row: Parameter, folder: Path, files: dict[str, Path]
) -> Distribution:
    """Read ``{ family = arguments }``, the arguments a list in order or a table by name."""
    if not isinstance(value, dict) or len(value) != 1:
        refuse(path, value, f"must be {{ family = [..] }}, the family one of {', '.join(NAMES)}")
    ((family, given),) = value.items()
    if family not in NAMES:
        hint = did_you_mean(family, NAMES) or f"; allowed: {', '.join(NAMES)}"
        raise StudyError(f"{path}.{family}: there is no such distribution{hint}")
    where = f"{path}.{family}"
    if family == "empirical":
        return Distribution(key, family, _empirical(key, given, where, row, folder, files), row.allowed)
    found = Distribution(key, family, _arguments(family, given, where, row), row.allowed)
    low, high = found.reach
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        refuse(where, given, f"draws reach from {low:.4g} to {high:.4g}, which cannot be computed with")
    if low < row.allowed.low or high > row.allowed.high or (found.constant and low not in row.allowed):
        ends = f"{max(low, row.allowed.low):g}, {min(high, row.allowed.high):g}"
        hint = {
            "normal": f"; truncated_normal = [{', '.join(map(show, found.arguments))}, {ends}] stays inside",
            "lognormal": "; truncated_normal = [mean, sd, low, high] can be kept inside",
        }.get(family, "")
        refuse(
            where,
            given,
            f"draws reach from {low:.4g} to {high:.4g}; {key} must lie in {row.allowed} ({row.unit}){hint}",
        )
    return found


def _arguments(family: str, given: object, path: str, row: Parameter) -> tuple[float, ...]:
    """Read the arguments of a family, a list or a table, each finite and together possible."""
    names = FAMILIES[family].arguments
    needed = names[: len(names) - FAMILIES[family].optional]
    if family == "constant" and not isinstance(given, (dict, list)):
        given = [given]
    form = f"must be [{', '.join(names)}]: {FAMILIES[family].meaning}"
    if isinstance(given, dict):
        reading.table(given, path, names)
        given = [given[name] for name in names if name in given] if all(name in given for name in needed) else None
    if not isinstance(given, list) or len(given) not in {len(needed), len(names)}:
        refuse(path, given, form)
    found = tuple(
        reading.quantity(item, f"{path}.{name}", "1" if name in FAMILIES[family].shapes else row.unit)
        for name, item in zip(names, given, strict=False)
    )
    if broken := FAMILIES[family].broken(*found):
        refuse(path, given, broken)
    return found


def _empirical(
    key: str, given: object, path: str, row: Parameter, folder: Path, files: dict[str, Path]
) -> tuple[float, ...]:
    """Read observed values: a list, or a column of a CSV file (by default the one with the parameter's name)."""
    if isinstance(given, str):
        given = {"file": given}
    if isinstance(given, dict):
        reading.table(given, path, ("file", "column"))
        if "file" not in given:
            raise StudyError(f"{path} needs 'file', a CSV file")
        rows = read_rows(reading.text(given["file"], f"{path}.file"), f"{path}.file", folder, files)
        columns = tuple(rows[0][1])
        column = reading.text(given.get("column", columns[0] if len(columns) == 1 else key), f"{path}.column")
        if column not in columns:
            hint = did_you_mean(column, columns)
            refuse(f"{path}.column", column, f"{given['file']} has the columns {', '.join(columns)}{hint}")
        pairs = [(f"{where} column {column}", fields[column]) for where, fields in rows]
    elif isinstance(given, list) and given:
        pairs = [(f"{path}[{place}]", item) for place, item in enumerate(given)]
    else:
        refuse(path, given, 'must be a list of observed values, or { file = "values.csv", column = ".." }')
    return tuple(sorted(allowed_value(item, where, row) for where, item in pairs))


def _correlations(written: object, varying: Mapping[str, Distribution]) -> tuple[tuple[str, str, float], ...]:
    """Read [[population.correlation]]: two keys, and their Spearman (`rank`) or normal-score (`normal`) correlation."""
    if not isinstance(written, list):
        refuse("population.correlation", written, "must be a list of tables, each written [[population.correlation]]")
    found: dict[tuple[str, str], float] = {}
    for place, item in enumerate(written):
        path = f"population.correlation[{place}]"
        reading.table(item, path, ("between", "rank", "normal"))
        between = item.get("between")
        if not isinstance(between, list) or len(between) != 2 or not all(isinstance(key, str) for key in between):
            refuse(f"{path}.between", between, 'must be two keys of [population], such as ["execution", "cash_buffer"]')
        for key in between:
            if key not in varying:
                hint = did_you_mean(key, varying) or f"; those that do: {', '.join(varying) or 'none'}"
                refuse(f"{path}.between", between, f"'{key}' does not differ by [population]{hint}")
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
    keys = tuple(sorted({key for pair in found for key in pair}))
    if keys and cholesky(keys, pairs) is None:
        raise StudyError("[[population.correlation]]: these correlations cannot all hold at once; weaken some of them")
    return pairs


def cholesky(keys: tuple[str, ...], pairs: tuple[tuple[str, str, float], ...]) -> list[list[float]] | None:
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


def _strata(written: object, varying: Mapping[str, Distribution]) -> tuple[tuple[str, int], ...]:
    """Read ``strata = { execution = 4 }``: quantile bins of what is drawn."""
    found = []
    for key, value in reading.table(written, "population.strata").items():
        path = f"population.strata.{key}"
        if key not in varying:
            hint = did_you_mean(key, varying) or f"; those that do: {', '.join(varying) or 'none'}"
            raise StudyError(f"{path}: '{key}' does not differ by [population]{hint}")
        bins = reading.whole(value, path, 2, MOST_STRATA)
        edges = strata_edges(varying[key], bins)
        if len(set(edges)) < len(edges) or edges[-1] >= varying[key].reach[1] or edges[0] <= varying[key].reach[0]:
            refuse(path, value, "its values are too few for so many quantile bins; take fewer")
        found.append((key, bins))
    if math.prod(bins for _, bins in found) > MOST_STRATA:
        raise StudyError(
            f"[population.strata] makes {math.prod(bins for _, bins in found)} strata; at most {MOST_STRATA}"
        )
    return tuple(sorted(found))


def strata_edges(distribution: Distribution, bins: int) -> tuple[float, ...]:
    """Return the values that part the bins: quantiles at 1/bins, 2/bins, ..."""
    import numpy as np

    return tuple(distribution.quantile(np.arange(1, bins) / bins).tolist())
