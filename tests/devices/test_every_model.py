"""Kernels for devices of every model: counts like the processor's, and text that NVIDIA's assembler takes."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from tests.devices.blocks import counted, different, firms
from tests.devices.low_bits import LOW_BITS
from tests.devices.stand_in import StandIn, use  # noqa: F401
from tests.examples.conftest import EXAMPLES
from tests.targets.test_ptx import INSTRUCTION, assembled, ptxas, refuse_other_roundings

from firmfate import targets
from firmfate.devices import engine_on
from firmfate.models import load_model
from firmfate.models.model import Model

pytestmark = pytest.mark.slow

MODELS = {
    "firm": ("firm", 1.0, ["execution_sales", "misalignment_sales", "misalignment_finance"], 1.0),
    "low bits": (LOW_BITS, 1.0, ["margin", "fires"], 0.05),
    "beer game": (f"{EXAMPLES}/beer-game/beer_game.py:BEER_GAME", 1.0, [], 1.0),
    "capability trap": (f"{EXAMPLES}/capability-trap/capability_trap.py:CAPABILITY_TRAP", 1.0, [], 1.0),
    "market growth": (f"{EXAMPLES}/market-growth/market_growth.py:MARKET_GROWTH", 1.0, [], 1.0),
}


@cache
def model_of(name: str) -> Model:
    return load_model(MODELS[name][0])


@pytest.mark.parametrize("name", MODELS)
def test_records_and_counts_are_the_processors(use: Callable, name: str) -> None:  # noqa: F811
    _, dt, swept, most = MODELS[name]
    use(StandIn(processors=5))
    asked = firms(model_of(name), swept, most, own_rows=1 if swept else 0, firms=2000, steps=400)
    found, expected = (
        counted(engine_on(device, model_of(name), dt=dt), asked) for device in ("cuda", "cpu")
    )  # fmt: skip
    assert different(found, expected) == []
    assert expected["firms"].sum() == 12_000


@pytest.mark.parametrize("name", MODELS)
def test_nvidias_assembler_takes_it(name: str, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    text = targets.ptx(model_of(name))
    refuse_other_roundings(text, model_of(name))
    assert ".extern" not in text
    record_property(f"instructions of {name}", len(INSTRUCTION.findall(text)))
    if ptxas() is None:
        pytest.skip("no ptxas; the package nvidia-cuda-nvcc holds one")
    for architecture in ("sm_75", "sm_80", "sm_90"):
        for kernel, used in assembled(text, architecture, tmp_path).items():
            record_property(f"{name}, {kernel}, {architecture}", used)
            assert int(re.findall(r"Used (\d+) registers", used)[0]) <= 255
