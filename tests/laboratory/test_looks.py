"""The laboratory for everyone: axe finds no violation, a phone's width suffices, paper has figures, no controls."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_no_violation(
    laboratory_of: Callable[[str], Path], opened: Callable[..., Page], width: int, scheme: str
) -> None:
    page = opened(laboratory_of("firm"), width=width, scheme=scheme)
    for group in page.query_selector_all("details"):
        group.evaluate("element => element.open = true")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.evaluate("document.querySelector('.story').style.color = '#777'")
    page.evaluate("document.querySelector('.story').style.backgroundColor = '#888'")
    assert Axe().run(page).violations_count == 1  # it does see what can hardly be read


def test_nothing_is_wider_than_a_phone(laboratory_of: Callable[[str], Path], opened: Callable[..., Page]) -> None:
    page = opened(laboratory_of("firm"), width=390)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_paper_has_the_figures_and_no_controls(
    laboratory_of: Callable[[str], Path], opened: Callable[..., Page], tmp_path: Path
) -> None:
    page = opened(laboratory_of("firm"))
    page.emulate_media(media="print")
    assert page.is_visible(".survival svg")
    assert page.is_visible("table")
    assert not page.is_visible("#a-execution")
    assert not page.is_visible("button")
    assert len(page.pdf(path=tmp_path / "paper.pdf")) > 10_000


def test_without_javascript_the_page_says_what_it_needs(laboratory_of: Callable[[str], Path], browser: Browser) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(laboratory_of("car").as_uri())
    assert "needs JavaScript" in page.inner_text("#laboratory")
    page.context.close()
