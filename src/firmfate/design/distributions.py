"""Distributions from which firms of a population draw a parameter: inverse distribution functions, by SciPy.

What a draw can reach is known exactly: uniform numbers are integer multiples of 2^-53, strictly between 0 and 1.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from firmfate.design.families import FAMILIES, NAMES, Family
from firmfate.errors import StudyError, did_you_mean
from firmfate.models.declarations import Interval, Parameter
from firmfate.randomness import canonical
from firmfate.tables import reading, schema
from firmfate.tables.reading import named, refuse, show
from firmfate.tables.schema import TIME, Schema
from firmfate.tables.source import Source, allowed_value

SMALLEST = 2.0**-53
"""The smallest uniform number that is ever drawn; the largest is 1 - SMALLEST."""


@dataclass(frozen=True)
class Distribution:
    """How one parameter differs from firm to firm.

    Attributes
    ----------
    key : str
        As the study writes it; also the name by which its random numbers are addressed.
    family : str
    arguments : tuple of float
        Of ``empirical``, the values, ascending.
    allowed : Interval
        The parameter's range, in which every draw lies.
    """

    key: str
    family: str
    arguments: tuple[float, ...]
    allowed: Interval

    @property
    def described(self) -> str:
        """What identifies the distribution, such as ``beta(2, 3)``; observed values by their number and a digest."""
        if self.family == "empirical":
            digest = hashlib.sha256(np.array(self.arguments).astype("<f8").tobytes()).hexdigest()[:16]
            return f"empirical({len(self.arguments)} values, {digest})"
        return f"{self.family}({', '.join(canonical(value) for value in self.arguments)})"

    @property
    def constant(self) -> bool:
        """Whether all firms have the same value."""
        return (
            self.family == "constant"
            or (self.family in ("normal", "lognormal") and self.arguments[1] == 0)
            or (self.family in ("uniform", "empirical") and self.arguments[0] == self.arguments[-1])
        )

    @cached_property
    def _inverse(self) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
        """The inverse distribution function itself."""
        if self.constant:
            return lambda uniform: np.full(np.shape(uniform), self.arguments[0])
        if self.family == "empirical":
            values = np.array(self.arguments)
            return lambda uniform: values[np.minimum((uniform * len(values)).astype(np.int64), len(values) - 1)]
        from scipy import stats  # half a second, which only populations need

        return FAMILIES[self.family].freeze(stats, *self.arguments).ppf  # type: ignore[no-any-return]

    def unclipped(self, uniform: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return quantiles, wherever they lie; what cannot be represented is infinite or NaN."""
        with np.errstate(all="ignore"):
            return np.asarray(self._inverse(uniform), dtype=np.float64)

    def quantile(self, uniform: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values at these probabilities; an open limit of the allowed range is never reached by rounding."""
        low = np.nextafter(self.allowed.low, np.inf) if self.allowed.open_low else self.allowed.low
        high = np.nextafter(self.allowed.high, -np.inf) if self.allowed.open_high else self.allowed.high
        return np.clip(self.unclipped(uniform), low, high)

    @cached_property
    def reach(self) -> tuple[float, float]:
        """The least and the greatest value that can be drawn."""
        try:
            low, high = self.unclipped(np.array([SMALLEST, 1.0 - SMALLEST])).tolist()
        except ArithmeticError:  # from the libraries below SciPy, at extreme arguments
            return -np.inf, np.inf
        return low, high

    @cached_property
    def median(self) -> float:
        """The value at probability one half."""
        return float(self.quantile(np.array([0.5]))[0])

    @property
    def words(self) -> str:
        """What is drawn, for people: ``lognormal (median 10, sd_log 0.7), median 10, 5-95 % 3.16 to 31.6``."""
        if self.constant:
            return f"constant, {self.arguments[0]:.4g}"
        if self.family == "empirical":
            given = f"{len(self.arguments):,} values"
        else:
            names = FAMILIES[self.family].arguments
            given = ", ".join(f"{name} {value:.4g}" for name, value in zip(names, self.arguments, strict=False))
        low, high = self.quantile(np.array([0.05, 0.95])).tolist()
        drawn = f"median {self.median:.4g}, 5-95 % {low:.3g} to {high:.3g}"
        return f"{self.family.replace('_', ' ')} ({given}), {drawn}"


def read_distribution(key: str, value: object, path: str, row: Parameter, source: Source) -> Distribution:
    """Read ``{ family = arguments }``, the arguments a list in order or a table of named ones.

    Raises
    ------
    StudyError
        Where it is no distribution, or draws could leave the range of the parameter.
    """
    if not isinstance(value, dict) or len(value) != 1:
        refuse(path, value, f"must be {{ family = [..] }}, the family one of {', '.join(NAMES)}")
    ((family, given),) = value.items()
    if family not in NAMES:
        hint = did_you_mean(family, NAMES) or f"; allowed: {', '.join(NAMES)}"
        raise StudyError(f"{path}.{named(family)}: there is no such distribution{hint}")
    where = f"{path}.{family}"
    if family == "empirical":
        return Distribution(key, family, _observed(key, given, where, row, source), row.allowed)
    found = Distribution(key, family, _arguments(FAMILIES[family], given, where, row), row.allowed)
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


def _arguments(family: Family, given: object, path: str, row: Parameter) -> tuple[float, ...]:
    """Read the arguments of a family, a list or a table, each finite and together possible."""
    names = family.arguments
    if family is FAMILIES["constant"] and not isinstance(given, (dict, list)):
        given = [given]
    form = f"must be {family.form}: {family.meaning}"
    listed = isinstance(given, list)
    if isinstance(given, dict):
        reading.table(given, path, names)
        needed = all(name in given for name in family.needed)
        given = [given[name] for name in names if name in given] if needed else None
    if not isinstance(given, list) or len(given) not in {len(family.needed), len(names)}:
        refuse(path, given, form)
    found = tuple(
        reading.quantity(item, f"{path}.{name}", "1" if name in family.shapes else row.unit)
        for name, item in zip(names, given, strict=False)
    )
    if listed and family.two_ways is not None:
        this = ", ".join(f"{name} = {show(item)}" for name, item in zip(names, given, strict=False))
        refuse(path, given, f"can be read in two ways; write {{ {this} }}, or, {family.two_ways(*found)}")
    if broken := family.broken(*found):
        refuse(path, given, broken)
    return found


def _observed(key: str, given: object, path: str, row: Parameter, source: Source) -> tuple[float, ...]:
    """Read observed values: a list, or a column of a CSV file (by default the one with the parameter's name)."""
    if isinstance(given, str):
        given = {"file": given}
    if isinstance(given, dict):
        reading.table(given, path, ("file", "column"))
        if "file" not in given:
            raise StudyError(f"{path} needs 'file', a CSV file")
        rows = source.rows(reading.text(given["file"], f"{path}.file"), f"{path}.file")
        columns = tuple(rows[0][1])
        column = reading.text(given.get("column", columns[0] if len(columns) == 1 else key), f"{path}.column")
        if column not in columns:
            hint = did_you_mean(column, columns)
            listed = named(", ".join(columns))
            refuse(f"{path}.column", column, f"{named(given['file'])} has the columns {listed}{hint}")
        pairs = [(f"{where} column {named(column)}", fields[column]) for where, fields in rows]
    elif isinstance(given, list) and given:
        pairs = [(f"{path}[{place}]", item) for place, item in enumerate(given)]
    else:
        refuse(path, given, 'must be a list of observed values, or { file = "values.csv", column = ".." }')
    return tuple(sorted(allowed_value(item, where, row) for where, item in pairs))


def distribution_schema(row: Parameter) -> Schema:
    """Return the JSON schema of ``{ family = arguments }``."""
    number: Schema = {"anyOf": [{"type": "number"}, TIME]}
    families: dict[str, Schema] = {}
    for name, family in FAMILIES.items():
        ways = [schema.table(dict.fromkeys(family.arguments, number), family.meaning, required=family.needed)]
        if family.two_ways is None:
            least, most = len(family.needed), len(family.arguments)
            ways.insert(0, {"type": "array", "minItems": least, "maxItems": most, "items": number})
        if name == "constant":
            ways.append(number)
        families[name] = {"anyOf": ways}
    column = schema.table({"file": {"type": "string"}, "column": {"type": "string"}}, "CSV", required=("file",))
    observed = {"type": "array", "minItems": 1, "items": schema.value(row)}
    families["empirical"] = {"anyOf": [{"type": "string"}, observed, column]}
    return {**schema.table(families, "a distribution"), "minProperties": 1, "maxProperties": 1}
