"""``python -m tests.evidence.alarms``: write the table of statistical tests, and the sum of their false-alarm rates.

With ``--check`` nothing is written, and the exit status is 1 where the table is not what would be written.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "tests" / "README.md"
BEGIN, END = "<!-- alarms: written by python -m tests.evidence.alarms -->", "<!-- end of alarms -->"


def rows(items: Iterable[pytest.Item]) -> list[tuple[str, int, float, float, str]]:
    """Return of every function of tests its name, tests, false-alarm rate of each, power and alternative."""
    found: Counter[tuple[str, float, float, str]] = Counter()
    for item in items:
        mark = item.get_closest_marker("bounded")
        if mark is not None:
            given = mark.kwargs
            found[item.nodeid.partition("[")[0], given["alarm"], given["power"], given["against"]] += 1
    return [(name, count, *given) for (name, *given), count in sorted(found.items())]  # type: ignore[misc]


def line(row: tuple[str, int, float, float, str]) -> str:
    """Return a line of the table."""
    name, count, alarm, power, against = row
    return f"| `{name.removeprefix('tests/')}` | {count} | {alarm:g} | {power:g} | {against} |"


def text(found: list[tuple[str, int, float, float, str]]) -> str:
    """Return the table and the sum."""
    total = sum(count * alarm for _, count, alarm, _, _ in found)
    tests = sum(count for _, count, *_ in found)
    head = ["| test | times | false-alarm rate of each | power | against |", "|---|---:|---:|---:|---|"]
    said = f"False-alarm rate of these {tests} tests together: {total:.1e} at most."
    return "\n".join([*head, *map(line, found), "", said])


def _parts(readme: Path, found: list[tuple[str, int, float, float, str]]) -> tuple[str, str]:
    """Return what a file holds, and what it would hold with the table of these tests."""
    held = readme.read_text(encoding="utf-8")
    before, begin, rest = held.partition(BEGIN)
    return held, f"{before}{begin}\n{text(found)}\n{END}{rest.partition(END)[2]}"


def is_fresh(readme: Path, found: list[tuple[str, int, float, float, str]]) -> bool:
    """Return whether a file holds the table of these tests."""
    held, wanted = _parts(readme, found)
    return held == wanted


def write(readme: Path, found: list[tuple[str, int, float, float, str]]) -> None:
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
