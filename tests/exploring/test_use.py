"""The section in use: by pointer and keys, on phones and paper, read by axe, without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

pytestmark = pytest.mark.slow

STATE = "[explore.here, explore.a, explore.b]"


def test_a_pointer_looks_and_pins(explored: Callable[..., Page]) -> None:
    page = explored("grid")
    assert page.evaluate(STATE) == [19, 4, 19], "weak and strong misaligned firms to begin with"
    page.hover("[data-cell='6']")
    assert page.evaluate(STATE) == [6, 4, 19]
    assert page.inner_text("[data-place=name-here]") == "execution 0.4, misalignment 0.2"
    before = page.inner_text("[data-place=difference]")
    page.click("[data-cell='6']")
    page.click("[data-cell='7']")
    assert page.evaluate(STATE) == [7, 6, 7]
    assert page.inner_text("[data-place=difference]") != before
    page.click("text=Swap")
    assert page.evaluate(STATE) == [7, 7, 6]


def test_keys_do_the_same(explored: Callable[..., Page]) -> None:
    page = explored("grid")
    page.focus("#explore [role=gridcell][tabindex='0']")
    assert page.evaluate("document.querySelectorAll('#explore [role=gridcell][tabindex=\"0\"]').length") == 1
    for key in ("Home", "ArrowDown", "ArrowRight", "a", "ArrowUp", "b"):
        page.keyboard.press(key)
    assert page.evaluate(STATE) == [16, 11, 16]
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label.startswith("execution 1, misalignment 0.2: ")
    assert "±" in label
    page.focus("#explore-horizon")
    turning = page.inner_text("[data-place=turning]")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("[data-place=until]") == "5 years"
    assert page.inner_text("[data-place=turning]") != turning


def test_other_axes_have_selectors(explored: Callable[..., Page]) -> None:
    page = explored("half weeks")
    assert page.locator("#explore .axes select").count() == 3
    turning = page.inner_text("[data-place=turning]")
    page.locator("#explore select[aria-label='correct time']").select_option("13")
    assert page.evaluate("explore.positions(explore.here)") == [1, 2, 0]
    assert page.inner_text("[data-place=turning]") != turning
    page.locator("#explore select[aria-label=across]").select_option("correct time")
    assert page.locator("#explore [role=row]").count() == 2
    assert page.locator("#explore [role=gridcell]").count() == 4
    assert page.locator("#explore .contour").count() == 0, "the contour is along misalignment"


def test_a_list_is_a_table_that_sorts(explored: Callable[..., Page]) -> None:
    page = explored("hypercube")
    rows = "[...document.querySelectorAll('#explore .list tbody tr')].map((row) => Number(row.dataset.cell))"
    assert page.evaluate(rows) == list(range(25))
    page.click("#explore .list thead button:has-text('execution')")
    order = page.evaluate(rows)
    values = page.evaluate("explore.estimates.given.axes[0].numbers")
    assert order == sorted(range(40), key=lambda cell: values[cell])[:25]
    page.click("#explore .list thead button:has-text('execution')")
    assert page.evaluate(rows) == sorted(range(40), key=lambda cell: -values[cell])[:25]
    page.click("[data-place=more]")
    assert len(page.evaluate(rows)) == 40
    page.focus("#explore .list tbody button[tabindex='0']")
    page.keyboard.press("a")
    assert page.evaluate("explore.a") == page.evaluate("explore.here")
    page.locator("#explore-along").select_option("cash buffer")
    assert page.locator("#explore .point").count() == 40


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["grid", "hypercube"])
def test_axe_finds_no_violation_and_nothing_is_wider_than_the_page(
    explored: Callable[..., Page], name: str, width: int, scheme: str
) -> None:
    page = explored(name, width=width, scheme=scheme)
    found = Axe().run(page, context="#explore")
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_paper_and_pages_without_javascript_are_as_before(
    explored: Callable[..., Page], run_of: Callable[[str], Path], page_of: Callable[..., Page]
) -> None:
    page = explored("grid")
    page.emulate_media(media="print")
    assert not page.is_visible("#explore")
    assert page.is_visible("#phase-map svg")
    plain = page_of(run_of("grid") / "report.html", javascript=False)
    assert not plain.is_visible("#explore")
    assert not plain.is_visible("a[href='#explore']")
    assert plain.is_visible("#phase-map svg")
