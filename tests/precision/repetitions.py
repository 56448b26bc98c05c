"""The rule of [precision] repeated many times in memory: on Bernoulli shares, and on `car`, whose law is known."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import special, stats

from firmfate import Study
from firmfate.analysis import turning_point
from firmfate.dataset.summing import as_dataset
from firmfate.precision import Reached
from firmfate.precision.allocation import Allowed, following
from firmfate.precision.between_cells import BINS, COUNTS, measure_difference
from firmfate.precision.in_cells import measure_cells
from firmfate.precision.pairs import Pairs
from firmfate.precision.reached import Measured
from firmfate.precision.rules import firms_needed, half_width, next_firms
from firmfate.precision.sequences import difference_half_width, sequence_quantile, student_for
from firmfate.precision.widths import signs_of, widths
from firmfate.shards import Shard, Worker
from firmfate.shards.directory import fingerprint_of
from firmfate.study.targets import Target
from firmfate.survival import cumulative_incidence, kaplan_meier, quantile, rmst
from firmfate.survival.core.limits import wilson

Z = stats.norm.ppf(0.975)
COVERED = 0.95
SELDOM = 0.03
"""More than the share of wrong decisions in twenty looks, which is 2 % at most; 5 % are allowed, in any number."""
APART = 100_000
"""From the seeds of a sample to those of the next one."""


def shares_covered(
    p: float, within: float, repetitions: int, seed: int, *, pilot: int = 1024, most: int = 10**7
) -> tuple[float, float, float]:
    """Return coverage, share of repetitions that reached the width, and mean firms, of the rule on Bernoulli firms.

    Repetitions that saw no event, or nothing else, have exact limits and count by these.
    """
    random = np.random.default_rng(seed)
    covered, narrow, firms = np.zeros(repetitions, bool), np.zeros(repetitions, bool), np.zeros(repetitions)
    for repetition in range(repetitions):
        n, x = pilot, int(random.binomial(pilot, p))
        while 0 < x < n:
            half = float(half_width(x, x, n, Z))
            if half <= within:
                break
            larger = min(int(next_firms(n, firms_needed(n, half, within), 128)), most)
            if larger == n:
                break
            x += int(random.binomial(larger - n, p))
            n = larger
        if 0 < x < n:
            lower, upper = wilson(np.array(x / n), np.array(n), Z)
            narrow[repetition] = upper - lower <= 2 * within
        else:
            lower = stats.beta.ppf(0.025, x, n - x + 1) if x else 0.0
            upper = stats.beta.ppf(0.975, x + 1, n - x) if x < n else 1.0
            narrow[repetition] = True
        covered[repetition] = lower <= p <= upper
        firms[repetition] = n
    return covered.mean(), narrow.mean(), firms.mean()


def shares_covered_by_first_narrow(p: float, within: float, repetitions: int, seed: int) -> float:
    """Return the coverage of the usual rule: from the third firm on, stop where the usual interval is narrow enough."""
    random = np.random.default_rng(seed)
    longest = math.ceil(Z**2 / 4 / within**2) + 10
    n = np.arange(1, longest + 1)
    covered = 0
    for _ in range(repetitions):
        share = np.cumsum(random.random(longest) < p) / n
        half = Z * np.sqrt(share * (1 - share) / n)
        stop = int(np.flatnonzero((half <= within) & (n >= 3))[0])
        covered += abs(share[stop] - p) <= half[stop]
    return covered / repetitions


def signs_found(
    p: float,
    repetitions: int,
    seed: int,
    *,
    looks: int = 20,
    effect: float = 0.0,
    pilot: int = 1024,
    batches: int = 128,
) -> tuple[float, float, float]:
    """Return in how many repetitions a sign is found: by the sequence, by 95 % limits of one look, and wrongly.

    Pairs of firms differ by -1 or 1 with probability p each, shifted by `effect`; each look has a quarter more firms.
    """
    random = np.random.default_rng(seed)
    sums, n = np.zeros((repetitions, batches)), 0
    signs, by_one_look = np.zeros(repetitions), np.zeros(repetitions, bool)
    for look in range(looks):
        more = (int(next_firms(n, n, batches)) if look else pilot) - n
        n += more
        unlike = random.binomial(more // batches, 2 * p, sums.shape)
        sums += 2 * random.binomial(unlike, 0.5 + effect / 2) - unlike
        mean, se = sums.sum(axis=1) / n, sums.std(axis=1, ddof=1) * math.sqrt(batches) / n
        half = difference_half_width(se, n, student_for(sequence_quantile(n, pilot, 0.95), batches - 1), 1.0)
        signs = np.where((signs == 0) & (np.abs(mean) > half), np.sign(mean), signs)
        by_one_look |= np.abs(mean) > Z * se
    return (signs != 0).mean(), by_one_look.mean(), (signs < 0).mean()


DIFFERING = ((0.0711, 0.0), (0.0184, 0.0), (0.0, 0.0763), (0.005, 0.0), (0.06, 0.04))
"""Shares of pairs of firms of which one alone is alive: the former, the latter. The first three are those of cars."""


def differences_covered(pilot: int, repetitions: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return coverage and mean firms of the rule for differences of shares, for each of `DIFFERING`.

    Repetitions lie along an axis of their own. The width is what a pilot of as many firms nearly reaches.
    """
    within, random = 0.48 / math.sqrt(pilot), np.random.default_rng(seed)
    target = Target("survival_difference.execution.1y", "survival_difference", within, 52, between="execution")
    covered, firms = [], []
    for gain, loss in DIFFERING:
        alive = np.zeros((repetitions, 2, 128), np.int64)
        held, wanted = np.zeros(repetitions, np.int64), np.full(repetitions, pilot)
        while (wanted > held).any():
            more = ((wanted - held) // 128)[:, np.newaxis]
            gained = random.binomial(more, gain, (repetitions, 128))
            lost = random.binomial(more - gained, loss / (1 - gain))
            both = random.binomial(more - gained - lost, 0.6)
            alive[:, 0] += both + lost
            alive[:, 1] += both + gained
            held = wanted
            in_batch = np.broadcast_to((held // 128)[:, np.newaxis, np.newaxis], alive.shape)
            dims = ("speed", "execution")
            ds = xr.Dataset(
                {
                    "firms": (dims, np.stack([held, held], axis=1)),
                    "invalid": (dims, np.zeros((repetitions, 2), np.int64)),
                    "batch_firms": ((*dims, "batch"), in_batch),
                    "batch_events": ((*dims, "batch", "cause", "bin"), (in_batch - alive)[..., None, None]),
                },
                {"speed": np.arange(repetitions), "execution": [0.0, 1.0], "bin": [52]},
            )
            found = measure_difference(ds, target, 0.95)
            grown = next_firms(held, np.where(found.narrow, np.nan, found.needed), 128)
            wanted = np.where(found.counts, grown, held)
        at = Pairs(ds, target, 0.95)
        covered.append(np.mean(np.abs(at.estimate - (gain - loss)) <= at.shown))
        firms.append(held.mean())
    return np.array(covered), np.array(firms)


def years_lived(ds: xr.Dataset) -> xr.DataArray:
    """Return the mean lifetime of every batch, in years."""
    return ds["batch_lifetime"].isel(horizon=-1) / ds["batch_firms"] / ds.attrs["steps_per_week"] / 52


def alive_after_five_years(ds: xr.Dataset) -> xr.DataArray:
    """Return the share of every batch."""
    return 1 - ds["batch_events"].sel(bin=slice(None, 260)).sum(("cause", "bin")) / ds["batch_firms"]


def paired_limits(by_batch: xr.DataArray) -> xr.Dataset:
    """Return Student's limits of the effect of execution on the mean of batches of equal size."""
    of_batches = by_batch.isel(execution=1) - by_batch.isel(execution=0)
    mean, batches = of_batches.mean("batch"), of_batches.sizes["batch"]
    half = stats.t.ppf(0.975, batches - 1) * of_batches.std("batch", ddof=1) / math.sqrt(batches)
    return xr.Dataset({"lower": mean - half, "upper": mean + half})


def car_survival(execution: float, misalignment: float, years: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the exact share of cars alive after so many years, (years,), above 0, without notice."""
    nodes, weights = special.roots_hermitenorm(400)
    distance, weights = np.exp(0.862 + 1.031 * nodes), weights / weights.sum()
    drift = -0.189 + 0.3 * execution - 0.5 * execution * misalignment
    root = np.sqrt(years)[:, np.newaxis]
    years = years[:, np.newaxis]
    stays = stats.norm.cdf((distance + drift * years) / root)
    returns = np.exp(-2 * drift * distance + stats.norm.logcdf((-distance + drift * years) / root))
    found: NDArray[np.float64] = (stays - returns) @ weights
    return found


class Drawn:
    """Repetitions, as cells, of a rule for cells, with counts drawn from a law.

    Parameters
    ----------
    law : (causes, weeks) array
        Probability of an event of each cause in each week.
    target : Target
        In every cell by itself.
    pilot : int
    seed : int

    Attributes
    ----------
    ds : xarray.Dataset
        Counts after the last look.
    firms : (repetitions,) array
    looks : int
        Most that a repetition took.
    """

    def __init__(
        self, law: NDArray[np.float64], target: Target, repetitions: int, seed: int, *, pilot: int = 1024
    ) -> None:
        random, shape = np.random.default_rng(seed), (repetitions, *law.shape)
        chances = np.append(law.ravel(), 1 - law.sum())
        events = np.zeros((repetitions, chances.size), np.int64)
        held, wanted = np.zeros(repetitions, np.int64), np.full(repetitions, pilot)
        self.looks = 0
        while (wanted > held).any():
            growing = np.flatnonzero(wanted > held)
            events[growing] += random.multinomial((wanted - held)[growing], chances)
            held, self.looks = wanted, self.looks + 1
            self.ds = xr.Dataset(
                {
                    "events": (("cell", "cause", "week"), events[:, :-1].reshape(shape)),
                    "firms": ("cell", held),
                    "invalid": ("cell", np.zeros_like(held)),
                },
                {"cause": [f"cause{place}" for place in range(len(law))], "week": np.arange(1, law.shape[1] + 1)},
                {"steps_per_week": 1.0},
            )
            found = measure_cells(self.ds, target, 0.95, np.arange(repetitions))
            wanted = next_firms(held, np.where(found.open, found.needed, np.nan), 128)
        self.firms = held


def quantiles_covered(
    weeks_a_step: int, share: float, within: float, repetitions: int, seed: int
) -> tuple[float, float, float, float]:
    """Return coverage of a quantile of cars in steps of so many weeks after stopping, that of a value two standard
    errors later, mean firms, and a step's length in standard errors."""
    weeks = np.arange(1, 1041)
    seen = weeks[weeks % weeks_a_step == 0]
    alive = car_survival(1.0, 0.5, seen / 52)
    law = np.zeros((1, weeks.size))
    law[0, seen - 1] = -np.diff(alive, prepend=1.0)
    true = seen[(alive <= 1 - share).argmax()]
    target = Target(f"quantile.{share:g}", "quantile", within, 1040, share=share)
    limits, firms, spread = [], [], []
    for begin in range(0, repetitions, 1000):
        drawn = Drawn(law, target, min(1000, repetitions - begin), seed + begin)
        found = quantile(drawn.ds, p=share)
        limits.append(np.stack([found.lower.values, found.upper.values]))
        spread.append(found.se.values)
        firms.append(drawn.firms)
    (lower, upper), error = np.concatenate(limits, axis=1), float(np.concatenate(spread).mean())
    covered, off = (float(((lower <= week) & (week <= upper)).mean()) for week in (true, true + 2 * error))
    return covered, off, float(np.concatenate(firms).mean()), weeks_a_step / error


def incidences_covered(shares: Sequence[float], within: float, repetitions: int, seed: int) -> tuple[float, float]:
    """Return coverage and mean firms of the rule for the incidence of the first of several causes."""
    target = Target("incidence.cause0.1w", "incidence", within, 1, cause="cause0")
    drawn = Drawn(np.array(shares)[:, np.newaxis], target, repetitions, seed)
    found = cumulative_incidence(drawn.ds).sel(cause="cause0", week=1)
    covered = (found.lower <= shares[0]) & (shares[0] <= found.upper)
    return float(covered.mean()), float(drawn.firms.mean())


class Cars:
    """Cars over a small grid, without notice: their survival is known exactly at every step of 13 weeks.

    At a misalignment of 0.6 they live equally long whatever the execution.
    """

    def __init__(
        self,
        misalignment: Sequence[float] = (0.2, 0.5, 1.0),
        *,
        common: bool = True,
        pilot: int = 1024,
        **targets: object,
    ) -> None:
        self.misalignment = tuple(misalignment)
        self.grid = {"execution": [0.2, 1.0], "misalignment": list(misalignment)}
        self.precision = {"at_most": 2**19, **targets}
        self.study = Study(
            name="cars", model="car", replicates=pilot, seed=5, common_random_numbers=common, grid=self.grid,
            parameters={"notice": 0.0}, precision=self.precision,
        )  # fmt: skip
        self.worker = Worker(self.study, fingerprint_of(self.study))

    @cached_property
    def survival(self) -> NDArray[np.float64]:
        """Exact survival (execution, misalignment, step) at steps 0 .. 80."""
        found = np.ones((2, len(self.misalignment), 81))
        for i, execution in enumerate(self.grid["execution"]):
            for j, misalignment in enumerate(self.misalignment):
                found[i, j, 1:] = car_survival(execution, misalignment, np.arange(1, 81) / 4)
        return found

    @property
    def lifetimes(self) -> NDArray[np.float64]:
        """Exact mean lifetimes within 20 years, years, (execution, misalignment)."""
        return self.survival[..., :-1].sum(axis=-1) / 4

    @property
    def turning(self) -> float:
        """Where the effect of execution, linear between the grid's cells, is 0."""
        effect = self.lifetimes[1] - self.lifetimes[0]
        return float(np.interp(0.0, -effect, self.misalignment))

    def run(self, repetition: int) -> tuple[tuple[Reached, ...], xr.Dataset]:
        """Return how far the rule got with firms of its own, and their counts."""
        measured, ds = self._looked_at(self.study, [repetition])
        return tuple(one.reached() for one in measured), ds

    def run_together(self, repetitions: Sequence[int]) -> tuple[tuple[Measured, ...], xr.Dataset]:
        """Return how far the rule got in each of some repetitions, and their counts.

        Each has firms of its own, the same as in `run`. The rule, which treats the places of a grid one by one, takes
        them for places along one more axis, ``sigma``, whose values mean nothing.
        """
        labels = {"sigma": [float(1 + place) for place in range(len(repetitions))]}
        study = Study(
            name="cars", model="car", replicates=self.study.replicates, seed=5, grid={**labels, **self.grid},
            precision=self.precision,
        )  # fmt: skip
        return self._looked_at(study, repetitions)

    def _looked_at(self, study: Study, repetitions: Sequence[int]) -> tuple[tuple[Measured, ...], xr.Dataset]:
        """Return the last look of the rule at the cells of a study: those of the first repetition come first."""
        counters, own = self.worker.schema.counters, len(self.study.cells)
        cells = np.arange(len(study.cells))
        names = [*COUNTS, *([BINS] if "survival_difference" in self.precision else [])]
        total = {name: np.zeros((cells.size, *counters.shape(name)), np.int64) for name in names}
        signs: dict[str, NDArray[np.int8]] = {}
        held, wanted = np.zeros(cells.size, np.int64), np.full(cells.size, study.replicates)

        def counts(names: Collection[str], positions: NDArray[np.intp] | None = None) -> xr.Dataset:
            chosen = {name: total[name] if positions is None else total[name][positions] for name in names}
            return as_dataset(study, study.cells, counters, chosen, over_axes=positions is None)

        while True:
            for place, repetition in enumerate(repetitions):
                of = slice(place * own, (place + 1) * own)
                for begin, end in sorted({*zip(held[of].tolist(), wanted[of].tolist(), strict=True)}):
                    growing = np.flatnonzero((held[of] == begin) & (wanted[of] == end))
                    if end > begin:
                        shard = Shard(tuple(growing.tolist()), repetition * 2**20 + begin, end - begin, "")
                        found = self.worker.counts(shard)
                        for name, table in total.items():
                            table[place * own + growing] += found[name]
            held = wanted
            measured = widths(study.precision, counts, [cells], cells=cells.size, signs=signs)
            signs = signs_of(measured)
            wanted = following(measured, held, Allowed.of(study), batches=study.batches, alike=False)
            if np.array_equal(wanted, held):
                return measured, counts(names)

    def covered(self, ds: xr.Dataset) -> dict[str, NDArray[np.bool_]]:
        """Return whether the limits of what was asked for contain the truth: mean lifetime, survival at 5 years, m*.

        Beside them, as "half of ...", limits of half the width: the negative control.
        """
        exact = {
            "rmst": self.lifetimes, "survival": self.survival[..., 20], "m_star": self.turning,
            "difference": self.lifetimes[1] - self.lifetimes[0],
            "survival_difference": self.survival[1, :, 20] - self.survival[0, :, 20],
            "quantile": 13.0 * (self.survival <= 0.75).argmax(axis=-1),
        }  # fmt: skip
        asked = {target.kind for target in self.study.precision.targets}
        found = {"rmst": rmst(ds) / 52} if "rmst" in asked else {}
        found |= {"survival": kaplan_meier(ds).sel(week=260)} if "survival" in asked else {}
        found |= {"m_star": turning_point(ds)} if "m_star" in asked else {}
        found |= {"quantile": quantile(ds, p=0.25)} if "quantile" in asked else {}
        if "difference" in asked:
            found["difference"] = paired_limits(years_lived(ds))
        if "survival_difference" in asked:
            found["survival_difference"] = paired_limits(alive_after_five_years(ds))
        covered = {}
        for name, one in found.items():
            middle, half = (one["lower"] + one["upper"]).values / 2, (one["upper"] - one["lower"]).values / 2
            covered[name] = (one["lower"].values <= exact[name]) & (exact[name] <= one["upper"].values)
            covered[f"half of {name}"] = np.abs(middle - exact[name]) <= half / 2
        return covered
