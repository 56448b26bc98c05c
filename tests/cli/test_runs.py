"""Commands on run directories: run, status, gather, replay."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import firmfate
from firmfate.errors import IncompleteRunError


@pytest.fixture
def partial_run(command: Callable, study_file: Path, tmp_path: Path) -> Path:
    """A run of which the first of two parts is done."""
    into = tmp_path / "run"
    assert command("run", study_file, "--into", into, "--shards", "0/2", "--quiet").code == 0
    return into


@pytest.fixture
def study_file(study_file: Path) -> Path:
    """The small study with enough firms for several shards."""
    study_file.write_text(study_file.read_text().replace("replicates = 300", "replicates = 40_000"))
    return study_file


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Return (inode, time of the last change) of every file."""
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def test_a_part_of_a_run_is_incomplete_and_the_rest_completes_it(
    command: Callable, partial_run: Path, study_file: Path
) -> None:
    ended = command("status", partial_run, "--json", "--cells")
    state = json.loads(ended.out)
    assert ended.code == 3
    assert 0 < state["missing"] < state["firms"] == 240_000
    assert sum(cell["done"] for cell in state["by_cell"]) == state["done"]
    assert {cell["execution"] for cell in state["by_cell"]} == {0.1, 0.9}

    ended = command("gather", partial_run)
    assert ended.code == IncompleteRunError.exit_code == 3
    assert not (partial_run / "result.nc").exists()

    ended = command("gather", partial_run, "--allow-incomplete")
    assert ended.code == 0
    assert "which are not all" in ended.out

    before = snapshot(partial_run / "shards")
    assert command("run", study_file, "--into", partial_run, "--shards", "1/2", "--quiet").code == 0
    assert before.items() <= snapshot(partial_run / "shards").items()
    assert command("status", partial_run).code == 0
    assert json.loads(command("gather", partial_run, "--json").out) == {
        "result": str(partial_run / "result.nc"), "firms": 240_000, "invalid": 0, "complete": True,
    }  # fmt: skip


def test_status_sees_broken_and_repeated_shards(command: Callable, finished_run: Path, tmp_path: Path) -> None:
    into = tmp_path / "run"
    shutil.copytree(finished_run, into)
    shards = sorted((into / "shards").iterdir())
    stem, _, suffix = shards[0].name.rpartition("-")
    shutil.copy(shards[0], into / "shards" / f"{stem}-{'0' * 16}.shard")
    (into / "shards" / ".half-written.part").write_bytes(b"x")
    state = json.loads(command("status", into, "--json", "--quick").out)
    assert (state["missing"], len(state["shards"]["duplicate"]), state["shards"]["broken"]) == (0, 1, [])
    state = json.loads(command("status", into, "--json").out)
    assert (state["missing"], len(state["shards"]["duplicate"]), len(state["shards"]["broken"])) == (0, 0, 1)

    (into / "shards" / f"{stem}-{'0' * 16}.shard").unlink()
    data = bytearray(shards[0].read_bytes())
    data[len(data) // 2] ^= 1
    shards[0].write_bytes(data)
    assert command("status", into, "--quick").code == 0  # names alone do not show it
    ended = command("status", into)
    assert ended.code == 3
    assert shards[0].name in ended.out
    assert "next      firmfate run" in ended.out
    assert suffix


def test_gather_prints_how_broken_shards_are_replaced_or_leaves_them_out(
    command: Callable, partial_run: Path, study_file: Path, tmp_path: Path
) -> None:
    assert command("run", study_file, "--into", partial_run, "--shards", "1/2", "--quiet").code == 0
    into = partial_run.rename(tmp_path / "a run")
    victim = sorted((into / "shards").iterdir())[0]
    victim.write_bytes(victim.read_bytes()[:1000])
    ended = command("status", into)
    assert f"next      firmfate run '{into}/study.toml' --into '{into}'" in ended.out
    ended = command("gather", into, "--allow-incomplete", "--json")
    assert ended.code == 0, ended.err
    kept = json.loads(ended.out)
    assert not kept["complete"]
    assert (into / "broken" / victim.name).is_file()
    assert not victim.exists()
    assert kept["firms"] == json.loads(command("status", into, "--json").out)["done"]


def test_a_run_without_its_provenance_is_refused(
    command: Callable, study_file: Path, finished_run: Path, tmp_path: Path
) -> None:
    into = tmp_path / "run"
    shutil.copytree(finished_run, into)
    (into / "provenance.json").unlink()
    for words in (["run", study_file, "--into", into], ["gather", into]):
        ended = command(*words)
        assert (ended.code, "without its provenance.json" in ended.err) == (2, True), words
    assert not (into / "provenance.json").exists()


def test_a_broken_shard_of_a_complete_run_is_reported_with_the_command_that_replaces_it(
    command: Callable, finished_run: Path, tmp_path: Path
) -> None:
    into = tmp_path / "run"
    shutil.copytree(finished_run, into)
    (into / "result.nc").unlink()
    victim = sorted((into / "shards").iterdir())[0]
    victim.write_bytes(victim.read_bytes()[:1000])
    ended = command("gather", into)
    assert ended.code == 2
    assert f"{victim.name}; run the study to replace them: firmfate run {into}/study.toml --into {into}" in ended.err
    assert victim.is_file()
    assert not (into / "result.nc").exists()


def test_a_claim_that_was_cut_short_is_taken_up(command: Callable, study_file: Path, tmp_path: Path) -> None:
    into = tmp_path / "run"
    (into / "shards").mkdir(parents=True)
    (into / ".provenance.json.0123abcd-123-4.part").write_text("{")
    shutil.copy(study_file, into)
    assert command("plan", study_file, "--into", into).code == 0
    assert command("run", study_file, "--into", into, "--quiet", "--no-report").code == 0
    other = tmp_path / "other"
    (other / "shards").mkdir(parents=True)
    (other / "study.toml").write_text("# of somebody else\n")
    ended = command("run", study_file, "--into", other)
    assert (ended.code, "is not empty and holds no run" in ended.err) == (2, True)


def test_what_is_no_run_directory_is_refused(command: Callable, tmp_path: Path) -> None:
    for words in (["status"], ["gather"], ["report"], ["replay"], ["export", "--into", tmp_path / "x.csv"]):
        ended = command(words[0], tmp_path, *words[1:])
        assert (ended.code, ended.err.count("firmfate: ")) == (2, 1), words
    assert list(tmp_path.iterdir()) == []


def test_a_replayed_firm_equals_the_runs_record(command: Callable, finished_run: Path) -> None:
    """The compiled run, a second run by `simulate`, and the replay agree on every one of 20 firms."""
    firms = firmfate.simulate(
        "firm", execution=0.9, misalignment=1.0, weeks=520, seed=20261123, replicates=20
    ).isel(cell=0)  # fmt: skip
    printed = json.loads(
        command("replay", finished_run, "--execution", 0.9, "--misalignment", 1, "--replicate", "0-19", "--json").out
    )
    causes = firms.cause.attrs["flag_meanings"].split()
    for life, firm in zip(printed, range(20), strict=True):
        record = firms.isel(replicate=firm)
        assert life["event_week"] == record.event_week.item()
        assert life["cause"] == causes[record.cause.item()]
        assert life["alarm_week"] == record.alarm_week.item()
        if life["alarm_week"]:
            assert life["green_kpis"] == record.green_kpis.item()


def test_replay_names_the_nearest_cell(command: Callable, finished_run: Path) -> None:
    ended = command("replay", finished_run, "--execution=0.7", "--misalignment", "0.4", "--replicate", "17")
    assert ended.code == 0
    assert ended.out.startswith("firm 17 of cell (execution 0.9, misalignment 0.5): ")
    spelled = command(
        "replay", "--axis", "execution=0.7", "--axis", "misalignment=0.4", "--replicate", "17", finished_run
    )
    assert spelled.out == ended.out


def test_replay_writes_the_same_trajectory_as_csv_netcdf_and_picture(
    command: Callable, finished_run: Path, tmp_path: Path
) -> None:
    names = {kind: tmp_path / f"firm.{kind}" for kind in ("csv", "nc", "png")}
    ended = command(
        "replay", finished_run, "--execution", "0.9", "--misalignment", "1", "--replicate", "3",
        "--csv", names["csv"], "--netcdf", names["nc"], "--plot", names["png"],
    )  # fmt: skip
    assert ended.code == 0
    life = firmfate.replay(finished_run, replicate=3, execution=0.9, misalignment=1.0)
    table = pd.read_csv(names["csv"], float_precision="round_trip")
    assert list(table.columns[:3]) == ["replicate", "step", "week"]
    with xr.open_dataset(names["nc"]) as stored:
        for name in life.data_vars:
            np.testing.assert_array_equal(table[name], life[name])
            np.testing.assert_array_equal(stored[name], life[name])
        assert stored.attrs["event_week"] == life.attrs["event_week"]
    assert names["png"].read_bytes().startswith(b"\x89PNG")


def test_several_trajectories_as_csv_stop_where_the_firms_do(
    command: Callable, finished_run: Path, tmp_path: Path
) -> None:
    path = tmp_path / "firms.csv"
    assert (
        command("replay", finished_run, "--replicate", "5-8", "--variables", "cash,customers", "--csv", path).code == 0
    )
    table = pd.read_csv(path)
    assert list(table.columns) == ["replicate", "step", "week", "cash", "customers"]
    assert table.notna().all(axis=None)
    for replicate, rows in table.groupby("replicate"):
        life = firmfate.replay(finished_run, replicate=int(replicate))
        assert len(rows) == life.sizes["step"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--executoin", "0.9"], "'executoin' is no axis of this run; allowed: execution, misalignment; did you mean"),
        (["--execution", "high"], "'execution' has the value 'high'; allowed: a number"),
        (["--execution"], "'execution' has the value ''"),
        (["--execution", "nan"], "allowed: a number"),
        (["--replicate", "-3"], "--replicate"),
        (["--replicate", "9-2"], "a range such as 0-9"),
        (["--variables", "csh"], "a trajectory has no column 'csh'; did you mean 'cash'?"),
        (["--variables", "cash,foo"], "a trajectory has no column 'foo'; allowed: eps_"),
        (["--csv", "nodir/x.csv"], "nodir/x.csv: there is no folder nodir"),
        (["--netcdf", "nodir/x.nc"], "nodir/x.nc: there is no folder nodir"),
        (["--replicate", "9" * 19, "--netcdf", "a\\b.nc"], "the netCDF library cannot open files by this name"),
        (["--plot", "nodir/x.png"], "nodir/x.png: there is no folder nodir"),
        (["--replicate", "0-3", "--plot", "x.png"], "--plot draws one complete trajectory"),
        (["--plot", "x.docx"], "names that end in .png, .svg, .pdf"),
    ],
)
def test_replay_refuses_in_one_message(command: Callable, finished_run: Path, words: list[str], said: str) -> None:
    ended = command("replay", finished_run, *words)
    assert ended.code == 2
    assert said in ended.err
    assert ended.err.count("firmfate: ") == 1


def test_a_run_without_into_goes_to_runs(
    command: Callable, study_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    study_file.write_text(study_file.read_text().replace("replicates = 40_000", "replicates = 10"))
    printed = json.loads(command("run", study_file, "--no-report", "--json", "--quiet").out)
    assert (printed["directory"], printed["firms"], printed["report"]) == ("runs/small", 60, None)
    assert (tmp_path / "runs" / "small" / "result.nc").is_file()
    assert printed["finding"]


def test_a_firm_beyond_the_run_is_replayed_and_reported(command: Callable, finished_run: Path) -> None:
    assert command("replay", finished_run, "--replicate", "299").err == ""
    ended = command("replay", finished_run, "--replicate", "300")
    assert ended.code == 0
    assert ended.err == "the run holds firms 0 to 299 of every cell; firm 300 is what more replicates would add\n"
