"""Reports of small runs, and what their pages hold once they have read their counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from firmfate.execute import run
from firmfate.reporting import write_report
from firmfate.study import Study

HOSTILE = "</script><script>alert(1)</script>"

STUDIES: dict[str, dict[str, Any]] = {
    "grid": {
        "name": "grid", "replicates": 640, "years": 10,
        "grid": {"execution": [0.05, 0.4, 0.6, 1.0], "misalignment": [0.0, 0.2, 0.5, 0.6, 1.0]},
    },
    "half weeks": {
        "name": "half", "replicates": 320, "years": 5, "steps_per_week": 2,
        "grid": {"execution": [0.05, 1.0], "misalignment": [0.0, 0.5, 1.0], "correct_time": [13, 52]},
    },
    "unequal": {
        "name": "unequal", "model": "car", "years": 5, "replicates": 1_024,
        "grid": {"execution": [0.05, 1.0], "misalignment": [0.0, 0.5, 1.0]},
        "precision": {"rmst": "0.1 years", "at_most": 8_192},
    },
    "hypercube": {
        "name": "hypercube", "question": HOSTILE, "replicates": 64, "years": 3,
        "latin_hypercube": {"points": 40, "execution": [0, 1], "correct_time": [13, 104], "cash_buffer": [5, 15]},
    },
}  # fmt: skip


@pytest.fixture(scope="session")
def run_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the run directory of a study of `STUDIES`, with its report."""
    folder = tmp_path_factory.mktemp("explored")

    def directory(name: str) -> Path:
        into = folder / name.replace(" ", "-")
        if not (into / "report.html").is_file():
            run(Study(**STUDIES[name]), into=into, progress=False).close()
            write_report(into)
        return into

    return directory


@pytest.fixture
def explored(run_of: Callable[[str], Path], page_of: Callable[..., Page]) -> Callable[..., Page]:
    """Open the report of a study and wait until its section is complete."""

    def open_page(name: str, **options: Any) -> Page:
        page = page_of(run_of(name) / "report.html", **options)
        page.wait_for_selector("#explore[data-state=complete]")
        return page

    return open_page
