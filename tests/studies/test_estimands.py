"""What the studies rest on: exact laws, dose and speed as equivalent parameters, dashboards as the model sees them."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from scipy import integrate
from tests.bounded import Bounded, chance_of_deviation, of_mean, times

import firmfate
from common import car_law
from common.folder import load
from firmfate.study import Study

car, dashboards, way_out = (load(name, "estimands") for name in ("car", "dashboards", "way-out"))


@pytest.mark.parametrize(("x", "g"), [(1.0, 1.0), (-0.5, 0.3), (3.0, 20.0), (0.2, 5.0)])
def test_crash_before_notice_is_the_law_of_survival_met_by_an_exponential_clock(x, g):
    # One unit of distance, sigma = 1: notice = G, drift = -X G.
    notice, drift = g, -x * g
    crashed, _ = integrate.quad(
        lambda t: notice * np.exp(-notice * t) * (1 - car_law.survival(t, 1.0, drift)), 0, np.inf, limit=400
    )
    assert car_law.crash_before_notice(x, g) == pytest.approx(crashed, rel=1e-7)
    assert car_law.groups(1.0, drift, 1.0, notice) == pytest.approx((x, g))


def test_the_law_tends_to_the_ballistic_one_and_keeps_its_digits():
    x = np.array([0.1, 1.0, 10.0])
    assert car_law.crash_before_notice(x, 1e12) == pytest.approx(car_law.ballistic(x), rel=1e-6)
    assert car_law.ballistic([-1.0, 0.0]).tolist() == [0.0, 0.0]
    assert car_law.crash_before_notice([-2.0], [50.0])[0] == pytest.approx(np.exp(-100 - np.sqrt(1e4 + 100)), rel=1e-12)


@pytest.mark.bounded(power=0.99, against="a drift of -0.21 in place of -0.2")
def test_survival_of_many_is_an_average_over_distances(bounded: Bounded):
    count = 200_000

    @functools.cache
    def each(sample):
        random = np.random.default_rng(3 + sample)
        return car_law.survival(5.0, np.exp(0.5 + 0.8 * random.standard_normal(count * times(sample))), -0.2)

    right, wrong = (car_law.survival_of_many([5.0], drift, 0.5, 0.8)[0] for drift in (-0.2, -0.21))
    assert not bounded.refuses(lambda sample: of_mean(each(sample), right))
    assert bounded.refuses(lambda sample: of_mean(each(sample), wrong))
    bounded.sees(chance_of_deviation((right - wrong) / each(0).std() * np.sqrt(count)))


def test_dose_and_speed_given_alone_are_the_weak_firm():
    """With lapses off, misalignment s and adopt_time E τ give the same firms as practices that lapse."""
    execution, adopt, lapse = 0.05, 26.0, 52.0
    rate = execution / adopt + (1 - execution) / lapse
    usual = firmfate.simulate("firm", execution=execution, misalignment=1.0, replicates=2_000, seed=5, threads=1)
    split = firmfate.simulate(
        "firm", execution=execution, misalignment=execution / adopt / rate, replicates=2_000, seed=5, threads=1,
        parameters={"lapse_share": 0.0, "adopt_time": execution / rate},
    )  # fmt: skip
    # Rounding may move a life that hangs by a thread.
    assert (usual.event_week.values == split.event_week.values).mean() > 0.999
    other = firmfate.simulate(
        "firm", execution=execution, misalignment=execution / adopt / rate, replicates=2_000, seed=5, threads=1,
        parameters={"lapse_share": 0.0, "adopt_time": 2 * execution / rate},
    )  # fmt: skip
    assert (usual.event_week.values == other.event_week.values).mean() < 0.999


@pytest.fixture(scope="module")
def lives(tmp_path_factory):
    """A run of strong and weak misaligned firms."""
    place = tmp_path_factory.mktemp("lives") / "run"
    study = Study(
        study={"name": "lives", "replicates": 64, "seed": 2},
        grid={"execution": [0.05, 1.0], "misalignment": [0.0, 1.0]},
    )
    firmfate.run(study, into=place, on=firmfate.execute.Threads(1), progress=False)
    return place


@pytest.mark.parametrize("execution", [0.05, 1.0])
def test_health_and_green_kpis_follow_from_the_stocks_of_a_replay(lives, execution):
    for replicate in range(5):
        life = firmfate.replay(lives, replicate=replicate, execution=execution, misalignment=1.0)
        seen = dashboards.seen(life)
        cash, customers = life["cash"].values, life["customers"].values
        credit = 8 * life["trailing_sales"].values * np.minimum(1, customers)
        health = np.minimum(np.minimum(1, (cash + credit) / (cash[0] + 8)), 1 - 0.2 * (1 - customers))
        assert seen["health"].values == pytest.approx(health, rel=1e-9)
        assert not np.allclose(seen["health"].values, (cash + credit) / (cash[0] + 8))
        assert (seen["green"].values == (seen["kpi"].values >= -dashboards.TIE).sum(axis=0)).all()


@pytest.mark.slow
def test_paths_end_with_the_last_week_and_leave_out_the_living(lives):
    found = dashboards.derive({"alarms": lives})["lives"]
    recorded = firmfate.simulate("firm", execution=1.0, misalignment=1.0, replicates=64, seed=2, threads=1)
    died = (recorded.cause.values[0] > 0) & (recorded.event_week.values[0] >= dashboards.LEAST)
    ages = found["age"].values[found["cell"].values == "strong misaligned"]
    assert ages.tolist() == recorded.event_week.values[0][died].tolist()
    young = found.isel(firm=int(np.argmin(found["age"].values)))
    assert int(young["health"].notnull().sum()) == min(int(young["age"]), dashboards.WEEKS)
    assert bool(young["health"].sel(before=1).notnull())


def test_repairs_count_each_life_once(tmp_path):
    study = Study(
        study={"name": "repairs", "replicates": 48, "years": 10},
        grid={"execution": [1.0], "misalignment": [0.0, 1.0], "cash_buffer": [10], "correct_time": [13, 832]},
        parameters={"buffer_sd": 0, "margin_sd": 0},
    )
    firmfate.run(study, into=tmp_path / "run", on=firmfate.execute.Threads(1), progress=False)
    repairs = car.derive({"firm": tmp_path / "run"})["repairs"]
    assert float(repairs["lives"].sum()) == 48
    found = repairs["died"].sum("group").squeeze()
    # Nobody repairs within the horizon at 832 weeks, so whoever dies there dies unrepaired.
    ended = firmfate.simulate("firm", execution=1.0, misalignment=1.0, replicates=48, weeks=520, threads=1,
                              parameters={"buffer_sd": 0, "margin_sd": 0, "correct_time": 832})  # fmt: skip
    assert float(found.sel(misalignment=1.0, correct_time=832)) == float((ended.cause.values > 0).sum())
    assert float(found.sel(misalignment=1.0, correct_time=13)) < float(found.sel(misalignment=1.0, correct_time=832))
    assert np.isinf(repairs["fall"].sel(misalignment=0.0).values).all()
    assert (repairs["fall"].sel(misalignment=1.0).values < 520).all()


def test_levers_of_the_way_out_are_the_defaults_when_off():
    from firmfate.models import load_model

    defaults = load_model("firm").defaults
    assert {name: defaults[name] for name in way_out.OFF} == way_out.OFF
