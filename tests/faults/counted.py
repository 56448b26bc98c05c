"""What went wrong how often, and how it ended: as evidence keeps it, and as the table of `tests/README.md` shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

Outcomes = Counter[tuple[str, str]]
"""(What went wrong, how the command ended) -> how often."""

PREFIX = "fault: "
"""Begins the names of properties of a test that count outcomes of a fault."""


def record(record_property: Callable[[str, object], None], outcomes: Outcomes) -> None:
    """Record outcomes as properties of a test, one a fault."""
    for fault in sorted({fault for fault, _ in outcomes}):
        found = {outcome: count for (what, outcome), count in sorted(outcomes.items()) if what == fault}
        record_property(PREFIX + fault, {"tries": sum(found.values()), **found})


def table(rows: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return the lines of tables of faults x tries x outcome, one a test, from the properties of tests."""
    lines = []
    for test, measured in sorted(rows.items()):
        faults = sorted(name for name in measured if name.startswith(PREFIX))
        if faults:
            lines += [f"`{test}`", "", "| fault | tries | outcomes |", "|---|---:|---|"]
        for name in faults:
            tries, _, found = measured[name].removeprefix("tries ").partition(", ")
            lines.append(f"| {name.removeprefix(PREFIX)} | {int(tries):,} | {found} |")
        lines += [""] if faults else []
    return lines
