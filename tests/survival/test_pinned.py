"""Every estimate, error and limit keeps its number and its words: of each result, of three data sets, three sums over
its numbers are stored, and how it is labelled.

Where the numbers come from is what other tests show (R, firms counted one by one, repeated simulation); here any change
of one of them is seen. Where a change is meant, write them anew: ``python -m tests.survival.test_pinned``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from firmfate import survival as s

STORED, WORDS = Path(__file__).parent / "pinned.json", Path(__file__).parent / "pinned_words.json"
HORIZON = 30
CELLS = ({"execution": 1.0, "misalignment": 1.0}, {"execution": 0.0, "misalignment": 1.0})
GROUPS = ({"group": 1, "size": 2.0}, {"group": 0, "size": 1.0})


def observed(firms: int = 300, *, late: bool, bin_weeks: int = 4) -> xr.Dataset:
    """Return counts of observed firms in two groups and three sizes, some censored early, some seen late."""
    random = np.random.Generator(np.random.Philox(5))
    group, size = np.arange(3 * firms) % 2, np.arange(3 * firms) % 3 + 1.0
    lived = np.ceil(random.exponential(20 - 6 * group + size)).astype(int)
    since = np.where(random.random(group.size) < 0.5, random.integers(1, 9, group.size), 0) * late
    left = since + random.integers(1, 60, group.size)
    end = np.where(lived > np.minimum(left, HORIZON), "", np.where(random.random(group.size) < 0.7, "a", "b"))
    frame = pd.DataFrame(
        {"group": group, "size": size, "since": since, "week": np.minimum(np.minimum(lived, left), HORIZON), "end": end}
    )
    frame = frame[frame.week > frame.since].head(firms).reset_index(drop=True)
    return s.counts_from_table(
        frame, duration="week", cause="end", entry="since" if late else None, covariates=["group", "size"],
        horizon=HORIZON, bin_weeks=bin_weeks,
    )  # fmt: skip


def firms() -> xr.Dataset:
    """Return counts of simulated firms in half-weekly steps, of which two in the last cell have failed."""
    random = np.random.Generator(np.random.Philox(6))
    step = np.minimum(random.integers(1, 120, (3, 90)), 2 * HORIZON)
    cause = np.where(step == 2 * HORIZON, 0, random.integers(1, 3, step.shape)).astype(float)
    cause[2, [4, 80]] = 255, np.nan
    ds = xr.Dataset(
        {"event_week": (("cell", "replicate"), (step / 2).astype(np.float32)), "cause": (("cell", "replicate"), cause)},
        coords={"replicate": np.arange(5, 95), "execution": ("cell", [0.1, 0.5, 0.9])},
        attrs={"weeks": HORIZON, "steps_per_week": 2},
    )
    ds["cause"].attrs = {"flag_values": [0, 2, 1, 255], "flag_meanings": "censored exit insolvency invalid"}
    return s.counts_from_firms(ds, batches=9, bin_weeks=4, horizons=[7, 19])


DATA: dict[str, Callable[[], xr.Dataset]] = {
    "simulated": s.example, "censored": partial(observed, late=False), "late": partial(observed, late=True),
    "firms": firms,
}  # fmt: skip
PLAIN: dict[str, Callable[[xr.Dataset], Any]] = {
    "counts": lambda ds: ds,
    "kaplan_meier": partial(s.kaplan_meier, level=0.9),
    **{f"kaplan_meier {limits}": partial(s.kaplan_meier, limits=limits) for limits in ("log", "log-log", "plain",
                                                                                      "wilson")},
    "nelson_aalen": s.nelson_aalen, "nelson_aalen by cause": partial(s.nelson_aalen, by_cause=True),
    "cumulative_incidence": s.cumulative_incidence,
    "hazard": partial(s.hazard, bin_weeks=7), "hazard by cause": partial(s.hazard, by_cause=True, bin_weeks=5),
    "rmst": partial(s.rmst, tau=17), "rmst_curve": s.rmst_curve, "time_lost": partial(s.time_lost, tau=23),
    "quantile": partial(s.quantile, p=[0.1, 0.35]),
    "quantile within": partial(s.quantile, p=[0.1, 0.35], interpolate=True),
    "expected_payoff": lambda ds: s.expected_payoff(ds, 0.9 ** np.arange(ds.sizes["week"]), at_end=-0.5),
    "risk_table": partial(s.risk_table, weeks=[0, 3, 11, 30]),
    "to_rows": lambda ds: s.to_rows(ds).select_dtypes("number").to_xarray(),
    "landmark": lambda ds: s.rmst_curve(s.landmark(ds, week=int(ds["bin"].values[0]))),
}  # fmt: skip
OF_CELLS: dict[str, Callable[[xr.Dataset], Any]] = {
    "derivative": partial(s.contrast, f=s.rmst_curve, along="execution"),
    "derivative of survival": partial(s.contrast, f=s.kaplan_meier, along="execution", simultaneous=["week"]),
    "difference of incidence": partial(s.contrast, f=s.cumulative_incidence, between=CELLS, simultaneous=True),
    "difference of quantiles": partial(s.contrast, f=s.quantile, between=CELLS, p=0.2),
    "interaction": partial(s.contrast, f=s.rmst, interaction=("execution", "misalignment"), tau=52),
    "interaction of values": partial(
        s.contrast, f=s.rmst, interaction={"execution": (0.0, 1.0), "misalignment": (0.0, 1.0)}, tau=40, level=0.8),
    "in every cell": partial(s.contrast, f=s.hazard, bin_weeks=26, resampling="means"),
    "unpaired": partial(s.contrast, f=s.rmst_curve, between=CELLS, paired=False),
    "crossing": partial(s.crossing, between=CELLS), "hazard_ratio": partial(s.hazard_ratio, between=CELLS),
    "hazard_ratio of one": partial(s.hazard_ratio, between=CELLS, cause="exit", bin_weeks=26, simultaneous=True),
    "logrank": partial(s.logrank, dim="execution"),
    "logrank weighted": partial(s.logrank, dim="execution", strata=["misalignment"], rho=1.0, gamma=0.5, cause="exit"),
    "gray": partial(s.gray_test, dim="execution", cause="exit", rho=0.5),
    "gray in strata": partial(s.gray_test, dim="execution", cause="insolvency", strata=["misalignment"]),
}  # fmt: skip
OF_GROUPS: dict[str, Callable[[xr.Dataset], Any]] = {
    "difference": partial(s.contrast, f=s.rmst_curve, between=GROUPS),
    "difference of survival": partial(s.contrast, f=s.kaplan_meier, between=GROUPS),
    "derivative": partial(s.contrast, f=s.rmst, along="size", tau=20),
    "hazard_ratio": partial(s.hazard_ratio, between=GROUPS, bin_weeks=8),
    "logrank": partial(s.logrank, dim="group", strata=["size"]), "logrank of sizes": partial(s.logrank, dim="size"),
}  # fmt: skip
PAIR = ({"cell": 1}, {"cell": 0})
OF_FIRMS: dict[str, Callable[[xr.Dataset], Any]] = {
    "counts": PLAIN["counts"], "kaplan_meier": s.kaplan_meier, "rmst": s.rmst,
    "difference": partial(s.contrast, f=s.rmst, between=PAIR, tau=19),
    "difference between horizons": partial(s.contrast, f=s.rmst_curve, between=PAIR),
    "difference of survival": partial(s.contrast, f=s.kaplan_meier, between=PAIR, simultaneous=True),
    "means": partial(s.contrast, f=s.cumulative_incidence, between=PAIR, resampling="means"),
    "unpaired": partial(s.contrast, f=s.kaplan_meier, between=PAIR, paired=False, level=0.9),
    "hazard_ratio": partial(s.hazard_ratio, between=PAIR, bin_weeks=8),
    "crossing": partial(s.crossing, between=PAIR),
}  # fmt: skip
FITTED: dict[str, Callable[[xr.Dataset], Any]] = {
    "cloglog": partial(s.proportional_hazards, formula="x * y"),
    "breslow": partial(s.proportional_hazards, formula="x + y", ties="breslow", cuts=[10]),
    "in strata": partial(s.proportional_hazards, formula="x", strata=["y"]),
    "proportionality": partial(s.proportionality, formula="x + y", time="linear"),
}
NOT_LATE: dict[str, Callable[[xr.Dataset], Any]] = {
    "fine_gray": lambda ds: s.fine_gray(ds, "x + y", cause=ds["cause"].values[0]),
    "gray in strata": partial(s.gray_test, dim="x", strata=["y"], cause="a", rho=0.5),
    "gray of sizes": partial(s.gray_test, dim="y", cause="b"),
    "accelerated": partial(s.accelerated_failure_time, formula="x + y", batches=False),
}


def renamed(ds: xr.Dataset) -> xr.Dataset:
    """Return a data set with its axes named x and y."""
    return ds.rename({"execution": "x", "misalignment": "y"} if "execution" in ds.dims else {"group": "x", "size": "y"})


CASES = [
    *((data, name) for data in ("simulated", "late") for name in PLAIN),
    *(("simulated", name) for name in OF_CELLS),
    ("censored", "counts"),
    *(("firms", name) for name in OF_FIRMS),
    *((data, name) for data in ("censored", "late") for name in OF_GROUPS),
    *(("late", f"fitted {name}") for name in FITTED),
    *(("censored", f"fitted {name}") for name in NOT_LATE),
]


@cache
def data_set(name: str) -> xr.Dataset:
    return DATA[name]()


def result(data: str, name: str) -> xr.Dataset:
    ds, kind = data_set(data), name.removeprefix("fitted ")
    if kind != name:
        return {**FITTED, **NOT_LATE}[kind](renamed(ds))
    if data == "firms":
        return OF_FIRMS[name](ds)
    if name in PLAIN:
        return PLAIN[name](ds)
    return (OF_CELLS if data == "simulated" else OF_GROUPS)[name](ds)


def sums(found: xr.Dataset) -> dict[str, list[float]]:
    """Return of every variable how many numbers are known, their sum, and one in which each has a weight of its own."""
    summed = {}
    for name, variable in found.data_vars.items():
        if np.issubdtype(variable.dtype, np.number):
            values = np.asarray(variable.values, float).ravel()
            known = np.isfinite(values)
            weights = np.sin(1.0 + np.arange(values.size))
            summed[str(name)] = [
                float(known.sum()), float(values[known].sum()), float((values * weights)[known].sum()),
            ]  # fmt: skip
    return summed


def words(found: xr.Dataset) -> list[str]:
    """Return how a result is labelled: its attributes, and the dims, units and coordinates of what it holds."""

    def of(name: Any, variable: xr.DataArray) -> str:
        shown = f"{name} ({', '.join(map(str, variable.dims))})"
        return shown + "".join(f", {key} {variable.attrs[key]}" for key in sorted(variable.attrs))

    def ends(values: np.ndarray) -> str:
        numbers = np.issubdtype(values.dtype, np.number)
        return f" = {', '.join(f'{value:.7g}' if numbers else str(value) for value in values)}"

    lines = [f"{key}: {_rounded(found.attrs[key])}" for key in sorted(map(str, found.attrs))]
    lines += [of(name, variable) for name, variable in found.data_vars.items()]
    for name, coord in sorted(found.coords.items(), key=str):
        values = coord.values.ravel()
        lines.append(of(name, coord) + ends(values if values.size < 9 else values[[0, 1, 2, -1]]))
    return lines


def _rounded(value: Any) -> Any:
    return f"{value:.7g}" if isinstance(value, float) else value


@pytest.fixture(scope="module")
def stored() -> dict[str, dict[str, list[float]]]:
    return json.loads(STORED.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def stored_words() -> dict[str, list[str]]:
    return json.loads(WORDS.read_text(encoding="utf-8"))


SLOW = {*OF_CELLS} - {"derivative", "hazard_ratio of one", "logrank weighted", "gray"}
"""Comparisons of cells that are left to the slow tests."""


@pytest.mark.parametrize(
    ("data", "name"),
    [
        pytest.param(data, name, marks=pytest.mark.slow) if data == "simulated" and name in SLOW else (data, name)
        for data, name in CASES
    ],
)
def test_numbers_and_words_are_those_that_are_stored(
    data: str, name: str, stored: dict[str, Any], stored_words: dict[str, list[str]]
) -> None:
    computed = result(data, name)
    assert words(computed) == stored_words[f"{data}: {name}"]
    found, wanted = sums(computed), stored[f"{data}: {name}"]
    assert found.keys() == wanted.keys()
    for variable, numbers in wanted.items():
        scale = max(1.0, abs(numbers[1]))
        np.testing.assert_allclose(
            np.divide(found[variable], scale), np.divide(numbers, scale), rtol=1e-6, atol=1e-7, err_msg=variable
        )


def test_all_that_is_stored_is_compared(stored: dict[str, Any], stored_words: dict[str, list[str]]) -> None:
    assert set(stored) == set(stored_words) == {f"{data}: {name}" for data, name in CASES}


def written(path: Path, held: dict[str, Any]) -> None:
    """Write a case a line."""
    lines = (f"{json.dumps(case)}: {json.dumps(one, ensure_ascii=False)}" for case, one in held.items())
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    results = {f"{data}: {name}": result(data, name) for data, name in CASES}
    written(STORED, {case: sums(found) for case, found in results.items()})
    written(WORDS, {case: words(found) for case, found in results.items()})
