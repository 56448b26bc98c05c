"""A device that fails in the middle of a run: one message, nothing finished is lost, the processor goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.devices.stand_in import CUresult, StandIn, use  # noqa: F401
from tests.devices.test_cuda import STUDY
from tests.faults.counted import Outcomes, record
from tests.faults.promises import gathered
from tests.faults.test_real_faults import GOES_ON

CALLS = ("cuLaunchKernel", "cuStreamSynchronize", "cuMemcpyDtoHAsync", "cuMemcpyHtoDAsync")
WORDS = ("run", "--no-report", "--quiet", "--threads", 1, "--shard-scale", "1e-5")


class Dying(StandIn):
    """A device that fails at the n-th of its calls, and at every call after it, as one does that has lost its context.

    Parameters
    ----------
    call : str
        Function that is counted.
    after : int
        Times that it does what it should.
    """

    def __init__(self, call: str, after: int) -> None:
        super().__init__()
        self.call, self.after = call, after

    def __getattribute__(self, name: str) -> Any:
        if name in CALLS and self.calls[self.call] >= self.after + (name != self.call):
            self.calls[name] += 1
            return lambda *_: (CUresult.CUDA_ERROR_ILLEGAL_ADDRESS,)
        return super().__getattribute__(name)


def files(run: Path) -> dict[str, bytes]:
    """Return the finished shards of a run."""
    return {path.name: path.read_bytes() for path in (run / "shards").glob("*.shard")}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study of fifteen shards, of two launches each."""
    path = tmp_path / "cars.toml"
    path.write_text(STUDY.format(replicates=90), encoding="utf-8")
    return path


@pytest.fixture
def undisturbed(command: Callable, study: Path) -> Path:
    """Its run on the processor."""
    run = study.parent / "undisturbed"
    assert command(*WORDS, study, "--into", run).code == 0
    return run


def go_on(driver: Dying, command: Callable, study: Path, undisturbed: Path) -> int:
    """Run the study on a device that dies, and go on on the processor; return how many shards were finished before."""
    run = study.parent / f"{driver.call}-{driver.after}"
    died = command(*WORDS, study, "--into", run, "--device", "cuda")
    assert (died.code, died.out) == (2, "")
    assert died.err.startswith("firmfate: device 'cuda': cu")
    assert "failed with CUDA_ERROR_ILLEGAL_ADDRESS" in died.err
    assert len(died.err.splitlines()) == 1
    finished, calls = files(run), driver.calls.total()
    assert not list(run.rglob("*.part"))
    assert command(*WORDS, study, "--into", run).code == 0
    assert driver.calls.total() == calls
    assert finished.items() <= files(run).items()
    assert files(run) == files(undisturbed)
    for name in ("result.nc", "firms.nc"):
        assert gathered(run / name) == gathered(undisturbed / name)
    return len(finished)


def test_a_device_that_dies_in_mid_run_loses_nothing(
    use: Callable,  # noqa: F811
    command: Callable,
    study: Path,
    undisturbed: Path,
) -> None:
    finished = go_on(use(Dying("cuStreamSynchronize", 6)), command, study, undisturbed)
    assert finished == 3


@pytest.mark.evidence
def test_a_device_that_dies_at_many_calls_loses_nothing(
    use: Callable,  # noqa: F811
    command: Callable,
    study: Path,
    undisturbed: Path,
    record_property: Callable[[str, object], None],
) -> None:
    driver = use(Dying("cuInit", 10))
    assert command(*WORDS, study, "--into", study.parent / "sound", "--device", "cuda").code == 0
    outcomes: Outcomes = Counter()
    for call in CALLS:
        for after in range(0, driver.calls[call], -(-driver.calls[call] // 12)):
            finished = go_on(use(Dying(call, after)), command, study, undisturbed)
            assert 0 <= finished < len(files(undisturbed))
            outcomes[f"a stand-in for a GPU's driver that fails at {call}", f"{GOES_ON}, on the processor"] += 1
    record(record_property, outcomes)


def test_the_device_dies_at_its_call_and_stays_dead() -> None:
    driver = Dying("cuLaunchKernel", 1)
    driver.begun = True
    driver.cuMemcpyDtoHAsync  # noqa: B018
    assert driver.calls["cuMemcpyDtoHAsync"] == 1
    driver.calls["cuLaunchKernel"] = 1
    assert driver.cuLaunchKernel() == (CUresult.CUDA_ERROR_ILLEGAL_ADDRESS,)
    assert driver.cuStreamSynchronize() == (CUresult.CUDA_ERROR_ILLEGAL_ADDRESS,)
