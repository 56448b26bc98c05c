"""The finding in words: what it states agrees with the counts, and with the truth of a process that is known."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import xarray as xr
from paradox_counts import BATCHES, counts, true_lifetime
from tests.bounded import Bounded, chance_of_deviation, of_estimates, times

from firmfate.analysis import axis_effects, extreme_cells, finding, phase_map
from firmfate.analysis.formatting import decimals
from firmfate.errors import EstimateError
from firmfate.survival import example, rmst


@pytest.fixture(scope="module")
def paradox() -> xr.Dataset:
    return counts()


@pytest.mark.bounded(power=0.95, against="an effect that is off by 5 of its errors")
def test_the_paradox_is_found_where_it_is_built_in(paradox: xr.Dataset, bounded: Bounded) -> None:
    found = finding(paradox)
    assert found.holds is True
    assert "The paradox holds" in found.sentence()
    truth = {
        name: true_lifetime(1.0, misalignment) - true_lifetime(0.0, misalignment)
        for name, misalignment in (("effect aligned", 0.0), ("effect misaligned", 1.0))
    }
    for name, true in truth.items():
        value = found.numbers[name]
        assert value.sign == np.sign(true)
        assert f"{abs(value.estimate):.{decimals(value.se)}f} years (standard error" in found.sentence()

    @functools.cache
    def numbers(sample: int) -> np.ndarray:
        """Return both effects, and their errors, of several results."""
        others = [finding(counts(seed=1000 * sample + seed)) for seed in range(times(sample))] if sample else [found]
        return np.array([[(one.numbers[name].estimate, one.numbers[name].se) for name in truth] for one in others])

    def p_values(sample: int, factor: float = 1.0) -> list[float]:
        estimate, se = np.moveaxis(numbers(sample), -1, 0)
        return of_estimates(estimate, se, factor * np.array([*truth.values()]), BATCHES - 1)

    assert not bounded.refuses(p_values)
    assert bounded.refuses(lambda sample: p_values(sample, factor=1.3))
    bounded.sees(chance_of_deviation(5, BATCHES - 1), 2)


def without(ds: xr.Dataset, **places: list[int]) -> xr.Dataset:
    """Return counts as a result that is not complete holds them: nothing in the cells at these positions."""
    part = ds.copy(deep=True)
    for name, counted in part.data_vars.items():
        axes = [str(dim) for dim in counted.dims]
        part[name].values[tuple(places.get(dim, slice(None)) for dim in axes)] = 0
    return part.assign_attrs(complete=0)


def test_cells_without_firms_leave_the_turning_point_open(paradox: xr.Dataset) -> None:
    found = finding(without(paradox, execution=[4, 4, 4], misalignment=[1, 2, 3]))
    assert found.holds is True
    assert np.isnan(found.numbers["turning point"].estimate)
    sentence = found.sentence()
    assert "This result is incomplete: 22 of the 25 cells hold 3,200 firms each, the others none." in sentence
    assert "Where its sign changes is unknown: at 3 values of misalignment between them it has no estimate." in sentence


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ({"execution": [0], "misalignment": [0]}, "at misalignment 0 its effect has no estimate"),
        ({"execution": [4], "misalignment": [4]}, "at misalignment 1 its effect has no estimate"),
        ({"execution": [4]}, "has no estimate at misalignment 0, nor at misalignment 1."),
    ],
)
def test_nothing_is_claimed_of_ends_without_an_estimate(
    paradox: xr.Dataset, places: dict[str, list[int]], words: str
) -> None:
    found = finding(without(paradox, **places))
    assert found.holds is None
    assert found.headline == "Whether the paradox holds remains open: cells on which this depends have no estimate."
    assert words in found.sentence()
    for false in ("too few", "unknown", "does not change"):
        assert false not in found.sentence()


def test_a_third_axis_with_gaps_is_averaged_where_both_ends_are_known(paradox: xr.Dataset) -> None:
    broken = without(counts(effect=0.5), execution=[4], misalignment=[4])
    three = xr.concat([paradox, broken], dim="harm", data_vars="all", join="outer", combine_attrs="override")
    three = three.assign_coords(harm=[1.0, 0.5]).transpose("execution", "misalignment", "harm", ...)
    found = finding(three)
    alone = finding(paradox)
    for name in ("effect aligned", "effect misaligned"):
        assert found.numbers[name] == pytest.approx(alone.numbers[name])
    assert "on average over harm at the 1 of 2 values that have estimates at both" in found.sentence()
    assert "holds at 1 of the 1 values of harm with estimates, of 2" in found.sentence()


def test_reversed_execution_reverses_the_finding(paradox: xr.Dataset) -> None:
    reversed_counts = paradox.isel(execution=slice(None, None, -1)).assign_coords(execution=paradox.execution.values)
    found = finding(reversed_counts)
    assert found.holds is False
    assert found.numbers["effect misaligned"].sign == 1
    assert "does not show" in found.headline


def test_no_effect_is_not_called_one() -> None:
    found = finding(counts(effect=0.0, common=False))
    assert found.holds is False
    assert found.numbers["effect misaligned"].sign == 0
    assert "which cannot be distinguished from zero" in found.sentence()


def test_too_few_batches_leave_the_question_open(paradox: xr.Dataset) -> None:
    few = paradox.drop_vars(["batch_firms", "batch_events", "batch_lifetime"])
    found = finding(few)
    assert found.holds is None
    assert "too few firms" in found.headline
    assert "standard error unknown" in found.sentence()


def test_a_third_axis_is_averaged_and_reported(paradox: xr.Dataset) -> None:
    three = xr.concat([paradox, counts(effect=0.5)], dim="harm", data_vars="all", join="outer").assign_coords(
        harm=[1.0, 0.5]
    )
    three = three.transpose("execution", "misalignment", "harm", ...)
    found = finding(three)
    assert "on average over harm" in found.sentence()
    assert "holds at all 2 values of harm" in found.sentence()
    alone = [finding(three.sel(harm=harm, drop=True)).numbers["effect misaligned"].estimate for harm in (1.0, 0.5)]
    assert found.numbers["effect misaligned"].estimate == pytest.approx(np.mean(alone))


def test_runs_without_a_coordinate_are_named_by_their_positions(paradox: xr.Dataset) -> None:
    runs = xr.concat([paradox, paradox], "run")
    assert "0.3976 (standard error 0.0008) at run 0" in finding(runs).sentence()
    longest, _ = extreme_cells(runs)
    assert longest.where == {"run": 0.0, "execution": 1.0, "misalignment": 0.0}
    assert "mean lifetime is longest at run 0, " in finding(runs.isel(execution=-1)).statements[0]


def test_lazy_counts_give_the_same(paradox: xr.Dataset) -> None:
    lazy = paradox.chunk({"execution": 1})
    for cells in ({}, {"execution": 1}, {"execution": 1, "misalignment": 1}):
        assert finding(lazy.isel(cells)) == finding(paradox.isel(cells))
    xr.testing.assert_identical(phase_map(lazy), phase_map(paradox))


def test_an_invalid_cell_spoils_no_other(paradox: xr.Dataset) -> None:
    broken = paradox.copy()
    broken["invalid"] = xr.zeros_like(paradox["firms"])
    broken["invalid"][2, 2] = 1
    assert finding(broken).numbers["effect misaligned"] == finding(paradox).numbers["effect misaligned"]


def test_all_invalid_is_stated() -> None:
    ds = example()
    ds["invalid"] = ds["firms"]
    assert "arithmetic failed" in finding(ds).sentence()
    with pytest.raises(EstimateError, match="no cell has an estimate"):
        extreme_cells(ds)


def test_other_axes_name_the_largest_effect(paradox: xr.Dataset) -> None:
    other = paradox.rename(execution="effort")
    found = finding(other)
    assert found.holds is None
    effects = axis_effects(other)
    largest = str(effects.axis.values[effects.share.values.argmax()])
    assert f"{largest} matters most" in found.headline
    longest, shortest = extreme_cells(other)
    years = rmst(other).estimate / 52
    assert longest.rmst == pytest.approx(float(years.max()))
    assert shortest.rmst == pytest.approx(float(years.min()))


def test_one_cell_is_described(paradox: xr.Dataset) -> None:
    found = finding(paradox.isel(execution=0, misalignment=0))
    assert "are alive after 4 years" in found.headline
    assert found.numbers["alive"].se > 0


def test_listed_cells_are_named_by_their_axes(paradox: xr.Dataset) -> None:
    row = paradox.isel(misalignment=0, drop=True).rename(execution="cell")
    row = row.assign(unit_cost=("cell", row["cell"].values, {"parameter": "unit_cost"})).drop_vars("cell")
    assert "lifetime is longest at unit cost 1" in finding(row).headline


def test_listed_cells_of_many_axes_are_named_by_position_and_some_axes(paradox: xr.Dataset) -> None:
    row = paradox.isel(misalignment=0, drop=True).rename(execution="cell")
    values = row["cell"].values
    row = row.drop_vars("cell").assign(
        {
            name: ("cell", values, {"parameter": name})
            for name in ("price", "unit_cost", "alarm", "buffer_sd", "overhead")
        }
    )
    longest, _ = extreme_cells(row)
    headline = finding(row).headline
    assert f"longest at cell {longest.place['cell']} (price 1, unit cost 1, alarm 1 and 2 more axes)" in headline
    assert "overhead" not in headline


def listed(ds: xr.Dataset, values: np.ndarray) -> xr.Dataset:
    """Return the first row of a grid as listed cells of one axis."""
    row = ds.isel(misalignment=0, drop=True).rename(execution="cell").drop_vars("cell")
    return row.assign(unit_cost=("cell", values, {"parameter": "unit_cost"}))


@pytest.mark.parametrize("batches", [True, False])
def test_extreme_cells_that_cannot_be_distinguished_are_not_ranked(batches: bool) -> None:
    same = listed(counts(effect=0.0, common=False), 10 + np.arange(5) / 100)
    if not batches:
        same = same.drop_vars(["batch_firms", "batch_events", "batch_lifetime"])
    found = finding(same)
    assert "cannot be distinguished." in found.headline
    assert "lifetime is longest" not in found.sentence()
    assert ("apart." in found.statements[0]) == batches
    longest, shortest = extreme_cells(same)
    for cell in (longest, shortest):
        assert f"at unit cost {cell.where['unit_cost']:.4g}" in found.headline


def test_equal_lives_have_no_longest_and_no_shortest() -> None:
    found = finding(listed(counts(effect=0.0), np.arange(5.0)))
    assert found.headline.startswith("In all of 5 cells the mean lifetime within 4 years is the same, ")
    alone = finding(counts(effect=0.0).isel(misalignment=0, drop=True).rename(execution="effort"))
    assert alone.headline.startswith("In all of 5 cells the mean lifetime within 4 years is the same, ")


def test_a_finding_says_where_no_firm_or_every_firm_exits_at_once() -> None:
    same = listed(counts(effect=0.0), np.arange(5.0))
    nothing = xr.zeros_like(same["events"])
    assert finding(same.assign(events=nothing)).headline.endswith(": no firm had an event.")
    nothing[{"week": 0, "cause": 0}] = same["firms"]
    assert finding(same.assign(events=nothing)).headline.endswith(": all firms had their event by the first week.")
    assert "had" not in finding(same).headline


def test_an_effect_without_limits_is_not_reported_as_tested(paradox: xr.Dataset) -> None:
    line = paradox.isel(misalignment=0, drop=True).rename(execution="effort")
    few = finding(line.drop_vars(["batch_firms", "batch_events", "batch_lifetime"]))
    assert few.headline.startswith("Effort has an estimated effect on the mean lifetime within 4 years: ")
    assert few.headline.endswith("years (standard error unknown) from its lowest value to its highest.")
    assert finding(line).headline.startswith(
        "Effort matters to the mean lifetime within 4 years: raising it from 0 to 1 lengthens life by "
    )


def test_an_axis_is_compared_where_both_its_ends_have_estimates(paradox: xr.Dataset) -> None:
    other = without(paradox.rename(execution="effort"), effort=[0], misalignment=[4])
    whole = rmst(paradox).estimate / 52
    ends = whole.isel(execution=-1) - whole.isel(execution=0)
    assert axis_effects(other).estimate.values[0] == pytest.approx(float(ends[:4].mean()))
    assert "Of the 24 with an estimate, of 25 cells" in finding(other).sentence()
