"""Regressions: against rows fitted otherwise, exact without noise, and refused where they cannot be fitted."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import xarray as xr
from tests.bounded import Bounded, chance_of_share, of_share, times

from firmfate.errors import EstimateError
from firmfate.survival import (
    accelerated_failure_time,
    counts_from_table,
    fine_gray,
    logrank,
    proportional_hazards,
    proportionality,
)
from firmfate.survival.core.quadratic_form import quadratic_form

SLOPES = {"execution": 0.8, "misalignment": -0.4, "execution:misalignment": 1.1}


def expected_counts(weeks: int = 60, firms: int = 10**12, change: float = 0.0) -> xr.Dataset:
    """Rounded expected counts of a continuous proportional-hazards world, so many that rounding is all the noise.

    With ``change`` the coefficient of execution grows by so much for each unit of log week.
    """
    execution, misalignment = np.linspace(0, 1, 4), np.array([0.0, 0.5, 1.0])
    e, m = np.meshgrid(execution, misalignment, indexing="ij")
    week = np.arange(1, weeks + 1)
    baseline = 0.004 * (1 + np.sin(week / 9) ** 2)
    fixed = SLOPES["execution"] * e + SLOPES["misalignment"] * m + SLOPES["execution:misalignment"] * e * m
    hazard = baseline * np.exp(fixed[..., None] + change * np.log(week) * e[..., None])
    alive = firms * np.exp(-np.concatenate([np.zeros((*e.shape, 1)), hazard.cumsum(axis=-1)], axis=-1))
    ended = np.rint(-np.diff(alive, axis=-1)).astype(np.int64)
    split = np.stack([ended // 3, ended - ended // 3], axis=-2)
    axes = ("execution", "misalignment")
    return xr.Dataset(
        {"events": ((*axes, "cause", "week"), split), "firms": (axes, np.full(e.shape, firms))},
        coords={"execution": execution, "misalignment": misalignment, "cause": ["a", "b"], "week": week},
    )


def test_cloglog_has_no_bias_from_weeks_and_breslow_does() -> None:
    ds = expected_counts()
    exact = proportional_hazards(ds, "execution * misalignment")
    assert list(exact.term.values) == list(SLOPES)
    np.testing.assert_allclose(exact.estimate, list(SLOPES.values()), rtol=0, atol=1e-8)
    biased = proportional_hazards(ds, "execution * misalignment", ties="breslow")
    off = abs(biased.estimate - exact.estimate) / biased.independent_se
    assert (off > 3).any()  # the negative control: at 1e12 firms the bias is far outside its error


def test_terms_of_any_size() -> None:
    """A covariate in thousands gives the coefficient in thousandths."""
    ds = expected_counts()
    large = ds.assign_coords(execution=ds.execution * 1e4)
    fit = proportional_hazards(large, "execution * misalignment")
    np.testing.assert_allclose(fit.estimate * [1e4, 1, 1e4], list(SLOPES.values()), rtol=0, atol=1e-7)


def test_strata_categories_and_causes() -> None:
    ds = expected_counts()
    by_level = proportional_hazards(ds.sel(misalignment=[0.0]), "C(execution)")
    np.testing.assert_allclose(by_level.estimate, SLOPES["execution"] * ds.execution[1:], atol=1e-8)
    slope = proportional_hazards(ds.sel(misalignment=[1.0]), "execution", cause="b").estimate.item()
    assert slope == pytest.approx(SLOPES["execution"] + SLOPES["execution:misalignment"], abs=1e-2)
    within = proportional_hazards(ds, "execution + execution:misalignment", strata=["misalignment"])
    np.testing.assert_allclose(within.estimate, [0.8, 1.1], atol=1e-8)


def test_hazard_ratios_that_change() -> None:
    steady, changing = expected_counts(), expected_counts(change=0.3)
    check = proportionality(changing, "execution + misalignment + execution:misalignment")
    np.testing.assert_allclose(check.estimate, [0.3, 0.0, 0.0], atol=1e-7)
    assert check.joint_p_value < 1e-6
    none = proportionality(steady, "execution * misalignment")
    np.testing.assert_allclose(none.estimate, 0.0, atol=1e-7)
    pieces = proportional_hazards(changing, "execution * misalignment", cuts=[10, 30])
    assert pieces.sizes == {"term": 3, "period": 3}
    assert pieces.period.values.tolist() == [10, 30, 60]
    assert (pieces.estimate.sel(term="execution").diff("period") > 0.2).all()
    same = proportional_hazards(steady, "execution * misalignment", cuts=[10, 30])
    np.testing.assert_allclose(same.estimate, np.tile(list(SLOPES.values()), (3, 1)).T, atol=1e-7)


def test_errors_come_from_batches(small: xr.Dataset) -> None:
    """The jackknife over batches, written out with refits on counts without a batch."""
    fit = proportional_hazards(small, "execution:misalignment")
    assert fit.attrs["standard_error"] == "batch jackknife"
    from firmfate.survival.batches import Resampler

    left = Resampler(small)
    alone = ["events", "firms", "invalid"]
    refits = [proportional_hazards(left.without(batch)[alone], "execution:misalignment") for batch in range(32)]
    values = np.array([refit.estimate.item() for refit in refits])
    assert fit.se.item() == pytest.approx(np.sqrt(31 / 32 * ((values - values.mean()) ** 2).sum()), rel=1e-6)
    without = proportional_hazards(small[["events", "firms"]], "execution:misalignment")
    assert without.se.item() == without.independent_se.item()
    assert without.estimate.item() == pytest.approx(fit.estimate.item(), rel=1e-9)
    np.testing.assert_allclose(fit.hazard_ratio_lower, np.exp(fit.lower))


@pytest.mark.slow
def test_accelerated_lifetimes_have_errors_from_batches(small: xr.Dataset) -> None:
    pytest.importorskip("lifelines")
    fit = accelerated_failure_time(small.isel(execution=[0, 2]), "execution:misalignment", distribution="lognormal")
    assert fit.attrs["standard_error"] == "batch jackknife"
    ratio = fit.se / fit.independent_se
    assert ratio.min() > 0.3
    assert ratio.max() < 3
    assert float(abs(ratio - 1).max()) > 1e-3
    with pytest.raises(EstimateError, match="one of weibull"):
        accelerated_failure_time(small, "execution", distribution="gamma")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("formula", "options", "message"),
    [
        ("executon", {}, "covariates are"),
        ("execution +", {}, "formula"),
        ("1", {}, "at least one term"),
        ("execution + I(2 * execution)", {}, "cannot be distinguished"),
        ("execution", {"strata": ["execution"]}, "do not vary"),
        ("execution", {"strata": ["misalignement"]}, "did you mean 'misalignment'"),
        ("execution", {"cause": "insolvent"}, "did you mean 'insolvency'"),
        ("execution", {"ties": "efron"}, "one of cloglog"),
        ("execution", {"cuts": [50, 20]}, "ascending"),
        ("execution", {"cuts": [50, 120]}, "from 1 to 104"),
        ("execution", {"cuts": 50}, "cuts = 50: a list of ascending"),
        ("execution", {"cuts": [np.nan]}, "ascending"),
        ("execution ~ misalignment", {}, "a right-hand side alone"),
    ],
)
def test_impossible_regressions_are_refused(
    small: xr.Dataset, formula: str, options: dict[str, object], message: str
) -> None:
    with pytest.raises(EstimateError, match=message):
        proportional_hazards(small, formula, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("ties", ["cloglog", "breslow"])
def test_separation_is_refused(small: xr.Dataset, ties: str) -> None:
    """No firm ends in the cells with execution: the coefficient runs to minus infinity."""
    apart = small[["events", "firms"]].copy(deep=True)
    apart["events"][1:] = 0
    with pytest.raises(EstimateError, match="does not converge"):
        proportional_hazards(apart, "execution", ties=ties)  # type: ignore[arg-type]


@pytest.mark.parametrize("ties", ["cloglog", "breslow"])
@pytest.mark.parametrize("cause", [None, "insolvency"])
def test_a_run_without_events_is_refused(small: xr.Dataset, ties: str, cause: str | None) -> None:
    """In one message, with batches and without; of one cause, other events do not help."""
    quiet = small.copy(deep=True)
    for name in ("events", "batch_events"):
        chosen = {} if cause is None else {"cause": cause}
        quiet[name].loc[chosen] = 0
    for ds in (quiet, quiet[["events", "firms"]]):
        with pytest.raises(EstimateError, match=r"^no firm has had the event"):
            proportional_hazards(ds, "execution", ties=ties, cause=cause)  # type: ignore[arg-type]
        with pytest.raises(EstimateError, match=r"^no firm has had the event"):
            proportionality(ds, "execution", ties=ties, cause=cause)  # type: ignore[arg-type]
        with pytest.raises(EstimateError, match=r"^no firm has had the event"):
            fine_gray(ds, "execution", cause=cause or "insolvency")


def test_cells_without_firms_are_left_out(small: xr.Dataset) -> None:
    few = small[["events", "firms"]].copy(deep=True)
    few["firms"][1, 1] = 0
    few["events"][1, 1] = 0
    stacked = few.stack(cell=("execution", "misalignment")).reset_index("cell").isel(cell=[0, 1, 2, 4, 5])
    stacked = stacked.transpose("cell", "cause", "week")
    gridded, listed = (proportional_hazards(ds, "execution + misalignment") for ds in (few, stacked))
    np.testing.assert_allclose(gridded.estimate, listed.estimate, rtol=1e-9)


@pytest.mark.bounded(power=0.99, against="a test that rejects 15 % in place of 5 %")
def test_logrank_rejects_as_often_as_it_says(bounded: Bounded) -> None:
    """Under common random numbers, with one law in both groups: the batch test holds its 5 %, chi-square does not."""
    repetitions = 600

    @functools.cache
    def rejected(sample: int) -> tuple[int, int, int]:
        test = logrank(of_one_law(repetitions * times(sample), seed=4 + 100 * sample), "group", strata=())
        return test.sizes["repetition"], int((test.batch_p_value < 0.05).sum()), int((test.p_value < 0.05).sum())

    assert not bounded.refuses(lambda sample: of_share(rejected(sample)[1], rejected(sample)[0], 0.05))
    assert bounded.refuses(lambda sample: of_share(rejected(sample)[2], rejected(sample)[0], 0.05))
    bounded.sees(chance_of_share(repetitions, 0.05, 0.15))


def of_one_law(repetitions: int, *, seed: int) -> xr.Dataset:
    """Counts of two groups with one law, whose firms share part of their lifetime."""
    batches, per_batch, weeks = 16, 20, 26
    random = np.random.Generator(np.random.Philox(seed))
    shared = random.exponential(10, (repetitions, 1, batches, per_batch))
    lifetimes = np.ceil(shared + random.exponential(8, (repetitions, 2, batches, per_batch))).astype(int)
    events = np.zeros((repetitions, 2, batches, 1, weeks), dtype=int)
    inside = np.nonzero(lifetimes <= weeks)
    np.add.at(events, (*inside[:3], 0, lifetimes[inside] - 1), 1)
    axes = ("repetition", "group")
    return xr.Dataset(
        {
            "events": ((*axes, "cause", "week"), events.sum(axis=2)),
            "firms": (axes, np.full((repetitions, 2), batches * per_batch)),
            "batch_firms": ((*axes, "batch"), np.full((repetitions, 2, batches), per_batch)),
            "batch_events": ((*axes, "batch", "cause", "bin"), events.reshape(*events.shape[:-1], 2, 13).sum(-1)),
        },
        coords={"group": [0, 1], "cause": ["end"], "bin": [13, 26]},
    )


def test_logrank_shapes_and_refusals(small: xr.Dataset) -> None:
    each = logrank(small, "execution", strata=())
    assert each.statistic.sizes == {"misalignment": 2}
    assert each.batch_p_value.sel(misalignment=0.0).item() == 1.0  # the same lifetimes in all three groups
    assert each.batch_p_value.sel(misalignment=1.0).item() < 1e-6
    together = logrank(small, "execution", strata=["misalignment"])
    np.testing.assert_allclose(together.observed, each.observed.sum("misalignment"))
    np.testing.assert_allclose(together.expected, each.expected.sum("misalignment"))
    xr.testing.assert_identical(together, logrank(small, "execution"))
    assert "batch_p_value" not in logrank(small[["events", "firms"]], "execution")
    for call, message in (
        (lambda: logrank(small, "exekution"), "did you mean 'execution'"),
        (lambda: logrank(small, "execution", strata=["size"]), "the other axes are"),
        (lambda: logrank(small, "execution", cause="fire"), "is not one of its values"),
    ):
        with pytest.raises(EstimateError, match=message):
            call()


@pytest.mark.parametrize(
    ("weeks", "ends"),
    [
        ([3] * 64 + [9] * 64, ["x"] * 128),
        ([9] * 64 + [5] * 64, [""] * 64 + ["x"] * 64),
    ],
)
def test_logrank_without_variance_between_batches_is_unknown(weeks: list[int], ends: list[str]) -> None:
    """All firms of a group end in one week: batches do not differ, though groups do, and their error is unknown."""
    groups = np.repeat(["a", "b"], 64)
    table = {
        "week": weeks * 2,
        "end": ends * 2,
        "group": [*groups, *groups],
        "place": np.repeat(["here", "there"], 128),
        "batch": np.arange(256) % 32,
    }
    ds = counts_from_table(table, duration="week", cause="end", covariates=["group", "place"], batch="batch")
    test = logrank(ds, "group")
    assert test.p_value < 1e-20
    assert test.batch_statistic.isnull()
    assert test.batch_p_value.isnull()
    # The same lifetimes in both places: no difference, whose p-value is 1.
    same = logrank(ds, "place")
    assert same.p_value == same.batch_p_value == 1.0


def test_a_difference_where_the_covariance_knows_none_is_unknown() -> None:
    covariance = np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    for difference, known in (([2.0, -2.0, 0.0], True), ([3.0, -1.0, -2.0], False), ([1.0, 1.0, 0.0], False)):
        statistic, _ = quadratic_form(np.array(difference), covariance, np.full(3, 10.0))
        assert np.isfinite(statistic) == known


def test_logrank_of_invalid_cells_is_unknown(small: xr.Dataset) -> None:
    """Whatever is left of each test when cells are invalid: nothing, one group, or two of three."""
    spoilt = small.copy(deep=True)
    spoilt["invalid"][1:, 0] = 3
    spoilt["invalid"][1, 1] = 3
    each = logrank(spoilt, "execution", strata=())
    for name in ("statistic", "p_value", "batch_statistic", "batch_p_value"):
        np.testing.assert_array_equal(each[name].isnull(), [True, False])
    assert logrank(spoilt, "execution").p_value.notnull()
    spoilt["invalid"][:] = 3
    assert logrank(spoilt, "execution").to_array().sel(variable=["p_value", "batch_p_value"]).isnull().all()
