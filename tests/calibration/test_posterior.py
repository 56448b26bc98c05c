"""The posterior: known truth, even ranks, the same draws from the same seed, files that others can read."""

from __future__ import annotations

import functools
import itertools
import json

import numpy as np
import pytest
import xarray as xr
from tests.bounded import Bounded, chance_of_deviation, of_deviation, times

from firmfate.calibration import (
    ParameterRange,
    SimulatedSurvival,
    SurvivalTable,
    calibrate_posterior,
    calibrate_posteriors,
    draws_table,
    establishment_table,
)
from firmfate.calibration.exits import ExitLikelihood, exits_of, roots_of
from firmfate.calibration.posterior_summary import directions
from firmfate.cli import main
from firmfate.errors import EstimateError
from firmfate.study import Study

from . import simulation_based as sbc

SMALL = {"firms": 300, "points": 64, "particles": 40, "moves": 3, "checked": 16}


@pytest.fixture(scope="module")
def small():
    _, table = sbc.cohort(3)
    return calibrate_posterior("car", table, sbc.FREE, parameters=sbc.STILL, **SMALL)


def test_a_posterior_of_distributions_alone_has_no_draws_for_a_study():
    runs = (("chain", "draw"), [[0.1, 0.2], [0.3, 0.4]])
    posterior = xr.Dataset({"population.buffer.mean": runs, "misfit": runs})
    summary = xr.Dataset({"ess_bulk": ("parameter", [np.nan, 4.0])})
    tree = xr.DataTree.from_dict({"posterior": posterior, "summary": summary})
    assert draws_table(tree).empty
    tree["posterior"] = xr.DataTree(posterior.rename({"population.buffer.mean": "buffer"}))
    assert len(draws_table(tree)) == 4
    tree["summary"] = xr.DataTree(xr.Dataset({"ess_bulk": ("parameter", [np.nan, np.nan])}))
    assert len(draws_table(tree)) == 2


def test_groups_are_those_of_arviz_and_are_read_back(small, tmp_path):
    small.to_netcdf(tmp_path / "posterior.nc")
    with xr.open_datatree(tmp_path / "posterior.nc") as read:
        assert set(read["posterior"].data_vars) == {"buffer_mean", "drift", "misfit"}
        for group in ("posterior", "posterior_predictive", "sample_stats"):
            assert dict(read[group].sizes).items() >= {"chain": 8, "draw": 40}.items()
        assert read["posterior_predictive"]["alive"].sizes["age"] == len(sbc.AGES)
        np.testing.assert_allclose(read["emulated"]["share"].sum("exit_age"), 1, atol=1e-5)
        assert {"difference", "difference_se", "error", "chi_squared"} <= set(read["emulator"].data_vars)
        assert read.attrs["target"] == "cohort 3"
    drawn = small["posterior"].to_dataset()
    for key, (low, high, *_) in {**sbc.FREE, "misfit": (0.001, 0.05)}.items():
        assert ((drawn[key] >= low) & (drawn[key] <= high)).all()


def test_draws_follow_from_the_seed_on_any_number_of_threads(small):
    _, table = sbc.cohort(3)
    again = calibrate_posterior("car", table, sbc.FREE, parameters=sbc.STILL, threads=2, **SMALL)
    for key in ("drift", "misfit"):
        np.testing.assert_array_equal(again["posterior"][key], small["posterior"][key])
    np.testing.assert_array_equal(again["posterior_predictive"]["alive"], small["posterior_predictive"]["alive"])
    other = calibrate_posterior("car", table, sbc.FREE, parameters=sbc.STILL, seed=2, **SMALL)
    assert not np.array_equal(other["posterior"]["drift"], small["posterior"]["drift"])


def test_directions_say_what_was_narrowed():
    random = np.random.Generator(np.random.Philox(3))
    along, across, free = random.uniform(size=(3, 50, 2_000)) - 0.5
    cube = np.stack([0.5 + along / 2 + across / 20, 0.5 - along / 2 + across / 20, 0.5 + free], axis=-1)
    found = directions(cube, ["a", "b", "c"])
    assert found["narrowed"].values == pytest.approx([10 * np.sqrt(2), np.sqrt(2), 1], rel=0.02)
    assert np.abs(found["weight"].values[0]) == pytest.approx([0.5**0.5, 0.5**0.5, 0], abs=0.02)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"particles": 4}, "particles = 4; allowed: an integer from 20"),
        ({"moves": 0}, "moves = 0; allowed: an integer from 1"),
        ({"points": 100}, "points = 100; allowed: a power of two"),
        ({"points": 32}, "32 of 32 points could be simulated, and an emulator of 2 parameters needs 40"),
        ({"waves": 0}, "waves = 0; allowed: an integer from 1"),
    ],
)
def test_refuses_what_cannot_be_sampled(options, message):
    _, table = sbc.cohort(3)
    with pytest.raises(EstimateError, match=message):
        calibrate_posterior("car", table, sbc.FREE, parameters=sbc.STILL, **{**SMALL, **options})


def test_needs_numbers_of_firms():
    table = SurvivalTable(np.array([1.0]), np.array([0.8]))
    with pytest.raises(EstimateError, match="needs numbers of firms"):
        calibrate_posterior("car", table, sbc.FREE, parameters=sbc.STILL, **SMALL)


def test_command_writes_draws(tmp_path, capsys):
    study = tmp_path / "car.toml"
    study.write_text('[study]\nname = "made"\nmodel = "car"\n[parameters]\nexecution = 0\nmisalignment = 0\n')
    words = ["calibrate", str(study), "--sector", "Manufacturing", "--cohort", "2012-2013", "--posterior", "--json"]
    words += ["--free", "drift=-0.6:0", "--firms", "300", "--points", "64", "--particles", "40", "--moves", "3"]
    words += ["--waves", "1"]
    assert main([*words, "--into", str(tmp_path / "fit")]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["target"] == "Manufacturing 2012-2013"
    with xr.open_datatree(tmp_path / "fit" / "posterior.nc") as read:
        assert printed["parameters"]["drift"]["mean"] == pytest.approx(float(read["posterior"]["drift"].mean()))
        drawn = read["posterior"]["drift"].values
        worth = float(read["summary"]["ess_bulk"].min())
        assert read.attrs["waves"] == 1
        assert int(read["observed_data"]["firms"]) == establishment_table("Manufacturing", range(2012, 2014)).firms
    study.write_text('[study]\nname = "over"\nmodel = "car"\nyears = 5\n[posterior]\ndraws = "fit/draws.csv"\n')
    design = Study.read(study).design
    assert np.isin(np.float32(design.points(0)[:, 0]), np.float32(drawn)).all()
    assert design.count <= worth
    assert design.count > 10


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--sector", "Manufacture", "--cohort", "1994"], "did you mean 'Manufacturing'"),
        (["--sector", "Manufacturing", "--cohort", "March"], "--cohort March; of a sector a year, 1994, or several"),
        (["--sector", "Manufacturing", "--cohort", "1994", "--to", "a.csv"], "leave out --to and --series"),
        (["--series", "BLS_BED_manufacturing", "--cohort", "2013-03"], "needs numbers of firms"),
    ],
)
def test_command_refuses_tables_that_are_none(tmp_path, capsys, words, message):
    study = tmp_path / "car.toml"
    study.write_text('[study]\nname = "made"\nmodel = "car"\n')
    given = ["calibrate", str(study), "--posterior", "--free", "drift=-1:0", "--into", str(tmp_path / "fit"), *words]
    assert main(given) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1


def test_tables_share_points_and_an_interrupted_run_goes_on(tmp_path):
    tables = [sbc.cohort(seed)[1] for seed in (3, 4)]
    options = {**SMALL, "parameters": sbc.STILL, "folder": tmp_path}
    both = calibrate_posteriors("car", tables, sbc.FREE, **options)
    assert [tree.attrs["target"] for tree in both] == ["cohort 3", "cohort 4"]
    assert float(both[0]["posterior"]["drift"].mean()) != float(both[1]["posterior"]["drift"].mean())
    held = sorted(tmp_path.iterdir())
    assert len(held) == 3  # two waves, and the draws that were checked
    held[0].unlink()
    again = calibrate_posteriors("car", tables, sbc.FREE, **options)
    assert sorted(tmp_path.iterdir()) == held
    np.testing.assert_array_equal(again[1]["posterior"]["drift"], both[1]["posterior"]["drift"])
    calibrate_posteriors("car", tables, sbc.FREE, **{**options, "firms": 301})
    assert len(list(tmp_path.iterdir())) == 6


@pytest.mark.slow
@pytest.mark.bounded(power=0.99, against="a truth that is off by 6 standard deviations of its posterior")
def test_a_known_truth_is_found_again(bounded: Bounded):
    @functools.cache
    def posteriors(sample):
        """Return true values, those of another cohort, and the posterior, of several cohorts."""
        seeds = range(11, 12) if not sample else range(1000 * sample, 1000 * sample + times(sample))
        given = {"parameters": sbc.STILL, "misfit": sbc.MISFIT, "points": 128}
        cohorts = [(*sbc.cohort(seed), sbc.cohort(seed + 1)[0]) for seed in seeds]
        return [
            (t, other, calibrate_posterior("car", table, sbc.FREE, seed=seed, **given))
            for seed, (t, table, other) in zip(seeds, cohorts, strict=True)
        ]

    def p_values(sample, strange=False):
        """Deviations of several cohorts add up to one."""
        off = []
        for true, other, tree in posteriors(sample):
            summary = tree["summary"].to_dataset().sel(parameter=[*sbc.FREE])
            values = np.array([(other if strange else true)[key] for key in sbc.FREE])
            off.append((values - summary["mean"].values) / summary["sd"].values)
        return of_deviation(np.sum(off, axis=0) / len(off) ** 0.5)

    assert not bounded.refuses(p_values)
    # Another truth lies outside: the draws know something.
    assert bounded.refuses(lambda sample: p_values(sample, strange=True))
    bounded.sees(chance_of_deviation(6), len(sbc.FREE))
    ((_, _, found),) = posteriors(0)
    summary = found["summary"].to_dataset()
    assert float(summary["r_hat"].max()) < 1.05
    assert float(found["runs"]["log_evidence"].std()) < 0.2
    assert 0.6 < float(found["emulator"]["chi_squared"]) < 1.4
    for key in sbc.FREE:
        low, high = sbc.FREE[key]
        assert float(summary["sd"].sel(parameter=key)) < (high - low) / 12**0.5, key


@pytest.mark.slow
def test_draws_are_those_of_the_direct_likelihood():
    """The likelihood of 50,000 simulated firms on a grid of both parameters, against draws of the emulated one."""
    _, table = sbc.cohort(11)
    tree = calibrate_posterior("car", table, sbc.FREE, parameters=sbc.STILL, misfit=sbc.MISFIT, points=512)
    lattice = (np.arange(24) + 0.5) / 24
    units = np.stack(np.meshgrid(lattice, lattice, indexing="ij"), axis=-1).reshape(-1, 2)
    simulated = SimulatedSurvival("car", sbc.AGES, sbc.FREE, parameters=sbc.STILL)
    alive = simulated.curves(units, firms=20_000, seed=5)
    shares = -np.diff(np.concatenate([np.ones((len(units), 1)), alive, np.zeros((len(units), 1))], axis=1), axis=1)
    direct = ExitLikelihood(exits_of(table), ParameterRange(*sbc.MISFIT), np.zeros((6, 6)))(roots_of(20_000 * shares))
    weight = np.exp(direct - direct.max())
    weight /= weight.sum()
    for place, key in enumerate(sbc.FREE):
        values = np.array([simulated.values(unit)[key] for unit in units])
        mean = float(weight @ values)
        sd = float(weight @ (values - mean) ** 2) ** 0.5
        row = tree["summary"].to_dataset().sel(parameter=key)
        assert abs(float(row["mean"]) - mean) < 0.2 * sd, place
        assert float(row["sd"]) == pytest.approx(sd, rel=0.2)


def test_ranks_are_as_uneven_as_they_would_be_by_chance():
    """All ways of 7 ranks in 3 bins."""
    ways = np.array(list(itertools.product(range(3), repeat=7)))
    p_values = np.array([sbc.p_value((way + 0.5) / 3, bins=3) for way in ways])
    for level in np.unique(p_values):
        assert (p_values <= level * (1 + 1e-9)).mean() == pytest.approx(level, rel=1e-9)
    assert sbc.p_value(np.zeros(500)) < 1e-12


def check_ranks(bounded, cohorts, first, *, narrow, shift, control):
    """Return ranks of the truth, and those among draws that are too narrow by a factor, the control."""

    @functools.cache
    def ranks(sample):
        begin = first + 10_000 * sample
        return sbc.ranks(range(begin, begin + cohorts * times(sample)), narrow=control)

    def p_values(sample, place):
        return [sbc.p_value(rank) for rank in ranks(sample)[place].values()]

    assert not bounded.refuses(lambda sample: p_values(sample, 0))
    assert bounded.refuses(lambda sample: p_values(sample, 1))
    for off in ({"narrow": narrow}, {"shift": shift}):
        bounded.sees(lambda level, grown, off=off: sbc.power(cohorts * grown, **off, level=level), 3)
    return ranks(0)


@pytest.mark.slow
@pytest.mark.bounded(power=0.9, against="posteriors half as wide as they should be, or off by 0.75 of their sd")
def test_ranks_of_the_truth_are_even(bounded: Bounded):
    check_ranks(bounded, 100, 100, narrow=2, shift=0.75, control=3)


@pytest.mark.evidence
@pytest.mark.bounded(power=0.9, against="posteriors 1.25 times too narrow, or off by a quarter of their sd")
def test_ranks_of_the_truth_are_even_over_many_cohorts(record_property, bounded: Bounded):
    found, close = check_ranks(bounded, 500, 1_000, narrow=1.25, shift=0.25, control=1.25)
    record_property("p-values", {key: sbc.p_value(rank) for key, rank in found.items()})
    record_property("p-values, draws made too narrow", {key: sbc.p_value(rank) for key, rank in close.items()})
    record_property("mean rank", {key: float(rank.mean()) for key, rank in found.items()})
