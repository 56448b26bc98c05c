"""What a run directory is refused for beside another study: its version, damaged records, shards of other runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import firmfate
from firmfate.errors import BrokenShardError
from firmfate.shards import RunDirectory, Shard, Worker
from firmfate.shards.directory import fingerprint_of
from firmfate.shards.plan import block_digest

STUDY = """\
[study]
name = "small"
model = "car"
years = 10
replicates = 4_000
seed = {seed}

[grid]
execution = [0.1, 0.9]
misalignment = [0.0, 0.5, 1.0]
"""
SMALL_SHARDS = ("--shard-scale", "0.0002", "--no-report", "--quiet")


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """The study, with the first seed."""
    path = tmp_path / "study.toml"
    path.write_text(STUDY.format(seed=1))
    return path


def made(command: Callable, tmp_path: Path, seed: int) -> Path:
    """Run the study with a seed, in small shards."""
    path, into = tmp_path / f"seed-{seed}.toml", tmp_path / f"run-{seed}"
    path.write_text(STUDY.format(seed=seed))
    assert command("run", path, "--into", into, *SMALL_SHARDS).code == 0
    return into


def everything(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below a folder."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def older(finished_run: Path, tmp_path: Path) -> Path:
    """A finished run as the version before left it: shards in netCDF, no word of their format."""
    run = shutil.copytree(finished_run, tmp_path / "older")
    for path in list((run / "shards").iterdir()):
        path.rename(path.with_suffix(".nc"))
    record = json.loads((run / "provenance.json").read_text())
    for name in ("shard format", "replicates", "axes", "dimensions", "cells", "cell keys"):
        del record[name]
    (run / "provenance.json").write_text(json.dumps(record | {"commit": "0123456789ab"}))
    return run


@pytest.mark.slow
def test_a_run_of_an_older_version_is_refused_and_its_results_are_not(
    command: Callable, study_file: Path, older: Path, tmp_path: Path
) -> None:
    profile = tmp_path / "profile.toml"
    profile.write_text('memory = "1G"\n')
    before = everything(older)
    for words in (
        ("run", study_file, "--into", older),
        ("run", study_file, "--into", older, "--shards", "0/2"),
        ("plan", study_file, "--into", older),
        ("submit", study_file, "--into", older, "--profile", profile, "--pretend"),
        ("gather", older),
        ("status", older),
        ("replay", older),
        ("export", older, "--firms", "--into", tmp_path / "firms.csv"),
    ):
        ended = command(*words)
        assert ended.code == 2, words
        assert f"{older} holds a run of an older version of firmfate ({firmfate.__version__}, commit 01" in ended.err
        assert "its shards are of format 1, this version's of format 2" in ended.err
        assert f"firmfate run {older}/study.toml --into {older}-2" in ended.err
    assert everything(older) == before
    assert command("export", older, "--into", tmp_path / "counts.csv", "--quiet").code == 0
    with firmfate.open_run(older) as ds:
        assert int(ds.firms.sum()) == 1_800
    assert command("report", older).code == 0
    assert command("run", older / "study.toml", "--into", f"{older}-2", "--quiet").code == 0


def test_a_run_of_a_version_to_come_is_refused(command: Callable, study_file: Path, older: Path) -> None:
    record = json.loads((older / "provenance.json").read_text())
    (older / "provenance.json").write_text(json.dumps(record | {"shard format": 3}))
    ended = command("run", study_file, "--into", older)
    assert ended.code == 2
    assert "holds a run of another version of firmfate" in ended.err
    assert "its shards are of format 3" in ended.err


DAMAGES = {
    "no table": ("[]", "it is not a table"),
    "no JSON": ("{", "cannot be read"),
    "deeply nested": ("[" * 100_000, "cannot be read"),
    "no name": ({"study": None}, "its 'study' is missing"),
    "no fingerprint": ({"fingerprint table": "x"}, "its 'fingerprint table' is missing, or of another type"),
    "no number": ({"replicates": "many"}, "its 'replicates' is missing, or of"),
    "no axes": ({"axes": 7}, "its 'axes' is missing, or of"),
    "axes that are numbers": ({"axes": [1, 2]}, "holds a run whose axes are 1, 2"),
    "keys that are none": ({"cell keys": "?"}, "its 'cell keys' are damaged"),
    "keys cut short": ({"cell keys": "AAAA"}, "its 'cell keys' are damaged"),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_record_is_named(
    command: Callable, study_file: Path, finished_run: Path, tmp_path: Path, what: str
) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    changes, said = DAMAGES[what]
    path = run / "provenance.json"
    path.write_text(changes if isinstance(changes, str) else json.dumps(json.loads(path.read_text()) | changes))
    before = everything(run)
    for words in (("run", study_file, "--into", run), ("gather", run)):
        ended = command(*words)
        assert ended.code == 2, ended
        assert str(run) in ended.err
        assert said in ended.err
    assert everything(run) == before


def test_a_shard_of_another_seed_is_not_mixed_in(command: Callable, tmp_path: Path) -> None:
    """Its name fits, its digest fits, its cells fit: its fingerprint does not. It is run again."""
    run, other = (made(command, tmp_path, seed) for seed in (1, 2))
    with firmfate.open_run(run) as ds:
        wanted = ds.drop_attrs().load()
    lost = sorted((run / "shards").iterdir())[1]
    stem = lost.name.rpartition("-")[0]
    (foreign,) = (other / "shards").glob(f"{stem}-*")
    lost.unlink()
    copied = Path(shutil.copy(foreign, run / "shards"))
    ended = command("gather", run)
    assert ended.code == BrokenShardError.exit_code == 2, ended
    assert copied.name in ended.err
    assert json.loads(command("status", run, "--json").out)["shards"]["broken"] == [copied.name]
    assert command("run", tmp_path / "seed-1.toml", "--into", run, *SMALL_SHARDS).code == 0
    assert (run / "broken" / copied.name).is_file()
    with firmfate.open_run(run) as ds:
        assert ds.drop_attrs().identical(wanted)


def test_a_block_that_the_plan_does_not_know_is_read_from_its_shard(command: Callable, tmp_path: Path) -> None:
    """Where it cannot be, the shard is broken, and its firms are missing."""
    run = made(command, tmp_path, 1)
    directory = RunDirectory(run)
    study = directory.study()

    cells = study.cells
    holdings = directory.holdings(study, cells)
    known = {shard.block for shard in firmfate.plan(study).shards}
    (unknown, keys), *_ = [(shard, keys) for shard, keys in holdings.used if shard.block not in known]
    assert set(keys) < set(cells.keys)
    assert holdings.blocks[unknown.block] == keys
    unknown.path.write_bytes(b"firmfate shard 2\n")
    holdings = directory.holdings(study, cells)
    assert [shard.path for shard in holdings.broken] == [unknown.path]
    assert directory.plan(study, cells).missing == len(keys) * unknown.replicates


def test_shards_that_do_not_count_hide_none_of_those_behind_them(tmp_path: Path) -> None:
    """They are looked at in the order of their first replicates, long ones first."""
    study = firmfate.Study(name="s", model="car", years=1, replicates=60, grid={"misalignment": [0, 1]})
    cells, directory = study.cells, RunDirectory(tmp_path)
    directory.shards.mkdir()
    worker = Worker(study, fingerprint_of(study))

    def made(place: tuple[int, ...], first: int, replicates: int) -> Path:
        shard = Shard(place, first, replicates, block_digest(cells.keys[cell] for cell in place))
        return directory.shards / worker.run(shard, directory.shards).file

    foreign = made((0, 1), 0, 61)
    used = made((0,), 0, 60)
    broken = directory.shards / f"{'0' * 12}-{0:012d}-{30:012d}-{'0' * 16}.shard"
    broken.write_bytes(b"")
    duplicate = made((0,), 0, 20)
    without = made((1,), 0, 10)
    last = made((1,), 20, 40)
    found = directory.holdings(study, cells, without=[without])
    assert [shard.path for shard in found.foreign] == [foreign]
    assert [shard.path for shard in found.broken] == [broken]
    assert [shard.path for shard in found.duplicates] == [duplicate]
    assert [(shard.path, keys) for shard, keys in found.used] == [(used, cells.keys[:1]), (last, cells.keys[1:])]
    assert found.covered == {cells.keys[0]: [(0, 60)], cells.keys[1]: [(20, 40)]}


@pytest.mark.parametrize("where", [".", "shards"])
def test_what_a_dead_process_left_is_removed_by_the_next_run(
    command: Callable, study_file: Path, finished_run: Path, tmp_path: Path, where: str
) -> None:
    from firmfate import files

    run = shutil.copytree(finished_run, tmp_path / "run")
    left = run / where / f".result.nc.{files.host()}-999999999-3.part"
    left.write_bytes(b"half")
    kept = run / where / ".notes.part"
    kept.write_text("mine")
    assert command("status", run).code == 0
    assert left.exists()  # status writes nothing
    assert command("run", study_file, "--into", run, "--quiet", "--no-report").code == 0
    assert not left.exists()
    assert kept.exists()


def test_a_folder_with_hidden_files_of_others_is_not_taken(command: Callable, study: Path, tmp_path: Path) -> None:
    into = tmp_path / "home"
    into.mkdir()
    (into / ".notes.part").write_text("mine")
    ended = command("run", study, "--into", into)
    assert ended.code == 2
    assert "is not empty and holds no run" in ended.err


def test_status_counts_the_firms_of_its_cells_in_shards_of_more(command: Callable, tmp_path: Path) -> None:
    run = made(command, tmp_path, 1)
    (run / "study.toml").write_text(STUDY.format(seed=1).replace("0.5, 1.0]", "1.0]"))
    for path in (run / "shards").iterdir():
        path.unlink()
    assert command("run", tmp_path / "seed-1.toml", "--into", run, "--no-report", "--quiet").code == 0
    assert len(list((run / "shards").iterdir())) == 1  # of all six cells
    (run / "study.toml").write_text(STUDY.format(seed=1).replace("0.5, 1.0]", "1.0]"))
    ended = command("status", run, "--json")
    assert ended.code == 0, ended
    assert json.loads(ended.out)["done"] == 4 * 4_000
