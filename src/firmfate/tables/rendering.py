"""Tables written as TOML, so that a study made in Python has a text like one that was read from a file."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

BARE = re.compile(r"[A-Za-z0-9_-]+")
LONGEST_DECIMAL = 4096
"""Bits of an integer that is still written in decimal digits."""


def toml(tables: Mapping[str, Any]) -> str:
    """Return tables as TOML that reads back as the same tables.

    Examples
    --------
    >>> print(toml({"study": {"name": "small"}, "grid": {"execution": [0.2, 0.8]}}), end="")
    [study]
    name = "small"
    <BLANKLINE>
    [grid]
    execution = [0.2, 0.8]
    """
    plain = [f"{_key(key)} = {inline(value)}" for key, value in tables.items() if not _is_section(value)]
    sections = ["\n".join(plain)] if plain else []
    for key, value in tables.items():
        if isinstance(value, dict):
            sections.append(
                "\n".join([f"[{_key(key)}]", *(f"{_key(name)} = {inline(item)}" for name, item in value.items())])
            )
        elif _is_section(value):
            sections.extend(
                "\n".join([f"[[{_key(key)}]]", *(f"{_key(name)} = {inline(item)}" for name, item in row.items())])
                for row in value
            )
    return "\n\n".join(sections) + "\n"


def _is_section(value: object) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)
    )


def _key(key: str) -> str:
    return key if BARE.fullmatch(key) else _text(key)


def _text(value: str) -> str:
    """Return a TOML basic string: JSON's escapes are TOML's, but for the delete character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def inline(value: object) -> str:
    """Return one value in line; what TOML has no form for is written as text, for the reader to refuse by its path."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else {math.inf: "inf", -math.inf: "-inf"}.get(value, "nan")
    if isinstance(value, int):
        # Python writes no more than 4,300 decimal digits; hexadecimal ones have no such limit.
        return str(value) if value.bit_length() < LONGEST_DECIMAL else hex(value)
    if isinstance(value, list):
        return "[" + ", ".join(inline(item) for item in value) + "]"
    if isinstance(value, dict):
        return (
            "{ " + ", ".join(f"{_key(str(key))} = {inline(item)}" for key, item in value.items()) + " }"
            if value
            else "{}"
        )
    return _text(value if isinstance(value, str) else str(value))
