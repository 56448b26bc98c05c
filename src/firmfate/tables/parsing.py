"""TOML as text to tables, in memory that the text bounds."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from firmfate.errors import StudyError

MOST_PARTS = 100
"""Of a key with dots: `tomllib` keeps each of its beginnings, so 50,000 parts, 100 kB of text, took 10 GB."""

NAME = r"""(?>[\w-]+|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*')"""
DEEP_KEY = re.compile(rf"(?:^|[\[{{,])[ \t]*+(?>{NAME}[ \t]*+\.[ \t]*+){{{MOST_PARTS}}}", re.MULTILINE)
"""A key stands at the beginning of a line, or behind a bracket or a comma."""


def parsed(text: str) -> dict[str, Any]:
    """Return the tables of a TOML text.

    Raises
    ------
    StudyError
        Where it is no TOML, or holds numbers, keys or tables that no file of ours does; the caller names the file.

    Examples
    --------
    >>> parsed("cpus = 2")
    {'cpus': 2}
    """
    if DEEP_KEY.search(text):
        raise StudyError(f"holds a key of more than {MOST_PARTS} parts")
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise StudyError(f"is no TOML: {fault}") from None
    except ValueError:  # Python reads no integers of more than 4,300 digits
        raise StudyError("holds a number of thousands of digits") from None
    except RecursionError:
        raise StudyError("is nested too deeply") from None
    if _is_deep(tables):  # messages show values level by level
        raise StudyError("is nested too deeply")
    return tables


def _is_deep(tables: dict[str, Any]) -> bool:
    """Return whether tables and lists stand in each other more than so many times."""
    level: list[Any] = [tables]
    for _ in range(MOST_PARTS):
        within = (held.values() if isinstance(held, dict) else held for held in level)
        level = [item for items in within for item in items if isinstance(item, dict | list)]
    return bool(level)
