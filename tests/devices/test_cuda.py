"""Devices, without one: the engine on a stand-in for NVIDIA's driver gives the processor's records and counts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from tests.devices.stand_in import CUresult, StandIn, use  # noqa: F401
from tests.kernel import my_model

import firmfate
from firmfate.counts import Counters
from firmfate.devices import cuda, engine_on
from firmfate.devices.driver import BINDINGS
from firmfate.errors import DeviceError
from firmfate.kernel.engine import Engine, Varying
from firmfate.models import load_model

MODELS = {"car": load_model("car"), "shop": my_model.SHOP}
CELLS, FIRMS, STEPS, BATCHES, STRATA = 3, 301, 90, 8, 2


def firms(name: str, *, own: bool, rows: int) -> dict[str, Any]:
    """Return what is asked of a model: cells that differ, and firms that do where they have values of their own."""
    model, rng = MODELS[name], np.random.default_rng(5)
    table = np.array([[model.defaults[field] for field in model.fields]] * CELLS)
    swept = {"car": ["execution", "misalignment"], "shop": ["margin", "fires"]}[name]
    places = np.array([i for i, field in enumerate(model.fields) if field in swept])
    table[:, places] = rng.uniform(0.0, 0.05 if name == "shop" else 1.0, (CELLS, len(places)))
    values = rng.uniform(0.0, 0.05 if name == "shop" else 1.0, (rows, FIRMS, len(places)))
    words = np.array([0, 7, 2**63 + 5], np.uint64)
    return {
        "parameters": table, "key": 2**63 + 11, "cells": words, "first": 2**40 + 3, "replicates": FIRMS,
        "steps": STEPS, "varying": Varying(places, values) if own else None,
    }  # fmt: skip


@pytest.mark.parametrize(("name", "own", "rows"), [("car", False, 1), ("car", True, CELLS), ("shop", True, 1)])
def test_records_and_counts_are_the_processors(use: Callable, name: str, own: bool, rows: int) -> None:  # noqa: F811
    model, (step_weeks, week_steps) = MODELS[name], {"car": (13, 1), "shop": (1, 1)}[name]
    driver = use(StandIn())
    engines = engine_on("cuda", model, dt=step_weeks / week_steps), Engine(model, dt=step_weeks / week_steps)
    asked, found = firms(name, own=own, rows=rows), []
    stratum = np.random.default_rng(6).integers(0, STRATA, (rows, FIRMS)) if own else None
    for engine in engines:
        counters = Counters.of(
            model, weeks=STEPS * step_weeks, batches=BATCHES, horizons=2, strata=STRATA if own else 1
        )  # fmt: skip
        records, counts = engine.run(**asked), counters.empty(CELLS)
        if engine is engines[0]:
            records.cause[0, ::50] = 255  # which no arithmetic of these models gives
            marked = records.cause.copy()
        else:
            assert (records.cause[0, 1:50] == marked[0, 1:50]).all()
            records.cause[:] = marked
        for _ in range(2):  # adds to what is there
            engine.count(
                records, counts, first=asked["first"], step_weeks=step_weeks, week_steps=week_steps,
                horizons=np.array([STEPS // 3, STEPS]), stratum=stratum, strata=counters.strata,
            )  # fmt: skip
        found.append({**records._asdict(), **counts})
    assert [name for name, values in found[1].items() if not np.array_equal(found[0][name], values)] == []
    assert found[1]["events"].sum() > 100
    assert set(driver.threads) == {256}  # two processors of a block of 128 threads: each thread steps several firms
    assert len(driver.blocks) == 1  # memory is used again


STUDY = """\
[study]
name = "cars"
model = "car"
years = 10
replicates = {replicates}

[grid]
misalignment = [0, 0.5, 1]

[population]
execution = {{ uniform = [0.1, 0.9] }}
strata = {{ execution = 2 }}

[record]
firms = true
"""


def test_a_run_is_begun_on_one_and_goes_on_on_the_other(
    use: Callable,  # noqa: F811
    command: Callable,
    tmp_path: Path,
) -> None:
    driver = use(StandIn())
    study = tmp_path / "cars.toml"
    words = ("run", study, "--no-report", "--quiet", "--threads", 2, "--into")
    for into, replicates, *more in (
        ("mixed", 40), ("mixed", 90, "--device", "cuda"), ("cuda", 90, "--device", "cuda"), ("cpu", 90),
    ):  # fmt: skip
        study.write_text(STUDY.format(replicates=replicates), encoding="utf-8")
        assert command(*words, tmp_path / into, *more).code == 0
    assert len(driver.threads) == 2 * 2
    for file in ("result.nc", "firms.nc"):
        with xr.open_dataset(tmp_path / "cpu" / file) as expected:
            for into in ("mixed", "cuda"):
                with xr.open_dataset(tmp_path / into / file) as found:
                    xr.testing.assert_equal(found, expected)


def test_simulate_gives_the_same_firms(use: Callable) -> None:  # noqa: F811
    driver = use(StandIn())
    given = {"misalignment": [0.2, 1.0], "replicates": range(5, 205), "weeks": 260}
    own = np.linspace(0, 1, 200).reshape(1, 200)
    found, expected = (
        firmfate.simulate("car", execution=own, **given, device=device)  # type: ignore[arg-type]
        for device in ("cuda", "cpu")
    )
    xr.testing.assert_identical(found, expected)
    assert driver.calls["cuLaunchKernel"] > 0


MISSING = {
    "the package": (None, "needs NVIDIA's package cuda-bindings: pip install 'firmfate[cuda]'"),
    "a device": (StandIn(devices=0), "there is no NVIDIA GPU that this process may use"),
    "any device": (StandIn(cuInit=CUresult.CUDA_ERROR_NO_DEVICE), "there is no NVIDIA GPU that this process may use"),
    "a newer one": (StandIn(capability=(6, 1)), "Stand-in has compute capability 6.1; needed: 7.0 (Volta, 2017) or"),
    "memory": (StandIn(memory=1000), "the GPU has too little free memory"),
    "a newer driver": (
        StandIn(cuModuleLoadData=CUresult.CUDA_ERROR_UNSUPPORTED_PTX_VERSION), "NVIDIA's driver is too old"
    ),
    "a sound device": (
        StandIn(cuStreamSynchronize=CUresult.CUDA_ERROR_ILLEGAL_ADDRESS),
        "cuStreamSynchronize failed with CUDA_ERROR_ILLEGAL_ADDRESS (an illegal memory access was encountered)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", MISSING)
def test_what_is_missing_is_one_message(
    use: Callable,  # noqa: F811
    command: Callable,
    tmp_path: Path,
    what: str,
) -> None:
    driver, message = MISSING[what]
    use(driver)
    study = tmp_path / "cars.toml"
    study.write_text(STUDY.format(replicates=20), encoding="utf-8")
    ended = command("run", study, "--device", "cuda", "--quiet", "--into", tmp_path / "run")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"firmfate: device 'cuda'{'' if driver is None else ':'} {message}")
    assert len(ended.err.splitlines()) == 1
    assert (tmp_path / "run").exists() == (what in ("memory", "a newer driver", "a sound device"))
    with pytest.raises(DeviceError, match="device 'cuda'"):
        firmfate.simulate("car", device="cuda", replicates=10, weeks=52)


def test_no_driver_is_one_message(use: Callable) -> None:  # noqa: F811
    def fail(flags: int) -> Any:
        raise RuntimeError('Function "cuInit" not found\nand more')

    driver = use(StandIn())
    driver.cuInit = fail
    with pytest.raises(DeviceError, match=r"driver is not installed, or too old: Function \"cuInit\" not found$"):
        cuda.device()


def test_other_devices_are_refused(command: Callable, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="device = 'gpu'; allowed: 'cpu' or 'cuda'"):
        firmfate.simulate("car", device="gpu")
    with pytest.raises(DeviceError, match="device = 'gpu'"):
        firmfate.run(firmfate.Study(name="cars", model="car"), into=tmp_path / "run", device="gpu")
    assert not (tmp_path / "run").exists()


def test_the_stand_in_takes_what_the_bindings_take() -> None:
    sys.modules.pop(BINDINGS, None)
    driver: Any = pytest.importorskip(BINDINGS)
    functions = [name for name in vars(StandIn) if name.startswith("cu")]
    assert len(functions) == 18
    for name in functions:
        signature = getattr(driver, name).__doc__.split("\n")[0].partition("(")[2]
        takes = 1 + signature.count(",") if signature != ")" else 0
        assert takes == (11 if name == "cuLaunchKernel" else getattr(StandIn, name).__code__.co_argcount - 1), name
    for name in vars(StandIn.CUdevice_attribute):
        assert hasattr(driver.CUdevice_attribute, name)
    for status in CUresult:
        assert getattr(driver.CUresult, status.name) == status
