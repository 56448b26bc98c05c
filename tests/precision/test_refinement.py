"""New cells beside m*: the same ones on any executor, and less bias than from the grid as written."""

from __future__ import annotations

import functools
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.bounded import Bounded, chance_of_deviation, of_deviation

import firmfate
from firmfate import Study
from firmfate.analysis import turning_point
from firmfate.errors import RunDirectoryError, StudyError
from firmfate.execute import ArrayPart, Threads
from firmfate.precision import Rounds, pilot, recorded, sentences
from firmfate.shards import RunDirectory
from firmfate.shards.growth import held_refinement

from .conftest import counts, decisions
from .repetitions import Cars

COARSE = (0.2, 0.45, 0.8)
TURNS = 0.6
"""Where the effect of execution on cars changes its sign, whatever the grid."""

TEXT = """\
[study]
name = "fine"
model = "car"
replicates = 1024
seed = 5

[parameters]
notice = 0.0

[grid]
execution = [0.2, 1.0]
misalignment = [0.2, 0.45, 0.8]

[precision]
m_star = 0.003
refine = 0.025
"""


def fine(**precision: object) -> Study:
    return Study.parse(TEXT) if not precision else Study.parse(TEXT.partition("m_star")[0] + "\n".join(
        f"{name} = {value}" for name, value in precision.items()
    ))  # fmt: skip


def test_a_refined_study_travels_and_keeps_the_firms_of_its_cells() -> None:
    study = fine().grown(np.arange(6) * 128 + 1024)
    finer = study.refined([0.625, 0.45])
    assert finer.refinement == (0.625,)
    assert finer.firms_by_cell.tolist() == [1024, 1152, 1024, 1280, 1408, 1536, 1024, 1664]
    assert (finer.cells.shape, study.cells.shape) == ((2, 4), (2, 3))
    assert set(study.cells.keys) < set(finer.cells.keys)
    again = pickle.loads(pickle.dumps(finer))
    assert (again.refinement, again.firms_by_cell.tolist()) == (finer.refinement, finer.firms_by_cell.tolist())
    assert finer.refined([]).firms_by_cell.tolist() == study.firms_by_cell.tolist()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"rmst": '"1 year"', "refine": 0.1}, "adds misalignments beside m*, which no target asks for"),
        ({"m_star": 0.01, "refine": 0.0}, "must lie in [0.0001, 0.5)"),
        ({"m_star_between": 0.01, "refine": 0.1}, "or precision.refine = 0.01"),
    ],
)
def test_refusals(given: dict[str, object], words: str) -> None:
    with pytest.raises(StudyError) as refused:
        fine(**given)
    assert words in str(refused.value)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory of the study, finished on one thread; tests must leave it as it is."""
    into = tmp_path_factory.mktemp("fine") / "run"
    firmfate.run(fine(), into=into, on=Threads(1), progress=False).close()
    return into


@pytest.mark.slow
@pytest.mark.bounded(power=0.99, against="the bias of a straight line between the misalignments as written")
def test_cells_are_added_around_m_star_and_its_bias_is_gone(run: Path, tmp_path: Path, bounded: Bounded) -> None:
    rounds = json.loads(decisions(run))["rounds"]
    assert rounds[0]["new misalignments"] == [0.5375, 0.58125, 0.603125, 0.625]
    assert "new misalignments" not in rounds[1]
    with firmfate.open_run(run) as ds:
        assert ds.misalignment.values.tolist() == [0.2, 0.45, 0.5375, 0.58125, 0.603125, 0.625, 0.8]
        found, (reached,) = turning_point(ds), recorded(ds.attrs["precision"])[0]
    assert reached.enough

    @functools.cache
    def estimated(sample: int) -> tuple[float, float]:
        if not sample:
            return float(found.estimate), float(found.se)
        other = Study.parse(TEXT.replace("seed = 5", f"seed = {5 + sample}").replace("0.003", "0.0015"))
        with firmfate.run(other, into=tmp_path / f"sample{sample}", progress=False) as ds:
            return float(turning_point(ds).estimate), float(turning_point(ds).se)

    def p_values(sample: int, bias: float = 0.0) -> list[float]:
        estimate, se = estimated(sample)
        return of_deviation((estimate + bias - TURNS) / se, 127)

    bias = Cars(COARSE, m_star=0.1).turning - TURNS  # by a straight line between exact lifetimes: the negative control
    assert not bounded.refuses(p_values)
    assert bounded.refuses(lambda sample: p_values(sample, bias))
    bounded.sees(chance_of_deviation(bias / float(found.se), 127))
    assert firmfate.status(run).missing == 0
    firms = firmfate.replay(run, execution=1.0, misalignment=0.5375, replicate=1023)
    assert firms.attrs["event_week"] > 0


@pytest.mark.slow
def test_a_pilot_foresees_the_cells_that_are_added(run: Path) -> None:
    found = pilot(firmfate.plan(fine()), seconds=0.3)
    with firmfate.open_run(run) as ds:
        assert sorted((*COARSE, *found.added)) == ds.misalignment.values.tolist()
        assert found.plan.firms == pytest.approx(int(ds["firms"].sum()), rel=0.25)
    assert found.plan.missing == found.plan.firms
    assert len(found.steps) == len(found.plan.cells) == 14
    assert "new cells at misalignment 0.5375, 0.58125, 0.603125, 0.625, or near by" in str(found)
    words = "no new cells are foreseen (refine): "
    unseen = pilot(firmfate.plan(Study.parse(TEXT.replace("0.8]", "0.5]"))), seconds=0.02)
    assert words + "the pilot does not see where m* lies" in str(unseen)
    no_room = pilot(firmfate.plan(fine(m_star=0.1, refine=0.025, at_most='"0.006 core-seconds"')), seconds=0.02)
    assert words + "at_most has no room for their pilots" in str(no_room)
    assert (len(no_room.plan.cells), no_room.added) == (6, ())
    done = pilot(Rounds(RunDirectory(run), fine(m_star=0.001, refine=0.025)).plan(), seconds=0.02)
    assert words + "misalignments beside m* are close enough" in str(done)


@pytest.mark.slow
def test_other_workers_and_parts_add_the_same_cells(run: Path, command: Callable, tmp_path: Path) -> None:
    firmfate.run(fine(), into=tmp_path / "small", on=Threads(2), progress=False, shard_scale=0.1).close()
    for _ in range(6):
        for part in range(2):
            firmfate.run(fine(), into=tmp_path / "parts", on=ArrayPart(part, 2, Threads(1)), progress=False)
        ended = command("gather", tmp_path / "parts")
        assert ended.code == 0, ended.err
        if "next: " not in ended.out:
            break
        assert "8 new cells at misalignment 0.5375, 0.58125" in ended.out or "firms in" in ended.out
    for into in (tmp_path / "small", tmp_path / "parts"):
        assert decisions(into) == decisions(run)
        assert counts(into) == counts(run)


@pytest.mark.slow
def test_a_broken_shard_of_the_first_round_is_run_again(run: Path, tmp_path: Path) -> None:
    """The grid as written comes first again, and the cells that were added are kept meanwhile."""
    into = tmp_path / "run"
    firmfate.run(fine(), into=into, on=Threads(1), progress=False, shard_scale=0.1).close()
    written = set(fine().cells.keys)
    first = min((into / "shards").iterdir(), key=lambda path: path.stat().st_mtime)
    first.write_bytes(first.read_bytes()[:100])
    rounds = Rounds(RunDirectory(into), fine())
    assert set(rounds.study.cells.keys) >= written
    firmfate.run(fine(), into=into, on=Threads(1), progress=False).close()
    assert (into / "broken" / first.name).is_file()
    assert decisions(into) == decisions(run)
    assert counts(into) == counts(run)


def test_an_extent_that_is_damaged_is_refused(tmp_path: Path) -> None:
    assert held_refinement(tmp_path, {"refinement": [0.5]}) == (0.5,)
    assert held_refinement(tmp_path, {}) == ()  # of a run before there were any
    for damaged in ("0.5", [0.5, None]):
        with pytest.raises(RunDirectoryError, match="'refinement' are damaged"):
            held_refinement(tmp_path, {"refinement": damaged})


@pytest.mark.slow
def test_cells_that_are_not_allowed_are_printed(tmp_path: Path) -> None:
    study = fine(m_star=0.1, refine=0.025, at_most='"0.006 core-seconds"')  # 6 cells of 1,024 firms, and a few
    with firmfate.run(study, into=tmp_path / "run", progress=False) as ds:
        reached, why = recorded(ds.attrs["precision"])
        assert ds.sizes["misalignment"] == 3
    assert why == "at most"
    words = "; the pilots of misalignments 0.5375, 0.58125, 0.603125, 0.625, beside m*, exceed at_most"
    assert sentences(reached)[0].endswith(words)


@pytest.mark.slow
def test_m_star_is_placed_between_misalignments_that_are_added(tmp_path: Path) -> None:
    """From 0.45 and 0.8 to two that lie at most 0.05 apart; 0.6 lies between them."""
    study = fine(m_star_between=0.05, refine=0.025)
    with firmfate.run(study, into=tmp_path / "run", progress=False) as ds:
        (reached,), why = recorded(ds.attrs["precision"])
    low, high = (float(word) for word in reached.answers[0].split("between ")[1].split(" and "))
    assert (why, reached.level) == ("reached", 0.95)
    assert low < TURNS < high <= low + 0.05 + 1e-9
    assert low not in COARSE or high not in COARSE


@pytest.mark.evidence
@pytest.mark.bounded(power=0.99, against="the bias of a grid with steps of 0.2", rounds=1)
def test_the_bias_of_a_straight_line_on_the_paradox_map(
    record_property: Callable[[str, object], None], tmp_path: Path, bounded: Bounded
) -> None:
    """m* of coarser grids less that of steps of 0.0125, from the same firms; and of a grid refined, from others."""
    grid = {"execution": [0.0, 1.0], "misalignment": {"from": 0.2, "to": 0.6, "points": 33}}
    study = Study(name="step", replicates=32_768, seed=20261123, grid=grid, record={"batches": 128})
    with firmfate.run(study, into=tmp_path / "step", progress=False) as ds:
        finest, of_finest = float(turning_point(ds).estimate), float(turning_point(ds).se)
        record_property(
            "m*, execution 1 against 0, of steps of 0.0125", f"{finest:.4f} (standard error {of_finest:.4f})"
        )
        bias = {}
        for every in (16, 8, 4, 2):
            coarse = [turning_point(ds.isel(misalignment=slice(first, None, every))) for first in range(every)]
            found = [float(one.estimate) - finest for one in coarse if np.isfinite(one.estimate)]
            bias[f"{every * 0.0125:g}"] = max(found, key=abs)
    record_property("largest bias by step", bias)
    coarse = {"execution": [0.0, 1.0], "misalignment": [0.25, 0.45]}
    asked = {"m_star": 0.0015, "refine": 0.0125}
    refined = Study(name="step", replicates=4096, seed=20261124, grid=coarse, precision=asked)
    with firmfate.run(refined, into=tmp_path / "refined", progress=False) as ds:
        found = turning_point(ds)
        record_property("refined from 0.25 and 0.45", f"{float(found.estimate) - finest:+.4f} ({float(found.se):.4f})")
        record_property("its firms", int(ds["firms"].sum()))
    off, se = float(found.estimate) - finest, np.hypot(float(found.se), of_finest)
    assert not bounded.refuses(of_deviation(off / se, 127))
    assert bounded.refuses(of_deviation((off + bias["0.2"]) / se, 127))
    bounded.sees(chance_of_deviation(bias["0.2"] / se, 127))
    assert abs(bias["0.2"]) > 3 * abs(bias["0.1"]) > 6 * abs(bias["0.05"])
