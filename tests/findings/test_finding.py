"""The finding in words: what it says agrees with the counts, and with the truth of a process that is known."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from paradox_counts import counts, true_lifetime, true_turning_point

from firmfate.errors import EstimateError
from firmfate.findings import axis_effects, extreme_cells, finding, phase_map, poles, turning_point
from firmfate.findings.lifetimes import Lifetimes
from firmfate.findings.turning import zero
from firmfate.findings.words import Estimated, decimals, number
from firmfate.survival import contrast, example, rmst


@pytest.fixture(scope="module")
def paradox() -> xr.Dataset:
    return counts()


def test_the_paradox_is_found_where_it_is_built_in(paradox: xr.Dataset) -> None:
    found = finding(paradox)
    assert found.holds is True
    assert "The paradox holds" in found.sentence()
    for name, misalignment in (("effect aligned", 0.0), ("effect misaligned", 1.0)):
        truth = true_lifetime(1.0, misalignment) - true_lifetime(0.0, misalignment)
        value = found.numbers[name]
        assert abs(value.estimate - truth) < 5 * value.se
        assert value.sign == np.sign(truth)
        assert f"{abs(value.estimate):.{decimals(value.se)}f} years (standard error" in found.sentence()


def test_turning_point_covers_the_truth_and_its_error_is_of_the_right_size(paradox: xr.Dataset) -> None:
    found = turning_point(paradox)
    assert abs(found.estimate - true_turning_point()) < 4 * found.se
    # Other firms, other seeds: the spread of estimates is the standard error, within the error of 24 draws.
    others = [float(turning_point(counts(seed=seed)).estimate) for seed in range(1, 25)]
    assert abs(np.mean(others) - true_turning_point()) < 4 * found.se / np.sqrt(24)
    assert 0.6 < np.std(others, ddof=1) / float(found.se) < 1.6


def test_effects_of_exactly_nothing_turn_where_they_are() -> None:
    """A cell whose firms live the same lives is the turning point, and two neighbours of it would miss."""
    misalignment = np.array([0.0, 0.25, 0.5, 0.75, 1.0])

    def turning(*effect: float) -> float:
        line = xr.DataArray(list(effect), dims="misalignment", coords={"misalignment": misalignment})
        return float(zero(line))

    assert turning(3, 2, 0, -1, -2) == 0.5
    assert turning(3, 2, 1e-12, -1, -2) == pytest.approx(0.5, abs=1e-9)
    assert turning(3, 2, -1e-12, -1, -2) == pytest.approx(0.5, abs=1e-9)
    assert turning(3, 0, 0, -1, -2) == 0.375
    assert turning(3, 0, np.nan, 0, -2) == 0.5
    assert turning(0, 3, 1, -1, 0) == 0.625
    for never in ((0, 0, 1, 2, 3), (1, 0, 1, 0, 1), (0, 0, 0, 0, 0), (1, 2, np.nan, 0, 0)):
        assert np.isnan(turning(*never))


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
    assert "not told from zero" in found.sentence()


def test_too_few_batches_leave_the_question_open(paradox: xr.Dataset) -> None:
    few = paradox.drop_vars(["batch_firms", "batch_events", "batch_lifetime"])
    found = finding(few)
    assert found.holds is None
    assert "too few firms" in found.headline
    assert "standard error unknown" in found.sentence()


def test_lifetimes_agree_with_contrast(paradox: xr.Dataset) -> None:
    direct = contrast(paradox, rmst, between=({"execution": 1.0}, {"execution": 0.0})) / 52
    ours = Lifetimes(paradox).apply(lambda years: years.sel(execution=1.0) - years.sel(execution=0.0))
    for name in ("estimate", "se", "lower", "upper"):
        np.testing.assert_allclose(ours[name], direct[name], rtol=1e-10)


def test_lifetimes_away_from_recorded_horizons_use_bins(paradox: xr.Dataset) -> None:
    ours = Lifetimes(paradox, tau=80).apply(lambda years: years.sel(execution=1.0) - years.sel(execution=0.0))
    direct = contrast(paradox, rmst, between=({"execution": 1.0}, {"execution": 0.0}), tau=80) / 52
    np.testing.assert_allclose(ours["se"], direct["se"], rtol=1e-8)


def test_phase_map_has_the_signs_and_the_contour_of_the_process(paradox: xr.Dataset) -> None:
    found = phase_map(paradox)
    assert (found.sign.sel(misalignment=0.0) == 1).all()
    assert (found.sign.sel(misalignment=1.0) == -1).all()
    assert found.rmst.attrs["units"] == "year"
    inside = found.isel(execution=slice(1, -1))
    assert (abs(inside.contour - true_turning_point()) < 5 * inside.contour_se).all()
    np.testing.assert_allclose(found.slope, contrast(paradox, rmst, along="execution").estimate / 52, rtol=1e-12)


def test_a_third_axis_is_averaged_and_told(paradox: xr.Dataset) -> None:
    three = xr.concat([paradox, counts(effect=0.5)], dim="harm", data_vars="all", join="outer").assign_coords(
        harm=[1.0, 0.5]
    )
    three = three.transpose("execution", "misalignment", "harm", ...)
    found = finding(three)
    assert "on average over harm" in found.sentence()
    assert "holds at all 2 values of harm" in found.sentence()
    alone = [finding(three.sel(harm=harm, drop=True)).numbers["effect misaligned"].estimate for harm in (1.0, 0.5)]
    assert found.numbers["effect misaligned"].estimate == pytest.approx(np.mean(alone))


def test_runs_without_a_coordinate_are_told_by_their_positions(paradox: xr.Dataset) -> None:
    runs = xr.concat([paradox, paradox], "run")
    assert "0.3976 (standard error 0.0008) at run 0" in finding(runs).sentence()
    longest, _ = extreme_cells(runs)
    assert longest.where == {"run": 0.0, "execution": 1.0, "misalignment": 0.0}
    assert finding(runs.isel(execution=0)).statements[0].startswith("Of 10 cells, firms live longest at run 0, ")


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


def test_all_invalid_is_said() -> None:
    ds = example()
    ds["invalid"] = ds["firms"]
    assert "arithmetic failed" in finding(ds).sentence()


def test_other_axes_name_the_largest_effect(paradox: xr.Dataset) -> None:
    other = paradox.rename(execution="effort")
    found = finding(other)
    assert found.holds is None
    effects = axis_effects(other)
    largest = str(effects.axis.values[np.abs(effects.estimate.values).argmax()])
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
    assert "live longest at unit cost 1" in finding(row).headline


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
    assert f"live longest at cell {longest.place['cell']} (price 1, unit cost 1, alarm 1 and 2 more axes)" in headline
    assert "overhead" not in headline


def test_poles_call_weak_what_is_nearest_to_a_twentieth() -> None:
    ds = xr.Dataset(
        {"firms": (("execution", "misalignment"), np.ones((4, 2), dtype=int))},
        coords={"execution": [0.0, 0.05, 0.5, 0.9], "misalignment": [0.1, 0.7]},
    )
    assert poles(ds) == (0.05, 0.9, 0.1, 0.7)
    assert poles(ds.isel(execution=[0])) is None


def test_turning_point_wants_both_axes() -> None:
    with pytest.raises(EstimateError, match="execution and misalignment"):
        turning_point(example().rename(execution="effort"))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Estimated(1.2345, 0.0567), "1.23 ± 0.06"),
        (Estimated(1.2345, 0.0123), "1.234 ± 0.012"),
        (Estimated(123.4, 5.0), "123 ± 5"),
        (Estimated(0.5, 0.096), "0.50 ± 0.10"),
        (Estimated(100.0, 0.0, 99.96, 100.0), "100.00 [99.96 to 100.00]"),
        (Estimated(1.5, float("nan")), "1.50 ± ?"),
        (Estimated(float("nan"), float("nan")), "–"),
    ],
)
def test_numbers_are_printed_to_the_digits_of_their_error(value: Estimated, words: str) -> None:
    assert number(value, short=True) == words
