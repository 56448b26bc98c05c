"""Debian's chromium, driven through its protocol by Playwright, for all rooms that write pages."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MINUTE = 60_000


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser; tests that need one are skipped where there is none."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page_of(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a file; what it prints or asks the network for fails the test."""
    complaints: list[str] = []

    def open_page(path: Path, *, width: int = 1280, scheme: str = "light", javascript: bool = True) -> Page:
        page = browser.new_page(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=javascript,
        )
        page.set_default_timeout(MINUTE)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url) if request.url.startswith("http") else None)
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in browser.contexts:
        context.close()
    assert complaints == []


def wait(page: Page, condition: str) -> None:
    """Wait until a condition in JavaScript holds; Playwright's own waiting needs `eval`, which the page forbids."""
    begin = time.monotonic()
    while not page.evaluate(condition):
        assert time.monotonic() - begin < MINUTE / 1000, condition
        page.wait_for_timeout(20)
