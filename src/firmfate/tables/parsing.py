"""TOML as text to tables, in memory that the text bounds."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from firmfate.errors import StudyError

MOST_PARTS = 100
"""Of a key with dots: `tomllib` keeps each of its beginnings, so 50,000 parts, 100 kB of text, took 10 GB."""

LONG_TEXT = r"""\"{3}(?:[^"\\]|\\.|"(?!""))*+\"{3}|'{3}(?:[^']|'(?!''))*+'{3}"""
TEXT = r"""\"(?:[^"\\\n]|\\.)*+\"|'[^'\n]*+'"""
DEEP_KEY = rf"(?>(?>[\w-]++|{TEXT})[ \t]*+\.[ \t]*+){{{MOST_PARTS}}}"
HAS_DEEP_KEY = re.compile(rf"(?>(?!{DEEP_KEY})(?>{LONG_TEXT}|{TEXT}|#[^\n]*+|[\w-]++|.))*+{DEEP_KEY}", re.DOTALL)
"""What comes before a key of many parts is looked through text by text and word by word, so that no text is a key."""


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
    if HAS_DEEP_KEY.match(text):
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
