"""Debian's chromium, driven through its protocol by Playwright, and pages of laboratories."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from firmfate.laboratory import lab

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MINUTE = 60_000


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser; tests that need one are skipped where there is none."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a file and wait until its firms are complete; what it prints or asks the network for fails the test."""
    complaints: list[str] = []

    def open_page(path: Path, *, width: int = 1280, scheme: str = "light", ready: bool = True) -> Page:
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.set_default_timeout(MINUTE)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url) if request.url.startswith("http") else None)
        page.goto(path.as_uri())
        if ready:
            complete(page)
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


def complete(page: Page) -> None:
    """Wait until all firms of both settings, and the one firm, are shown."""
    page.wait_for_selector("#laboratory[data-state=complete]")
    page.wait_for_selector(".stock svg", state="attached")


@pytest.fixture(scope="session")
def laboratory_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the laboratory of a model, written once."""
    folder = tmp_path_factory.mktemp("laboratories")

    def of(model: str) -> Path:
        path = folder / f"{model}.html"
        return path if path.exists() else lab(model, into=path)

    return of
