"""Values that `simulate` is given by cell and by firm: the same firms as cells of their own, and refusals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import firmfate
from firmfate.errors import FirmfateError

FIRMS = 6
ALL = {"weeks": 260, "seed": 5, "threads": 1}


def simulated(**given: Any) -> xr.Dataset:
    return firmfate.simulate("firm", **{**ALL, "replicates": FIRMS, **given}).drop_attrs()


def one(firm: int, **given: Any) -> xr.Dataset:
    """One firm, as a cell of its own."""
    return simulated(**given, replicates=range(firm, firm + 1))


def records(firms: xr.Dataset) -> xr.Dataset:
    """Return what is recorded of firms, without the parameters that they were given."""
    return firms.drop_vars([name for name in firms.coords if name != "replicate"])


def uniform(*shape: int, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    return np.random.default_rng(3).uniform(low, high, shape)


def test_a_firms_own_values_are_those_of_a_cell_of_one_firm() -> None:
    """Divisions, the whole, one division and a plain parameter, by firm, beside values by cell."""
    execution, cost = uniform(2, FIRMS, 5), uniform(1, FIRMS, low=0.55, high=0.6)
    misaligned, delay = uniform(1, FIRMS, 1), np.array([13.0, 52.0])
    quality = uniform(2, FIRMS)
    found = simulated(
        execution=execution,
        misalignment=misaligned,
        parameters={"unit_cost": cost, "correct_time": delay, "misalignment.quality": quality},
    )
    assert dict(found.sizes) == {"cell": 2, "replicate": FIRMS}
    for cell in range(2):
        for firm in range(FIRMS):
            own = np.full(5, misaligned[0, firm, 0])
            own[2] = quality[cell, firm]
            alone = one(
                firm,
                execution=execution[cell, firm][np.newaxis],
                misalignment=own[np.newaxis],
                parameters={"unit_cost": cost[0, firm], "correct_time": delay[cell]},
            )
            assert records(found.isel(cell=[cell], replicate=[firm])).equals(records(alone)), (cell, firm)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, FIRMS - 1), st.sampled_from([1, 2]))
def test_the_same_value_for_all_firms_is_the_value_of_the_cell(split: int, threads: int) -> None:
    by_cell = simulated(execution=[0.3, 0.9], parameters={"unit_cost": 0.58})
    by_firm = simulated(
        execution=np.broadcast_to(np.array([0.3, 0.9])[:, np.newaxis, np.newaxis], (2, FIRMS, 5)),
        parameters={"unit_cost": np.full((1, FIRMS), 0.58)},
        threads=threads,
    )
    assert records(by_firm).equals(records(by_cell))


def test_one_division_by_cell_overrides_the_whole_by_firm() -> None:
    whole = uniform(1, FIRMS, 1)
    found = simulated(execution=whole, parameters={"execution.sales": [0.1, 0.9]})
    divisions = np.broadcast_to(whole, (2, FIRMS, 5)).copy()
    divisions[:, :, 0] = [[0.1], [0.9]]
    assert records(found).equals(records(simulated(execution=divisions)))


def test_pieces_and_threads_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"execution": uniform(3, 50, 1), "parameters": {"unit_cost": uniform(1, 50, low=0.55, high=0.6)}}
    whole = simulated(**given, replicates=50)
    for piece, threads in ((7, 2), (49, 1), (120, 2)):
        monkeypatch.setattr(firmfate.simulation.many_firms, "PIECE", piece)
        assert simulated(**given, replicates=50, threads=threads).equals(whole)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"execution": np.full((1, FIRMS + 1, 5), 0.5)}, r"shape \(1, 7, 5\); allowed: .*\(cells, 6, 5\)"),
        ({"execution": np.full((1, FIRMS, 4), 0.5)}, r"shape \(1, 6, 4\)"),
        ({"execution": np.full((1, FIRMS, 5, 1), 0.5)}, r"shape \(1, 6, 5, 1\)"),
        ({"parameters": {"unit_cost": np.full((1, 5), 0.57)}}, r"shape \(1, 5\); allowed: .*\(cells, 6\)"),
        ({"execution": np.full((3, FIRMS, 1), 0.5), "misalignment": [0, 1]}, r"different length: .*execution.: 3"),
        ({"execution": np.full((1, FIRMS, 1), 1.5)}, r"'execution' = 1.5; allowed: \[0, 1\]"),
        ({"parameters": {"unit_cost": [[0.57] * 5 + [np.nan]]}}, r"'unit_cost' = nan"),
        ({"parameters": {"capacity": [[1.35] * 5 + [1.0]]}}, r"capacity = 1 leaves 0\.965"),
        ({"parameters": {"capacity": [[1.35] * 5 + [1.1]], "defect_rate": [0.05, 0.2]}}, r"capacity = 1.1 leaves"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(FirmfateError, match=said):
        simulated(**given)


def test_one_firm_takes_no_values_by_firm() -> None:
    with pytest.raises(FirmfateError, match=r"shape \(1, 3\); allowed: a scalar or \(cells,\)"):
        firmfate.simulate_path("firm", parameters={"unit_cost": [[0.57, 0.58, 0.59]]})


def test_one_bad_firm_of_many_is_found() -> None:
    capacity = np.full((1, 20_000), 1.35)
    capacity[0, 12_345] = 1.0
    with pytest.raises(FirmfateError, match=r"capacity = 1 leaves 0\.965"):
        simulated(parameters={"capacity": capacity}, replicates=20_000)


def test_one_bad_cell_of_many_is_found() -> None:
    """Its value is the cell's, beside values by firm in all cells."""
    defects = np.full(2_000, 0.05)
    defects[1_234] = 0.55
    with pytest.raises(FirmfateError, match=r"capacity = 1\.35 leaves"):
        simulated(execution=uniform(2_000, FIRMS, 1), parameters={"defect_rate": defects})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"seed": -1}, r"seed = -1; allowed: an integer from 0 to 2\*\*64 - 1"),
        ({"seed": 2**64}, "seed = 18446744073709551616; allowed"),
        ({"seed": 1.5}, "seed = 1.5; allowed"),
        ({"weeks": "x"}, "weeks = 'x'; allowed"),
        ({"weeks": np.nan}, "weeks = nan; allowed"),
        ({"steps_per_week": "x"}, "steps_per_week = 'x'"),
    ],
)
def test_what_is_no_number_of_its_kind_is_refused_by_both(given: dict[str, Any], said: str) -> None:
    with pytest.raises(FirmfateError, match=said):
        simulated(**given)
    with pytest.raises(FirmfateError, match=said):
        firmfate.simulate_path("firm", **given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"replicates": 10.0}, "replicates = 10.0; allowed: an integer from 1"),
        ({"replicates": 0}, "replicates = 0; allowed: an integer from 1"),
        ({"threads": -1}, "threads = -1; allowed: an integer from 1"),
    ],
)
def test_numbers_of_firms_and_threads_are_integers(given: dict[str, Any], said: str) -> None:
    with pytest.raises(FirmfateError, match=said):
        simulated(**given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"replicate": -1}, "replicate = -1; allowed"),
        ({"shocks": "x"}, "shocks = 'x'; allowed: an array of numbers"),
        ({"firm_shocks": {"exit": "a"}}, "firm_shocks: exit = 'a'; allowed"),
        ({"firm_shocks": {"exit": 1.0}}, "firm_shocks: exit = 1.0; allowed"),
    ],
)
def test_one_firm_refuses_what_it_cannot_take(given: dict[str, Any], said: str) -> None:
    with pytest.raises(FirmfateError, match=said):
        firmfate.simulate_path("firm", **given)


def test_integers_of_numpy_are_integers() -> None:
    of_numpy = simulated(seed=np.uint64(5), weeks=np.int64(260), replicates=np.int64(FIRMS), threads=np.int32(1))
    assert of_numpy.equals(simulated())


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"execution": np.nan}, "execution = nan; allowed: a finite number"),
        ({"execution": "x"}, "execution = 'x'; allowed: a finite number"),
        ({"replicate": 1.5}, "replicate = 1.5; allowed: an integer from 0"),
        ({"replicate": [0, -1]}, "replicate = -1; allowed: an integer from 0"),
        ({"replicate": "0"}, "replicate = '0'; allowed"),
    ],
)
def test_replay_takes_finite_numbers_and_integer_replicates(tmp_path: Any, wanted: dict[str, Any], said: str) -> None:
    study = firmfate.Study(study={"name": "replayed", "replicates": 2, "years": 1}, grid={"execution": [0.1, 0.9]})
    firmfate.run(study, into=tmp_path / "run", progress=False, on=firmfate.execute.Threads(1)).close()
    with pytest.raises(FirmfateError, match=said):
        firmfate.replay(tmp_path / "run", **{"execution": 0.9, **wanted})


@pytest.mark.parametrize("given", [{"on": 4}, {"shard_scale": 0.0}, {"shard_scale": math.inf}, {"shard_scale": "1"}])
def test_a_run_refuses_what_is_no_executor_and_no_scale(tmp_path: Any, given: dict[str, Any]) -> None:
    study = firmfate.Study(name="threaded", replicates=2, years=1, grid={"execution": [0.1, 0.9]})
    with pytest.raises(FirmfateError, match=f"{next(iter(given))} = .*; allowed: "):
        firmfate.run(study, into=tmp_path / "run", progress=False, **given)
    assert not (tmp_path / "run").exists()
