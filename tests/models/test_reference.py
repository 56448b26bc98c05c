"""`firm`, version 2, against eleven firms that a prototype computed apart from this package."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import firmfate
from firmfate.models import load_model

CASES = sorted((Path(__file__).parent / "reference").glob("*.json"))


def shocks(scale: float, steps: int) -> np.ndarray:
    t = np.arange(1, steps + 1)[:, np.newaxis]
    k = np.arange(3)
    return scale * np.sin(12.9898 * t * (k + 1) + 78.233 * k) + 0.6 * scale * np.sin(0.0137 * t * (k + 1.7))


def lived(case: dict):
    return firmfate.simulate_path(
        "firm",
        execution=case["execution"],
        misalignment=case["misalignment"],
        parameters=case["parameters"],
        weeks=case["weeks"],
        steps_per_week=case["steps_per_week"],
        shocks=shocks(case["shock_scale"], case["weeks"] * case["steps_per_week"]),
        firm_shocks={
            "buffer": case["buffer_epsilon"],
            "margin": case["margin_epsilon"],
            "exit": case["exit_uniform"],
            "demand": case["demand_epsilon"],
            "cost": case["cost_epsilon"],
        },
    )


def largest_error(life, table: pd.DataFrame) -> float:
    rows = life.isel(step=table["step"].to_numpy())
    worst = 0.0
    for name in table.columns.drop("step"):
        expected = table[name].to_numpy()
        error = np.abs(rows[name].to_numpy() - expected) / np.maximum(np.abs(expected), 1e-6)
        worst = max(worst, float(error.max()))
    return worst


CAUSES = ["censored", *(cause.name for cause in load_model("firm").causes)]


def test_all_eleven_are_here():
    assert len(CASES) == 11


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_path_and_end(path):
    case = json.loads(path.read_text())
    life = lived(case)
    ends = (case["event_step"], case["cause"], case["alarm_step"], case["green_kpis_at_alarm"])
    step = 1 / case["steps_per_week"]
    assert (
        life.attrs["event_week"] / step,
        CAUSES.index(life.attrs["cause"]),
        life.attrs["alarm_week"] / step,
        life.attrs["green_kpis"],
    ) == ends
    assert largest_error(life, pd.read_csv(path.with_suffix(".csv"))) < 1e-9


def test_negative_control():
    """One constant of the model off by a millionth is seen."""
    path = next(path for path in CASES if path.stem == "mixed_divisions")
    case = json.loads(path.read_text())
    case["parameters"] = {**case["parameters"], "forecast_time": 8 * (1 + 1e-6)}
    assert largest_error(lived(case), pd.read_csv(path.with_suffix(".csv"))) > 1e-9
