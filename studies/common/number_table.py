"""The numbers of a study: rows of estimates with their errors, kept as JSON and rendered as Markdown."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import xarray as xr

from firmfate.analysis import Estimate
from firmfate.analysis.formatting import decimals, format_estimate
from firmfate.errors import EstimateError

NOTHING = "–"
DIGITS = 10
"""Significant digits that are kept of a number: more than any error supports, fewer than rounding disturbs."""


@dataclass(frozen=True)
class Row:
    """One number of a study.

    Attributes
    ----------
    name : str
        What READMEs call it: ``effect_misaligned``. Unique in its table.
    value : Estimate
        With standard error and limits; NaN where unknown.
    unit : str
    text : str
        What it is, as a reader of the table needs it.
    section : str
        Rows of a section stand in one table of the README.
    column : str
        Where a section is a matrix, the column; `text` is then the line.
    """

    name: str
    value: Estimate
    unit: str
    text: str
    section: str = ""
    column: str = ""


def row(
    name: str,
    value: xr.Dataset | Estimate | float,
    text: str,
    *,
    unit: str = "1",
    section: str = "",
    column: str = "",
) -> Row:
    """Return a row from a dataset of one estimate, an `Estimate`, or a number that is known exactly.

    Examples
    --------
    >>> row("firms", 4_410_000, "firms simulated").value
    Estimate(estimate=4410000.0, se=nan, lower=nan, upper=nan)
    """
    if isinstance(value, xr.Dataset):
        value = Estimate.of(value)
    elif not isinstance(value, Estimate):
        value = Estimate(float(value), math.nan)
    return Row(name, value, unit, text, section, column)


class NumberTable(Sequence[Row]):
    """The rows of a study, in their order.

    Parameters
    ----------
    rows : iterable of Row

    Raises
    ------
    EstimateError
        Where two rows have the same name.

    Examples
    --------
    >>> table = NumberTable([Row("effect", Estimate(-9.58, 0.05), "years", "strong less weak", "Effect")])
    >>> table["effect"].value.estimate, table.shown("effect")
    (-9.58, '-9.58 ± 0.05')
    >>> print(table.markdown("Effect"))
    | | estimate ± standard error | unit |
    | --- | --- | --- |
    | strong less weak | -9.58 ± 0.05 | years |
    <BLANKLINE>
    """

    def __init__(self, rows: Sequence[Row] | Iterator[Row]) -> None:
        self._rows = tuple(rows)
        self._by_name = {row.name: row for row in self._rows}
        twice = sorted(name for name, count in Counter(row.name for row in self._rows).items() if count > 1)
        if twice:
            raise EstimateError(f"rows of a table share a name: {', '.join(twice)}; name each of them once")

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, key: Any) -> Any:
        """Return a row by its name or place."""
        if isinstance(key, str) and key not in self._by_name:
            raise EstimateError(f"no number is called '{key}'; there are {', '.join(self._by_name)}")
        return self._by_name[key] if isinstance(key, str) else self._rows[key]

    @property
    def names(self) -> tuple[str, ...]:
        """The rows' names in their order."""
        return tuple(self._by_name)

    @property
    def sections(self) -> tuple[str, ...]:
        """The sections in their order."""
        return tuple(dict.fromkeys(row.section for row in self._rows))

    def shown(self, name: str) -> str:
        """Return a number as a README shows it: to the digits that its error supports, with the error."""
        return shown(self[name].value)

    def markdown(self, section: str) -> str:
        """Return a section as a Markdown table; one whose rows name columns as a matrix."""
        rows = [row for row in self._rows if row.section == section]
        if not rows:
            raise EstimateError(f"no section is called '{section}'; there are {', '.join(self.sections)}")
        if any(row.column for row in rows):
            columns = list(dict.fromkeys(row.column for row in rows))
            cells: dict[str, dict[str, str]] = {}
            for row in rows:
                cells.setdefault(row.text, {})[row.column] = shown(row.value)
            units = ", ".join(dict.fromkeys(row.unit for row in rows))
            lines = [[text, *(line.get(column, "") for column in columns)] for text, line in cells.items()]
            return _markdown([units if units != "1" else "", *columns], lines)
        header = ["", "estimate ± standard error", "unit"]
        return _markdown(header, [[row.text, shown(row.value), row.unit if row.unit != "1" else ""] for row in rows])

    def json(self) -> str:
        """Return the table as JSON, one row a line."""
        lines = [
            json.dumps(
                {
                    "name": row.name,
                    **{key: _kept(value) for key, value in row.value._asdict().items()},
                    "unit": row.unit,
                    "text": row.text,
                    "section": row.section,
                    "column": row.column,
                },
                ensure_ascii=False,
            )
            for row in self._rows
        ]
        return "[\n" + ",\n".join(lines) + "\n]\n"

    @classmethod
    def read(cls, text: str) -> NumberTable:
        """Read a table that `json` wrote."""
        return cls([_row(entry) for entry in json.loads(text)])


def shown(value: Estimate) -> str:
    """Return ``-9.58 ± 0.05``; with no error known, the number to three digits; limits alone in brackets.

    Examples
    --------
    >>> shown(Estimate(0.4708, 0.0021)), shown(Estimate(12.0, 0.0)), shown(Estimate(0.5, 0.0, 0.4, 0.6))
    ('0.471 ± 0.002', '12', '0.50 [0.40 to 0.60]')
    """
    if not math.isfinite(value.estimate):
        return NOTHING
    if math.isfinite(value.se) and value.se > 0:
        # A huge error supports no digit of its number, and a number is not shown finer than a millionth.
        return format_estimate(value, short=True) if decimals(value.se) <= 6 else f"{value.estimate:.6f}"
    if math.isfinite(value.lower):
        return format_estimate(value, short=True)
    whole = float(value.estimate).is_integer() and abs(value.estimate) < 1e15
    return f"{value.estimate:,.0f}" if whole else f"{value.estimate:.3g}"


def _kept(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def _row(entry: Mapping[str, Any]) -> Row:
    numbers = (math.nan if entry[key] is None else float(entry[key]) for key in Estimate._fields)
    return Row(entry["name"], Estimate(*numbers), entry["unit"], entry["text"], entry["section"], entry["column"])


def _markdown(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [header, ["---"] * len(header), *lines]
    written = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in rows]
    return "".join(f"| {line} |\n".replace("|  |", "| |") for line in written)
