"""On a GPU, where this process may use one: records and counts of every model are the processor's."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr
from tests.devices import random_programs
from tests.devices.blocks import counted, different, firms
from tests.devices.test_cuda import STUDY
from tests.devices.test_every_model import MODELS, model_of

from firmfate.devices import check_device, engine_on
from firmfate.errors import DeviceError
from firmfate.machine import cores

COUNT = int(os.environ.get("FIRMFATE_RANDOM_PROGRAMS", 2**8))
"""Random programs to run on the device."""


@pytest.fixture(scope="module", autouse=True)
def _there_is_one() -> None:
    try:
        check_device("cuda")
    except DeviceError as fault:
        pytest.skip(str(fault))


@pytest.mark.parametrize("own_rows", [0, 1])
@pytest.mark.parametrize("name", MODELS)
def test_records_and_counts_are_the_processors(name: str, own_rows: int) -> None:
    _, dt, swept, most = MODELS[name]
    asked = firms(model_of(name), swept, most, own_rows=own_rows if swept else 0, firms=20_000, steps=1040)
    found, expected = (
        counted(engine_on(device, model_of(name), dt=dt), asked, fails=True) for device in ("cuda", "cpu")
    )
    assert different(found, expected) == []
    assert expected["firms"].sum() == 120_000


def test_a_run_is_begun_on_the_device_and_goes_on_on_the_processor(command: Callable, tmp_path: Path) -> None:
    study = tmp_path / "cars.toml"
    words = ("run", study, "--no-report", "--quiet", "--threads", 2, "--into")
    for into, replicates, *more in (
        ("mixed", 4000, "--device", "cuda"), ("mixed", 9000), ("cuda", 9000, "--device", "cuda"), ("cpu", 9000),
    ):  # fmt: skip
        study.write_text(STUDY.format(replicates=replicates), encoding="utf-8")
        assert command(*words, tmp_path / into, *more).code == 0
    for file in ("result.nc", "firms.nc"):
        expected = xr.load_dataset(tmp_path / "cpu" / file)
        for into in ("mixed", "cuda"):
            xr.testing.assert_equal(xr.load_dataset(tmp_path / into / file), expected)


@pytest.mark.slow
def test_random_programs_have_the_interpreters_bits() -> None:
    """In processes of their own, as most of the time goes into writing and compiling kernels."""
    firsts = range(0, COUNT, random_programs.CHUNK)
    with multiprocessing.get_context("spawn").Pool(min(cores(), len(firsts))) as pool:
        wrong = pool.map(random_programs.different, firsts, chunksize=1)
    assert [seed for one in wrong for seed in one] == []
    assert len(random_programs.different(0, 1.0 + 2.0**-52)) > random_programs.CHUNK / 2, "the control"


def test_two_dask_processes_use_the_device(command: Callable, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    study = tmp_path / "cars.toml"
    study.write_text(STUDY.format(replicates=40_000), encoding="utf-8")
    words = ("run", study, "--no-report", "--quiet", "--into")
    assert command(*words, tmp_path / "cpu", "--threads", 2).code == 0
    assert command(*words, tmp_path / "dask", "--workers", 2, "--device", "cuda").code == 0
    for file in ("result.nc", "firms.nc"):
        xr.testing.assert_equal(xr.load_dataset(tmp_path / "dask" / file), xr.load_dataset(tmp_path / "cpu" / file))
