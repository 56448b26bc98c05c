"""Plans: which firms are missing, cut into shards of a few seconds of work, and what they will cost.

The layout of shards never changes a result, because shards hold integers that are added. It is the same on every
machine: work is measured in nominal seconds, so that array tasks on different nodes agree on which shard is which. It
is the same whatever is finished already: all of the study is cut, and finished firms are left out of the pieces. So
two runs of one directory make the same files, not files that overlap.
"""

from __future__ import annotations

import bisect
import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

import numpy as np

from firmfate.design import Cells
from firmfate.markup import rows
from firmfate.shards.schema import counters_of, most_cells
from firmfate.study import Study

NOMINAL_SECONDS = 10e-9
"""One step of one firm on one core, a round number for plans before anything is measured (`benchmarks/` has measured
ones, and the progress bar shows what a machine really takes)."""

LIVED_SHARE = 0.65
"""Share of the horizon that a firm survives, a round number for plans."""

EVENT_SHARE = 0.5
"""Share of firms that have an event within the horizon, a round number for plans."""

LONGEST_SHARD = 5.0
SHORTEST_SHARD = 0.5
SMALL_PLAN = 64
MOST_SHARDS = 20_000
"""Shards take 5 nominal seconds; less where the plan would have fewer than 64 of them (so that two cores finish
together and a kill loses little), more where it would have over 20,000 files."""

SHARD_BYTES, KEY_BYTES = 700, 13
"""Bytes of a shard's file beside its counts, about: its header, and the key of every cell."""

GATHERED_BYTES = 64e6
"""Bytes of counts that a core writes to shards and gathers in a second, a round number for plans."""

RECORD_BYTES, FIRM_BYTES = 3, 6
"""Bytes of a recorded firm in a shard, and again in ``firms.nc``, about: its end, alarm and marks, compressed."""

SPREAD = {"1": 0, "step": 1, "step2": 2}
"""Unit of a counter -> the power of a lifetime that a firm adds to it."""

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Shard:
    """A block of cells x a range of replicates.

    Attributes
    ----------
    cells : tuple of int
        Positions in the study's cells.
    first, replicates : int
        Replicates ``first .. first + replicates - 1`` of every cell.
    block : str
        12 hexadecimal digits of the cells' keys.
    place : int
        Its place among all shards of the study, or that of the shard whose missing part it is.

    Examples
    --------
    >>> import firmfate
    >>> study = firmfate.Study(name="cars", model="car", replicates=64, grid={"misalignment": [0, 1]})
    >>> (shard,) = firmfate.plan(study).shards
    >>> shard.cells, shard.first, shard.replicates, shard.firms
    ((0, 1), 0, 64, 128)
    >>> shard.name == f"{shard.block}-000000000000-000000000064"
    True
    """

    cells: tuple[int, ...]
    first: int
    replicates: int
    block: str
    place: int = 0

    @property
    def firms(self) -> int:
        """Firms in this shard."""
        return len(self.cells) * self.replicates

    @property
    def name(self) -> str:
        """Beginning of its file's name; a digest of the content follows."""
        return f"{self.block}-{self.first:012d}-{self.replicates:012d}"


def block_digest(keys: Iterable[str]) -> str:
    """Return 12 hexadecimal digits that name a block of cells by their keys, in order."""
    return hashlib.sha256("".join(keys).encode()).hexdigest()[:12]


@dataclass(frozen=True, eq=False, repr=False)
class Plan:
    """What a study takes: its cells, the shards that are missing, and what they will cost.

    Attributes
    ----------
    study : Study
    cells : Cells
    shards : tuple of Shard
        What is missing.
    total_shards : int
        All shards of the study, finished or not: their places are ``0 .. total_shards - 1``.
    done : int
        Firms that finished shards hold already.

    Examples
    --------
    See `plan`.
    """

    study: Study
    cells: Cells
    shards: tuple[Shard, ...]
    total_shards: int
    done: int = 0

    @property
    def firms(self) -> int:
        """Firms in the study, simulated already or not."""
        return int(self.study.firms_by_cell.sum())

    @cached_property
    def missing(self) -> int:
        """Firms still to be simulated."""
        return sum(shard.firms for shard in self.shards)

    @property
    def nominal_seconds(self) -> float:
        """Core-seconds for what is missing, at 10 ns a step of a firm; expect half to twice of it."""
        return self.missing * firm_seconds(self.study)

    @property
    def gather_seconds(self) -> float:
        """Core-seconds for writing counts and gathering them, which designs of many cells with few firms feel."""
        return self.result_bytes / GATHERED_BYTES

    @property
    def shard_bytes(self) -> int:
        """Bytes of all shards' files, about."""
        per_firm = RECORD_BYTES if self.study.record_firms else 0
        per_cell = {
            count: KEY_BYTES + packed_bytes(self.study, count) for count in {shard.replicates for shard in self.shards}
        }
        return sum(
            SHARD_BYTES + math.ceil(len(shard.cells) * per_cell[shard.replicates]) + shard.firms * per_firm
            for shard in self.shards
        )

    def part(self, index: int, parts: int) -> tuple[Shard, ...]:
        """Return one array task's work: what is missing of every `parts`-th shard of the study, from `index` on."""
        return tuple(shard for shard in self.shards if shard.place % parts == index)

    def unfinished(self, parts: int) -> list[int]:
        """Return which of so many parts miss anything, in order."""
        return sorted({shard.place % parts for shard in self.shards})

    @property
    def result_bytes(self) -> int:
        """Bytes of the counts in memory, before compression in files."""
        return len(self.cells) * counters_of(self.study).bytes_per_cell

    @property
    def firms_bytes(self) -> int:
        """Bytes of ``firms.nc``, about: event and draws of every firm; 0 where firms are not recorded."""
        study = self.study
        if not study.record_firms:
            return 0
        drawing = study.replicates if study.common_random_numbers else self.firms
        return FIRM_BYTES * self.firms + 8 * len(study.population.keys) * drawing

    @property
    def expected_se_weeks(self) -> float:
        """Standard error of a cell's restricted mean to expect at worst, in weeks: half the horizon over sqrt(n)."""
        return self.study.weeks / 2 / math.sqrt(self.study.replicates)

    def __repr__(self) -> str:
        study, cells = self.study, self.cells
        step = "one week" if study.dt == 1 else f"{study.dt:g} weeks"
        each = f"{'up to ' if study.allocation else ''}{study.replicates:,} a cell"
        return "\n".join(
            [
                f"study     {study.name}: model {study.model_name}, {study.years:g} years, steps of {step}",
                f"cells     {len(cells):,} ({' x '.join(f'{n}' for n in cells.shape)} {', '.join(cells.dims)})",
                *(f"drawn     {line}" for line in study.drawn_words),
                f"firms     {self.firms:,} ({each}), of which {self.missing:,} are to be run",
                f"shards    {len(self.shards):,} to run, a file each; about {human_bytes(self.shard_bytes)} in all",
                f"time      about {human_seconds(self.nominal_seconds)} on one core "
                f"({self.nominal_seconds / 3600:.3g} core-hours) at {NOMINAL_SECONDS * 1e9:g} ns a step of a firm; "
                "starting takes seconds, and compiling a model once",
                f"counts    {human_bytes(self.result_bytes)} in memory, "
                f"about {human_seconds(self.gather_seconds)} to gather; result.nc is smaller",
                *([f"records   about {human_bytes(self.firms_bytes)} in firms.nc"] if study.record_firms else []),
                f"error     standard error of a cell's restricted mean at most {self.expected_se_weeks:.2g} weeks",
            ]
        )

    def _repr_html_(self) -> str:
        """What a notebook shows: the lines of its text as a table."""
        return rows((line[:10].strip(), line[10:]) for line in repr(self).splitlines())


def packed_bytes(study: Study, replicates: int) -> float:
    """Return the bytes that the counts of so many firms of one cell take in a shard, about.

    What a counter holds of n firms spread over k numbers is about Poisson with mean n/k, whose entropy is 1/2
    log2(2 pi e n/k) bits; where firms add lifetimes and not ones, those have some bits of their own.
    """
    counters, total = counters_of(study), 0.0
    for name, counter in counters.variables.items():
        shape, dims = counters.shape(name), counters.dims(name)
        # A firm adds to one number of a counter, but to each of the horizons.
        places = math.prod(size for dim, size in zip(dims, shape, strict=True) if dim != "horizon")
        mean = replicates / places * (EVENT_SHARE if "cause" in dims else 1.0)
        bits = 0.5 * math.log2(1 + 2 * math.pi * math.e * mean)
        bits += min(1.0, mean) * SPREAD[counter.units] * math.log2(max(1.0, LIVED_SHARE * study.steps))
        total += math.prod(shape) * bits / 8
    return total


def human_bytes(count: float) -> str:
    """Return a number of bytes as a person reads it."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.3g} {unit}"
        count /= 1024
    return f"{count:.3g} TiB"


def human_seconds(seconds: float) -> str:
    """Return a duration as a person reads it."""
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.2g} s"


def firm_seconds(study: Study) -> float:
    """Return the nominal core-seconds of one firm."""
    return study.steps * LIVED_SHARE * NOMINAL_SECONDS


def week_ratio(study: Study) -> tuple[int, int]:
    """Return (a, b) such that a step is a/b weeks, one of them 1."""
    ratio = 1 / Fraction(study.steps_per_week).limit_denominator(10**6)
    return ratio.numerator, ratio.denominator


def gaps(covered: Sequence[Range], replicates: int) -> tuple[Range, ...]:
    """Return the ranges (first, count) of ``0 .. replicates - 1`` that `covered`, sorted and disjoint, leaves out."""
    missing, position = [], 0
    for first, count in covered:
        if position < min(first, replicates):
            missing.append((position, min(first, replicates) - position))
        position = max(position, first + count)
    if position < replicates:
        missing.append((position, replicates - position))
    return tuple(missing)


def shard_seconds(firms: int, study: Study, scale: float = 1.0) -> float:
    """Return the nominal seconds of one shard in a plan of so many firms."""
    total = firms * firm_seconds(study)
    return scale * max(min(LONGEST_SHARD, max(SHORTEST_SHARD, total / SMALL_PLAN)), total / MOST_SHARDS)


def cut(cells: Sequence[int], keys: Sequence[str], missing: Range, firms_each: int, cells_each: int) -> Iterable[Shard]:
    """Yield shards of about `firms_each` firms: all of the range for some cells, or a piece of it for one."""
    first, count = missing
    if firms_each >= count:
        # Blocks of equal size: the last is not left with a few cells.
        blocks = max(1, math.ceil(len(cells) * count / firms_each), math.ceil(len(cells) / cells_each))
        for block in np.array_split(np.asarray(cells), min(blocks, len(cells))):
            yield Shard(tuple(block.tolist()), first, count, block_digest(keys[cell] for cell in block))
        return
    pieces = math.ceil(count / firms_each)
    edges = [first + count * piece // pieces for piece in range(pieces + 1)]
    for cell in cells:
        block_name = block_digest([keys[cell]])
        for begin, end in pairwise(edges):
            yield Shard((cell,), begin, end - begin, block_name)


def missing_of(shard: Shard, holes: Sequence[Sequence[Range]], keys: Sequence[str]) -> Iterable[Shard]:
    """Yield what is missing of a shard, given the ranges that every cell misses: nothing, itself, or pieces of it."""
    end = shard.first + shard.replicates
    by_range: dict[Range, list[int]] = defaultdict(list)
    for cell in shard.cells:
        ranges = holes[cell]
        start = bisect.bisect_right(ranges, shard.first, key=sum)
        for first, count in ranges[start:]:
            if first >= end:
                break
            begin = max(first, shard.first)
            by_range[begin, min(first + count, end) - begin].append(cell)
    for (first, count), members in sorted(by_range.items()):
        block = shard.block if len(members) == len(shard.cells) else block_digest(keys[cell] for cell in members)
        yield Shard(tuple(members), first, count, block, shard.place)


def plan(
    study: Study,
    *,
    covered: Mapping[str, Sequence[Range]] | None = None,
    shard_scale: float = 1.0,
    cells: Cells | None = None,
) -> Plan:
    """Cut what is missing of a study into shards.

    Parameters
    ----------
    study : Study
    covered : mapping, optional
        Key of a cell -> sorted, disjoint ranges (first, count) of replicates that finished shards hold.
    shard_scale : float
        Multiplies the size of shards. Results do not depend on it.
    cells : Cells, optional
        The study's cells, where they are at hand.

    Returns
    -------
    Plan

    Examples
    --------
    >>> from firmfate import Study, plan
    >>> p = plan(Study(study={"name": "small", "replicates": 1000}, grid={"execution": [0.1, 0.9]}))
    >>> p.firms, p.missing, len(p.shards)
    (2000, 2000, 1)
    """
    cells = study.cells if cells is None else cells
    largest = len(cells) * study.replicates
    firms_each = max(1, round(shard_seconds(largest, study, shard_scale) / firm_seconds(study)))
    cells_each = most_cells(counters_of(study))
    pieces = cut(range(len(cells)), cells.keys, (0, study.replicates), firms_each, cells_each)
    every = [replace(shard, place=place) for place, shard in enumerate(pieces)]
    shards = every
    if covered or study.allocation:
        held, wanted = covered or {}, study.firms_by_cell.tolist()
        holes = [gaps(held.get(key, ()), firms) for key, firms in zip(cells.keys, wanted, strict=True)]
        shards = [piece for shard in every for piece in missing_of(shard, holes, cells.keys)]
    done = int(study.firms_by_cell.sum()) - sum(shard.firms for shard in shards)
    return Plan(study, cells, tuple(shards), total_shards=len(every), done=done)
