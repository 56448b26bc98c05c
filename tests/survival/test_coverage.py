"""Do the errors of observed firms, and of the regressions and tests of competing causes, hold what they promise?

Every share of intervals that hold the truth (or of tests that reject where nothing is to be found) is compared with
its nominal value by the binomial law, and beside each stands a control, a plausible mistake, that the same comparison
must find. Samples are of `tests.bounded`: those that do not decide are followed by larger ones.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pytest
import xarray as xr
from tests.bounded import Bounded, chance_of_share, of_share, times

from firmfate import survival as s

Z = NormalDist().inv_cdf(0.975)
HORIZON = 60
BETWEEN = ({"group": 1}, {"group": 0})
Found = dict[str, float]


def held(found: xr.Dataset, truth: float) -> float:
    return float(((found.lower <= truth) & (truth <= found.upper)).mean())


def within(estimate: xr.DataArray, half: xr.DataArray, truth: float) -> float:
    return float((abs(estimate - truth) <= half).mean())


def observed(
    repetitions: int, sizes: tuple[int, int], rates: tuple[float, float], *, seed: int, late: bool = False
) -> xr.Dataset:
    """Independent firms of two groups with exponential lifetimes, two causes, some censored early, (repetition, group).

    With ``late`` half the firms are seen from a random week on alone.
    """
    random = np.random.Generator(np.random.Philox(seed))
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("repetition", "group", "week", "end", "since")}
    for group, (size, rate) in enumerate(zip(sizes, rates, strict=True)):
        shape = (repetitions, size)
        since = np.where(random.random(shape) < 0.5, random.integers(1, 16, shape), 0) if late else np.zeros(shape, int)
        # Given that it survives until it is observed, an exponential lifetime begins anew.
        lived = since + np.ceil(random.exponential(1 / rate, shape)).astype(int)
        left = since + random.integers(20, 100, shape)
        end = np.where(lived > np.minimum(left, HORIZON), "", np.where(random.random(shape) < 0.6, "a", "b"))
        each = np.minimum(np.minimum(lived, left), HORIZON)
        values = (np.broadcast_to(np.arange(repetitions)[:, None], shape), np.full(shape, group), each, end, since)
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value.ravel())
    table = {name: np.concatenate(column) for name, column in columns.items()}
    return s.counts_from_table(
        table, duration="week", cause="end", covariates=["repetition", "group"], horizon=HORIZON, causes=["a", "b"],
        bin_weeks=5, entry="since" if late else None,
    )  # fmt: skip


def alive(rate: float) -> np.ndarray:
    return np.exp(-rate * np.arange(HORIZON + 1))


def unrelated_groups(repetitions: int, sample: int) -> Found:
    """Differences of groups of 15 and 25 firms; the control takes the error of the first for that of the difference."""
    rates = (0.02, 0.035)
    ds = observed(repetitions, (15, 25), rates, seed=1 + 100 * sample)
    gap = alive(rates[1]) - alive(rates[0])
    mean, curve = (s.contrast(ds, f, between=BETWEEN) for f in (s.rmst, s.kaplan_meier))
    share = s.contrast(ds, s.cumulative_incidence, between=BETWEEN).sel(cause="a", week=30)
    ratio = s.hazard_ratio(ds, between=BETWEEN, bin_weeks=30).isel(bin=0)
    one = s.rmst(ds).se.sel(group=1)
    hazards = 1 - np.exp(-np.array(rates))
    return {
        "difference of means": held(mean, gap[:-1].sum()),
        "difference of survival": held(curve.sel(week=30), gap[30]),
        "difference of incidence": held(share, -0.6 * gap[30]),
        "ratio of hazards": held(ratio, hazards[1] / hazards[0]),
        "control: error of one group": within(mean.estimate, Z * one, gap[:-1].sum()),
    }


def rare_events(repetitions: int, sample: int) -> Found:
    """Survival of 97 % among 20 firms: often no event at all. The control adds up variances, of which some are 0."""
    ds = observed(repetitions, (20, 20), (0.001, 0.001), seed=2 + 100 * sample)
    found = s.contrast(ds, s.kaplan_meier, between=BETWEEN).sel(week=30)
    return {"rare events": held(found, 0.0), "control: variances": within(found.estimate, Z * found.se, 0.03)}


def medians(repetitions: int, sample: int) -> Found:
    rates = (0.03, 0.05)
    ds = observed(repetitions, (60, 40), rates, seed=3 + 100 * sample)
    truth = np.ceil(np.log(2) / rates[1]) - np.ceil(np.log(2) / rates[0])
    found = s.contrast(ds, s.quantile, between=BETWEEN, p=0.5)
    known = found.where(found.lower.notnull() & found.upper.notnull(), drop=True)
    return {"difference of medians": held(known, truth), "control: half": within(known.estimate, known.se, truth)}


def jackknife_of_few(repetitions: int, sample: int) -> Found:
    """The logarithm of a ratio of means of 10 and 14 firms; the control takes the error of one of them."""
    rates = (0.02, 0.035)
    ds = observed(repetitions, (10, 14), rates, seed=4 + 100 * sample)
    means = [alive(rate)[:-1].sum() for rate in rates]
    found = s.contrast(ds, lambda part: np.log(s.rmst(part).estimate), between=BETWEEN)
    truth = float(np.log(means[1] / means[0]))
    one = s.rmst(ds).sel(group=1)
    control = within(found.estimate, Z * one.se / one.estimate, truth)
    return {"jackknife of few firms": held(found, truth), "control: error of one group": control}


def late_entry(repetitions: int, sample: int) -> Found:
    """Survival and mean of firms that are seen late; the control takes them for firms seen from the start."""
    rate = 0.03
    ds = observed(repetitions, (80, 80), (rate, rate), seed=5 + 100 * sample, late=True)
    ignored = ds.drop_vars(["entered", "batch_entered"])
    mean = alive(rate)[:-1].sum()
    return {
        "survival of late entries": held(s.kaplan_meier(ds).sel(week=30), alive(rate)[30]),
        "mean of late entries": held(s.rmst(ds), mean),
        "incidence of late entries": held(
            s.cumulative_incidence(ds).sel(cause="a", week=30), 0.6 * (1 - alive(rate)[30])
        ),
        "control: entries ignored": held(s.rmst(ignored), mean),
    }


def landmarks(repetitions: int, sample: int) -> Found:
    """Survival from week 20 on, of a hazard that falls; the control forgets what has gone before."""
    random = np.random.Generator(np.random.Philox(6 + 100 * sample))
    lived = np.ceil(40 * random.exponential(1, (repetitions, 60)) ** 2).clip(1, HORIZON + 1)
    table = {
        "repetition": np.repeat(np.arange(repetitions), 60),
        "week": lived.ravel(),
        "end": (lived <= HORIZON).astype(int).ravel(),
    }
    ds = s.counts_from_table(table, duration="week", cause="end", covariates=["repetition"], horizon=HORIZON)
    truth = float(np.exp(-np.sqrt(50 / 40)) / np.exp(-np.sqrt(20 / 40)))
    return {
        "landmark": held(s.kaplan_meier(s.landmark(ds, week=20)).sel(week=30), truth),
        "control: no landmark": held(s.kaplan_meier(ds).sel(week=30), truth),
    }


def crossings(repetitions: int, sample: int) -> Found:
    """Survival exp(-(t/30)^1.6) and exp(-(t/30)^0.7) cross in week 30; the control takes half the interval."""
    random = np.random.Generator(np.random.Philox(7 + 100 * sample))
    powers = np.repeat([1.6, 0.7], 150)
    lived = np.ceil(30 * random.exponential(1, (repetitions, 300)) ** (1 / powers)).clip(1, HORIZON + 1)
    table = {
        "repetition": np.repeat(np.arange(repetitions), 300),
        "group": np.tile(np.repeat([0, 1], 150), repetitions),
        "week": lived.ravel(),
        "end": (lived <= HORIZON).astype(int).ravel(),
    }
    ds = s.counts_from_table(table, duration="week", cause="end", covariates=["repetition", "group"], horizon=HORIZON)
    found = s.crossing(ds, between=BETWEEN)
    return {
        "crossing": held(found, 30.0),
        "control: half": within(found.estimate, (found.upper - found.lower) / 4, 30.0),
    }


def ranks(repetitions: int, sample: int) -> Found:
    """Tests of two groups of 40 with one law; the control counts every firm twice."""
    ds = observed(repetitions, (40, 40), (0.03, 0.03), seed=8 + 100 * sample)

    def rejected(test: xr.Dataset) -> float:
        return float((test.p_value < 0.05).mean())

    found = {
        f"log-rank, rho {rho:g}, gamma {gamma:g}": rejected(s.logrank(ds, "group", strata=(), rho=rho, gamma=gamma))
        for rho, gamma in ((0, 0), (1, 0), (0, 1), (1, 1))
    }
    found["Gray"] = rejected(s.gray_test(ds, "group", strata=(), cause="a"))
    twice = 2 * ds[["events", "firms", "censored"]]
    found["control: every firm twice"] = rejected(s.logrank(twice, "group", strata=(), gamma=1))
    return found


def competing(repetitions: int, size: int, effect: float, speed: float, *, seed: int) -> xr.Dataset:
    """Two groups in which Fine and Gray's model holds for cause "a", with log ratio ``effect``; uniform censoring.

    The incidence of "a" is 1 - (1 - 0.5 (1 - exp(-t)))^exp(effect x); the time to "b" is exponential, ``speed`` times
    as fast in the second group. A unit of time has 130 weeks, so that ties are few.
    """
    random = np.random.Generator(np.random.Philox(seed))
    group = np.repeat([0, 1], size)
    shape = (repetitions, group.size)
    ratio = np.exp(effect * group)
    u, v = random.random((2, *shape))
    most = 1 - 0.5**ratio
    of_a = -np.log(1 - (1 - (1 - v * most) ** (1 / ratio)) / 0.5)
    time = np.where(u < most, of_a, random.exponential(1, shape) / np.where(group == 1, speed, 1.0))
    left = random.random(shape) * 3 + 0.5
    end = np.where(time > left, "", np.where(u < most, "a", "b"))
    week = np.ceil(130 * np.minimum(np.minimum(time, left), 2.0))
    table = {
        "repetition": np.repeat(np.arange(repetitions), group.size),
        "group": np.tile(group, repetitions),
        "week": week.ravel(),
        "end": np.where(np.minimum(time, left) > 2.0, "", end).ravel(),
    }
    return s.counts_from_table(
        table,
        duration="week",
        cause="end",
        covariates=["repetition", "group"],
        horizon=260,
        causes=["a", "b"],
        bin_weeks=20,
    )


def fine_and_gray(repetitions: int, sample: int) -> Found:
    """Coefficients of the subdistribution; the control takes the cause's own hazard for it."""
    ds = competing(repetitions, 80, 0.6, 8.0, seed=9 + 100 * sample)
    hits = np.zeros(2)
    for repetition in range(repetitions):
        one = ds.isel(repetition=repetition)
        for place, fit in enumerate((s.fine_gray, s.proportional_hazards)):
            found = fit(one, "group", cause="a")
            hits[place] += held(found, 0.6)
    return {"Fine-Gray": hits[0] / repetitions, "control: hazard of the cause": hits[1] / repetitions}


def gray(repetitions: int, sample: int) -> Found:
    """The cause's incidence is the same in both groups, its hazard among those alive is not."""
    ds = competing(repetitions, 80, 0.0, 5.0, seed=10 + 100 * sample)
    tests = (s.gray_test, s.logrank)
    found = [float((test(ds, "group", strata=(), cause="a").p_value < 0.05).mean()) for test in tests]
    return {"Gray": found[0], "control: log-rank of the cause": found[1]}


def clusters(repetitions: int, sample: int) -> Found:
    """A regression on firms that share a frailty with their industry; the control takes them to be independent."""
    random = np.random.Generator(np.random.Philox(11 + 100 * sample))
    hits = np.zeros(2)
    industry = np.repeat(np.arange(40), 6)
    group = industry % 2
    for _ in range(repetitions):
        frailty = random.gamma(2.0, 0.5, 40)[industry]
        week = np.ceil(random.exponential(1 / (0.03 * frailty))).clip(1, HORIZON + 1)
        table = {"week": week, "end": week <= HORIZON, "group": group, "industry": industry}
        for place, batch in enumerate(("industry", None)):
            ds = s.counts_from_table(
                table, duration="week", cause="end", covariates=["group"], batch=batch, horizon=HORIZON, bin_weeks=5
            )
            hits[place] += held(s.proportional_hazards(ds, "group"), 0.0)
    return {"clusters": hits[0] / repetitions, "control: independent": hits[1] / repetitions}


def dependent_replicates(repetitions: int, sample: int) -> Found:
    """Fine and Gray's regression and Gray's test from batches, one law in both cells.

    Four replicates in a row share their lifetime, and are in one batch. The controls are the sandwich and chi-square,
    which take them for independent.
    """
    random = np.random.Generator(np.random.Philox(12 + 100 * sample))
    batches, per_batch, weeks = 16, 24, 52
    hits = np.zeros(4)
    for _ in range(repetitions):
        alike = random.exponential(33, (2, per_batch // 4, 1, batches))
        lived = np.ceil(np.broadcast_to(alike, (2, per_batch // 4, 4, batches))).reshape(2, -1).astype(int)
        kind = random.random(lived.shape) < 0.9
        firms = xr.Dataset(
            {
                "event_week": (("group", "replicate"), lived.clip(1, weeks).astype(float)),
                "cause": (("group", "replicate"), np.where(lived > weeks, 0, np.where(kind, 1, 2))),
            },
            coords={"group": [0, 1]},
            attrs={"weeks": weeks},
        )
        firms["cause"].attrs = {"flag_values": [0, 1, 2], "flag_meanings": "censored a b"}
        ds = s.counts_from_firms(firms, batches=batches)
        fit, test = s.fine_gray(ds, "group", cause="a"), s.gray_test(ds, "group", cause="a")
        hits += [
            held(fit, 0.0),
            within(fit.estimate, Z * fit.independent_se, 0.0),
            float(test.batch_p_value < 0.05),
            float(test.p_value < 0.05),
        ]
    shares = hits / repetitions
    return {
        "Fine-Gray from batches": shares[0],
        "control: sandwich": shares[1],
        "Gray from batches": shares[2],
        "control: chi-square": shares[3],
    }


World = Callable[[int, int], Found]

WORLDS: dict[World, tuple[int, int]] = {
    unrelated_groups: (1000, 6000),
    rare_events: (1000, 10_000),
    medians: (1000, 10_000),
    jackknife_of_few: (600, 4000),
    late_entry: (600, 6000),
    landmarks: (1000, 10_000),
    crossings: (400, 3000),
    ranks: (1000, 10_000),
    fine_and_gray: (400, 1000),
    gray: (500, 4000),
    clusters: (150, 600),
    dependent_replicates: (60, 1000),
}
"""Repetitions in the tests, and in the evidence."""

TESTS = (ranks, gray)
CAUTIOUS = (
    *("difference of means", "difference of survival", "difference of incidence", "ratio of hazards", "rare events"),
    *("difference of medians", "jackknife of few firms"),
)
"""Limits that are widened for small groups: they hold the truth more often than promised, never less."""


MISSED = {60: 0.3, 150: 0.2, 200: 0.2, 400: 0.15, 500: 0.15, 600: 0.15, 1000: 0.12, 3000: 0.08, 4000: 0.08, 6000: 0.08}
"""Repetitions -> share of limits that miss the truth, or of tests that reject, in place of 5 %: that it is seen."""


def comparison(name: str, world: World) -> tuple[float, str]:
    """Return the nominal share, and on which side of it a share is wrong."""
    of_test = world in TESTS or name in ("Gray from batches", "control: chi-square")
    return (0.05 if of_test else 0.95), "low" if name in CAUTIOUS else "both"


def missed(repetitions: int) -> float:
    return MISSED[max(known for known in MISSED if known <= repetitions)]


def check(bounded: Bounded, world: World, repetitions: int) -> Found:
    @functools.cache
    def found(sample: int) -> Found:
        return world(repetitions * times(sample), sample)

    def p_value(name: str, sample: int) -> float:
        count = repetitions * times(sample)
        (found_,) = of_share(round(found(sample)[name] * count), count, *comparison(name, world))
        return found_

    controls = [name for name in found(0) if name.startswith("control")]
    names = [name for name in found(0) if name not in controls]
    assert not bounded.refuses(lambda sample: [p_value(name, sample) for name in names]), found(0)
    for name in controls:
        assert bounded.refuses(lambda sample, name=name: [p_value(name, sample)]), (name, found(0)[name])
    for name in names:
        nominal, side = comparison(name, world)
        wrong = missed(repetitions) if nominal < 0.5 else 1 - missed(repetitions)
        bounded.sees(chance_of_share(repetitions, nominal, wrong, side), len(names))
    return found(0)


LONG = (fine_and_gray, clusters, dependent_replicates)


def marked(world: World, *, evidence: bool) -> pytest.ParameterSet:
    """Return a world as a parameter, with its false-alarm rate and power."""
    wrong = f"{round(100 * missed(WORLDS[world][evidence]))} % missed or rejected in place of 5 %"
    marks = [pytest.mark.bounded(power=0.9, against=wrong)]
    return pytest.param(world, marks=[*marks, pytest.mark.slow] if world in LONG and not evidence else marks)


@pytest.mark.parametrize(
    "world", [marked(world, evidence=False) for world in WORLDS], ids=[world.__name__ for world in WORLDS]
)
def test_intervals_and_tests_hold_what_they_promise(world: World, bounded: Bounded) -> None:
    check(bounded, world, WORLDS[world][0])


@pytest.mark.evidence
@pytest.mark.parametrize(
    "world", [marked(world, evidence=True) for world in WORLDS], ids=[world.__name__ for world in WORLDS]
)
def test_intervals_and_tests_hold_what_they_promise_in_many_repetitions(
    world: World, bounded: Bounded, record_property: Callable[[str, object], None]
) -> None:
    _, repetitions = WORLDS[world]
    for name, share in check(bounded, world, repetitions).items():
        record_property(f"{repetitions} repetitions, {name}", f"{share:.4f}")
