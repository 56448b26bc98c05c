"""A pytest plugin, ``-p tests.evidence.contexts``: tells coverage which test runs, and keeps how long each takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

_seconds: dict[str, float] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Name the context of the lines that run from here on."""
    import coverage

    running = coverage.Coverage.current()
    assert running is not None
    running.switch_context(item.nodeid)
    found = yield
    running.switch_context("")
    return found


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up set-up, call and tear-down of tests that pass."""
    if not report.passed:
        _seconds[report.nodeid] = float("inf")
    _seconds[report.nodeid] = _seconds.get(report.nodeid, 0.0) + report.duration


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the durations beside the tests' settings."""
    passed = {test: seconds for test, seconds in _seconds.items() if seconds < float("inf")}
    (Path(session.config.rootpath) / "seconds.json").write_text(json.dumps(passed))
