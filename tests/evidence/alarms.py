"""``python -m tests.evidence.alarms``: write the table of statistical tests, and the sum of their false-alarm rates.

With ``--check`` nothing is written, and the exit status is 1 where the table is not what would be written.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from tests.bounded import ALARM

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "tests" / "README.md"
BEGIN, END = "<!-- alarms: written by python -m tests.evidence.alarms -->", "<!-- end of alarms -->"


Row = tuple[str, int, float, str]


def rows(items: Iterable[pytest.Item]) -> list[Row]:
    """Return of every function of tests its name, tests, power and alternative."""
    found: Counter[tuple[str, float, str]] = Counter()
    for item in items:
        mark = item.get_closest_marker("bounded")
        if mark is not None:
            given = mark.kwargs
            found[item.nodeid.partition("[")[0], given["power"], given["against"]] += 1
    return [(name, count, *given) for (name, *given), count in sorted(found.items())]  # type: ignore[misc]


def line(row: Row) -> str:
    """Return a line of the table."""
    name, count, power, against = row
    return f"| `{name.removeprefix('tests/')}` | {count} | {power:g} | {against} |"


def text(found: list[Row]) -> str:
    """Return the table and the sum."""
    tests = sum(count for _, count, *_ in found)
    head = ["| test | times | power | against |", "|---|---:|---:|---|"]
    said = f"False-alarm rate of each {ALARM:g}, of these {tests} tests together {tests * ALARM:.1e}, at most"
    said += "; other assertions of these tests are not in it."
    return "\n".join([*head, *map(line, found), "", said])


def _parts(readme: Path, found: list[Row]) -> tuple[str, str]:
    """Return what a file holds, and what it would hold with the table of these tests."""
    held = readme.read_text(encoding="utf-8")
    before, begin, rest = held.partition(BEGIN)
    return held, f"{before}{begin}\n{text(found)}\n{END}{rest.partition(END)[2]}"


def is_fresh(readme: Path, found: list[Row]) -> bool:
    """Return whether a file holds the table of these tests."""
    held, wanted = _parts(readme, found)
    return held == wanted


def write(readme: Path, found: list[Row]) -> None:
    """Write the table into a file."""
    readme.write_text(_parts(readme, found)[1], encoding="utf-8")


class _Collector:
    items: list[pytest.Item]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = session.items


def main(words: list[str]) -> int:
    """Collect all tests, and write the table, or check it."""
    collector = _Collector()
    code = pytest.main(
        ["--rootdir", str(ROOT), str(ROOT / "tests"), "-m", "bounded", "--collect-only", "-q"], [collector]
    )
    found = rows(collector.items)
    if words == ["--check"]:
        fresh = is_fresh(README, found)
        print(f"the table in {README.relative_to(ROOT)} is {'fresh' if fresh else 'stale'}")
        return int(code) or int(not fresh)
    write(README, found)
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
