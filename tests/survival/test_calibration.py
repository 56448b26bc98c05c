"""Do 95 % intervals cover 95 % under common random numbers? On a process whose truth is known by dynamic programming.

A firm has cash 0..15, starts with 5, and every week gains or loses 1, or neither; at 0 it is insolvent. Besides, it
may exit. Both happen by two random numbers that all cells share. Execution and misalignment move the probabilities.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest
import xarray as xr
from numba import njit
from tests.bounded import Bounded, chance_of_deviation, chance_of_share, of_deviation, of_mean, of_share, times

from firmfate.survival import contrast, cumulative_incidence, kaplan_meier, rmst

START, FULL, WEEKS, BIN = 5, 15, 52, 13
NOMINAL = 0.95
TAU = WEEKS


def probabilities(execution: np.ndarray, misalignment: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weekly probabilities of a loss, a gain and an exit, (execution, misalignment)."""
    e, m = np.meshgrid(execution, misalignment, indexing="ij")
    return 0.22 + 0.16 * e * m, 0.22 + 0.05 * e * (1 - m), 0.004 + 0.004 * m


def truth(execution: np.ndarray, misalignment: np.ndarray) -> xr.Dataset:
    """Survival (week 0..H), incidence and restricted mean, exactly, by forward dynamic programming."""
    loss, gain, leave = probabilities(execution, misalignment)
    cash = np.zeros((*loss.shape, FULL + 1))
    cash[..., START] = 1.0
    ended = np.zeros((*loss.shape, 2, WEEKS + 1))
    for week in range(1, WEEKS + 1):
        moved = cash * (1 - loss - gain)[..., None]
        moved[..., :-1] += cash[..., 1:] * loss[..., None]
        moved[..., 1:] += cash[..., :-1] * gain[..., None]
        moved[..., -1] += cash[..., -1] * gain
        insolvent = moved[..., 0].copy()
        moved[..., 0] = 0.0
        ended[..., 0, week] = insolvent
        ended[..., 1, week] = moved.sum(axis=-1) * leave
        cash = moved * (1 - leave)[..., None]
    share = ended.cumsum(axis=-1)
    survival = 1 - share.sum(axis=-2)
    axes = ("execution", "misalignment")
    return xr.Dataset(
        {
            "survival": ((*axes, "week"), survival),
            "incidence": ((*axes, "cause", "week"), share),
            "rmst": (axes, survival[..., :TAU].sum(axis=-1)),
        },
        coords={
            "execution": execution,
            "misalignment": misalignment,
            "cause": ["insolvency", "exit"],
            "week": range(WEEKS + 1),
        },
    )


def variance_of_survival_gap(first: dict[str, float], second: dict[str, float]) -> np.ndarray:
    """Variance of [first alive] - [second alive] of one firm at weeks 0..H, exactly, by joint dynamic programming."""
    cells = [
        [float(p.squeeze()) for p in probabilities(np.array([cell["execution"]]), np.array([cell["misalignment"]]))]
        for cell in (first, second)
    ]
    edges = np.unique([0.0, 1.0, *(loss for loss, _, _ in cells), *(1 - gain for _, gain, _ in cells)])
    cash = np.arange(1, FULL + 1)
    both = np.zeros((FULL + 1, FULL + 1))
    both[START, START] = 1.0
    together = [1.0]
    for _ in range(WEEKS):
        moved = np.zeros_like(both)
        for low, high in pairwise(edges):
            uniform = (low + high) / 2
            to = [np.minimum(cash - (uniform < loss) + (uniform >= 1 - gain), FULL) for loss, gain, _ in cells]
            np.add.at(moved, np.ix_(*to), both[1:, 1:] * (high - low))
        moved[0] = moved[:, 0] = 0.0
        both = moved * (1 - max(leave for _, _, leave in cells))
        together.append(both.sum())
    one, other = (
        truth(np.array([cell["execution"]]), np.array([cell["misalignment"]])).survival.values.squeeze()
        for cell in (first, second)
    )
    return one + other - 2 * np.array(together) - (one - other) ** 2


@njit
def _uniform(counter):
    """SplitMix64 (Steele, Lea and Flood 2014) of a counter, as a number in [0, 1)."""
    z = np.uint64(counter) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return np.float64(z >> np.uint64(11)) / 9007199254740992.0


@njit
def _simulate(first, repetitions, batches, per_batch, loss, gain, leave, events, batch_events, lifetime):
    cells = loss.size
    for r in range(repetitions):
        for firm in range(batches * per_batch):
            batch = firm % batches
            name = np.uint64(((first + r) * batches * per_batch + firm) * 2 * WEEKS)
            for cell in range(cells):
                cash, end, week = START, -1, 0
                while end < 0 and week < WEEKS:
                    counter = name + np.uint64(2 * week)
                    week += 1
                    uniform = _uniform(counter)
                    if uniform < loss[cell]:
                        cash -= 1
                    elif uniform >= 1.0 - gain[cell] and cash < FULL:
                        cash += 1
                    if cash == 0:
                        end = 0
                    elif _uniform(counter + np.uint64(1)) < leave[cell]:
                        end = 1
                lifetime[r, cell, batch] += week
                if end >= 0:
                    events[r, cell, end, week - 1] += 1
                    batch_events[r, cell, batch, end, (week - 1) // BIN] += 1


def simulate(
    execution: np.ndarray, misalignment: np.ndarray, *, first: int, repetitions: int, batches: int, per_batch: int
) -> xr.Dataset:
    """Counts of many repetitions of one small study, as a dataset with the axis `repetition`."""
    loss, gain, leave = probabilities(execution, misalignment)
    grid, cells = loss.shape, loss.size
    events = np.zeros((repetitions, cells, 2, WEEKS), dtype=np.uint32)
    batch_events = np.zeros((repetitions, cells, batches, 2, WEEKS // BIN), dtype=np.uint32)
    lifetime = np.zeros((repetitions, cells, batches), dtype=np.int64)
    flat = (loss.ravel(), gain.ravel(), leave.ravel())
    _simulate(first, repetitions, batches, per_batch, *flat, events, batch_events, lifetime)
    axes = ("repetition", "execution", "misalignment")

    def shaped(counts: np.ndarray) -> np.ndarray:
        return counts.reshape(repetitions, *grid, *counts.shape[2:])

    firms = np.full((repetitions, *grid), batches * per_batch)
    return xr.Dataset(
        {
            "events": ((*axes, "cause", "week"), shaped(events)),
            "firms": (axes, firms),
            "batch_firms": ((*axes, "batch"), np.full((*firms.shape, batches), per_batch)),
            "batch_events": ((*axes, "batch", "cause", "bin"), shaped(batch_events)),
            "batch_lifetime": ((*axes, "batch", "horizon"), shaped(lifetime)[..., None]),
        },
        coords={
            "repetition": np.arange(first, first + repetitions),
            "execution": execution,
            "misalignment": misalignment,
            "cause": ["insolvency", "exit"],
            "week": np.arange(1, WEEKS + 1),
            "bin": np.arange(BIN, WEEKS + 1, BIN),
            "horizon": [TAU],
        },
    )


EXECUTION, MISALIGNMENT = np.array([0.3, 0.5, 0.7]), np.array([0.0, 0.8])
LOW, HIGH = {"execution": 0.3, "misalignment": 0.8}, {"execution": 0.7, "misalignment": 0.8}
SQUARE = {"execution": (0.3, 0.7), "misalignment": (0.0, 0.8)}


def derivative(ds: xr.Dataset) -> tuple[xr.Dataset, xr.DataArray]:
    """d RMST / d execution at the middle, with independent errors beside."""
    ours = contrast(ds, rmst, along="execution", tau=TAU).sel(execution=0.5, misalignment=0.8)
    se = rmst(ds, tau=TAU).se.sel(misalignment=0.8)
    return ours, np.hypot(se.sel(execution=0.7), se.sel(execution=0.3)) / 0.4


def interaction(ds: xr.Dataset) -> tuple[xr.Dataset, xr.DataArray]:
    """The interaction of execution and misalignment in RMST, with independent errors beside."""
    ours = contrast(ds, rmst, interaction=SQUARE, tau=TAU)
    se = rmst(ds, tau=TAU).se.sel(execution=[0.3, 0.7])
    return ours, np.sqrt((se**2).sum(["execution", "misalignment"]))


def incidence(ds: xr.Dataset) -> tuple[xr.Dataset, xr.DataArray]:
    """The difference of one cause's incidence at the end of a bin, with independent errors beside."""
    place = {"cause": "insolvency", "week": 39}
    ours = contrast(ds, cumulative_incidence, between=(HIGH, LOW)).sel(place)
    se = cumulative_incidence(ds).se.sel(place).sel(misalignment=0.8)
    return ours, np.hypot(se.sel(execution=0.7), se.sel(execution=0.3))


def inside_a_bin(ds: xr.Dataset) -> tuple[xr.Dataset, xr.DataArray]:
    """RMST to a week within a bin that is no horizon of the batches: approximate."""
    ours = contrast(ds, rmst, between=(HIGH, LOW), tau=33)
    se = rmst(ds, tau=33).se.sel(misalignment=0.8)
    return ours, np.hypot(se.sel(execution=0.7), se.sel(execution=0.3))


def between_ends(ds: xr.Dataset) -> tuple[xr.Dataset, xr.DataArray]:
    """The difference of survival in a week after the end of a bin: its variance is interpolated."""
    ours = contrast(ds, kaplan_meier, between=(HIGH, LOW)).sel(week=17)
    se = kaplan_meier(ds).se.sel(week=17, misalignment=0.8)
    return ours, np.hypot(se.sel(execution=0.7), se.sel(execution=0.3))


def true_contrasts() -> dict[str, float]:
    exact = truth(EXECUTION, MISALIGNMENT)
    mean, share = exact.rmst, exact.incidence.sel(cause="insolvency", week=39)
    to_33 = exact.survival.isel(week=slice(0, 33)).sum("week")
    corners = mean.sel(execution=[0.3, 0.7]).diff("execution").diff("misalignment")
    return {
        "derivative": float(mean.sel(execution=0.7, misalignment=0.8) - mean.sel(execution=0.3, misalignment=0.8))
        / 0.4,
        "interaction": corners.item(),
        "incidence": float(share.sel(HIGH) - share.sel(LOW)),
        "between_ends": float(exact.survival.sel(HIGH).sel(week=17) - exact.survival.sel(LOW).sel(week=17)),
        "inside_a_bin": float(to_33.sel(HIGH) - to_33.sel(LOW)),
    }


STATISTICS: dict[str, Callable[[xr.Dataset], tuple[xr.Dataset, xr.DataArray]]] = {
    "derivative": derivative,
    "interaction": interaction,
    "incidence": incidence,
    "between_ends": between_ends,
    "inside_a_bin": inside_a_bin,
}


def studies(
    repetitions: int, *, batches: int, per_batch: int, begin: int = 0, **axes: np.ndarray
) -> Iterator[xr.Dataset]:
    """Repetitions of one study, from one on, in pieces that fit into memory."""
    piece = 250 if per_batch * batches < 1000 else 50
    for first in range(begin, begin + repetitions, piece):
        size = min(piece, begin + repetitions - first)
        yield simulate(**axes, first=first, repetitions=size, batches=batches, per_batch=per_batch)


def coverages(repetitions: int, first: int) -> dict[str, tuple[float, float]]:
    """Share of intervals that hold the truth, of ours and of the independent formula, for each statistic."""
    exact, hits = true_contrasts(), {name: np.zeros(2) for name in STATISTICS}
    grid = {"execution": EXECUTION, "misalignment": MISALIGNMENT}
    for ds in studies(repetitions, batches=32, per_batch=10, begin=first, **grid):
        for name, statistic in STATISTICS.items():
            ours, independent = statistic(ds)
            assert ours.sizes == {"repetition": ds.sizes["repetition"]}
            hits[name][0] += int(((ours.lower <= exact[name]) & (exact[name] <= ours.upper)).sum())
            hits[name][1] += int((abs(ours.estimate - exact[name]) <= 1.96 * independent).sum())
    return {name: (float(a / repetitions), float(b / repetitions)) for name, (a, b) in hits.items()}


WRONG = {400: 0.85, 4000: 0.92}
"""Repetitions -> coverage in place of 95 % that is seen."""


def check(bounded: Bounded, repetitions: int) -> dict[str, tuple[float, float]]:
    @functools.cache
    def found(sample: int) -> dict[str, tuple[float, float]]:
        return coverages(repetitions * times(sample), first=100_000 * sample)

    def p_values(sample: int, names: tuple[str, ...], place: int, side: str = "both") -> list[float]:
        count = repetitions * times(sample)
        hits = [round(found(sample)[name][place] * count) for name in names]
        return of_share(hits, count, NOMINAL, side)

    right = ("derivative", "interaction", "incidence", "between_ends")
    # Bins make the error of small differences too large, never too small.
    assert not bounded.refuses(
        lambda sample: p_values(sample, right, 0) + p_values(sample, ("inside_a_bin",), 0, "low")
    ), found(0)
    for name in right:
        # The negative control: forgetting what cells share is distinguished from 95 % in the same way.
        assert bounded.refuses(lambda sample, name=name: p_values(sample, (name,), 1, "high")), (name, found(0)[name])
    bounded.sees(chance_of_share(repetitions, NOMINAL, WRONG[repetitions]), 5)
    return found(0)


@pytest.mark.bounded(power=0.9, against="a share of firms that is off by 2 points")
def test_the_process_meets_its_truth(bounded: Bounded) -> None:
    """The simulation and the dynamic programme share no code: firms by cause and week, and mean lifetimes."""
    exact, firms = truth(EXECUTION, MISALIGNMENT), 32 * 600

    @functools.cache
    def counted(sample: int) -> xr.Dataset:
        given = {"first": 10**6 * (1 + sample), "repetitions": 1, "batches": 32, "per_batch": 600 * times(sample)}
        return simulate(EXECUTION, MISALIGNMENT, **given).isel(repetition=0)

    def p_values(sample: int, incidence: xr.DataArray, lifetime: xr.DataArray) -> list[float]:
        ds = counted(sample)
        ended = ds["events"].cumsum("week").sel(week=incidence["week"])
        shares_of = incidence.transpose(*ended.dims).values.clip(0, 1)
        means = rmst(ds)
        return [
            *of_share(ended.values, firms * times(sample), shares_of),
            *of_deviation((means.estimate - lifetime) / means.se),
        ]

    weeks = np.arange(4, WEEKS + 1, 4)
    incidence = exact.incidence.sel(week=weeks)
    assert not bounded.refuses(lambda sample: p_values(sample, incidence, exact.rmst))
    assert bounded.refuses(lambda sample: p_values(sample, 1.1 * incidence, exact.rmst))
    assert bounded.refuses(lambda sample: p_values(sample, incidence, 1.05 * exact.rmst))
    bounded.sees(chance_of_share(firms, 0.5, 0.52), incidence.size + exact.rmst.size)


@pytest.mark.bounded(power=0.99, against="95 % limits that cover 85 %")
def test_intervals_cover_under_common_random_numbers(bounded: Bounded) -> None:
    """400 repetitions; `evidence` makes 4,000."""
    check(bounded, 400)


@pytest.mark.bounded(power=0.99, against="a variance that is off by a tenth")
def test_variances_between_the_ends_of_bins_are_right(bounded: Bounded) -> None:
    """From the first end of a bin on, on average over 500 repetitions; a straight line between ends is the control."""
    repetitions = 500
    exact = variance_of_survival_gap(HIGH, LOW)[BIN:] / 320

    @functools.cache
    def variances(sample: int, curve: Callable[[xr.Dataset], xr.Dataset | xr.DataArray]) -> np.ndarray:
        grid = {"execution": EXECUTION, "misalignment": MISALIGNMENT}
        count, begin = repetitions * times(sample), 100_000 * sample
        found = [
            contrast(ds, curve, between=(HIGH, LOW)).se.isel(week=slice(BIN, None)) ** 2
            for ds in studies(count, batches=32, per_batch=10, begin=begin, **grid)
        ]
        return xr.concat(found, "repetition").transpose("repetition", "week").values

    def straight(ds: xr.Dataset) -> xr.DataArray:
        return kaplan_meier(ds).estimate

    assert not bounded.refuses(lambda sample: of_mean(variances(sample, kaplan_meier), exact))
    assert bounded.refuses(lambda sample: of_mean(variances(sample, straight), exact))
    error = (variances(0, kaplan_meier).std(axis=0, ddof=1) / exact).max() / repetitions**0.5
    bounded.sees(chance_of_deviation(0.1 / error), exact.size)


@pytest.mark.evidence
@pytest.mark.bounded(power=0.99, against="95 % limits that cover 92 %")
def test_intervals_cover_under_common_random_numbers_in_many_repetitions(
    bounded: Bounded,
    record_property: Callable[[str, object], None],
) -> None:
    for name, (ours, independent) in check(bounded, 4000).items():
        record_property(
            f"coverage of 95 % intervals, {name}: batches (independent formula)", f"{ours:.4f} ({independent:.4f})"
        )
        print(f"{name}: batches {ours:.4f}, independent formula {independent:.4f}")


MAP = {"execution": np.linspace(0.2, 0.8, 5), "misalignment": np.linspace(0.0, 1.0, 5)}


def band_coverages(repetitions: int, batches: int, first: int) -> dict[str, float]:
    """Share of repetitions in which the truth is inside at all points: simultaneous bands, and pointwise limits."""
    exact = truth(**MAP)
    slope = exact.rmst.differentiate("execution")
    slope[{"execution": 0}] = (exact.rmst[1] - exact.rmst[0]) / 0.15
    slope[{"execution": -1}] = (exact.rmst[-1] - exact.rmst[-2]) / 0.15
    ends = {"execution": [0.2, 0.8], "misalignment": [1.0]}
    fall = exact.survival.sel(execution=0.8, misalignment=1.0) - exact.survival.sel(execution=0.2, misalignment=1.0)
    weeks = slice(BIN, None)
    hits = dict.fromkeys(("map", "map, pointwise", "curve", "curve, pointwise"), 0)
    for ds in studies(repetitions, batches=batches, per_batch=8192 // batches, begin=first, **MAP):
        over = ("execution", "misalignment")
        between = ({"execution": 0.8}, {"execution": 0.2})

        def late(counts: xr.Dataset) -> xr.Dataset:
            return kaplan_meier(counts).sel(week=weeks)

        here = ds.sel(ends)
        for name, found, true in (
            ("map", contrast(ds, rmst, along="execution", tau=TAU, simultaneous=over), slope),
            ("map, pointwise", contrast(ds, rmst, along="execution", tau=TAU), slope),
            ("curve", contrast(here, late, between=between, simultaneous=("week",)), fall.sel(week=weeks)),
            ("curve, pointwise", contrast(here, late, between=between), fall.sel(week=weeks)),
        ):
            inside = (found.lower <= true) & (true <= found.upper) | found.lower.isnull()
            hits[name] += int(inside.all([dim for dim in inside.dims if dim != "repetition"]).sum())
    return {name: hit / repetitions for name, hit in hits.items()}


@pytest.mark.slow
@pytest.mark.bounded(power=0.9, against="95 % bands that cover 60 %")
def test_simultaneous_bands_cover(bounded: Bounded) -> None:
    """24 repetitions of 8,192 firms with 128 batches; pointwise limits are the control that must fail."""
    check_bands(bounded, 24, 0.6)


def check_bands(bounded: Bounded, repetitions: int, wrong: float) -> dict[str, float]:
    @functools.cache
    def found(sample: int) -> dict[str, float]:
        return band_coverages(repetitions * times(sample), 128, first=100_000 * sample)

    def p_values(sample: int, *names: str) -> list[float]:
        count = repetitions * times(sample)
        return of_share([round(found(sample)[name] * count) for name in names], count, NOMINAL)

    assert not bounded.refuses(lambda sample: p_values(sample, "map", "curve")), found(0)
    for name in ("map, pointwise", "curve, pointwise"):
        assert bounded.refuses(lambda sample, name=name: p_values(sample, name)), (name, found(0))
    bounded.sees(chance_of_share(repetitions, NOMINAL, wrong), 2)
    return found(0)


@pytest.mark.evidence
@pytest.mark.bounded(power=0.99, against="95 % bands that cover 92 %")
def test_simultaneous_bands_cover_in_many_repetitions(
    bounded: Bounded, record_property: Callable[[str, object], None]
) -> None:
    found = {32: band_coverages(2000, 32, first=0), 128: check_bands(bounded, 2000, 0.92)}
    for batches, shares in found.items():
        print(batches, shares)
        record_property(f"simultaneous coverage of 95 % bands, {batches} batches", shares)
