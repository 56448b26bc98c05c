"""Pages of laboratories in a browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from firmfate.laboratory import lab


@pytest.fixture
def opened(page_of: Callable[..., Page]) -> Callable[..., Page]:
    """Open a file and wait until its firms are complete."""

    def open_page(path: Path, *, width: int = 1280, scheme: str = "light", ready: bool = True) -> Page:
        page = page_of(path, width=width, scheme=scheme)
        if ready:
            complete(page)
        return page

    return open_page


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
