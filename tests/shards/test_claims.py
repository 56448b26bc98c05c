"""What a directory is claimed for, and how it is refused, from its records alone: no firm is simulated."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firmfate import Study, files
from firmfate.errors import RunDirectoryError
from firmfate.shards import RunDirectory
from firmfate.shards.directory import fingerprint_of, fingerprint_table
from firmfate.shards.growth import extent, held_firms, refuse_less
from firmfate.shards.plan import plan

SETTINGS = {"name": "s", "model": "car", "years": 4, "replicates": 2_000, "seed": 5}


def study(grid: dict[str, Any] | None = None, precision: str | None = None, **settings: Any) -> Study:
    tables: dict[str, Any] = {"precision": {"rmst": precision}} if precision else {}
    return Study(study=SETTINGS | settings, grid=grid or {"misalignment": [0, 1], "execution": [0.5]}, **tables)


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    """A directory claimed for the study."""
    found = RunDirectory(tmp_path / "run")
    found.claim(study())
    return found


def changed(run: RunDirectory, **values: Any) -> None:
    """Change the record of a directory."""
    held = json.loads(run.provenance_file.read_text())
    run.provenance_file.write_text(json.dumps(held | values))


def refusal(run: RunDirectory, asked: Study) -> str:
    """Return why a directory is refused; it stays as it is."""
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    with pytest.raises(RunDirectoryError) as refused:
        run.claim(asked)
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before
    return str(refused.value)


def test_a_claim_records_what_counts_depend_on(run: RunDirectory) -> None:
    held = run.read_provenance()
    assert run.claim(study()) == held["fingerprint"] == fingerprint_of(study())
    assert held["study"] == "s"
    assert held["shard format"] == 2
    table = held["fingerprint table"]
    assert table == json.loads(json.dumps(fingerprint_table(study())))
    assert table["program"] == study().model.program.digest[:16]
    assert (table["model"], table["horizon in weeks"], table["seed"], table["batches"]) == ("car", 208, 5, 32)
    assert table["horizons"] == [156, 208]
    assert table["record firms"] is False
    assert table["common random numbers"] is True
    assert table["parameter mission"] if "parameter mission" in table else len(table) > 10
    assert held["replicates"] == 2_000
    assert (held["axes"], held["dimensions"], held["cells"]) == (["misalignment", "execution"],) * 2 + (2,)
    assert base64.b64decode(held["cell keys"]) == b"".join(bytes.fromhex(key)[::-1] for key in study().cells.keys)
    assert held["allocation"] == ""
    assert run.study_file.read_text() == study().text
    assert sorted(path.name for path in run.path.iterdir()) == ["provenance.json", "shards", "study.toml"]


def test_where_a_run_is_and_what_is_in_it(tmp_path: Path) -> None:
    assert RunDirectory.of(study()).path == Path("runs/s")
    run = RunDirectory.of(study(), str(tmp_path))
    assert run.path == tmp_path
    names = {"shards": run.shards, "result.nc": run.result, "firms.nc": run.firms, "report.html": run.report,
             "trajectories.nc": run.trajectories, "rounds.json": run.rounds_file}  # fmt: skip
    assert names == {name: tmp_path / name for name in names}
    assert run.read_rounds() == ""
    run.rounds_file.write_bytes(b'{"a": "\xff"}')
    assert run.read_rounds() == '{"a": "\N{REPLACEMENT CHARACTER}"}'
    with pytest.raises(RunDirectoryError, match=r"is no run directory: it holds no provenance.json"):
        run.read_provenance()
    with pytest.raises(RunDirectoryError, match=r"is no run directory: it holds no study.toml"):
        run.study()


def test_every_difference_is_named(run: RunDirectory) -> None:
    said = refusal(run, study(name="other", seed=6))
    assert said.startswith(f"{run.path} holds another study ('s'); choose a new directory. What differs:\n  ")
    assert len(said.splitlines()) == 3
    changed(run, **{"fingerprint table": fingerprint_table(study()) | {"program": "0" * 16}})
    said = refusal(run, study())
    assert "holds firms of another version of the model 'car': what it computes has changed since" in said
    assert "0" * 16 in said
    assert "holds another study" in refusal(run, study(seed=6))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            {"grid": {"execution": [0.5], "misalignment": [0, 1]}},
            "study are execution, misalignment: the axes of a run",
        ),
        ({"replicates": 1_999}, "holds a run of 2,000 replicates a cell, the study asks for 1,999: a run may grow"),
        ({"grid": {"misalignment": [0, 2 / 3], "execution": [0.5]}}, "of which 1 of 2 cells are not in the study"),
    ],
)
def test_a_run_shrinks_in_nothing(run: RunDirectory, asked: dict[str, Any], said: str) -> None:
    assert said in refusal(run, study(**asked))


def test_a_run_grows_in_its_record(run: RunDirectory) -> None:
    before = run.read_provenance()
    larger = study({"misalignment": [0, 0.5, 1], "execution": [0.5]}, replicates=3_000)
    assert run.claim(larger) == before["fingerprint"]
    held = run.read_provenance()
    assert (held["replicates"], held["cells"]) == (3_000, 3)
    assert held == before | extent(larger, larger.cells)
    assert run.study_file.read_text() == larger.text
    assert "asks for 2,000" in refusal(run, study())


def test_an_axis_that_is_none_is_named() -> None:
    held, wanted = ({"axes": [], "dimensions": dims} for dims in (["cell"], []))
    with pytest.raises(RunDirectoryError, match="whose dimensions are cell; those of the study are none"):
        refuse_less(Path("run"), held, wanted)


def test_firms_of_an_allocation_are_found_by_their_cells(tmp_path: Path) -> None:
    one = study(precision="2 weeks")
    assert held_firms(tmp_path, extent(one, one.cells), ("f" * 16, *one.cells.keys)).tolist() == [0, 2_000, 2_000]
    grown = one.grown(np.array([2_500, 4_000]))
    held = extent(grown, grown.cells)
    assert held_firms(tmp_path, held, (*reversed(one.cells.keys), "f" * 16)).tolist() == [4_000, 2_500, 0]
    for damaged in ({"allocation": held["allocation"][:8]}, {"cell keys": "AAAA"}, {"allocation": "?"}):
        with pytest.raises(RunDirectoryError, match=r"provenance\.json cannot be read: its '.*' are damaged"):
            held_firms(tmp_path, held | damaged, one.cells.keys)
    short = base64.b64encode(np.array([2_500], "<i8").tobytes()).decode()
    with pytest.raises(RunDirectoryError, match=r"its 'allocation' are damaged"):
        held_firms(tmp_path, held | {"allocation": short}, one.cells.keys)


def test_a_study_with_a_precision_has_the_firms_that_its_directory_has_come_to(tmp_path: Path) -> None:
    run, one = RunDirectory(tmp_path / "run"), study(precision="2 weeks")
    assert run.as_far(one).firms_by_cell.tolist() == [2_000, 2_000]
    run.claim(one.grown(np.array([2_500, 4_000])))
    assert run.as_far(one).firms_by_cell.tolist() == [2_500, 4_000]
    assert run.study().firms_by_cell.tolist() == [2_500, 4_000]
    assert run.as_far(one.grown(np.array([3_000, 3_000]))).firms_by_cell.tolist() == [3_000, 4_000]
    plain = study()
    assert run.as_far(plain) is plain


def test_a_folder_that_is_not_free_is_refused(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    run.path.write_text("mine")
    with pytest.raises(RunDirectoryError, match="run is a file; name a directory for the run"):
        run.claim(study())
    run.path.unlink()
    run.shards.mkdir(parents=True)
    shard = plan(study()).shards[0]
    (run.shards / f"{shard.name}-{'0' * 16}.shard").touch()
    assert "holds a run without its provenance.json, which describes its shards" in refusal(run, study())
    next(run.shards.iterdir()).unlink()
    run.study_file.write_text(study(seed=6).text)
    assert "is not empty and holds no run; choose a new directory" in refusal(run, study())
    run.study_file.write_text(study().text)
    (run.path / f".result.nc.{files.host()}-999999999-3.part").touch()
    notes = run.path / "notes.txt"
    notes.touch()
    assert "is not empty and holds no run; choose a new directory" in refusal(run, study())
    notes.unlink()
    run.claim(study())  # what a claim that was cut short has left
    assert sorted(path.name for path in run.path.iterdir()) == ["provenance.json", "shards", "study.toml"]


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"shard format": 1, "versions": {"firmfate": "0.9"}, "commit": "abc"},
         "an older version of firmfate (0.9, commit abc): its shards are of format 1, this version's of format 2"),
        ({"shard format": 3, "versions": 7, "commit": None},
         "another version of firmfate (?, commit unknown): its shards are of format 3"),
        ({"shard format": 3, "versions": {}}, "another version of firmfate (?, commit "),
        ({"axes": None}, "provenance.json is damaged: its 'axes' is missing, or of another type"),
        ({"dimensions": "cell"}, "provenance.json is damaged: its 'dimensions' is missing, or of another type"),
    ],
)  # fmt: skip
def test_records_of_other_versions_and_damaged_ones_are_refused(
    run: RunDirectory, record: dict[str, Any], said: str
) -> None:
    changed(run, **record)
    found = refusal(run, study())
    assert said in found
    assert ("--into" in found) == ("version" in said)


def test_a_file_beside_the_study_is_kept_with_the_run(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "cells.csv").write_text("misalignment\n0\n1\n")
    text = 'cells = "tables/cells.csv"\n[study]\nname = "s"\nmodel = "car"\nyears = 4\nreplicates = 5\n'
    one = Study.parse(text, beside=tmp_path)
    run = RunDirectory(tmp_path / "run")
    run.claim(one)
    assert (run.path / "tables" / "cells.csv").read_text() == "misalignment\n0\n1\n"
    assert run.study().cells.keys == one.cells.keys
    run.claim(run.study())  # whose file is that of the directory itself
    run.provenance_file.unlink()
    run.claim(one)
    assert run.study().cells.keys == one.cells.keys


def test_a_broken_shard_is_set_aside_once(run: RunDirectory) -> None:
    name = f"{plan(study()).shards[0].name}-{'0' * 16}.shard"
    (run.shards / name).write_bytes(b"broken")
    (run.shards / "notes.shard").touch()
    (shard,) = run.files()
    assert run.set_aside(shard) == run.path / "broken" / name
    assert run.files() == []
    assert run.set_aside(shard).read_bytes() == b"broken"  # another process was faster
