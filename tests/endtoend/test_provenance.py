"""Provenance tells the processor as the system does."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from firmfate import provenance


@pytest.mark.skipif(not Path("/proc/cpuinfo").is_file(), reason="the system does not tell its processor")
def test_processor_is_what_the_system_says() -> None:
    told = provenance.machine()["processor"]
    assert platform.machine() in told
    for key in ("model name", "cpu family", "model"):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == key:
                assert value.strip() in told
                break


def test_a_system_that_tells_nothing_leaves_its_architecture(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    monkeypatch.setattr(platform, "processor", lambda: "")
    assert provenance.processor() == platform.machine()
