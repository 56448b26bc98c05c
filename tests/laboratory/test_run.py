"""The laboratory of a run: a cell and a replicate give that firm of the run, to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from tests.browser import wait
from tests.laboratory.conftest import complete

import firmfate
from firmfate.errors import FirmfateError
from firmfate.execute import run
from firmfate.reporting import write_report
from firmfate.simulation import Replayer
from firmfate.study import Study

SEED = 2**63 + 5
LAST = """async ([word, key]) => {
  const { given, stepper, sliders } = laboratory;
  const question = { parameters: { ...sliders.values.a }, key, cell: word, first: "0", count: 1000 };
  const found = await stepper.ask({ ...question, steps: given.steps, dt: given.dt, stocks: "last" });
  return [...new BigUint64Array(found.stocks.buffer)].map((bits) => bits.toString(16));
}"""


def counts_of(page: Page) -> tuple[list[int], list[int]]:
    """Return event steps and causes of the first 1,000 firms of setting A."""
    step, cause = (page.evaluate(f"[...laboratory.firms.a.{name}.slice(0, 1000)]") for name in ("eventStep", "cause"))
    return step, cause


@pytest.mark.slow
@pytest.mark.parametrize("common", [True, False], ids=["common", "own"])
def test_firms_of_a_cell_are_those_of_the_run(tmp_path: Path, opened: Callable[..., Page], common: bool) -> None:
    study = Study(
        name="four", replicates=1000, years=10, seed=SEED, common_random_numbers=common,
        grid={"execution": [0.05, 1.0], "misalignment": [0.0, 1.0]}, parameters={"correct_time": 26},
    )  # fmt: skip
    counted = run(study, into=tmp_path / "run", progress=False)
    page = opened(firmfate.lab(tmp_path / "run"))
    page.fill("#cell", "3")
    page.keyboard.press("Enter")
    wait(page, "document.querySelector('[data-place=which]').textContent.includes('execution 1, misalignment 1')")
    complete(page)
    event_step, cause = counts_of(page)

    events = np.zeros((520, 5), int)
    np.add.at(events, (np.array(event_step) - 1, np.array(cause)), 1)
    cell = counted.isel(execution=1, misalignment=1)
    for number, name in enumerate(cell.cause.values.tolist(), start=1):
        assert events[:, number].tolist() == cell["events"].sel(cause=name).values.tolist(), name
    other = counted.isel(execution=0, misalignment=1)
    assert events[:, 1].tolist() != other["events"].isel(cause=0).values.tolist()

    replayer = Replayer(tmp_path / "run")
    word = int(replayer.cells.random_words[3])
    assert (word == 0) == common
    traces = [replayer.trace(3, replicate) for replicate in range(1000)]
    last = np.array([trace.stocks[-1] for trace in traces])
    found = page.evaluate(LAST, [str(word), str(SEED)])
    assert found == [f"{bits:x}" for bits in last.view(np.uint64).ravel().tolist()]
    assert event_step == [int(trace.records.event_step[0, 0]) for trace in traces]

    page.focus("#a-execution")
    page.keyboard.press("ArrowLeft")
    wait(page, "document.querySelector('[data-place=which]').textContent.includes('no longer')")


def test_what_a_page_cannot_hold_is_refused(tmp_path: Path) -> None:
    study = Study(name="drawn", years=1, replicates=10, population={"unit_cost": {"normal": [0.57, 0.02]}})
    run(study, into=tmp_path / "drawn", progress=False)
    with pytest.raises(FirmfateError, match="population"):
        firmfate.lab(tmp_path / "drawn")
    with pytest.raises(FirmfateError, match="leave them out"):
        firmfate.lab(tmp_path / "drawn", weeks=52)
    with pytest.raises(FirmfateError, match="no run directory"):
        firmfate.lab(tmp_path)


@pytest.mark.slow
def test_a_report_ends_with_the_laboratory_of_its_run(tmp_path: Path, opened: Callable[..., Page]) -> None:
    study = Study(name="two", replicates=320, years=5, grid={"execution": [0.05, 1.0], "misalignment": [0.0, 1.0]})
    run(study, into=tmp_path / "run", progress=False)
    plain = write_report(tmp_path / "run").read_text(encoding="utf-8")
    path = write_report(tmp_path / "run", laboratory=True)
    page = opened(path)
    assert page.inner_text("#finding .headline") in plain
    assert page.evaluate("document.querySelectorAll('figure .drawing svg').length") == plain.count('class="drawing')
    page.fill("#cell", "1")
    page.keyboard.press("Enter")
    wait(page, "document.querySelector('[data-place=which]').textContent.includes('execution 0.05, misalignment 1')")
    complete(page)
    replayer = Replayer(tmp_path / "run")
    steps = [int(replayer.trace(1, replicate).records.event_step[0, 0]) for replicate in range(100)]
    assert counts_of(page)[0][:100] == steps
    assert path.stat().st_size < 1_500_000
    assert Axe().run(page).violations_count == 0
