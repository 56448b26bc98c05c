"""Cells with names: the names label the result and its tables, and change nothing else."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import firmfate
from firmfate.errors import FirmfateError, StudyError

NAMES = ("weak", "schwach, aber günstig", "強い")
CELLS = [{"execution": 0.2}, {"execution": 0.5}, {"execution": 0.9}]


def study(names: tuple[str, ...] = NAMES, **more: Any) -> firmfate.Study:
    named = [{"name": name, **cell} for name, cell in zip(names, CELLS, strict=True)] if names else CELLS
    return firmfate.Study(name="named", years=2, replicates=60, cells=named, **more)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("named") / "run"
    firmfate.run(study(), into=into, progress=False).close()
    return into


def test_names_are_the_coordinate_of_cells(run: Path) -> None:
    with firmfate.open_run(run) as ds:
        assert ds.cell.values.tolist() == list(NAMES)
        assert ds.sel(cell="強い").execution.item() == 0.9
        alive = firmfate.survival.kaplan_meier(ds).sel(cell="weak", week=104)
        gap = firmfate.survival.contrast(ds, firmfate.survival.rmst, between=({"cell": "強い"}, {"cell": "weak"}))
        means = firmfate.survival.rmst(ds).estimate.values
    assert 0 <= alive.estimate.item() <= 1
    assert gap.estimate.item() == pytest.approx(means[2] - means[0])


def test_the_file_holds_them_as_text(run: Path) -> None:
    printed = subprocess.run(["ncdump", "-v", "cell", run / "result.nc"], capture_output=True, text=True, check=True)
    assert '"weak' in printed.stdout
    assert 'cell:_Encoding = "utf-8"' in printed.stdout


def test_firms_are_replayed_by_the_name_of_their_cell(run: Path) -> None:
    by_name, by_axis = firmfate.replay(run, cell="強い", replicate=3), firmfate.replay(run, execution=0.9, replicate=3)
    assert by_name.identical(by_axis)
    assert firmfate.replay(run, cell="weak", replicate=3).attrs["execution"] == 0.2
    for wanted, message in (
        ({"cell": "week"}, "no cell of this run is called 'week'; did you mean 'weak'?"),
        ({"cell": "strong"}, "no cell of this run is called 'strong'; allowed: weak, "),
        ({"cell": "weak", "execution": 0.9}, "give its name or values of axes, not both"),
    ):
        with pytest.raises(FirmfateError, match=re.escape(message)):
            firmfate.replay(run, **wanted)  # type: ignore[arg-type]


def test_the_command_replays_by_the_name_too(command: Any, run: Path) -> None:
    printed = [
        json.loads(command("replay", run, *words, "--replicate", 3, "--json").out)
        for words in (["--cell", "強い"], ["--axis", "cell=強い"], ["--execution", 0.9])
    ]
    assert printed[0] == printed[1] == printed[2]


def test_other_names_are_the_same_cells(run: Path, tmp_path: Path) -> None:
    other = study(("a", "b", "c"))
    assert other.cells.keys == study().cells.keys == study(()).cells.keys
    for renamed in (other, study(())):
        assert firmfate.plan(renamed, covered={key: [(0, 60)] for key in study().cells.keys}).missing == 0


def test_tables_are_labelled_by_them(run: Path, tmp_path: Path) -> None:
    firmfate.export(run, into=tmp_path / "counts.csv")
    counts = pd.read_csv(tmp_path / "counts.csv")
    assert counts.groupby("cell").firms.sum().to_dict() == dict.fromkeys(NAMES, 60)
    firmfate.export(run, into=tmp_path / "firms.csv", firms=True)
    firms = pd.read_csv(tmp_path / "firms.csv")
    assert firms.groupby("cell").size().to_dict() == dict.fromkeys(NAMES, 60)
    for name in ("counts", "firms"):
        columns = pd.read_csv(tmp_path / f"{name}.dictionary.csv").set_index("column")
        assert columns.loc["cell", "type"] == "text"
        assert list(columns.index) == list(pd.read_csv(tmp_path / f"{name}.csv").columns)


def test_a_report_and_a_replay_go_as_with_numbers(run: Path) -> None:
    assert firmfate.write_report(run).stat().st_size > 10_000
    assert firmfate.replay(run, execution=0.9).attrs["execution"] == 0.9


def test_names_come_from_a_file_too(tmp_path: Path) -> None:
    (tmp_path / "cells.csv").write_text("name,execution\nweak,0.2\n2,0.5\n")
    found = firmfate.Study.parse('cells = "cells.csv"\n[study]\nname = "a"\n', beside=tmp_path)
    assert found.cells.coords["cell"][1].tolist() == ["weak", "2"]
    listed = xr.Dataset({"x": (found.cells.dims, np.arange(2))}, coords=found.cells.coords)
    assert listed.x.sel(cell="2").item() == 1


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ([{"name": "a", "execution": 0.1}, {"execution": 0.2}], "every cell has the same keys .* differing: name"),
        ([{"name": "a", "execution": 0.1}, {"name": "a", "execution": 0.2}], "'a' is the name of .*0.* already"),
        ([{"name": 1, "execution": 0.1}], r"cells\[0\]\.name = 1: must be text"),
        ([{"name": "", "execution": 0.1}], r"cells\[0\]\.name = \"\": must be 1 to 64 characters"),
        ([{"name": "a  b", "execution": 0.1}], "single spaces"),
        ([{"name": "x" * 65, "execution": 0.1}], "1 to 64 characters"),
        ([{"name": "a"}], r"\[cells\] has no axis"),
    ],
)
def test_names_that_label_nothing_are_refused(cells: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(StudyError, match=says):
        firmfate.Study(name="a", cells=cells)
