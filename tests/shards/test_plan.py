"""Plans by exact numbers: what is cut, what is missing of it, and what it costs."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest

from firmfate import Study, plan
from firmfate.shards import Shard
from firmfate.shards.invalid_firms import InvalidFirms
from firmfate.shards.plan import (
    block_digest,
    cut,
    firm_seconds,
    gaps,
    human_bytes,
    human_seconds,
    missing_of,
    packed_bytes,
    shard_seconds,
)
from firmfate.shards.schema import counters_of, most_cells

KEYS = tuple(f"{number:016x}" for number in range(10))


def study(replicates: int = 50, **tables: Any) -> Study:
    """Return one of six cells and 1,040 steps."""
    settings = {"name": "s", "model": "car", "years": 20, "steps_per_week": 1, "replicates": replicates}
    return Study(study=settings, grid={"misalignment": [place / 8 for place in range(6)]}, **tables)


def test_a_plan_in_words_by_hand() -> None:
    """600,000 firms, of 1,040 steps of 10 ns, of which 65 % are lived: 4.056 s; in pieces of 0.5 s, two a cell."""
    found = plan(study(100_000, record={"firms": True}, population={"execution": {"beta": [2, 2]}}))
    assert found.nominal_seconds == pytest.approx(4.056)
    assert found.result_bytes / found.gather_seconds == pytest.approx(64e6)
    assert [(shard.cells, shard.first, shard.replicates, shard.place) for shard in found.shards] == [
        ((place // 2,), place % 2 * 50_000, 50_000, place) for place in range(12)
    ]
    assert found.firms_bytes == 6 * 600_000 + 8 * 100_000  # the draws of all cells are the same
    packed = packed_bytes(found.study, 50_000)
    assert found.shard_bytes == 12 * (700 + math.ceil(13 + packed) + 3 * 50_000)
    lines = str(found).splitlines()
    assert [line[:10].strip() for line in lines] == [
        "study", "cells", "drawn", "firms", "shards", "time", "counts", "records", "error",
    ]  # fmt: skip
    assert lines[0] == "study     s: model car, 20 years, steps of one week"
    assert lines[1] == "cells     6 (6 misalignment)"
    assert lines[2].startswith("drawn     execution: beta (a 2, b 2), median 0.5")
    assert lines[3] == "firms     600,000 (100,000 a cell), of which 600,000 are to be run"
    assert lines[4] == f"shards    12 to run, a file each; about {found.shard_bytes / 2**20:.3g} MiB in all"
    assert lines[5].startswith("time      about 4.1 s on one core (0.00113 core-hours) at 10 ns a step of a firm; ")
    assert lines[6] == (
        f"counts    {found.result_bytes / 1024:.3g} KiB in memory, about {found.gather_seconds:.2g} s to gather; "
        "result.nc is smaller"
    )
    assert lines[7] == "records   about 4.2 MiB in firms.nc"
    assert lines[8] == "error     standard error of a cell's restricted mean at most 1.6 weeks"
    page = found._repr_html_()
    assert page.count("<tr>") == 9
    assert ">firms</th>" in page
    assert ">600,000 (100,000 a cell), of which 600,000 are to be run</td>" in page


def test_draws_are_kept_for_every_cell_where_random_numbers_are_not_common() -> None:
    population = {"execution": {"beta": [2, 2]}}
    settings = {"name": "s", "model": "car", "replicates": 10, "common_random_numbers": False}
    tables: dict[str, Any] = {"study": settings, "grid": {"misalignment": [0, 1]}}
    assert plan(Study(**tables, population=population, record={"firms": True})).firms_bytes == 20 * (6 + 8)
    assert plan(Study(**tables, population=population)).firms_bytes == 0
    without = plan(study(1000))
    assert "records" not in str(without)
    assert without.shard_bytes == 700 + math.ceil(6 * (13 + packed_bytes(without.study, 1000)))


def test_bytes_of_counts_are_their_entropy() -> None:
    """For every number a Poisson number's; half of the firms have an event, and lifetimes have bits of their own."""
    one = study(50)
    weeks, batches, n, life = 1040, 32, 50, math.log2(0.65 * 1040)
    assert counters_of(one).shape("batch_lifetime") == (batches, 4)
    bins = counters_of(one).shape("batch_events")[-1]
    numbers = (
        (weeks, n / weeks / 2, 0),  # events: half of the firms have one
        (1, n, 0), (1, n, 0), (1, n, 0),  # firms, invalid, first_invalid
        (batches, n / batches, 0),  # batch_firms
        (batches * bins, n / batches / bins / 2, 0),  # batch_events
        (batches * 4, n / batches, 1),  # batch_lifetime: a firm adds to each of four horizons
        *((batches * 2, n / batches / 2, power) for power in (0, 0, 1, 2, 1)),  # alarms, their warning times
    )  # fmt: skip
    bits = sum(
        count * (math.log2(1 + 2 * math.pi * math.e * mean) / 2 + min(1.0, mean) * power * life)
        for count, mean, power in numbers
    )
    assert packed_bytes(one, n) == pytest.approx(bits / 8, rel=1e-12)


@pytest.mark.parametrize(
    ("covered", "missing"),
    [([], [(0, 9)]), ([(0, 9)], []), ([(0, 12)], []), ([(9, 3)], [(0, 9)]), ([(12, 3)], [(0, 9)]),
     ([(2, 3)], [(0, 2), (5, 4)]), ([(0, 1), (1, 2), (8, 1)], [(3, 5)]), ([(1, 7), (11, 2)], [(0, 1), (8, 1)])],
)  # fmt: skip
def test_what_is_left_out_of_nine_replicates(covered: list[tuple[int, int]], missing: list[tuple[int, int]]) -> None:
    assert gaps(covered, 9) == tuple(missing)


def test_blocks_are_of_equal_size_and_of_no_more_cells_than_allowed() -> None:
    def sizes(cells: int, firms_each: int, cells_each: int, missing: tuple[int, int] = (5, 7)) -> list[Any]:
        return [
            (shard.cells, shard.first, shard.replicates)
            for shard in cut(range(cells), KEYS, missing, firms_each, cells_each)
        ]

    assert sizes(7, 49, 10) == [(tuple(range(7)), 5, 7)]
    assert sizes(7, 48, 10) == [((0, 1, 2, 3), 5, 7), ((4, 5, 6), 5, 7)]
    assert sizes(7, 49, 3) == [((0, 1, 2), 5, 7), ((3, 4), 5, 7), ((5, 6), 5, 7)]
    assert sizes(2, 7, 10) == [((0,), 5, 7), ((1,), 5, 7)]
    assert sizes(2, 6, 10) == [((0,), 5, 3), ((0,), 8, 4), ((1,), 5, 3), ((1,), 8, 4)]
    for shard in cut(range(10), KEYS, (0, 4), 12, 10):
        assert shard.block == block_digest(KEYS[cell] for cell in shard.cells)
    assert {shard.block for shard in cut(range(2), KEYS, (0, 4), 1, 10)} == {block_digest([key]) for key in KEYS[:2]}


def test_what_is_missing_of_a_shard_is_cut_out_of_it_once() -> None:
    """Against sets, over random holes."""
    chance = random.Random(5)
    for _ in range(200):
        first, count = chance.randrange(12), chance.randint(1, 12)
        shard = Shard((2, 5, 7), first, count, block_digest(KEYS[cell] for cell in (2, 5, 7)), place=4)
        lacking = {cell: {i for i in range(24) if chance.random() < 0.5} for cell in range(10)}
        holes = [gaps([(i, 1) for i in range(24) if i not in lacking[cell]], 24) for cell in range(10)]
        pieces = list(missing_of(shard, holes, KEYS))
        found = [
            (cell, i) for one in pieces for cell in one.cells for i in range(one.first, one.first + one.replicates)
        ]
        wanted = {(cell, i) for cell in shard.cells for i in range(first, first + count) if i in lacking[cell]}
        assert len(found) == len(wanted)
        assert set(found) == wanted
        assert all(one.place == 4 for one in pieces)
        assert all(one.block == block_digest(KEYS[cell] for cell in one.cells) for one in pieces)
        assert [(one.first, one.replicates) for one in pieces] == sorted((one.first, one.replicates) for one in pieces)
    whole = [((0, 24),)] * 10
    assert list(missing_of(shard, whole, KEYS)) == [shard]


def test_finished_firms_are_left_out_of_a_plan_and_its_parts() -> None:
    one = study(100_000)
    keys = plan(one).cells.keys
    found = plan(one, covered={keys[0]: [(0, 100_000)], keys[1]: [(0, 50_000)], "f" * 16: [(0, 7)]})
    assert (found.firms, found.done, found.missing) == (600_000, 150_000, 450_000)
    assert (found.total_shards, len(found.shards)) == (12, 9)
    assert found.unfinished(12) == list(range(3, 12))
    assert found.unfinished(4) == [0, 1, 2, 3]
    assert [shard.place for shard in found.part(3, 4)] == [3, 7, 11]
    assert found.unfinished(1) == [0]


def test_a_plan_of_cells_of_different_size() -> None:
    one = study(1_024, precision={"rmst": "2 weeks"}).grown(np.array([4_000, 1_100, 1_024, 2_500, 4_000, 4_000]))
    found = plan(one)
    assert (found.firms, found.missing, found.done) == (16_624, 16_624, 0)
    assert "16,624 (up to 4,000 a cell), of which 16,624 are to be run" in str(found)
    firms = [0] * 6
    for shard in found.shards:
        for cell in shard.cells:
            firms[cell] += shard.replicates
    assert firms == one.firms_by_cell.tolist()


def test_shards_take_half_a_second_to_five_but_no_more_than_twenty_thousand() -> None:
    one = study()
    each = firm_seconds(one)
    assert each == pytest.approx(1040 * 0.65 * 10e-9)
    for seconds, wanted in ((1.0, 0.5), (32.0, 0.5), (64.0, 1.0), (320.0, 5.0), (1e5, 5.0), (2e5, 10.0)):
        assert shard_seconds(round(seconds / each), one) == pytest.approx(wanted, rel=1e-4), seconds
    assert shard_seconds(round(2e5 / each), one, 3.0) == pytest.approx(30.0, rel=1e-4)


def test_many_cells_of_few_firms_make_more_shards_not_larger() -> None:
    """Counts of a shard in memory are 64 MiB at most."""
    counters = counters_of(study())
    each = most_cells(counters)
    assert each * counters.bytes_while_counting <= 64 * 2**20 < (each + 1) * counters.bytes_while_counting


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (1000, "1e+03 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (1024**2, "1 MiB"), (1024**3, "1 GiB"),
     (1024**4, "1 TiB"), (1024**5, "1.02e+03 TiB")],
)  # fmt: skip
def test_bytes_read_as_a_person_says_them(count: int, words: str) -> None:
    assert human_bytes(count) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "0 s"), (12.34, "12 s"), (5399.0, "90 min"), (5400.0, "1.5 h"), (129_599.0, "36 h"), (129_600.0, "1.5 d"),
     (864_000.0, "10 d")],
)  # fmt: skip
def test_durations_change_their_unit_at_one_and_a_half(seconds: float, words: str) -> None:
    assert human_seconds(seconds) == words


def test_the_first_failed_firm_is_replayed_by_its_cell() -> None:
    found = InvalidFirms(count=1_200, total=80_000, cells=1_000, cell={"execution": 0.1, "m": 3.0}, replicate=7)
    assert found.replay("runs/s") == "firmfate replay runs/s --execution 0.1 --m 3.0 --replicate 7"
    assert found.sentence() == (
        "the arithmetic of 1,200 of 80,000 firms has failed, in 1,000 cells that therefore have no estimate; the first "
        "is replicate 7 of execution 0.1, m 3"
    )
    assert (
        InvalidFirms(count=1, total=9, cells=1, cell={}, replicate=0)
        .sentence()
        .endswith("replicate 0 of the only cell")
    )
