"""Devices, without one: the engine on a stand-in for NVIDIA's driver gives the processor's records and counts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from tests.devices.blocks import CELLS, counted, different, firms
from tests.devices.stand_in import CUresult, StandIn, use  # noqa: F401
from tests.kernel import my_model

import firmfate
from firmfate.devices import cuda, engine_on
from firmfate.devices.driver import BINDINGS
from firmfate.errors import DeviceError
from firmfate.execute import DaskClient
from firmfate.models import load_model

MODELS = {
    "car": (load_model("car"), 13.0, ["execution", "misalignment"], 1.0),
    "shop": (my_model.SHOP, 1.0, ["margin", "fires"], 0.05),
}


@pytest.mark.parametrize(("name", "own_rows"), [("car", 0), ("car", CELLS), ("shop", 1)])
def test_records_and_counts_are_the_processors(use: Callable, name: str, own_rows: int) -> None:  # noqa: F811
    model, dt, swept, most = MODELS[name]
    driver = use(StandIn())
    asked = firms(model, swept, most, own_rows=own_rows, firms=301, steps=90)
    found, expected = (counted(engine_on(device, model, dt=dt), asked, fails=True) for device in ("cuda", "cpu"))
    assert different(found, expected) == []
    assert expected["events"].sum() > 100
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
        ("mixed", 40), ("mixed", 90, "--device", "cuda"), ("cpu", 90),
    ):  # fmt: skip
        study.write_text(STUDY.format(replicates=replicates), encoding="utf-8")
        assert command(*words, tmp_path / into, *more).code == 0
    assert len(driver.threads) == 2  # one shard: records and counts
    for file in ("result.nc", "firms.nc"):
        found, expected = (xr.load_dataset(tmp_path / into / file) for into in ("mixed", "cpu"))
        xr.testing.assert_equal(found, expected)


@pytest.mark.slow
def test_the_workers_of_dask_use_the_device(use: Callable, tmp_path: Path) -> None:  # noqa: F811
    from distributed import Client, LocalCluster

    driver = use(StandIn())
    study = firmfate.Study.parse(STUDY.format(replicates=90))
    with (
        LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        firmfate.run(study, into=tmp_path / "cuda", on=DaskClient(client), device="cuda", progress=False).close()
        assert driver.calls["cuLaunchKernel"] > 0
        use(StandIn(devices=0))
        with pytest.raises(DeviceError, match="there is no NVIDIA GPU"):
            firmfate.run(study, into=tmp_path / "none", on=DaskClient(client), device="cuda", progress=False)
    with firmfate.run(study, into=tmp_path / "cpu", progress=False) as expected:
        xr.testing.assert_equal(xr.load_dataset(tmp_path / "cuda" / "result.nc"), expected)


def test_simulate_gives_the_same_firms(use: Callable) -> None:  # noqa: F811
    driver = use(StandIn())
    given = {"misalignment": [0.2, 1.0], "replicates": range(5, 205), "weeks": 260}
    own = np.linspace(0, 1, 200).reshape(1, 200)
    found, expected = (
        firmfate.simulate("car", execution=own, **given, device=device)  # type: ignore[arg-type]
        for device in ("cuda", "cpu")
    )
    again = firmfate.simulate("car", execution=own, **given, device="cuda")  # type: ignore[arg-type]
    assert driver.calls["cuModuleLoadData"] == 1
    xr.testing.assert_identical(again, expected)
    xr.testing.assert_identical(found, expected)


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
