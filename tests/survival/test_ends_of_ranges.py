"""Of tables and questions: what is just allowed, what is just not, which of several wrong values a message names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from firmfate.errors import EstimateError
from firmfate.survival import (
    contrast,
    counts_from_firms,
    counts_from_table,
    example,
    kaplan_meier,
    logrank,
    observed,
    quantile,
    risk_table,
    rmst,
)

WEEKS, ENDS = [3.0, 4.0, 5.0, 6.0], ["a", "b", "", "a"]


def counted(options: dict[str, Any] | None = None, **columns: Any) -> xr.Dataset:
    table = {name: np.array(column, object) for name, column in ({"weeks": WEEKS, "end": ENDS} | columns).items()}
    return counts_from_table(table, duration="weeks", cause="end", **options or {})


def by(name: str) -> dict[str, Any]:
    return {"options": {name: name}}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"weeks": [3.0, -1.0, 5.0, 0.0]}, "column 'weeks', row 1: -1.0; a duration"),
    ({**by("entry"), "entry": [0.0, -0.5, 0.0, -2.0]}, "row 1: -0.5; an entry .* of the observation, 4.0"),
    ({**by("entry"), "entry": [0.0, 4.0, 0.0, 7.0]}, "row 1: 4.0; an entry .* before the end of the observation, 4.0"),
    ({**by("weight"), "weight": [1, 1.5, 1, -2]}, "column 'weight', row 1: 1.5; integers from 0"),
    ({**by("batch"), "batch": [1, -1, 1, -2]}, "column 'batch', row 1: -1; integers from 0"),
    ({"options": {"covariates": ["size"]}, "size": ["x", None, "y", np.nan]}, "column 'size', row 1: None; a cov"),
    ({"options": {"causes": ["a", "b", "b", "a", "a"]}}, "causes = .*: 'b' is there twice"),
    ({"options": {"horizons": [0]}}, "from 1 to the horizon, 6"), ({"options": {"horizons": [7]}}, "from 1 to the"),
    ({"options": {"horizons": [[3], [4]]}}, "from 1 to the horizon, 6"),
    ({"end": ["a", "b"]}, "equally long"), ({"weeks": [[1.0, 2.0]] * 4, "end": [["a", "b"]] * 4}, "one-dimensional"),
]  # fmt: skip


@pytest.mark.parametrize("place", range(len(WRONG)))
def test_the_first_wrong_row_of_a_table_is_named(place: int) -> None:
    columns, said = WRONG[place]
    with pytest.raises(EstimateError, match=said):
        counted(**columns)


def test_what_a_table_may_just_hold() -> None:
    ds = counted({"horizons": [1, 6]}, weeks=[0.5, 1.0, 2.0, 6.0], end=["a"] * 4)
    assert ds["horizon"].values.tolist() == [1, 6]
    assert ds["events"].sum("cause").values.tolist() == [2, 1, 0, 0, 0, 1]
    ds = counted({"entry": "entry", "weight": "weight", "batch": "batch"}, entry=[0.0, 3.9, 0, 1], weight=[1, 2, 0, 3],
                 batch=[7, 0, 7, 3])  # fmt: skip
    assert ds["entered"].values.tolist() == [3, 0, 2, 0, 0, 0]
    assert ds["batch_firms"].values.tolist() == [2, 3, 1]
    assert counted(end=[0, False, 1.5, 2])["cause"].values.tolist() == [1.5, 2]
    assert "batch_lifetime" not in counted({"horizon": 6}, weeks=[3.0, 4.0, 5.0, 9.0])
    assert counted({"horizon": 4}, weeks=[3.0, 4.0, 5.0, 9.0], end=["a"] * 4)["events"].values.tolist() == [
        [0, 0, 1, 1]
    ]


@pytest.mark.parametrize(("levels", "dims"), [(10, ("size", "age")), (11, ("cell",))])
def test_a_grid_holds_ten_times_the_cells_that_are_filled(levels: int, dims: tuple[str, ...]) -> None:
    table = {"weeks": np.ones(levels), "end": ["a"] * levels, "size": np.arange(levels), "age": np.arange(levels)}
    ds = counts_from_table(table, duration="weeks", cause="end", covariates=["size", "age"])
    assert ds["firms"].dims == dims
    assert int(ds["firms"].sum()) == levels


def test_so_many_firms_are_assigned_singly(monkeypatch: pytest.MonkeyPatch) -> None:
    """At random beyond, and then not in equal numbers."""
    for most, equal in ((640, True), (639, False)):
        monkeypatch.setattr(observed, "MOST_ASSIGNED_SINGLY", most)
        firms = counted({"weight": "n"}, n=[160] * 4)["batch_firms"]
        assert firms.sum() == 640
        assert bool((firms == 20).all()) is equal


def simulated(week: Any, cause: Any, per_week: float = 1) -> xr.Dataset:
    ds = xr.Dataset({"event_week": ("replicate", np.array(week)), "cause": ("replicate", np.array(cause))},
                    attrs={"weeks": 10, "steps_per_week": per_week})  # fmt: skip
    ds["cause"].attrs = {"flag_values": [0, 3, 2, 255], "flag_meanings": "censored exit ruin invalid"}
    return ds


def test_what_simulated_firms_may_just_hold() -> None:
    ds = counts_from_firms(simulated([0.25, 10.0, 1.25, 10.0], [3, 2, 3, 0], 4))
    assert ds["cause"].values.tolist() == ["ruin", "exit"]
    assert ds["events"].sum("week").values.tolist() == [1, 2]
    assert ds["events"].sel(cause="exit").values.tolist() == [1, 1, *[0] * 8]
    assert ds.sizes["batch"] == 32
    for week in ([1.0, 0.0, 11.0], [1.0, 10.25, 0.0]):
        with pytest.raises(EstimateError, match=f"event_week = {week[1]}: above 0, and at most .* weeks = 10"):
            counts_from_firms(simulated(week, [3, 3, 3], 4))
    with pytest.raises(EstimateError, match=r"cause = 1: `flag_values` names \[0, 2, 3\] and 255"):
        counts_from_firms(simulated([1.0, 2.0, 3.0], [2, 1, 4]))


@pytest.mark.parametrize("weeks", [[0], [104], [0, 104], [51, 52]])
def test_weeks_of_a_risk_table(weeks: list[int]) -> None:
    assert risk_table(example(), weeks=weeks)["week"].values.tolist() == weeks


@pytest.mark.parametrize("weeks", [[-1], [105], [-1, 5], [0, 105], [5, 5], [5, 4, 6], [0.5], [], 5, [[1, 2]], None])
def test_what_are_no_weeks_of_a_risk_table(weeks: Any) -> None:
    with pytest.raises(EstimateError, match="a list of ascending integer weeks from 0 to 104"):
        risk_table(example(), weeks=weeks)


@pytest.mark.parametrize(("size", "more"), [(12, False), (13, True)])
def test_so_many_values_of_an_axis_are_listed(size: int, more: bool) -> None:
    ds = example().isel(execution=[0] * size).assign_coords(execution=np.arange(1.0, size + 1))
    with pytest.raises(EstimateError, match=r"execution = 99 is not one of its values: 1\.0, 2\.0, ") as refused:
        contrast(ds, rmst, between=({"execution": 99}, {"execution": 1.0}))
    assert ("12.0, .." in str(refused.value)) is more
    assert "13.0" not in str(refused.value)


REFUSED: list[tuple[Callable[[xr.Dataset], Any], str]] = [
    (lambda ds: rmst(ds, tau=2.0**53), "from 1 to the horizon"), (lambda ds: rmst(ds, tau=0), "from 1 to the horizon"),
    (lambda ds: quantile(ds, p=0.0), "strictly between"), (lambda ds: kaplan_meier(ds, level=1.0), "between 0 and 1"),
    (lambda ds: kaplan_meier(ds, level=0.0), "between 0 and 1"),
    (lambda ds: logrank(ds, "execution", strata=["size"]), r"strata=\['size'\]: the other axes are \['misalignment'\]"),
    (lambda ds: logrank(ds, "size"), "there is no axis 'size'; the axes are "),
    (lambda ds: contrast(ds, rmst, interaction=("execution",)), "takes two axes, or a mapping"),
    (lambda ds: contrast(ds, rmst, interaction=("execution", "execution")), "not 'execution' twice"),
    (lambda ds: contrast(ds, rmst, interaction={"execution": (0.0, 1.0), "misalignment": 1.0}), r"needs \(low, high\)"),
    (lambda ds: contrast(ds, rmst, between=({"execution": 0.0},)), "takes two cells"),
    (lambda ds: contrast(ds, rmst, between=({}, {"execution": 0.0})), "takes two cells"),
    (lambda ds: contrast(ds, rmst, between=({"execution": 0}, {"misalignment": 0})), "must name the same axes"),
    (lambda ds: contrast(ds, rmst, along="execution", between=({"execution": 0}, {"execution": 1})), "give one of"),
    (lambda ds: contrast(ds, lambda counts: 3, along="execution"), "a DataArray, not int"),
    (lambda ds: contrast(ds.drop_vars("batch_firms"), rmst, along="execution"), "contrasts need `batch_firms`"),
    (lambda ds: contrast(ds.drop_vars("batch_events"), kaplan_meier, along="execution"), "has no `batch_events`"),
    (lambda ds: contrast(ds.isel(batch=slice(9)), rmst, along="execution"), "keep all batches of the dataset"),
]  # fmt: skip


@pytest.mark.parametrize("place", range(len(REFUSED)))
def test_questions_beyond_what_is_allowed(place: int) -> None:
    call, said = REFUSED[place]
    with pytest.raises(EstimateError, match=said):
        call(example())


def test_ends_that_are_allowed() -> None:
    ds = example()
    assert rmst(ds, tau=1).estimate.max() == 1.0
    xr.testing.assert_identical(rmst(ds, tau=104), rmst(ds))
    dotted = ds.rename({"misalignment": "misalignment_sales"})
    xr.testing.assert_identical(
        contrast(dotted, rmst, along="misalignment.sales"), contrast(dotted, rmst, along="misalignment_sales")
    )
    with pytest.raises(EstimateError, match=r"given twice, with '.' and with '_'"):
        contrast(dotted, rmst, between=({"misalignment.sales": 0.0, "misalignment_sales": 0.0}, {"execution": 1.0}))
