"""Every page of the documentation runs from top to bottom in an empty folder, and prints what it says."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from .blocks import RUN, Block, blocks, missing
from .conftest import TOP

WRITTEN = sorted(page for room in ("tutorials", "howto", "explanation") for page in (TOP / "docs" / room).glob("*.md"))
PAGES = [page for page in WRITTEN if any(block.kind in RUN for block in blocks(page))]


def shell(words: list[str], text: str, place: str) -> str:
    """Run a program on a block and return all that it prints."""
    done = subprocess.run(
        [*words, text], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, f"{place}\n{text}\n{done.stdout}"
    return done.stdout


def run(page: Path, block: Block, names: dict[str, object], capsys: pytest.CaptureFixture[str]) -> str:
    """Run one block and return what it prints."""
    place = f"{page.name}, line {block.line}"
    if block.kind == "sh":
        return shell(["bash", "-eu", "-o", "pipefail", "-c"], block.text, place)
    if block.kind == "r":
        return shell(["Rscript", "-e"], block.text, place)
    capsys.readouterr()
    exec(compile(block.text, f"{page.name} (from line {block.line})", "exec"), names)
    said = capsys.readouterr()
    return said.out + said.err


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_page_runs_and_prints_what_it_says(page: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {"__name__": "page"}
    printed: str | None = None
    for block in blocks(page):
        if block.file:
            (folder / block.file).write_text(block.text, encoding="utf-8")
        elif block.kind == "text":
            lacking = missing(block.text, printed) if printed is not None else []
            assert not lacking, f"{page.name}, line {block.line}: not printed: {lacking}\nprinted:\n{printed}"
        elif block.kind == "r" and shutil.which("Rscript") is None:
            printed = None
        elif block.kind in RUN:
            printed = run(page, block, names, capsys)


def test_there_are_pages() -> None:
    """The test above has something to run: five tutorials, and output that they promise."""
    tutorials = [page for page in PAGES if page.parent.name == "tutorials"]
    assert len(tutorials) == 5
    for page in tutorials:
        assert any(block.kind == "text" for block in blocks(page)), page


def test_output_that_is_not_printed_is_missed() -> None:
    """The negative control."""
    assert missing("firms  9,000\n... done", "firms 9,000 and so on: done") == []
    assert missing("firms  9,001\n... done", "firms 9,000 and so on: done") == ["firms 9,001"]
    assert missing("done ... firms", "firms, done") == ["firms"]
