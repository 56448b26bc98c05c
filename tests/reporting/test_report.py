"""The report: one file that needs nothing else, with the sections that apply, and numbers that are the estimates."""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firmfate.analysis import finding, green_dashboards, warning_time
from firmfate.analysis.formatting import Estimate, decimals, format_estimate
from firmfate.dataset import open_run
from firmfate.errors import RunDirectoryError
from firmfate.models import load_model
from firmfate.reporting import origin, write_report
from firmfate.reporting.blocks import Prose
from firmfate.reporting.context import Context
from firmfate.study import Study
from firmfate.survival import cumulative_incidence, example, risk_table, rmst
from firmfate.webpage import digest

END = ["errors", "parameters", "methods", "provenance"]
DRAWN = "versions of firmfate, NumPy and SciPy, on a processor of the same kind"
SECTIONS = {
    "paradox": [
        "finding",
        "explore",
        "try",
        "phase-map",
        "survival",
        "causes",
        "dashboards",
        "trajectories",
        *END,
    ],
    "one cell": [
        "finding",
        "try",
        "survival",
        "causes",
        "dashboards",
        "trajectories",
        *END,
    ],
    "listed cells": [
        "finding",
        "explore",
        "try",
        "lifetimes",
        "survival",
        "causes",
        "dashboards",
        "trajectories",
        *END,
    ],
    "one division": [
        "finding",
        "explore",
        "try",
        "lifetimes",
        "survival",
        "causes",
        "dashboards",
        "trajectories",
        *END,
    ],
    "three axes": [
        "finding",
        "explore",
        "try",
        "phase-map",
        "survival",
        "causes",
        "dashboards",
        "trajectories",
        *END,
    ],
    "car": ["finding", "explore", "try", "phase-map", "survival", "dashboards", "trajectories", *END],
    "hypercube": [
        "finding",
        "explore",
        "try",
        "lifetimes",
        "survival",
        "causes",
        "dashboards",
        "trajectories",
        *END,
    ],
    "too few firms": [
        "finding",
        "explore",
        "try",
        "phase-map",
        "survival",
        "causes",
        "trajectories",
        *END,
    ],
}

QUICK = ("paradox", "one cell", "listed cells", "car", "too few firms")
SHAPES = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in SECTIONS]


@pytest.fixture(scope="module")
def report(run_of: Callable[[str], Path]) -> Callable[[str], Path]:
    """Write the report of a study, once."""
    written: dict[str, Path] = {}

    def of(name: str) -> Path:
        if name not in written:
            written[name] = write_report(run_of(name))
        return written[name]

    return of


@pytest.mark.parametrize("name", SHAPES)
def test_sections_that_apply_are_there_and_no_others(report: Any, page: Any, name: str) -> None:
    read = page(report(name))
    wanted = SECTIONS[name]
    if name == "too few firms":  # whether an alarmed one of twenty firms dies is chance
        assert [section for section in read.sections if section != "dashboards"] == wanted
    else:
        assert read.sections == wanted
    assert read.misnested == []
    assert read.open == []


@pytest.mark.parametrize("name", SHAPES)
def test_the_file_needs_nothing_else(report: Any, page: Any, name: str) -> None:
    path = report(name)
    text = path.read_text(encoding="utf-8")
    assert path.stat().st_size < 5_000_000
    outside_data = re.sub(r'(?s)data:image/png;base64,[^"]*|<script type="application/json".*?</script>', "", text)
    outside_data = outside_data.replace("http://www.w3.org/2000/svg", "")  # the name of what a script draws
    assert not re.search(r"(?:https?:|file:|//)[\w/]", outside_data), "no address of anything outside"
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="(.*?)"', text)
    scripts = re.findall(r'(?s)<script type="module">(.*?)</script>', text)
    assert len(scripts) == 1 + ("explore" in SECTIONS[name])
    assert all(digest(script) in html.unescape(policy) for script in scripts)
    assert "default-src 'none'" in html.unescape(policy)
    assert "@import" not in text
    read = page(path)
    ids = [attributes["id"] for _, attributes in read.elements if attributes.get("id")]
    assert len(ids) == len(set(ids)), "identifiers are unique on the page"
    for _, attributes in read.elements:
        for key in ("href", "xlink:href", "src"):
            target = attributes.get(key)
            if target and not target.startswith("data:image/png;base64,"):
                assert target.startswith("#"), target
                assert target[1:] in ids, target
        for clip in re.findall(r"url\(#([^)]*)\)", attributes.get("clip-path") or ""):
            assert clip in ids
        for of in (attributes.get("aria-labelledby") or "").split():
            assert of in ids


@pytest.mark.parametrize("name", SHAPES)
def test_every_figure_has_a_caption_and_words_for_those_who_do_not_see_it(report: Any, page: Any, name: str) -> None:
    read = page(report(name))
    panels = [attributes for _, attributes in read.elements if attributes.get("role") == "img"]
    assert len(panels) >= 2
    for panel in panels:
        assert len(str(panel["aria-label"])) > 40
    text = report(name).read_text(encoding="utf-8")
    assert text.count("<figure") == text.count("<figcaption")
    assert not re.search(r">\s*nan\b|\bnan ±|± nan|\bNone\b", text), "no number that is none"


def test_the_question_and_the_finding_come_first(report: Any, page: Any, run_of: Any) -> None:
    text = report("paradox").read_text(encoding="utf-8")
    assert "Does &lt;strong&gt; execution shorten life &amp; limb?" in text, "the study's words are text, not markup"
    with open_run(run_of("paradox")) as ds:
        found = finding(ds)
    read = page(report("paradox"))
    assert read.sections[0] == "finding"
    assert found.headline in read.text["finding"]
    for statement in found.statements:
        assert statement in read.text["finding"]
    value = found.numbers["effect misaligned"]
    assert f"−{abs(value.estimate):.{decimals(value.se)}f}" in read.text["finding"]


def test_numbers_are_the_estimates(report: Any, page: Any, run_of: Any) -> None:
    read = page(report("paradox"))
    with open_run(run_of("paradox")) as opened:
        ds = opened.load()
    years = rmst(ds) / 52
    for execution in (0.05, 1.0):
        for misalignment in (0.0, 0.5, 1.0):
            here = years.sel(execution=execution, misalignment=misalignment)
            assert format_estimate(Estimate.of(here), short=True) in read.text["errors"]
    cell = ds.sel(execution=1.0, misalignment=1.0)
    shares = cumulative_incidence(cell).isel(week=-1)
    assert format_estimate(Estimate.of(shares.sel(cause="insolvency")).scaled(100), short=True) in read.text["causes"]
    green, warning = (
        estimate(ds).sel(execution=1.0, misalignment=1.0, alarm_kind="later")
        for estimate in (green_dashboards, warning_time)
    )
    assert f"strong, misalignment 1{format_estimate(Estimate.of(green), short=True)}" in read.text["dashboards"]
    assert format_estimate(Estimate.of(warning), short=True) in read.text["dashboards"]
    at_risk = risk_table(cell, weeks=[104]).at_risk.item()
    assert f"{at_risk:,.0f}" in read.text["survival"]


def test_parameters_say_what_the_study_changed(report: Any, page: Any) -> None:
    text = report("paradox").read_text(encoding="utf-8")
    section = text[text.index('<section id="parameters"') : text.index('<section id="methods"')]
    rows = {name: mark for mark, name in re.findall(r'<tr( class="changed")?><th scope="row">(\w+)</th>', section)}
    assert {name for name, mark in rows.items() if mark} == {"execution", "misalignment", "correct_time", "unit_cost"}
    words = page(report("paradox")).text["parameters"]
    assert "26 (default 52)" in words
    assert "0.05 to 1, 3 values" in words
    assert "differs from firm to firm, normal (mean 0.57, sd 0.02), median 0.57, 5-95 % 0.537 to 0.603" in words
    assert "Assumption. Books close in 6 days" in words
    assert len(rows) == len(load_model("firm").parameters)


def test_parts_of_a_parameter_are_distinguished(report: Any, page: Any) -> None:
    assert "sales: 0 to 1; finance: 0 to 1, 3 values" in page(report("one division")).text["parameters"]


def test_methods_can_be_pasted(report: Any, page: Any) -> None:
    words = page(report("paradox")).text["methods"]
    assert "We simulated 2,880 firms with the model firm" in words
    assert "320 in each of 9 cells of a grid over execution (3 values from 0.05 to 1) and misalignment" in words
    assert "jackknife over 32 batches" in words
    assert "31 degrees of freedom" in words
    assert "firms differed in unit cost" in words
    for author in ("Kaplan", "Greenwood", "Wilson", "Aalen", "Royston", "Salmon", "Miller", "Glasserman"):
        assert words.count(author) >= 2, f"{author} is cited and listed"
    alone = page(report("one cell")).text["methods"]
    assert "jackknife" not in alone
    assert "Miller" not in alone, "what is not cited is not listed"


@pytest.mark.parametrize(
    ("table", "same"),
    [
        ("[grid]\nexecution = [0, 1]", "version of firmfate, on any processor"),
        ("[sobol]\npoints = 8\nexecution = [0, 1]", DRAWN),
        ("[latin_hypercube]\npoints = 8\nexecution = [0, 1]", DRAWN),
        (
            "[saltelli]\npoints = 8\nexecution = [0, 1]\nmisalignment = [0, 1]",
            DRAWN.replace(" and SciPy", ", SciPy and SALib"),
        ),
        ("[population]\nexecution = { uniform = [0, 1] }", DRAWN),
        ("[precision]\nrmst = '0.1 years'", DRAWN),
    ],
    ids=["grid", "sobol", "latin hypercube", "saltelli", "population", "precision"],
)  # fmt: skip
def test_provenance_names_what_the_counts_depend_on(tmp_path: Path, table: str, same: str) -> None:
    if "saltelli" in table:
        pytest.importorskip("SALib")
    text = f'[study]\nname = "x"\nmodel = "car"\nyears = 1\nreplicates = 1024\n{table}\n'
    ds = example().assign_attrs(study=text)
    made = origin.section(Context(tmp_path, ds, Study.parse(text), None, None))
    assert isinstance(made.blocks[-1], Prose)
    assert f"with the same {same}, this gives" in made.blocks[-1].text


def test_provenance_repeats_the_run(report: Any, page: Any, run_of: Any) -> None:
    words = page(report("paradox")).text["provenance"]
    with open_run(run_of("paradox")) as ds:
        assert str(ds.attrs["study"]).strip() in words
        versions = json.loads(ds.attrs["provenance"])["versions"]
    assert f"numpy {versions['numpy']}" in words
    assert json.loads((run_of("paradox") / "provenance.json").read_text())["fingerprint"] in words


def test_the_same_run_gives_the_same_report(report: Any, run_of: Any) -> None:
    before = report("paradox").read_bytes()
    assert write_report(run_of("paradox")).read_bytes() == before


def test_without_trajectories_or_study_the_rest_is_written(run_of: Any, page: Any, tmp_path: Path) -> None:
    shutil.copy(run_of("paradox") / "result.nc", tmp_path / "result.nc")
    read = page(write_report(tmp_path))
    assert "trajectories" not in read.sections
    assert {"phase-map", "survival", "parameters", "provenance"} <= set(read.sections)


def test_a_directory_without_a_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="does not exist"):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_invalid_firms_are_reported(run_of: Any, page: Any, tmp_path: Path) -> None:
    with open_run(run_of("paradox")) as opened:
        ds = opened.load()
    ds["invalid"][0, 0], ds["first_invalid"][0, 0] = 3, 7
    ds.to_netcdf(tmp_path / "result.nc")
    read = page(write_report(tmp_path))
    assert "the arithmetic of 3 of " in read.text["errors"]
    assert "--replicate 7" in read.text["errors"]
    assert "nan" not in read.text["errors"]


def test_writing_does_not_simulate(run_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the report simulates")

    monkeypatch.setattr("firmfate.kernel.engine.Engine.__init__", refuse)
    monkeypatch.setattr("firmfate.shards.work.Worker.__init__", refuse)
    write_report(run_of("one cell"))


@pytest.mark.parametrize(
    ("filled", "words"),
    [
        pytest.param(
            [(0, 0), (0, 1), (1, 0), (1, 2), (2, 1)],
            "5 of the 9 cells hold 320 firms each, the others none",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            [(0, 1), (1, 0), (2, 2)], "3 of the 9 cells hold 320 firms each, the others none", marks=pytest.mark.slow
        ),
        ([(1, 2)], "1 of the 9 cells holds 320 firms, the others none"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_an_incomplete_result_claims_nothing_of_cells_without_firms(
    run_of: Any, page: Any, tmp_path: Path, filled: list[tuple[int, int]], words: str
) -> None:
    with open_run(run_of("paradox")) as opened:
        ds = opened.load()
    held = ds["firms"] * 0 > 0
    for place in filled:
        held[place] = True
    for name in [name for name, counted in ds.data_vars.items() if {"execution", "misalignment"} <= set(counted.dims)]:
        ds[name] = ds[name].where(held, 0).astype(ds[name].dtype).transpose(*ds[name].dims)
    ds.attrs["complete"] = 0
    ds.to_netcdf(tmp_path / "result.nc")
    path = write_report(tmp_path)
    read = page(path)
    assert f"This result is incomplete: {words}." in read.text["finding"]
    assert f"{words}. Firms of one cell have the same execution and misalignment" in read.text["phase-map"]
    assert f"320 in each of {len(filled)} of 9 cells (a result that is not complete)" in read.text["methods"]
    text = path.read_text(encoding="utf-8")
    for false in ("by unknown", "does not change", "nowhere zero", "too few firms", "holds 0 firms"):
        assert false not in text.replace("too few firms for standard errors</text>", "")
    assert f"Where the effect of execution is zero is unknown: {9 - len(filled)} cells have no estimate." in text
    if len(filled) == 1:
        assert "shortest at" not in text


def test_an_effect_that_is_not_distinguishable_from_zero_is_not_called_nowhere_zero(report: Any) -> None:
    text = report("too few firms").read_text(encoding="utf-8")
    assert "nowhere zero" not in text
    assert "does not change between" not in text
