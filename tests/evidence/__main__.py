"""``python -m tests.evidence``: run the long statistical and load tests, and write what they measured to a table.

Words after it go to pytest: ``python -m tests.evidence -k coverage``. The table, ``tests/evidence/TABLE.md``, is
committed; rows of tests that were not run this time stay as they were.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.faults.counted import PREFIX, table

from firmfate import provenance

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
STORE, TABLE, README = HERE / "table.json", HERE / "TABLE.md", ROOT / "tests" / "README.md"
BEGIN, END = "<!-- faults: written by python -m tests.evidence -->", "<!-- end of faults -->"
HEAD = """\
# Evidence

What `python -m tests.evidence` measured. Every row is a test that passed or failed by a bound that its code states, as
it was at the row's commit: `bound` may have changed since.

| test | outcome | measured | seconds | run |
|---|---|---|---|---|
"""


class Collector:
    """A pytest plugin that keeps outcome, duration and recorded properties of every test."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test once it was called, or could not be."""
        if report.when == "call" or (report.when == "setup" and not report.passed):
            self.rows[report.nodeid] = {
                "outcome": report.outcome,
                "seconds": round(report.duration, 1),
                "measured": {str(name): _plain(value) for name, value in report.user_properties},
                "run": _where(),
            }


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _where() -> str:
    """Return when, and of which commit."""
    return f"{provenance.now()[:10]}, {provenance.commit() or 'no commit'}"


def write(rows: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the table, and what it is made of."""
    STORE.write_text(json.dumps(rows, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    lines = []
    for name, row in sorted(rows.items()):
        shown = {what: value for what, value in row["measured"].items() if not what.startswith(PREFIX)}
        if len(shown) < len(row["measured"]):
            shown["faults"] = "see tests/README.md"
        measured = "; ".join(f"{what}: {value}" for what, value in shown.items()) or "only that it holds"
        cells = (f"`{name}`", row["outcome"], measured, f"{row['seconds']:g}", row["run"])
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    TABLE.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    before, begin, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    faults = "\n".join(table({name: row["measured"] for name, row in rows.items()}))
    README.write_text(f"{before}{begin}\n{faults}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def main(words: list[str]) -> int:
    """Run the tests that are marked as evidence, and write the table."""
    collector = Collector()
    chosen = any(Path(word.partition("::")[0]).exists() for word in words)
    where = [] if chosen else [str(ROOT / "tests")]
    code = pytest.main(["--rootdir", str(ROOT), *where, "-m", "evidence", "-s", *words], [collector])
    held = json.loads(STORE.read_text(encoding="utf-8")) if STORE.is_file() else {}
    if collector.rows:
        write({**held, **collector.rows})
        print(f"{len(collector.rows)} row(s) written to {TABLE.relative_to(ROOT)}")
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
