"""What is missing keeps the shape of the whole plan, whatever is finished: so runs side by side write equal files."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from firmfate import Study, plan

STUDY = Study(
    study={"name": "layout", "model": "car", "replicates": 5_000_000, "years": 20},
    grid={"execution": [0.1, 0.5, 0.9], "misalignment": [0.0, 1.0]},
)
"""Six cells in pieces."""
FLAT = Study(
    study={"name": "layout", "replicates": 3_000, "years": 20},
    grid={"execution": {"from": 0.0, "to": 1.0, "points": 21}, "misalignment": {"from": 0.0, "to": 1.0, "points": 21}},
)
"""Many cells in blocks."""


def cover(study: Study, finished: set[int]) -> dict[str, list[tuple[int, int]]]:
    """Return what is covered where shards in some places are finished."""
    whole = plan(study)
    covered: dict[str, list[tuple[int, int]]] = {}
    for shard in whole.shards:
        if shard.place in finished:
            for cell in shard.cells:
                covered.setdefault(whole.cells.keys[cell], []).append((shard.first, shard.replicates))
    return covered


@settings(deadline=None, max_examples=25)
@given(st.sampled_from([STUDY, FLAT]), st.data())
def test_missing_shards_are_those_of_the_whole_plan(study: Study, data: st.DataObject) -> None:
    whole = plan(study)
    finished = data.draw(st.sets(st.integers(0, whole.total_shards - 1)))
    rest = plan(study, covered=cover(study, finished))
    assert rest.shards == tuple(shard for shard in whole.shards if shard.place not in finished)
    assert rest.done + rest.missing == whole.firms


@settings(deadline=None, max_examples=25)
@given(st.sampled_from([STUDY, FLAT]), st.data())
def test_partly_covered_shards_are_cut_to_what_they_lack(study: Study, data: st.DataObject) -> None:
    whole = plan(study)
    cells = data.draw(st.sets(st.integers(0, len(whole.cells) - 1), min_size=1))
    edges = sorted(data.draw(st.sets(st.integers(0, study.replicates), min_size=2, max_size=6)))
    ranges = [(a, b - a) for a, b in zip(edges[::2], edges[1::2], strict=False)]
    rest = plan(study, covered={whole.cells.keys[cell]: ranges for cell in cells})
    covered_firms = len(cells) * sum(count for _, count in ranges)
    assert rest.missing == whole.firms - covered_firms
    places = {shard.place: shard for shard in whole.shards}
    seen: dict[int, list[tuple[int, int]]] = {}
    for piece in rest.shards:
        outer = places[piece.place]
        assert set(piece.cells) <= set(outer.cells)
        assert outer.first <= piece.first
        assert piece.first + piece.replicates <= outer.first + outer.replicates
        for cell in piece.cells:
            seen.setdefault(cell, []).append((piece.first, piece.replicates))
            if cell in cells:
                assert all(piece.first + piece.replicates <= a or a + n <= piece.first for a, n in ranges)
    for parts in seen.values():
        parts.sort()
        assert all(a + n <= b for (a, n), (b, _) in pairwise(parts))


@settings(deadline=None, max_examples=10)
@given(st.integers(1, 40))
def test_parts_of_a_job_array_are_disjoint_and_leave_nothing_out(parts: int) -> None:
    whole = plan(FLAT)
    places = sorted(shard.place for part in range(parts) for shard in whole.part(part, parts))
    assert places == list(range(whole.total_shards))
    assert whole.unfinished(parts) == list(range(min(parts, whole.total_shards)))
