"""Named cells of a list are compared as the ends of an axis are, and grow together."""

from __future__ import annotations

from pathlib import Path

import pytest

import firmfate
from firmfate import Study
from firmfate.dataset.summing import as_dataset
from firmfate.errors import StudyError
from firmfate.precision import recorded
from firmfate.precision.pairs import Pairs
from firmfate.shards import Shard, Worker
from firmfate.shards.directory import fingerprint_of
from firmfate.study.targets import Target
from firmfate.survival import contrast, kaplan_meier, rmst

CELLS = [
    {"name": "weak", "execution": 0.2, "misalignment": 0.2},
    {"name": "strong - once", "execution": 1.0, "misalignment": 0.2},
    {"name": "misled", "execution": 1.0, "misalignment": 1.0},
]
PAIR = "strong - once - weak"
YEARS = 5


def listed(**precision: object) -> Study:
    return Study(
        name="pairs", model="car", years=YEARS, replicates=1024, seed=4, parameters={"notice": 0.0}, cells=CELLS,
        precision=precision,
    )  # fmt: skip


def counted(study: Study) -> object:
    worker, cells = Worker(study, fingerprint_of(study)), study.cells
    found = worker.counts(Shard(tuple(range(len(cells))), 0, 1024, ""))
    return as_dataset(study, cells, worker.schema.counters, found, over_axes=True)


@pytest.mark.parametrize("kind", ["difference", "survival_difference"])
def test_a_pair_of_named_cells_is_the_same_pair_as_the_ends_of_an_axis(kind: str) -> None:
    grid = Study(
        name="ends", model="car", years=YEARS, replicates=1024, seed=4, parameters={"notice": 0.0, "misalignment": 0.2},
        grid={"execution": [0.2, 1.0]}, record={"batches": 128},
    )  # fmt: skip
    target = Target(f"{kind}.execution", kind, 0.1, 52 * YEARS, between="execution")
    by_axis = Pairs(counted(grid), target, 0.95)
    listed_counts = counted(listed(**{f"{kind}.{PAIR}.{YEARS}y": 0.1 if "surv" in kind else "1 week"}))
    by_name = Pairs(listed_counts, Target("", kind, 0.1, 52 * YEARS, between=PAIR), 0.95)
    reverse = Pairs(listed_counts, Target("", kind, 0.1, 52 * YEARS, between="weak - strong - once"), 0.95)
    assert by_axis.estimate[0] > 4 * by_axis.se[0] > 0
    assert (by_name.estimate, by_name.se) == (by_axis.estimate, by_axis.se)
    assert reverse.estimate == -by_name.estimate
    assert (by_axis.cells.tolist(), by_name.cells.tolist(), reverse.cells.tolist()) == ([[0, 1]], [[0, 1]], [[1, 0]])
    assert by_name.labels == (PAIR,)


def test_both_cells_of_a_pair_grow_and_others_do_not(tmp_path: Path) -> None:
    study = listed(**{f"difference.{PAIR}": "0.04 years", f"survival_difference.{PAIR}.3y": 0.02})
    with firmfate.run(study, into=tmp_path / "run", progress=False) as ds:
        reached, why = recorded(ds.attrs["precision"])
        firms = ds["firms"].values
        assert firms[0] == firms[1] > firms[2] == 1024
        assert [one.target for one in reached] == [
            f"difference.{PAIR}",
            f"survival_difference.{PAIR}.3y",
        ]
        assert all(one.enough for one in reached)
        between = ({"cell": "strong - once"}, {"cell": "weak"})
        lived, alive = (
            contrast(ds, rmst, between=between) / 52,
            contrast(ds, kaplan_meier, between=between).sel(week=156),
        )
        for one, limits in ((reached[0], lived), (reached[1], alive)):
            shown = float(limits.upper - limits.lower) / 2
            assert shown <= one.widest <= one.within
            assert one.widest == pytest.approx(shown, rel=0.1)
    assert why == "reached"


def test_the_sign_of_a_pair_is_that_of_the_first_less_the_second(tmp_path: Path) -> None:
    study = listed(sign=["misled - weak", PAIR])
    with firmfate.run(study, into=tmp_path / "run", progress=False) as ds:
        reached, _ = recorded(ds.attrs["precision"])
    assert [(one.target, one.shorter, one.longer) for one in reached] == [
        ("sign.misled - weak", 1, 0), (f"sign.{PAIR}", 0, 1),
    ]  # fmt: skip


def test_cells_in_which_nothing_happens_do_not_differ() -> None:
    ds = counted(listed(**{f"difference.{PAIR}": "0.1 years"}))
    ds["batch_events"][:] = 0
    found = Pairs(ds, Target("", "survival_difference", 0.1, 52, between=PAIR), 0.95)
    assert (found.never.tolist(), found.differ.tolist()) == ([True], [False])
    ds["batch_events"][:, 0, 0, 0] = 1  # as many in both cells, but perhaps of other firms
    found = Pairs(ds, Target("", "survival_difference", 0.1, 52, between=PAIR), 0.95)
    assert (found.never.tolist(), found.differ.tolist()) == ([False], [True])


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("difference.weak", 'names no two cells; write "weak - misled", of weak, strong - once, misled'),
        ("difference.weak - weak", "names no two cells"),
        ("difference.weak - strong", "names no two cells"),
        ("survival_difference.misled - weak.40w", "choose a multiple of it"),
        ("survival_difference.misled - weak", "there is no such key"),
        ("difference.misled - weak.40w", "none of record.horizons"),
    ],
)
def test_refusals(key: str, words: str) -> None:
    with pytest.raises(StudyError) as refused:
        listed(**{key: 0.1 if "survival" in key else "1 week"})
    assert words in str(refused.value)


def test_names_are_needed() -> None:
    unnamed = [{key: value for key, value in cell.items() if key != "name"} for cell in CELLS]
    with pytest.raises(StudyError, match="is no axis of a"):
        Study(name="pairs", model="car", cells=unnamed, precision={"difference.weak - misled": "1 week"})


def test_a_name_that_could_be_cut_twice() -> None:
    target = Target("", "difference", 0.1, 52, between="a - b - c")
    assert target.pair(["a", "b - c"]) == ("a", "b - c")
    assert target.pair(["a - b", "c"]) == ("a - b", "c")
    assert target.pair(["a", "b", "c"]) is None
