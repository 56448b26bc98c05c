"""What notebooks show of objects, and `ds.firmfate`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

import firmfate
from firmfate import survival
from firmfate.analysis import finding
from firmfate.errors import EstimateError
from firmfate.models import load_model


@pytest.fixture
def study() -> firmfate.Study:
    """A study with something in every line, and a name that HTML would read."""
    return firmfate.Study(
        name="small", question="Is a < b?", years=10, replicates=200, grid={"execution": [0.1, 0.9]},
        population={"unit_cost": {"normal": [0.57, 0.02]}}, parameters={"misalignment": 1.0},
    )  # fmt: skip


def text_of(html: str) -> str:
    """Return what a browser shows of HTML, and see that it is well-formed."""
    from xml.etree import ElementTree

    return " ".join(ElementTree.fromstring(f"<div>{html.replace('<br>', '<br/>')}</div>").itertext())


def test_a_study_shows_what_is_asked(study: firmfate.Study) -> None:
    shown = text_of(study._repr_html_())
    for part in ("small", "Is a < b?", "firm", "execution (2 values", "2 x 200 firms", "10 years", "misalignment = 1"):
        assert part in shown
    assert "unit_cost: normal (mean 0.57" in shown


def test_a_plan_shows_its_lines(study: firmfate.Study) -> None:
    plan = firmfate.plan(study)
    shown = text_of(plan._repr_html_())
    for line in repr(plan).splitlines():
        assert line[10:] in shown


def test_a_model_shows_its_tables_and_prints_in_a_line() -> None:
    model = load_model("car")
    shown = text_of(model._repr_html_())
    for row in (*model.parameters, *model.stocks, *model.causes):
        assert row.name in shown
    assert repr(model).startswith("<Model 'car': ")
    assert len(repr(model)) < 200


def test_a_finding_shows_every_number_with_its_error() -> None:
    found = finding(survival.example())
    assert print_of(found) == found.sentence()
    shown = text_of(found._repr_html_())
    assert found.sentence() in " ".join(shown.split())
    assert re.search(r"effect misaligned -0\.\d+ ± 0\.\d", shown)
    assert all(name in shown for name in found.numbers)
    assert "Standard errors are those of the simulation" in shown


def print_of(value: object) -> str:
    return f"{value}"


def test_the_accessor_gives_what_the_functions_give(finished_run: Path) -> None:
    with firmfate.open_run(finished_run) as ds:
        xr.testing.assert_identical(ds.firmfate.rmst(), survival.rmst(ds))
        xr.testing.assert_identical(ds.firmfate.survival(), survival.kaplan_meier(ds))
        xr.testing.assert_identical(ds.firmfate.incidence(), survival.cumulative_incidence(ds))
        ends = ({"execution": 0.9, "misalignment": 1.0}, {"execution": 0.1, "misalignment": 1.0})
        xr.testing.assert_identical(
            ds.firmfate.contrast(between=ends), survival.contrast(ds, survival.rmst, between=ends)
        )
        assert ds.firmfate.to_frame().equals(survival.to_rows(ds))
        assert ds.firmfate.finding() == finding(ds)
        for drawn in (ds.firmfate.plot.survival(), ds.firmfate.plot.lifetimes()):
            assert drawn._repr_png_().startswith(b"\x89PNG")


def test_a_map_over_any_two_axes_averages_the_others_and_names_its_error(finished_run: Path) -> None:
    with firmfate.open_run(finished_run) as ds:
        ax = ds.firmfate.plot.map("misalignment", "execution")
        years = survival.rmst(ds).estimate.transpose("execution", "misalignment") / 52
        assert ax.collections[0].get_array().ravel().tolist() == pytest.approx(years.values.ravel().tolist())
        (note,) = (text.get_text() for text in ax.texts if text.get_gid() == "note")
        assert re.search(r"n = 300 firms a cell; standard error at most 0\.\d years", note)
        for x, y in (("misalignment", "misalignment"), ("execution", "misalignement")):
            with pytest.raises(
                EstimateError, match=r"allowed are two different axes of \['execution', 'misalignment'\]"
            ):
                ds.firmfate.plot.map(x, y)


def test_a_map_of_three_axes_is_over_the_mean_of_the_third(tmp_path: Path) -> None:
    study = firmfate.Study(
        name="three", model="car", years=5, replicates=320,
        grid={"execution": [0.1, 0.9], "misalignment": [0.0, 1.0], "drift": [-0.3, 0.0]},
    )  # fmt: skip
    with firmfate.run(study, into=tmp_path / "run", progress=False) as ds:
        ax = ds.firmfate.plot.map("execution", "drift")
        years = survival.rmst(ds).estimate.mean("misalignment").transpose("drift", "execution") / 52
        assert ax.collections[0].get_array().ravel().tolist() == pytest.approx(years.values.ravel().tolist())


@pytest.mark.parametrize(
    "lines",
    [
        "import xarray as xr\nimport firmfate\nds = xr.Dataset()",
        "import firmfate\nds = firmfate.simulate('car', execution=0.5, replicates=2, weeks=52)",
        "import firmfate\nfirmfate.Study\nfrom firmfate.survival import example\nds = example()",
    ],
)
def test_datasets_have_the_accessor_whichever_is_imported_first(lines: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"{lines}\nprint(type(ds.firmfate).__name__)"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "Accessor\n", done.stderr


def test_importing_firmfate_imports_no_xarray() -> None:
    lines = "import sys, firmfate, firmfate.cli\nassert 'xarray' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", lines], check=False).returncode == 0
