"""Reference pages, written when the site is built from the objects that they describe, into ``docs/generated``."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import api_pages
import equations
import gallery
import references
import tables

FOLDER = Path(__file__).parents[1] / "generated"
PAGES: tuple[Callable[[], dict[str, str | bytes]], ...] = (
    api_pages.pages, equations.pages, references.pages, tables.pages, gallery.pages,
)  # fmt: skip
"""Each returns path below the folder -> content."""


def write(folder: Path = FOLDER) -> None:
    """Write all pages; one that has not changed is left alone, so that Sphinx reads it only once."""
    wanted = {folder / name: content for make in PAGES for name, content in make().items()}
    if folder.exists():
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path not in wanted:
                path.unlink()
    for path, content in wanted.items():
        data = content.encode("utf-8") if isinstance(content, str) else content
        if not path.is_file() or path.read_bytes() != data:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


def setup(app: Any) -> dict[str, bool]:
    """Write the pages before Sphinx looks for documents."""
    app.connect("config-inited", lambda *_: write())
    # Of a build that goes on from the last one, autosummary would not look at pages that are new.
    app.connect("builder-inited", lambda app: app.env.find_files(app.config, app.builder), priority=400)
    app.connect("build-finished", _remove)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _remove(app: Any, fault: Exception | None) -> None:
    """Leave nothing behind of a build that failed, which the next one would take for finished."""
    if fault is not None:
        shutil.rmtree(FOLDER, ignore_errors=True)
