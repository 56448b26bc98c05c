"""Rounds of real runs: the same firms for any executor, after any interruption; what was not reached is reported."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import firmfate
from firmfate.errors import RunDirectoryError
from firmfate.execute import ArrayPart, DaskProcesses, Threads
from firmfate.precision import Rounds, recorded
from firmfate.shards import RunDirectory
from firmfate.study import Study

from .conftest import counts, decisions


def test_a_pilot_one_round_and_enough(finished: Path) -> None:
    held = json.loads(decisions(finished))
    pilot, last = held["rounds"]
    assert (pilot["firms a cell"], pilot["next"]) == (1024, last["firms a cell"])
    assert last["next"] == last["firms a cell"]
    assert held["finished"] == "reached"
    with firmfate.open_run(finished) as ds:
        reached, why = recorded(ds.attrs["precision"])
        firms = ds["firms"]
        assert pilot["next"] == {"least": int(firms.min()), "most": int(firms.max()), "in all": int(firms.sum())}
        assert int(ds.attrs["replicates"]) == int(firms.max()) > int(firms.min())
        mean, alive = firmfate.survival.rmst(ds) / 52, firmfate.survival.kaplan_meier(ds).sel(week=260)
        assert float((mean["upper"] - mean["lower"]).max()) <= 2 * 0.3
        assert float((alive["upper"] - alive["lower"]).max()) <= 2 * 0.02
    assert why == "reached"
    assert [(one.target, one.enough, one.cells) for one in reached] == [("rmst", True, 6), ("survival.5y", True, 6)]
    assert firmfate.status(finished).missing == 0
    life = firmfate.replay(finished, execution=1.0, misalignment=0.1, replicate=int(pilot["next"]["most"]) - 1)
    assert life.attrs["event_week"] > 0


@pytest.mark.slow
def test_other_workers_and_shards_give_the_same(finished: Path, write: Callable[..., Path], tmp_path: Path) -> None:
    into = tmp_path / "run"
    firmfate.run(write(), into=into, on=DaskProcesses(2), progress=False, shard_scale=1e-3).close()
    assert len(list((into / "shards").iterdir())) > len(list((finished / "shards").iterdir()))
    assert decisions(into) == decisions(finished)
    assert counts(into) == counts(finished)


def test_a_finished_run_decides_again_from_shards(finished: Path, write: Callable[..., Path], tmp_path: Path) -> None:
    into = shutil.copytree(finished, tmp_path / "run")
    before = sorted(path.name for path in (into / "shards").iterdir())
    (into / "rounds.json").unlink()
    with pytest.raises(RunDirectoryError, match="choose a new directory") as refused:
        _ = Rounds(RunDirectory(into), Study.read(write(looser=("0.3 years", "1 year"), other=("0.02", "0.2"))))
    assert "a run may grow, but not shrink" in str(refused.value)
    aside = (into / "shards").rename(tmp_path / "aside")
    (into / "shards").mkdir()
    with pytest.raises(RunDirectoryError, match=r"shards of whose first 1,024 are missing, and no rounds\.json"):
        _ = Rounds(RunDirectory(into), Study.read(write()))
    (into / "shards").rmdir()
    aside.rename(into / "shards")
    firmfate.run(write(), into=into, progress=False).close()
    assert sorted(path.name for path in (into / "shards").iterdir()) == before
    assert decisions(into) == decisions(finished)


def test_a_record_that_was_edited_is_refused(finished: Path, write: Callable[..., Path], tmp_path: Path) -> None:
    into = shutil.copytree(finished, tmp_path / "run")
    held = json.loads(decisions(into))
    held["rounds"][0]["next"]["most"] += 128
    (into / "rounds.json").write_text(json.dumps(held), encoding="utf-8")
    with pytest.raises(RunDirectoryError, match="round 1 has next"):
        firmfate.run(write(), into=into, progress=False)
    (into / "rounds.json").write_text("{", encoding="utf-8")
    with pytest.raises(RunDirectoryError, match=r"rounds\.json is damaged"):
        firmfate.run(write(), into=into, progress=False)


def test_a_broken_shard_of_the_pilot_is_run_again(finished: Path, write: Callable[..., Path], tmp_path: Path) -> None:
    into = shutil.copytree(finished, tmp_path / "run")
    pilot = next(path for path in (into / "shards").iterdir() if "-000000000000-" in path.name)
    data = pilot.read_bytes()
    pilot.write_bytes(data[: len(data) // 2])
    firmfate.run(write(), into=into, progress=False).close()
    assert (into / "broken" / pilot.name).is_file()
    assert decisions(into) == decisions(finished)
    assert counts(into) == counts(finished)


def test_more_precision_goes_on_from_what_is_there(finished: Path, write: Callable[..., Path], tmp_path: Path) -> None:
    into = shutil.copytree(finished, tmp_path / "run")
    before = {path.name for path in (into / "shards").iterdir()}
    finer = write(finer=("0.3 years", "0.2 years"))
    firmfate.run(finer, into=into, progress=False).close()
    fresh = tmp_path / "fresh"
    firmfate.run(finer, into=fresh, progress=False).close()
    assert before < {path.name for path in (into / "shards").iterdir()}
    assert decisions(into) == decisions(fresh)
    assert counts(into) == counts(fresh)


@pytest.mark.slow
def test_what_was_not_reached_is_reported(command: Callable, write: Callable[..., Path], tmp_path: Path) -> None:
    study = write(most=("[precision]", "[precision]\nat_most = 1500"))
    ended = command("run", study, "--into", tmp_path / "run")
    assert ended.code == 0
    line = next(line for line in ended.out.splitlines() if line.startswith("rmst: "))
    assert "± 0.3 years not reached in 6 of 6 cells with 1,500 firms a cell" in line
    assert "firms a cell would do" in line
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert (
        page.count("rmst: ± 0.3 years not reached in 6 of 6 cells") == 2
    )  # under errors, and in the methods paragraph
    assert json.loads(decisions(tmp_path / "run"))["finished"] == "at most"


def test_work_allowed_is_nominal(write: Callable[..., Path], command: Callable) -> None:
    work = write(most=("[precision]", '[precision]\nat_most = "0.01 core-seconds"'))
    assert "at most 19,230 firms in all" in command("plan", work).out  # 80 steps, of which 65 %, at 10 ns
    less = write(most=("[precision]", '[precision]\nat_most = "0.001 core-seconds"'))
    for words in (("check", less), ("plan", less), ("run", less)):
        ended = command(*words)
        assert ended.code == 2
        assert "less than the pilot takes" in ended.err


def test_cells_in_which_nothing_happens_get_exact_limits(command: Callable, write: Callable[..., Path]) -> None:
    """Within a quarter of a year no car that starts far from the edge crashes; the others decide alone."""
    study = write(
        grid=("misalignment = [0.1, 0.7, 1.0]", "buffer_mean = [0.0, 4.0]"),
        rmst=('rmst = "0.3 years"\n', ""), share=("survival.5y = 0.02", "survival.13w = 0.02"),
        fixed=("[precision]", "[parameters]\nbuffer_sd = 0.5\n\n[precision]"),
    )  # fmt: skip
    into = study.parent / "run"
    ended = command("run", study, "--into", into, "--no-report")
    line = next(line for line in ended.out.splitlines() if line.startswith("survival.13w: "))
    firms = json.loads(decisions(into))["rounds"][-1]["firms a cell"]
    assert "reached in all 2 cells" in line
    assert f"in 2 cells nothing or everything happened: the share of the other is below {3.689 / firms:.2g}" in line
    ended = command("plan", study, "--into", into)
    assert "warning   survival.13w: nothing or everything happened in 2 cell(s)" in ended.out


def test_a_plan_predicts_from_the_pilot(command: Callable, write: Callable[..., Path], finished: Path) -> None:
    study, into = write(), write().parent / "run"
    before = command("plan", study)
    assert "pilot     the firms above" in before.out
    firmfate.run(study, into=into, on=ArrayPart(0, 1), progress=False)  # the pilot, without a decision
    found = json.loads(command("plan", study, "--into", into, "--json").out)["precision"]
    after = json.loads(decisions(finished))["rounds"][-1]
    assert found["firms_a_cell"] == after["firms a cell"]["most"]
    for expected, came in zip(found["targets"], after["targets"], strict=True):
        assert expected["expected_half_width"] == pytest.approx(came["widest"], rel=0.1)
        assert expected["expected_se"] == pytest.approx(came["widest"] / 1.96, rel=0.1)


def test_array_tasks_and_gather_go_from_round_to_round(
    command: Callable, write: Callable[..., Path], finished: Path, tmp_path: Path
) -> None:
    study, into = write(), tmp_path / "run"
    for _ in range(2):
        for part in range(2):
            firmfate.run(study, into=into, on=ArrayPart(part, 2, Threads(1)), progress=False)
        ended = command("gather", into)
        assert ended.code == 0, ended.err
        if "next: " in ended.out:
            assert command("status", into).code == 3
    assert "reached in all 6 cells" in ended.out
    assert decisions(into) == decisions(finished)
    assert counts(into) == counts(finished)
