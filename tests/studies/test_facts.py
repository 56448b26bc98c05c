"""Facts of real firms: measures of panels whose truth is known, the rule of verdicts, sources, fitted values."""

from __future__ import annotations

import functools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from tests.bounded import Bounded, chance_of_deviation, chance_of_spread, of_deviation, of_spread, times

import firmfate
from common.folder import load
from firmfate.analysis import Estimate
from firmfate.execute import Threads

FOLDER = Path(__file__).parents[2] / "studies" / "facts"
estimands, measures, exits, panels = (load("facts", name) for name in ("estimands", "measures", "exits", "panel"))


@pytest.fixture(scope="module")
def facts():
    """The facts with their ranges."""
    return estimands.facts()


def test_the_shape_of_growth_tells_a_tent_from_a_bell():
    """At evenly spaced quantiles of both."""
    even = (np.arange(20_000) + 0.5) / 20_000
    tent, bell = stats.laplace.ppf(even), stats.norm.ppf(even)
    assert measures.shape(3 * tent + 1) == pytest.approx(1, abs=0.01)
    assert measures.shape(bell) == pytest.approx(2, abs=0.01)
    assert measures.kurtosis(3 * tent + 1) == pytest.approx(3, abs=0.05)
    assert measures.kurtosis(bell) == pytest.approx(0, abs=0.01)


def test_a_firm_that_orders_in_lots_buys_more_variably_than_it_sells():
    random = np.random.default_rng(2)
    sold = random.normal(13, 1, size=(50, 40))
    lots = sold + 2 * (-1.0) ** np.arange(40)
    smooth = np.full_like(sold, 13.0) + 0.1 * sold
    assert (measures.bullwhips({"bought": lots, "sold": sold}) > 0).all()
    assert (measures.bullwhips({"bought": smooth, "sold": sold}) < 0).all()
    dead = np.where(np.arange(40) < 12, sold, np.nan)  # too short to be measured
    assert len(measures.bullwhips({"bought": dead, "sold": dead})) == 0


@pytest.mark.bounded(power=0.95, against="a coefficient that is off by 0.02")
def test_persistence_of_margins_is_the_coefficient_of_their_process(bounded: Bounded):
    @functools.cache
    def found(sample):
        """Return the coefficient, and its standard error (Hamilton 1994, equation 8.2.9)."""
        random, firms = np.random.default_rng(3 + sample), 2_000 * times(sample)
        margin = np.empty((firms, 20))
        margin[:, 0] = random.normal(size=firms) / math.sqrt(1 - 0.6**2)
        for year in range(1, 20):
            margin[:, year] = 0.6 * margin[:, year - 1] + random.normal(size=firms)
        margin[::3, 12:] = np.nan
        return measures.autocorrelation(margin), math.sqrt((1 - 0.6**2) / np.isfinite(margin[:, 1:]).sum())

    def p_values(sample, coefficient):
        value, error = found(sample)
        return of_deviation((value - coefficient) / error)

    assert not bounded.refuses(lambda sample: p_values(sample, 0.6))
    assert bounded.refuses(lambda sample: p_values(sample, 0.64))
    bounded.sees(chance_of_deviation(0.02 / found(0)[1]))


def test_recovery_is_two_years_of_profits_within_three_of_two_of_losses():
    recovers, late, beyond = [1, -1, -1, -1, 1, 1], [1, -1, -1, -1, -1, 1], [1, 1, 1, -1, -1, 1]
    dies, well = [-1, -1, 1, np.nan, np.nan, np.nan], [1, -1, 1, -1, 1, 1]
    histories = np.array([recovers, late, dies, well, beyond], dtype=float)
    found = measures.recovery({"margin": histories})
    assert found.tolist() == [1, 0, 0]


def test_failing_firms_are_misjudged_where_their_margins_tell_nothing():
    random = np.random.default_rng(4)
    years = np.arange(20)
    sound = random.normal(0.05, 0.01, size=(100, 20))
    failing = np.where(years < 12, random.normal(0.05, 0.01, size=(60, 20)), np.nan)
    cause = np.array(["censored"] * 100 + ["insolvency"] * 60)
    blind = {"margin": np.concatenate([sound, failing]), "cause": cause}
    seen = {"margin": np.concatenate([sound, failing - 0.2]), "cause": cause}
    assert 0.35 < measures.misjudged(blind) <= 0.5
    assert measures.misjudged(seen) < 0.02


def test_lead_time_that_costs_cash_later_correlates_below_zero():
    random = np.random.default_rng(5)
    lead = random.normal(5, 1, size=(40, 30))
    flow = np.zeros_like(lead)
    flow[:, 1:] = -lead[:, :-1]
    level = random.normal(0, 50, size=(40, 1))  # differences between firms do not count
    assert measures.lead_and_cash({"lead_time": lead + level, "cash_flow": flow + level}) < -0.3


@pytest.mark.slow
def test_the_hazard_ratio_is_that_of_another_package():
    random = np.random.default_rng(6)
    lifelines = pytest.importorskip("lifelines")
    pandas = pytest.importorskip("pandas")
    x = random.normal(size=600)
    weeks = np.ceil(random.exponential(200 * np.exp(-0.4 * x)))
    ended = weeks < 300
    weeks = np.minimum(weeks, 300)
    weeks += np.argsort(np.argsort(weeks, kind="stable")) * 1e-9  # without ties, of which packages differ
    table = pandas.DataFrame({"weeks": weeks, "ended": ended, "x": x})
    theirs = lifelines.CoxPHFitter().fit(table, "weeks", "ended").params_["x"]
    assert exits.log_hazard_ratio(weeks, ended, x) == pytest.approx(theirs, rel=1e-5)
    assert exits.log_hazard_ratio(weeks, ended, -x) == pytest.approx(-theirs, rel=1e-5)


def test_firms_that_end_in_the_same_week_are_at_risk_of_it_together():
    random = np.random.default_rng(11)
    x, weeks = random.normal(size=80), random.integers(1, 6, 80).astype(float)
    ended = random.uniform(size=80) < 0.7
    beta = exits.log_hazard_ratio(weeks, ended, x)
    score = 0.0  # of Breslow's partial likelihood, firm by firm
    for week, own in zip(weeks[ended], x[ended], strict=True):
        at_risk = x[weeks >= week]
        score += own - np.average(at_risk, weights=np.exp(beta * at_risk))
    assert score == pytest.approx(0, abs=1e-9)


def test_exits_by_year_are_of_those_alive():
    firms = {"cause": np.array([1, 1, 0, 2]), "event_week": np.array([52.0, 53.0, 104.0, 104.0])}
    assert exits.hazard(firms, 1).mean() == 0.25  # an event in week 52 is of the first year
    assert exits.hazard(firms, 2).tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(20.0, estimands.MET), (26.5, estimands.OPEN), (28.5, estimands.OPEN), (30.0, estimands.MISSED),
     (12.0, estimands.MISSED), (math.nan, estimands.CANNOT_SAY)],
)  # fmt: skip
def test_the_rule_of_verdicts(facts, value, expected):
    fact = facts["cash_days"]
    assert (fact.low, fact.high) == (15, 27)
    assert estimands.verdict(Estimate(value, 1.0, value - 2, value + 2), fact) == expected


@pytest.mark.bounded(power=0.99, against="an error that is twice, or half, of what it should be")
def test_an_error_is_that_of_the_mean_and_a_share_is_never_certain(bounded: Bounded):
    def parted(seed):
        values = np.random.default_rng(seed).normal(size=3_200)
        return values, [values[np.arange(3_200) % 32 != number] for number in range(32)]

    def p_values(sample, factor=1.0):
        seeds = range(7 + 100 * sample, 7 + 100 * sample + times(sample))
        said = [estimands.jackknife(lambda part: float(part.mean()), *parted(seed)).se for seed in seeds]
        return of_spread(np.sqrt(np.mean(np.square(said)) * 3_200) * factor, 31 * times(sample))

    assert not bounded.refuses(p_values)
    assert bounded.refuses(lambda sample: p_values(sample, 2))
    for factor in (0.5, 2):
        bounded.sees(chance_of_spread(factor, 31))
    values, parts = parted(7)
    alike = estimands.jackknife(lambda part: np.ones(len(part)), values, parts)
    assert alike.estimate == 1
    assert 0 < alike.se == 0.5 / 3_200


def test_every_fact_has_a_range_and_says_where_it_was_read(facts):
    readme = (FOLDER / "README.md").read_text("utf-8")
    for fact in facts.values():
        assert fact.low < fact.high, fact.key
        assert fact.source in readme, fact.key
        if not fact.key.startswith(("hazard", "size_growth")):  # computed from the package's table
            assert fact.data in readme, fact.key
        for place in fact.seen:
            assert place.startswith(("https://", "http://", "firmfate.", "a stored page")), fact.key
            assert place in readme, fact.key
    assert readme.count("**page not seen**") == len({f.source for f in facts.values() if not f.seen})


def test_cells_are_the_fits_of_the_baseline(reproduce):
    kept = reproduce.kept("baseline")
    study = firmfate.Study.read(FOLDER / "study.toml")
    names = study.cells.coords["cell"][1]
    for place, name in enumerate(names):
        values = study.cells.values(place)
        if "defaults" in name:
            assert {**study.model.defaults, "growth": values["growth"]} == pytest.approx(values)
            continue
        series, fit = name.removeprefix("growing ").split()
        for key in load("baseline", "estimands").FIRM_RANGES:
            assert values[key] == pytest.approx(kept[f"{key}_{series}_{fit}"].value.estimate, rel=1e-8), name
    assert (FOLDER / "full" / "study.toml").read_text("utf-8").partition("[[cells]]")[2] == (
        (FOLDER / "study.toml").read_text("utf-8").partition("[[cells]]")[2]
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of two cells with names, some of whose firms end early."""
    place = tmp_path_factory.mktemp("facts") / "run"
    cells = [{"name": name, "unit_cost": cost} for name, cost in (("good", 0.57), ("poor", 0.68))]
    study = firmfate.Study(study={"name": "facts", "replicates": 16, "years": 4, "seed": 3}, cells=cells)
    firmfate.run(study, into=place, on=Threads(1), progress=False).close()
    return place


@pytest.mark.slow
def test_a_panel_adds_up_the_weeks_of_every_firm(run):
    found = panels.panel(run, cells=["good", "poor"], firms=6, batches=3)
    assert dict(found.sizes) == {"cell": 2, "firm": 6, "year": 4, "quarter": 16}
    assert found["batch"].values.tolist() == [0, 1, 2, 0, 1, 2]
    for name, firm in (("good", 0), ("poor", 4)):
        here, path = found.sel(cell=name).isel(firm=firm), firmfate.replay(run, cell=name, replicate=firm)
        years = path.sizes["step"] // 52
        assert np.isfinite(here["sales"].values).sum() == years
        assert here["event_week"] == path.attrs["event_week"]
        for year in range(years):
            weeks = path.isel(step=slice(52 * year, 52 * (year + 1)))
            after = path.isel(step=min(52 * (year + 1), path.sizes["step"] - 1))
            goods, goods_after = (
                sum(float(at[key]) for key in panels.GOODS) for at in (weeks.isel(step=0), after)
            )  # fmt: skip
            profit = float((weeks.sale - weeks.spend - weeks.interest).sum()) + path.attrs["unit_cost"] * (
                goods_after - goods
            )
            assert float(here["margin"][year]) == pytest.approx(profit / float(weeks.sale.sum()))
            held = float(weeks.cash.clip(min=0).mean())
            assert float(here["cash_days"][year]) == pytest.approx(
                364 * held / float((weeks.spend + weeks.interest).sum())
            )
    assert int(np.isnan(found["sales"].sel(cell="poor")).sum()) > 0


def test_numbers_of_the_table_have_errors():
    for row in json.loads((FOLDER / "numbers.json").read_text("utf-8")):
        if row["section"] in ("The model", "Measured otherwise", "With `growth` 1") and row["estimate"] is not None:
            assert row["se"] > 0, row["name"]
