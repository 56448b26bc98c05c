"""Small finished runs of every shape of study, and a reader of HTML."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from firmfate.execute import run
from firmfate.study import Study

VOID = {"meta", "link", "img", "br", "hr", "input", "use", "path", "rect"}

STUDIES: dict[str, dict[str, Any]] = {
    "paradox": {
        "study": {
            "name": "paradox",
            "question": "Does <strong> execution shorten life & limb?",
            "replicates": 320,
            "years": 10,
        },
        "grid": {"execution": [0.05, 0.5, 1.0], "misalignment": [0.0, 0.5, 1.0]},
        "parameters": {"correct_time": 26},
        "population": {"unit_cost": {"normal": [0.57, 0.02]}},
    },
    "one cell": {"study": {"name": "one", "replicates": 200, "years": 5}},
    "listed cells": {
        "study": {"name": "listed", "replicates": 200, "years": 5},
        "cells": [{"execution": 0.2, "misalignment": 0.1}, {"execution": 0.9, "misalignment": 0.9}],
    },
    "one division": {
        "study": {"name": "division", "replicates": 200, "years": 5},
        "grid": {"misalignment.sales": [0.0, 1.0], "misalignment.finance": [0.0, 0.5, 1.0]},
    },
    "three axes": {
        "study": {"name": "three", "replicates": 200, "years": 5},
        "grid": {"execution": [0.1, 1.0], "misalignment": [0.0, 1.0], "correct_time": [13, 52]},
    },
    "car": {
        "study": {"name": "car", "model": "car", "replicates": 320},
        "grid": {"execution": [0.0, 1.0], "misalignment": [0.0, 1.0]},
    },
    "hypercube": {
        "study": {"name": "hypercube", "replicates": 40, "years": 3},
        "latin_hypercube": {
            "points": 35,
            "execution": [0, 1],
            "correct_time": [13, 104],
            "alarm": [0.4, 0.9],
            "cash_buffer": [5, 15],
        },
    },
    "too few firms": {
        "study": {"name": "few", "replicates": 5, "years": 3},
        "grid": {"execution": [0.0, 1.0], "misalignment": [0.0, 1.0]},
    },
}


@pytest.fixture(scope="session")
def run_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the run directory of a study of `STUDIES`, run once."""
    folder = tmp_path_factory.mktemp("reports")

    def directory(name: str) -> Path:
        into = folder / name.replace(" ", "-")
        if not (into / "result.nc").is_file():
            run(Study(**STUDIES[name]), into=into, progress=False).close()
        return into

    return directory


class Page(HTMLParser):
    """The elements of a page (tag, attributes), text by the id of the section around it, and tags left open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, str] = {}
        self.open: list[str] = []
        self.misnested: list[str] = []
        self._section = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if tag == "section":
            self._section = str(attributes["id"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.misnested.append(tag)

    def handle_data(self, data: str) -> None:
        self.text[self._section] = self.text.get(self._section, "") + data

    @property
    def sections(self) -> list[str]:
        """Identifiers of the sections, in order."""
        return [str(attributes["id"]) for tag, attributes in self.elements if tag == "section"]


@pytest.fixture(scope="session")
def page() -> Callable[[Path], Page]:
    """Read a page."""
    return lambda path: Page(path.read_text(encoding="utf-8"))
