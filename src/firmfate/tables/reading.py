"""Typed readers: every refusal names the path of the key, the value, and what is allowed."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import numpy as np

from firmfate.counts import WEEKS_PER_YEAR
from firmfate.errors import UNPRINTABLE, StudyError, did_you_mean, shortened
from firmfate.randomness import canonical
from firmfate.tables.rendering import inline

YEAR = float(WEEKS_PER_YEAR)
MOST_YEARS = 1000
LONGEST_NAME = 100
WEEKS_IN = {"day": 1 / 7, "days": 1 / 7, "week": 1.0, "weeks": 1.0, "year": YEAR, "years": YEAR}
"""Units of time that a study may write, in weeks. A month is no fixed number of weeks and is refused."""

QUANTITY = re.compile(r"\s*+([-+]?(?:\d++(?:_\d++)*+\.?\d*+|\.\d++)(?:[eE][-+]?\d++)?)\s*+([A-Za-z]++)\s*+")
"""Nothing is tried again: text of 60,000 digits would take minutes."""


def show(value: object) -> str:
    """Return a value as a message shows it: as TOML would write it, and short."""
    shown = inline(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def named(key: object) -> str:
    """Return a key, or the name of a file, as a message shows it: short, whatever somebody wrote."""
    return shortened(str(key), LONGEST_NAME)


def refuse(path: str, value: object, allowed: str) -> NoReturn:
    """Refuse a value: ``grid.execution = 1.5: must lie in [0, 1]``."""
    raise StudyError(f"{path} = {show(value)}: {allowed}")


def rounded(value: float) -> float:
    """Return a value rounded to the 12 significant digits that distinguish cells: equal keys are equal bits."""
    return float(canonical(value))


def plain(value: object) -> Any:
    """Return tables given in Python as TOML would give them: lists, dicts, strings and numbers of Python's own."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, range)):
        return [plain(item) for item in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value


def table(value: object, path: str, allowed: Iterable[str] | None = None) -> dict[str, Any]:
    """Return `value` where it is a table whose keys are all allowed."""
    if not isinstance(value, dict):
        refuse(path, value, f"must be a table, written [{path}]")
    if allowed is not None:
        names = tuple(allowed)
        unknown = [key for key in value if key not in names]
        if unknown:
            raise StudyError(*(no_such_key(key, path, names) for key in unknown))
    return value


def no_such_key(key: str, path: str, allowed: tuple[str, ...]) -> str:
    """Return the message that refuses a key."""
    hint = did_you_mean(key, allowed) or f"; allowed: {', '.join(allowed)}"
    return f"{path}.{named(key)}: there is no such key in [{path}]{hint}"


def text(value: object, path: str) -> str:
    """Return `value` where it is text without control characters and marks that reverse the direction of writing."""
    if not isinstance(value, str):
        refuse(path, value, "must be text in quotes")
    if UNPRINTABLE.search(value):
        refuse(path, value, "must not hold control characters")
    return value


def flag(value: object, path: str) -> bool:
    """Return `value` where it is true or false."""
    if not isinstance(value, bool):
        refuse(path, value, "must be true or false, without quotes")
    return value


def integer(value: object, path: str, low: int, high: int) -> int:
    """Return `value` where it is an integer from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int):
        refuse(path, value, f"must be an integer from {low} to {high}, written without a point or quotes")
    if not low <= value <= high:
        refuse(path, value, f"must be an integer from {low} to {high}")
    return value


def number(value: object, path: str) -> float:
    """Return `value` as a finite float; true and false are no numbers."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        refuse(path, value, "must be a number")
    try:
        found = float(value)
    except OverflowError:
        refuse(path, value, "is too large")
    if not math.isfinite(found):
        refuse(path, value, "must be a finite number")
    return found


def weeks(value: str, path: str) -> float:
    """Return a quantity with a unit of time (``"13 weeks"``, ``"20 years"``) in weeks."""
    match = QUANTITY.fullmatch(value)
    if not match:
        refuse(path, value, 'must be a number, or a number and a unit of time such as "13 weeks"')
    unit = match[2].lower()
    if unit not in WEEKS_IN:
        hint = " (a month is no fixed number of weeks)" if unit.startswith("month") else did_you_mean(unit, WEEKS_IN)
        refuse(
            path,
            value,
            f"'{match[2]}' is no unit of time here; allowed: days, weeks, years of {WEEKS_PER_YEAR} weeks{hint}",
        )
    return number(float(match[1]) * WEEKS_IN[unit], path)


def quantity(value: object, path: str, unit: str) -> float:
    """Return a number, rounded to 12 significant digits; where `unit` is a week, also of text such as ``"2 years"``."""
    if isinstance(value, str):
        if unit != "week":
            refuse(path, value, f"must be a number ({unit}), without quotes; only times may carry a unit")
        return rounded(weeks(value, path))
    return rounded(number(value, path))


def horizon(value: object, path: str) -> int:
    """Return a time in integer weeks, from a number of years or a quantity such as ``"78 weeks"``."""
    found = weeks(value, path) if isinstance(value, str) else number(value, path) * WEEKS_PER_YEAR
    if not 0 < found <= MOST_YEARS * WEEKS_PER_YEAR:
        refuse(path, value, f"must be above 0 and at most {MOST_YEARS} years")
    if abs(found - round(found)) > 1e-9 * found:
        refuse(path, value, f"is {found:.12g} weeks; it must be an integer number of weeks ({WEEKS_PER_YEAR} a year)")
    return round(found)
