"""The laboratory of a run: a cell and a replicate give that firm of the run, to the last bit."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from tests.browser import wait
from tests.laboratory.conftest import complete

import firmfate
from firmfate import exploring
from firmfate.errors import FirmfateError
from firmfate.execute import run
from firmfate.laboratory import of_run
from firmfate.laboratory.page import rendered as page_rendered
from firmfate.reporting import report, write_report
from firmfate.simulation import Replayer
from firmfate.study import Study

SEED = 2**63 + 5
LAST = """async ([setting, count]) => {
  const { given, stepper, sliders, words } = laboratory;
  const question = { parameters: { ...sliders.values[setting] }, key: given.key, cell: words[setting], count };
  const found = await stepper.ask({ ...question, first: "0", steps: given.steps, dt: given.dt, stocks: "last" });
  return [...new BigUint64Array(found.stocks.buffer)].map((bits) => bits.toString(16));
}"""
WHICH = "document.querySelector('[data-place=which]').textContent"


def counts_of(page: Page, setting: str, firms: int) -> tuple[list[int], list[int]]:
    """Return event steps and causes of the first firms of a setting."""
    step, cause = (
        page.evaluate(f"[...laboratory.firms.{setting}.{name}.slice(0, {firms})]") for name in ("eventStep", "cause")
    )
    return step, cause


def same_firms(page: Page, setting: str, replayer: Replayer, cell: int, firms: int) -> bool:
    """Return whether a setting's first firms are those of a cell: event, cause, and all stocks at the last step."""
    traces = [replayer.trace(cell, replicate) for replicate in range(firms)]
    records = [(int(trace.records.event_step[0, 0]), int(trace.records.cause[0, 0])) for trace in traces]
    last = np.array([trace.stocks[-1] for trace in traces])
    return records == list(zip(*counts_of(page, setting, firms), strict=True)) and page.evaluate(
        LAST, [setting, firms]
    ) == [f"{bits:x}" for bits in last.view(np.uint64).ravel().tolist()]


@pytest.mark.slow
@pytest.mark.parametrize("common", [True, False], ids=["common", "own"])
def test_firms_of_a_cell_are_those_of_the_run(tmp_path: Path, opened: Callable[..., Page], common: bool) -> None:
    study = Study(
        name="four", replicates=1000, years=10, seed=SEED, common_random_numbers=common,
        grid={"execution": [0.05, 1.0], "misalignment": [0.0, 1.0]}, parameters={"correct_time": 26},
    )  # fmt: skip
    counted = run(study, into=tmp_path / "run", progress=False)
    page = opened(firmfate.lab(tmp_path / "run"))
    page.select_option("[data-place=cells] label:has-text('execution') select", "1")
    page.select_option("[data-place=cells] label:has-text('misalignment') select", "1")
    page.click("[data-as=a]")
    wait(page, f"{WHICH}.includes('A is the run\\'s cell execution 1, misalignment 1:')")
    complete(page)
    event_step, cause = counts_of(page, "a", 1000)

    events = np.zeros((520, 5), int)
    np.add.at(events, (np.array(event_step) - 1, np.array(cause)), 1)
    cell = counted.isel(execution=1, misalignment=1)
    for number, name in enumerate(cell.cause.values.tolist(), start=1):
        assert events[:, number].tolist() == cell["events"].sel(cause=name).values.tolist(), name
    other = counted.isel(execution=0, misalignment=1)
    assert events[:, 1].tolist() != other["events"].isel(cause=0).values.tolist()

    replayer = Replayer(tmp_path / "run")
    assert (int(replayer.cells.random_words[3]) == 0) == common
    assert same_firms(page, "a", replayer, 3, 1000)
    assert not same_firms(page, "a", replayer, 1, 20)
    printed = page.inner_text("[data-place=call]")
    assert printed.startswith("firmfate.simulate(" if common else "firmfate.replay(DIRECTORY, execution=1, ")

    page.focus("#a-execution")
    page.keyboard.press("ArrowLeft")
    wait(page, f"{WHICH}.includes('A is no cell of the run.')")


def test_what_a_page_cannot_hold_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "SECTIONS", ())
    axes = {"latin_hypercube": {"points": 8, "execution": [0, 1]}}
    run(Study(name="many", model="car", years=1, replicates=10, **axes), into=tmp_path / "many", progress=False)
    with pytest.raises(FirmfateError, match="leave them out"):
        firmfate.lab(tmp_path / "many", weeks=52)
    with pytest.raises(FirmfateError, match="no run directory"):
        firmfate.lab(tmp_path)
    monkeypatch.setattr(report, "MOST_NUMBERS", 7)
    with pytest.raises(FirmfateError, match="8 cells, which take 8 numbers to name; allowed for a page: up to 7"):
        of_run.content_of_run(tmp_path / "many", most=7)
    text = write_report(tmp_path / "many").read_text(encoding="utf-8")
    assert "This report has no laboratory" in text
    assert 'id="laboratory"' not in text
    assert str(tmp_path) not in text[text.index("This report has no laboratory") :]


DRAWS = [{"drift": -0.3, "sigma": 0.9}, {"drift": -0.2, "sigma": 1.0}, {"drift": -0.1, "sigma": 1.1}]


@pytest.fixture(scope="module")
def run_of_draws(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("draws") / "run"
    posterior = {"draws": DRAWS, "execution": [0.0, 1.0], "misalignment": [0.0, 1.0]}
    run(
        Study(name="over-draws", model="car", years=2, replicates=64, posterior=posterior),
        into=directory,
        progress=False,
    ).close()
    return directory


def test_pages_say_what_is_drawn_from_a_posterior(run_of_draws: Path) -> None:
    given = of_run.content_of_run(run_of_draws)
    assert [group["title"] for group in given["groups"][:2]] == ["Axes of the study", "Drawn from a posterior"]
    assert [row["name"] for row in given["groups"][1]["parameters"]] == ["drift", "sigma"]
    assert given["run"]["draws"]["along"] == [[0.0, 1.0], [0.0, 1.0]]
    words = "are 3 draws of a posterior, of drift and sigma, each with every combination of execution and misalignment."
    assert words in page_rendered(given)
    with firmfate.open_run(run_of_draws) as ds:
        explored = exploring.content.content(ds)
    assert explored is not None
    assert explored["draws"] == {
        "count": 3, "drawn": ["drift", "sigma"], "crossed": ["execution", "misalignment"],
    }  # fmt: skip
    assert [axis["name"] for axis in explored["axes"]] == ["execution", "misalignment", "drift", "sigma"]
    assert words in exploring.part(explored).html
    explored["draws"] = None
    assert "posterior" not in exploring.part(explored).html.partition("<script")[0]


@pytest.mark.slow
def test_a_cell_is_chosen_by_its_draw(run_of_draws: Path, opened: Callable[..., Page]) -> None:
    page = opened(firmfate.lab(run_of_draws))
    complete(page)
    for title, words in (("draw", "2"), ("execution", "0"), ("misalignment", "1")):
        page.select_option(f"[data-place=cells] label:has-text('{title}') select", label=words)
    page.click("[data-as=a]")
    said = "A is the run\\'s cell of draw 2 (drift -0.2, sigma 1, execution 0, misalignment 1):"
    wait(page, f"{WHICH}.includes('{said}')")
    complete(page)
    replayer = Replayer(run_of_draws)
    assert same_firms(page, "a", replayer, 5, 64)
    assert not same_firms(page, "a", replayer, 9, 64)


STUDIES: dict[str, dict[str, Any]] = {
    "grid": {"grid": {"execution": [0.05, 1.0], "misalignment": [0.0, 0.5, 1.0], "correct_time": [26, 52]}},
    "population": {
        "grid": {"execution": [0.05, 1.0], "misalignment": [0.0, 1.0]},
        "population": {
            "cash_buffer": {"lognormal": {"median": 10, "sd_log": 0.4}}, "unit_cost": {"normal": [0.57, 0.02]},
            "strata": {"cash_buffer": 2},
            "correlation": [{"between": ["cash_buffer", "unit_cost"], "rank": -0.3}],
        },
    },
    "named": {
        "cells": [
            {"name": "aligned", "execution": 1, "misalignment": 0},
            {"name": "sales", "execution": 0.5, "misalignment": 1},
        ],
    },
    "sobol": {"sobol": {"points": 8, "execution": [0, 1], "misalignment": [0, 1]}},
    "own numbers": {
        "common_random_numbers": False, "latin_hypercube": {"points": 9, "execution": [0, 1], "cash_buffer": [5, 15]},
    },
}  # fmt: skip
FULL = ("grid", "population")


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_pinned_cells_of_a_report_open_in_its_laboratory(
    tmp_path: Path, page_of: Callable[..., Page], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    if name != "grid":  # printed figures take most of the time, and are the same
        monkeypatch.setattr(report, "SECTIONS", ())
    firms = 1000 if name in FULL else 64
    run(
        Study(name=name.replace(" ", "-"), replicates=firms, years=5, **STUDIES[name]),
        into=tmp_path / "run",
        progress=False,
    ).close()
    path = write_report(tmp_path / "run")
    assert path.stat().st_size < 1_500_000
    page = page_of(path)
    page.wait_for_selector("#explore[data-state=complete]")
    page.wait_for_timeout(100)
    assert page.get_attribute("#laboratory", "data-state") == "loading", "nothing is simulated until it is near"
    replayer = Replayer(tmp_path / "run")
    explored = page.evaluate("explore.estimates.cells")
    strata = explored // len(replayer.cells)
    assert strata == (2 if name == "population" else 1)
    page.evaluate("([a, b]) => { explore.pin(a, 'a'); explore.pin(b, 'b'); }", [1, explored - 1])
    page.click("[data-place=simulate]")
    complete(page)
    for setting, cell in (("a", 1 // strata), ("b", len(replayer.cells) - 1)):
        assert same_firms(page, setting, replayer, cell, firms)
        for key, value in replayer.labels(cell).items():
            words = "misalignment, sales" if key == "misalignment_sales" else key.replace("_", " ")
            assert f"{words} {value:.4g}"[:-1] in page.inner_text(f"[data-place=which] .{setting}")
    assert not same_firms(page, "a", replayer, 0 if 1 // strata else len(replayer.cells) - 1, 20)
    if name in FULL:
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


@pytest.mark.slow
def test_what_firms_have_drawn_can_be_fixed_and_drawn_again(tmp_path: Path, opened: Callable[..., Page]) -> None:
    study = Study(name="drawn", replicates=64, years=5, common_random_numbers=False, **STUDIES["population"])
    run(study, into=tmp_path / "own", progress=False).close()
    page = opened(firmfate.lab(tmp_path / "own"))
    page.click("[data-as=a]")
    complete(page)
    assert "of the same population, but not those of the run" in page.inner_text("[data-place=which] .a")
    assert not page.is_visible("[data-place=call]")
    drawn = counts_of(page, "a", 500)
    page.click("summary:has-text('Drawn by each firm')")
    number = page.get_by_label("unit_cost, setting A, exact value")
    assert number.get_attribute("placeholder") == "as drawn"
    assert page.evaluate("laboratory.sliders.values.a.unit_cost") is None
    number.fill("0.5")
    number.press("Enter")
    complete(page)
    assert counts_of(page, "a", 500) != drawn
    assert page.inner_text("[data-place=which] .a") == "A is no cell of the run."
    number.fill("")
    number.press("Enter")
    complete(page)
    assert counts_of(page, "a", 500) == drawn
    page.fill("#replicate", "2000")
    page.keyboard.press("Enter")
    wanted = "allowed: an integer from 0 to 1999, whose draws are in this page"
    assert page.evaluate("document.querySelector('#replicate').validationMessage") == wanted


def test_a_report_can_be_without_it(
    finished_run: Path, tmp_path: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "SECTIONS", ())
    shutil.copytree(finished_run, tmp_path / "run")
    assert command("report", tmp_path / "run").code == 0
    assert 'id="laboratory"' in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert command("report", tmp_path / "run", "--no-laboratory").code == 0
    plain = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "aboratory" not in re.sub(r"(?s)<script.*?</script>", "", plain)
    assert "wasm-unsafe-eval" not in plain
