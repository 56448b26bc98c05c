"""What a section of the report consists of: prose, figures and tables, as plain data that the template prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Prose:
    """A paragraph."""

    text: str
    kind: str = "prose"


@dataclass(frozen=True)
class Panel:
    """One drawing: inline SVG, and what it shows in words for those who do not see it."""

    svg: str
    alt: str
    width: int


@dataclass(frozen=True)
class Figure:
    """One or more panels side by side, with a caption."""

    panels: Sequence[Panel]
    caption: str
    kind: str = "figure"


@dataclass(frozen=True)
class Table:
    """Rows of text; `marks` gives some rows a CSS class, `words` lists the columns that hold words, not numbers."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str
    words: frozenset[int] = frozenset({0})
    marks: dict[int, str] = field(default_factory=dict)
    kind: str = "table"


@dataclass(frozen=True)
class Verbatim:
    """Text to be copied as it is."""

    text: str
    label: str
    kind: str = "verbatim"


@dataclass(frozen=True)
class Section:
    """A section: its identifier, title and blocks."""

    name: str
    title: str
    blocks: Sequence[Any]
