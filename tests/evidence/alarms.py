"""``python -m tests.evidence.alarms``: write the table of statistical tests, and the sum of their false-alarm rates."""

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


class _Collector:
    items: list[pytest.Item]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = session.items


def main() -> int:
    """Collect all tests, and write the table."""
    collector = _Collector()
    code = pytest.main(
        ["--rootdir", str(ROOT), str(ROOT / "tests"), "-m", "bounded", "--collect-only", "-q"], [collector]
    )
    before, begin, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    README.write_text(
        f"{before}{begin}\n{text(rows(collector.items))}\n{END}{rest.partition(END)[2]}", encoding="utf-8"
    )
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
