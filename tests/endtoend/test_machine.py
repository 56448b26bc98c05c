"""The machine is described as its system describes it."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from firmfate import machine


@pytest.mark.skipif(not Path("/proc/cpuinfo").is_file(), reason="the system does not report its processor")
def test_processor_is_what_the_system_says() -> None:
    found = machine.identity()["processor"]
    assert platform.machine() in found
    for key in ("model name", "cpu family", "model"):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == key:
                assert value.strip() in found
                break


def test_a_system_that_reports_nothing_leaves_its_architecture(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    monkeypatch.setattr(platform, "processor", lambda: "")
    assert machine.processor() == platform.machine()


@pytest.mark.parametrize(
    ("variables", "cores"),
    [({}, 3), ({"SLURM_CPUS_PER_TASK": "2"}, 2), ({"SLURM_CPUS_ON_NODE": "1"}, 1), ({"SLURM_CPUS_PER_TASK": "64"}, 3),
     ({"SLURM_CPUS_PER_TASK": "1", "SLURM_CPUS_ON_NODE": "2"}, 1), ({"SLURM_CPUS_PER_TASK": "²"}, 3)],
)  # fmt: skip
def test_cores_are_those_of_the_affinity_and_of_the_allocation(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], cores: int
) -> None:
    for name in ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda _: {0, 1, 5})
    assert machine.cores() == cores
