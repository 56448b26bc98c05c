"""Calibration: known parameters are found again, and the bundled table is what its source says."""

from __future__ import annotations

import functools
import json

import numpy as np
import pytest
from tests.bounded import Bounded, chance_of_deviation, chance_of_spread, of_deviation, of_mean, of_spread, times

from firmfate import Study
from firmfate.calibration import (
    ParameterRange,
    SimulatedSurvival,
    SurvivalTable,
    calibrate,
    read_survival_table,
)
from firmfate.cli import main
from firmfate.errors import EstimateError, StudyError

CAR = {"buffer_mean": (-0.5, 2.0), "buffer_sd": (0.3, 2.0), "drift": (-0.6, 0.1)}
STILL = {"execution": 0, "misalignment": 0}


def black_cox(ages: np.ndarray, mean: float, sd: float, drift: float) -> np.ndarray:
    """Survival of a car with a log-normal start (Black & Cox 1976), by quadrature; shares nothing with the package."""
    from scipy.special import log_ndtr, ndtr, roots_hermitenorm

    nodes, weights = roots_hermitenorm(80)
    start = np.exp(mean + sd * nodes)[:, None]
    root = np.sqrt(ages)
    alive = ndtr((start + drift * ages) / root) - np.exp(-2 * drift * start + log_ndtr((-start + drift * ages) / root))
    return weights @ alive / weights.sum()


def test_finds_a_known_truth_again():
    ages = np.array([0.5, 1, 2, 3, 5, 8, 12, 20])
    truth = {"buffer_mean": 0.571, "buffer_sd": 0.799, "drift": -0.167}
    table = SurvivalTable(ages, black_cox(ages, *truth.values()), name="exact")
    found = calibrate("car", table, CAR, parameters=STILL, firms=8_000, screen=32, starts=1, refits=4)
    assert float(found["max_error"][0]) < 0.015
    for key, within in (("buffer_mean", 0.06), ("buffer_sd", 0.05), ("drift", 0.02)):
        assert float(found["value"].sel(parameter=key)[0]) == pytest.approx(truth[key], abs=within), key
        assert 0 < float(found["se"].sel(parameter=key)) < within, key
    assert not found["at_bound"].isel(fit=0).any()
    assert (found["signal_to_noise"].values[:2] > 5).all()


def test_fits_are_validated_on_other_firms():
    ages, free = np.array([1.0, 4, 10]), {"drift": ParameterRange(-0.6, 0.1)}
    table = SurvivalTable(ages, np.array([0.8, 0.5, 0.3]))
    found = calibrate("car", table, free, parameters=STILL, firms=4_000, screen=16, starts=1, refits=0, seed=9)
    simulated = SimulatedSurvival("car", ages, free, parameters=STILL)
    unit = [[(float(found["value"].isel(fit=0, parameter=0)) + 0.6) / 0.7]]
    fitted = found["fitted"].isel(fit=0).values
    # To the share of one firm, which rounding of the value may move.
    np.testing.assert_allclose(simulated.curves(unit, firms=20_000, seed=10)[0], fitted, atol=1e-4)
    assert np.abs(simulated.curves(unit, firms=20_000, seed=9)[0] - fitted).max() > 1e-3


def test_a_model_that_cannot_fit_has_a_large_error():
    ages = np.array([1.0, 2.0, 10.0])
    table = SurvivalTable(ages, np.array([0.5, 0.49, 0.48]), name="abrupt")
    found = calibrate(
        "car", table, {"drift": (-0.6, 0.1)}, parameters={**STILL, "buffer_sd": 0.1}, firms=4_000, screen=16, starts=1,
        refits=0,
    )  # fmt: skip
    assert float(found["max_error"][0]) > 0.1


def test_bundled_table_is_the_bureaus():
    table = read_survival_table(series="BLS_BED_total_private", cohort="1994-03")
    assert table.firms == 569_419
    assert len(table.ages) == 23
    np.testing.assert_allclose(table.surviving[[0, 9, 22]], [453134 / 569419, 191428 / 569419, 102360 / 569419])
    rounded = read_survival_table(series="BLS_BED_manufacturing", cohort="2013-03")
    assert rounded.firms is None
    assert rounded.rounding == 0.001
    assert (np.diff(rounded.surviving) < 0).all()


@pytest.mark.bounded(power=0.99, against="a variance off by 20 %, a correlation off by 0.1, or a mean off by 0.0025")
def test_sampling_error_of_a_table_is_binomial(bounded: Bounded):
    table, tables = SurvivalTable(np.array([1.0, 2.0, 5.0]), np.array([0.8, 0.6, 0.3]), firms=400), 4_000
    sd, pairs = np.sqrt(np.diag(table.covariance)), np.triu_indices(3, 1)
    correlation = (table.covariance / np.outer(sd, sd))[pairs]

    @functools.cache
    def drawn(sample):
        random = np.random.Generator(np.random.Philox(5 + sample))
        return np.array([table.redrawn(random) for _ in range(tables * times(sample))])

    def p_values(sample, factor=1.0):
        values = drawn(sample)
        together = (np.arctanh(np.corrcoef(values.T)[pairs]) - np.arctanh(correlation)) * np.sqrt(len(values) - 3)
        spread = of_spread(values.std(axis=0, ddof=1) / sd / factor, len(values) - 1)
        return [*spread, *of_deviation(together), *of_mean(values, table.surviving)]

    assert not bounded.refuses(p_values)
    assert bounded.refuses(lambda sample: p_values(sample, 1.2**0.5))
    bounded.sees(chance_of_spread(1.2**0.5, tables - 1), 9)
    bounded.sees(chance_of_deviation((np.arctanh(correlation + 0.1) - np.arctanh(correlation)).min() * tables**0.5), 9)
    bounded.sees(chance_of_deviation(0.0025 / sd.max() * tables**0.5), 9)


def test_points_are_simulated_as_a_study_would():
    free = {"cash_buffer": ParameterRange(1, 20, log=True), "population.execution.a": ParameterRange(0.5, 4)}
    people = {"execution": {"beta": {"a": 2, "b": 2}}}
    simulated = SimulatedSurvival("firm", np.array([1.0, 4.0]), free, population=people, threads=2)
    curves = simulated.curves([[0.2, 0.5], [0.9, 0.1]], firms=300, seed=7)
    values = simulated.values([0.9, 0.1])
    assert values == {"cash_buffer": pytest.approx(20**0.9), "population.execution.a": pytest.approx(0.85)}
    tables = simulated.tables(values)
    assert tables["parameters"]["cash_buffer"] == values["cash_buffer"]
    assert tables["population"]["execution"]["beta"]["a"] == values["population.execution.a"]
    Study(**tables)
    alone = simulated.curves([[0.9, 0.1]], firms=300, seed=7)
    np.testing.assert_array_equal(alone[0], curves[1])
    assert (np.diff(curves, axis=1) <= 0).all()
    assert not np.array_equal(curves[0], curves[1])


@pytest.mark.parametrize(
    ("free", "message"),
    [
        ({"cash_bufer": (1, 2)}, "cash_buffer"),
        ({"cash_buffer": (2, 1)}, "low must be below high"),
        ({"lapse_share": (0, 2)}, "lapse_share"),
        ({"population.execution.a": (1, 2)}, "no distribution of 'execution'"),
    ],
)
def test_refuses_ranges_that_cannot_be(free, message):
    table = SurvivalTable(np.array([1.0]), np.array([0.8]))
    with pytest.raises(StudyError, match=message):
        calibrate("firm", table, free, firms=10, screen=2, starts=1, refits=0)


def test_refuses_tables_that_are_none(tmp_path):
    with pytest.raises(EstimateError, match="holds several series; choose one"):
        read_survival_table()
    with pytest.raises(EstimateError, match="did you mean 'BLS_BED_manufacturing'"):
        read_survival_table(series="BLS_BED_manufacture", cohort="2013-03")
    with pytest.raises(EstimateError, match="not rise"):
        SurvivalTable(np.array([1.0, 2.0]), np.array([0.5, 0.8]))
    other = tmp_path / "other.csv"
    other.write_text("age,alive\n1,80\n")
    with pytest.raises(EstimateError, match="no column 'age_years'"):
        read_survival_table(other)


def test_command_writes_a_study_that_can_be_run(tmp_path, capsys):
    study = tmp_path / "population.toml"
    study.write_text(
        '[study]\nname = "made"\nmodel = "car"\nseed = 3\n\n[parameters]\nexecution = 0\nmisalignment = 0\n'
    )
    table = tmp_path / "a name\nof two lines.csv"  # which goes into a comment
    seen = read_survival_table(series="BLS_BED_manufacturing", cohort="2013-03")
    rows = [f"{age},{100 * share}\n" for age, share in zip(seen.ages, seen.surviving, strict=True)]
    table.write_text("age_years,surviving_pct\n" + "".join(rows))
    words = [
        "calibrate",
        str(study),
        "--to",
        str(table),
        "--into",
        str(tmp_path / "fit"),
    ]
    words += [
        "--free",
        "drift=-0.6:0.1",
        "--free",
        "buffer_mean=-0.5:2",
        "--firms",
        "2000",
        "--starts",
        "1",
        "--refits",
        "2",
    ]
    assert main([*words, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    written = Study.read(tmp_path / "fit" / "calibrated.toml")
    assert written.parameters["drift"] == pytest.approx(printed["values"]["drift"])
    assert printed["largest_difference"] < 0.05
    assert (tmp_path / "fit" / "calibration.nc").is_file()


@pytest.mark.parametrize("more", [[], ["--posterior"]])
@pytest.mark.parametrize("name", ["a\\b", "a\udcff"])
def test_command_refuses_a_name_that_netcdf_cannot_open_before_it_fits(tmp_path, capsys, monkeypatch, name, more):
    study = tmp_path / "population.toml"
    study.write_text('[study]\nname = "made"\nmodel = "car"\n')
    for fit in ("calibrate", "calibrate_posterior"):
        monkeypatch.setattr(f"firmfate.calibration.{fit}", None)
    words = ["calibrate", study, "--free", "drift=-1:0", "--series", "BLS_BED_manufacturing", "--cohort", "2013-03"]
    assert main([str(word) for word in [*words, "--into", tmp_path / name, *more]]) == 2
    assert "the netCDF library cannot open files by this name" in capsys.readouterr().err
    assert not (tmp_path / name).exists()


def test_command_refuses_axes(tmp_path, capsys):
    study = tmp_path / "grid.toml"
    study.write_text('[study]\nname = "grid"\n\n[grid]\nexecution = [0.1, 0.9]\n')
    assert main(["calibrate", str(study), "--free", "cash_buffer=1:20", "--into", str(tmp_path / "fit")]) == 2
    assert "axes (execution)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1,90\n# a comment\n\n2,abc\n", "line 6: surviving_pct = 'abc'; allowed: a number from 0 to 100, in percent"),
        ("1,90\n2,120\n", "line 4: surviving_pct = '120'; allowed: a number from 0 to 100"),
        ("1,\n2,80\n", "line 3: surviving_pct = ''; allowed: a number from 0 to 100"),
        ("1\n2,80\n", "line 3: surviving_pct = ''; allowed: a number from 0 to 100"),
        ("1,90,7\n2,80,7\n", "its rows have more fields than its first line names"),
        ("1,nan\n", "line 3: surviving_pct = 'nan'; allowed: a number from 0 to 100"),
        ("one,90\n", "line 3: age_years = 'one'; allowed: a number of years from 0 to 1000"),
        ("-1,90\n", "line 3: age_years = '-1'; allowed: a number of years from 0 to 1000"),
        ("1,50\n2,80\n", "must not rise with age; at 2 years it is 0.8, after 0.5"),
    ],
)
def test_command_names_the_line_of_a_table_that_cannot_be(tmp_path, capsys, rows, message):
    study, table = tmp_path / "car.toml", tmp_path / "seen.csv"
    study.write_text('[study]\nname = "made"\nmodel = "car"\n')
    table.write_text("# what was seen\nage_years,surviving_pct\n" + rows)
    words = ["calibrate", study, "--to", table, "--free", "drift=-1:0", "--into", tmp_path / "fit"]
    assert main([str(word) for word in words]) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1


def test_a_table_with_numbers_of_survivors_is_known_to_more_digits(tmp_path):
    table = tmp_path / "seen.csv"
    table.write_text("age_years,surviving_pct,n_surviving\n0,100,3000\n2,33.3,1000\n1,66.7,2000\n")
    read = read_survival_table(table)
    assert (read.firms, read.rounding) == (3000, 0.0)
    assert read.surviving == pytest.approx([2 / 3, 1 / 3])
    table.write_text("age_years,surviving_pct,n_surviving\n0,100,3000\n2,33.3,\n1,66.7,2000\n")
    assert read_survival_table(table).surviving == pytest.approx([0.667, 0.333])


def test_command_refuses_a_parameter_that_is_named_twice(tmp_path, capsys):
    study = tmp_path / "car.toml"
    study.write_text('[study]\nname = "made"\nmodel = "car"\n')
    words = ["calibrate", str(study), "--free", "drift=-1:0", "--free", "drift=-2:0", "--into", str(tmp_path / "fit")]
    assert main(words) == 2
    assert "--free drift is written twice" in capsys.readouterr().err
    assert not (tmp_path / "fit").exists()


@pytest.mark.parametrize("given", ["misalignment.sales", "misalignment_sales", "a nested table"])
@pytest.mark.parametrize("free", ["misalignment.sales", "misalignment_sales"])
def test_a_free_part_takes_the_place_of_its_value_however_both_are_written(free, given):
    parameters = {"misalignment": {"sales": 0.7}} if given == "a nested table" else {given: 0.7}
    people = {"execution_sales": {"beta": {"a": 2, "b": 2}}}
    ranges = {free: (0.0, 1.0), "population.execution_sales.a": (1.0, 3.0)}
    simulated = SimulatedSurvival("firm", np.array([1.0]), ranges, parameters=parameters, population=people)
    assert simulated.values([0.25, 0.5]) == {"misalignment.sales": 0.25, "population.execution.sales.a": 2.0}
    tables = simulated.tables(simulated.values([0.25, 1.0]))
    assert tables["parameters"] == {"misalignment.sales": 0.25}
    assert tables["population"] == {"execution.sales": {"beta": {"a": 3.0, "b": 2}}}


def test_one_free_part_under_two_names_is_refused():
    ranges = {"misalignment.sales": (0.0, 1.0), "misalignment_sales": (0.0, 0.5)}
    with pytest.raises(
        StudyError, match=r"^free misalignment.sales is written twice, with '\.' and with '_'; keep one$"
    ):
        SimulatedSurvival("firm", np.array([1.0]), ranges)


def test_one_refit_gives_no_error(tmp_path, capsys):
    study, table = tmp_path / "car.toml", tmp_path / "seen.csv"
    study.write_text('[study]\nname = "made"\nmodel = "car"\n\n[parameters]\nexecution = 0\nmisalignment = 0\n')
    table.write_text("age_years,surviving_pct\n1,80\n")
    words = ["calibrate", study, "--to", table, "--free", "drift=-0.6:0.1", "--firms", 10, "--starts", 1, "--refits", 1]
    words = [str(word) for word in (*words, "--into", tmp_path / "fit")]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "nan" not in printed
    assert "standard error" not in printed
    assert "errors of these values need --refits 2 or more" in printed
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["se"] == {"drift": None}
