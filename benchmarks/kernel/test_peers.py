"""The peers against reference trajectories and against each other, away from the defaults: `pytest benchmarks`.

`reference_ends.json`: inputs and outcomes of nine trajectories from the documentation of version 1.
"""

from __future__ import annotations

import ctypes
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.kernel import compiled, numpy_lanes, one_at_a_time, ours
from benchmarks.kernel.agreement import worst_gap
from benchmarks.kernel.cell import exit_step, haste, make_cell, stocks0
from benchmarks.kernel.parameters import DEFAULTS, parameter_vector
from benchmarks.kernel.peer import Cells, NotHere, nine_cells
from benchmarks.kernel.step import Stocks, make_step

from firmfate.program.tracing import fields

REFERENCE = json.loads((Path(__file__).parent / "reference_ends.json").read_text())

try:
    BUILDS = list(compiled.builds())
except NotHere:
    BUILDS = []
EXPLICIT = [build for build in BUILDS if build.source == "simd.cpp"]


def shocks(case: dict[str, Any]) -> np.ndarray:
    """Return the shocks of a reference trajectory, (steps, 3)."""
    t = np.arange(1, case["weeks"] * case["steps_per_week"] + 1)[:, None]
    k, scale = np.arange(3), case["shock_scale"]
    return scale * np.sin(12.9898 * t * (k + 1) + 78.233 * k) + 0.6 * scale * np.sin(0.0137 * t * (k + 1.7))


def expected(case: dict[str, Any]) -> tuple[int, int, int, int]:
    """Return event step, cause, alarm step and green KPIs of a reference trajectory."""
    return case["event_step"], case["cause"], case["alarm_step"], case["green_kpis_at_alarm"]


@pytest.mark.parametrize("name", REFERENCE)
def test_the_python_step_follows_the_reference(name: str) -> None:
    case = REFERENCE[name]
    step = make_step(math.exp, max, min, lambda condition, a, b: a if condition else b)
    parameters, divisions = parameter_vector(case["parameters"]), (case["execution"], case["misalignment"])
    k = make_cell(parameters, *(np.array(share) for share in divisions), case["steps_per_week"])
    own_cash = k.p.cash_buffer * math.exp(k.p.buffer_sd * case["buffer_epsilon"] - k.p.buffer_sd**2 / 2)
    s = Stocks(*stocks0(k))._replace(cash=own_cash)
    unit_base, exits, alarm, green = (
        k.unit + k.p.margin_sd * case["margin_epsilon"],
        exit_step(k, case["exit_uniform"]),
        0,
        0,
    )
    noise = shocks(case)
    for now, (normals, patience) in enumerate(zip(noise, haste(k, len(noise)), strict=True), start=1):
        moved = step(k, s, unit_base, own_cash, *normals, patience)
        s = moved.stocks
        if moved.alarmed and not alarm:
            alarm, green = now, int(moved.green)
        ends = (moved.insolvent, moved.collapsed, moved.gridlocked, now >= exits)
        cause = next((i for i, happened in enumerate(ends, start=1) if happened), 0)
        if cause:
            break
    assert (now, cause, alarm, green) == expected(case)


@pytest.mark.parametrize("name", REFERENCE)
def test_the_model_file_of_version_1_follows_the_reference(name: str) -> None:
    case, model = REFERENCE[name], ours.version_1()
    dt, axes = 1 / case["steps_per_week"], ("execution", "misalignment")
    values = model.defaults | case["parameters"]
    values |= {field: x for axis in axes for field, x in zip(model.keys[axis], case[axis], strict=True)}
    named = zip(fields(model.signature.parameters), model.fields, strict=True)
    draws = {f"draw.{key}": case[f"{key}_epsilon"] for key in ("buffer", "margin")} | {
        "draw.exit": case["exit_uniform"]
    }
    stocks, fixed = model.in_python.begin({f"p.{key}": values[field] for key, field in named} | draws | {"run.dt": dt})
    cause, alarm, green, noise = 0, 0, 0, shocks(case)
    for now, (demand, cost, weekly) in enumerate(noise.tolist(), start=1):
        stocks, cause, rings, marks = model.in_python.step(stocks, (demand, cost, weekly), float(now - 1), fixed)
        if rings and not alarm:
            alarm, green = now, int(marks[0])
        if cause:
            break
    assert (now, int(cause), alarm, green) == expected(case)


@pytest.mark.parametrize("seed", [7, 2**63 + 11])
def test_our_kernel_and_the_scalar_peer_simulate_the_same_firms(seed: int) -> None:
    cells = odd_cells()
    mine, scalar = ours.uniform(cells, 300, seed), one_at_a_time.same_numbers(cells, 300, seed)
    for column, other in zip(mine, scalar, strict=True):
        np.testing.assert_array_equal(column, other)


def test_defaults_of_the_model_file_are_those_of_the_peers() -> None:
    plain = {row.name: row.default for row in ours.version_1().parameters if not row.parts}
    assert plain == DEFAULTS


@pytest.mark.parametrize("name", REFERENCE)
@pytest.mark.parametrize("build", EXPLICIT, ids=lambda build: build.name)
def test_the_explicit_cpp_follows_the_reference(build: compiled.Build, name: str) -> None:
    case, lib = REFERENCE[name], compiled.library(build)
    lib.firm_path.restype = ctypes.c_int64
    shares = [np.array(case[key], float) for key in ("execution", "misalignment")]
    parameters, noise = parameter_vector(case["parameters"]), np.ascontiguousarray(shocks(case))
    path, alarm, green = np.zeros((len(noise), len(Stocks._fields))), ctypes.c_int32(), ctypes.c_int32()
    numbers = (ctypes.c_double(case[key]) for key in ("buffer_epsilon", "margin_epsilon", "exit_uniform"))
    arrays = (compiled.address(array) for array in (parameters, *shares))
    horizon = (ctypes.c_int64(len(noise)), ctypes.c_int(case["steps_per_week"]))
    places = (compiled.address(path), ctypes.byref(alarm), ctypes.byref(green))
    end = lib.firm_path(*arrays, *horizon, compiled.address(noise), *numbers, *places)
    assert (end // 8, end % 8, alarm.value, green.value) == expected(case)


def odd_cells() -> Cells:
    """Return cells away from every default: half-week steps, divisions that differ, mergers, steering coupled."""
    rng = np.random.default_rng(1)
    changed = {
        "background_exit": 0.04,
        "steering_coupling": 0.5,
        "shared_metrics": 0.2,
        "communication": 0.4,
        "lapse_share": 0.6,
    }
    changed |= {"impatience": 0.03, "lot_size": 1.2, "overhead": 0.28, "interest": 0.004, "blindness": 0.8}
    return Cells(parameter_vector(changed), rng.random((3, 5)), rng.random((3, 5)), 1040, 2)


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.name)
@pytest.mark.parametrize("seed", [7, 2**63 + 11])
def test_the_same_numbers_give_the_same_firms(build: compiled.Build, seed: int) -> None:
    cells = odd_cells()
    theirs, numbas = compiled.make_simulate(build)(cells, 300, seed), one_at_a_time.same_numbers(cells, 300, seed)
    assert len(np.unique(numbas.cause)) == 5
    for column, other in zip(theirs, numbas, strict=True):
        np.testing.assert_array_equal(column, other)


@pytest.mark.parametrize("simulate", [numpy_lanes.masked, numpy_lanes.compacted, one_at_a_time.numpy_random])
def test_other_numbers_give_the_same_survival(simulate: Any) -> None:
    cells, ages = odd_cells(), np.array([52, 104, 260, 520, 1040])
    mine, other = simulate(cells, 1000, 3), one_at_a_time.same_numbers(cells, 1000, 4)
    assert worst_gap(mine, other, ages) < 4


def test_the_check_of_survival_sees_another_model() -> None:
    cells = nine_cells(520)
    other = cells._replace(misalignment=np.minimum(cells.misalignment + 0.1, 1))
    mine, theirs = (one_at_a_time.same_numbers(c, 1000, seed) for seed, c in ((3, cells), (4, other)))
    assert worst_gap(mine, theirs, np.array([260, 520])) > 4
