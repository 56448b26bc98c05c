"""The laboratory in a real browser: what it shows is what `simulate` gives, and sliders, keys and stories change it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from playwright.sync_api import Page
from tests.browser import wait
from tests.laboratory.conftest import complete

import firmfate

RECORDS = "[...laboratory.firms.%s.%s]"


def records(page: Page, setting: str) -> dict[str, list[int]]:
    """Return what the page holds of the firms of a setting."""
    return {name: page.evaluate(RECORDS % (setting, name)) for name in ("eventStep", "cause", "alarmStep")}


def simulated(page: Page) -> xr.Dataset:
    """Return what the Python call that the page prints gives."""
    firms: xr.Dataset = eval(page.inner_text("[data-place=call]"), {"firmfate": firmfate})
    return firms


def same(page: Page, setting: str, firms: xr.Dataset, cell: int) -> bool:
    """Return whether a setting's firms are those of a cell."""
    dt = 1 / firms.attrs["steps_per_week"]
    found = records(page, setting)
    return (
        np.array_equal(found["cause"], firms.cause[cell])
        and np.array_equal(np.array(found["eventStep"]) * dt, firms.event_week[cell])
        and np.array_equal(np.array(found["alarmStep"]) * dt, firms.alarm_week[cell])
    )


def test_a_slider_moves_the_curves_and_the_firms_are_those_of_simulate(
    laboratory_of: Callable[[str], Path], opened: Callable[..., Page]
) -> None:
    page = opened(laboratory_of("car"))
    firms = simulated(page)
    assert same(page, "a", firms, 0)
    assert same(page, "b", firms, 1)
    assert not same(page, "a", firms, 1)  # the comparison sees a difference
    curve = page.get_attribute(".line.b", "d")
    other = page.get_attribute(".line.a", "d")
    page.focus("#b-execution")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    wait(page, "laboratory.sliders.values.b.execution === 0.98")
    complete(page)
    assert page.get_attribute(".line.b", "d") != curve
    assert page.get_attribute(".line.a", "d") == other
    firms = simulated(page)
    assert same(page, "b", firms, 1)
    row = page.inner_text("table tbody tr:first-child").split("\t")
    years = firms.event_week.values.astype(float) / 52
    paired = years[1] - years[0]
    assert f"{paired.mean():+.3f}".replace("-", "−") in row[3]
    assert f"({paired.std(ddof=1) / np.sqrt(len(paired)):.3f})" in row[3]


def test_stories_change_both_settings_and_say_what_they_show(
    laboratory_of: Callable[[str], Path], opened: Callable[..., Page]
) -> None:
    page = opened(laboratory_of("car"))
    assert "takes" in page.inner_text("[data-place=words]")  # faulty steering: a strong engine crashes the car
    page.click("text=Straight steering, strong engine")
    wait(page, "document.querySelector('[data-place=words]').textContent.includes(' adds ')")
    assert page.get_attribute("text=Straight steering, strong engine", "aria-pressed") == "true"
    page.click("text=B as A")
    wait(page, "document.querySelector('[data-place=words]').textContent.includes('are the same')")
    rows = page.inner_text("table tbody").split("\n")
    assert [row.split("\t")[3] for row in rows[:2]] == ["0.000 [−0.038 to 0.038]", "0.00 [−0.19 to 0.19]"]


@pytest.mark.slow
@pytest.mark.parametrize("chosen", [0, 1], ids=["relaxed", "exact"])
def test_firms_of_both_modules_are_those_of_the_engine(
    laboratory_of: Callable[[str], Path], opened: Callable[..., Page], tmp_path: Path, chosen: int
) -> None:
    import json
    import re

    text = laboratory_of("firm").read_text(encoding="utf-8")
    content = re.search(r'id="laboratory-content">(.*?)</script>', text, re.S)
    assert content is not None
    given = json.loads(content[1])
    given["modules"] = [given["modules"][chosen]]
    path = tmp_path / "one-module.html"
    path.write_text(text.replace(content[1], json.dumps(given)), encoding="utf-8")
    page = opened(path)
    firms = simulated(page)
    assert same(page, "a", firms, 0)
    assert same(page, "b", firms, 1)


def test_one_firm_is_that_of_simulate_path(laboratory_of: Callable[[str], Path], opened: Callable[..., Page]) -> None:
    page = opened(laboratory_of("car"))
    page.fill("#replicate", "12345678901")
    page.keyboard.press("Enter")
    wait(page, "document.querySelector('[data-place=fate]').textContent.includes('firm 12345678901')")
    path = page.evaluate(
        "[...laboratory.oneFirm.runs.b.stocks.slice(0, laboratory.oneFirm.runs.b.eventStep[0])].map(String)"
    )
    firm = firmfate.simulate_path(
        "car", execution=1.0, misalignment=1.0, parameters={"notice": 0.0}, replicate=12345678901
    )
    assert [float(value) for value in path] == firm.distance.values.tolist()
    page.fill("#replicate", "minus one")
    page.keyboard.press("Enter")
    assert page.evaluate("document.querySelector('#replicate').validationMessage") == "allowed: an integer from 0"


def test_numbers_out_of_range_are_refused(laboratory_of: Callable[[str], Path], opened: Callable[..., Page]) -> None:
    page = opened(laboratory_of("car"))
    number = page.get_by_label("execution, setting A, exact value")
    number.fill("1.5")
    number.press("Enter")
    assert number.evaluate("element => element.validationMessage") == "allowed: [0, 1]"
    assert page.evaluate("laboratory.sliders.values.a.execution") == 0.05
    number.fill("0.123456789")
    number.press("Enter")
    assert page.evaluate("laboratory.sliders.values.a.execution") == 0.123456789
    complete(page)
    assert "0.123456789" in page.inner_text("[data-place=call]")


@pytest.mark.slow
def test_a_notebook_shows_it_in_a_frame(opened: Callable[..., Page], tmp_path: Path) -> None:
    path = tmp_path / "notebook.html"
    path.write_text(f"<!doctype html><title>notebook</title>{firmfate.show('car')._repr_html_()}", encoding="utf-8")
    page = opened(path, ready=False)
    frame = page.frame_locator("iframe")
    frame.locator("#laboratory[data-state=complete]").wait_for()
    assert "takes 2.078 (paired standard error 0.078) years" in frame.locator("[data-place=words]").inner_text()
