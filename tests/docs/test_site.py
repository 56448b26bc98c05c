"""The site: everything public has a page, every command an entry, and it is built without a warning or a network."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmfate.cli import COMMANDS
from firmfate.models import load_model
from firmfate.models.refusals import REFUSALS

from .conftest import TOP

ELSEWHERE = {
    "Any", "Axes", "DataArray", "DataFrame", "DataTree", "Dataset", "Figure", "NDArray", "None", "Path", "Schema",
}  # fmt: skip
"""Classes of other packages, and a table of plain values."""


@pytest.fixture(scope="module")
def pages() -> Iterator[dict[str, str | bytes]]:
    """The generated pages."""
    pytest.importorskip("latexify")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(TOP / "docs" / "_extension")
        import generated_pages

        yield {name: content for make in generated_pages.PAGES for name, content in make().items()}


def test_reference_pages_hold_what_there_is(pages: dict[str, str]) -> None:
    for name in COMMANDS:
        assert f"\n## {name}\n" in pages["commands.md"]
    for code in REFUSALS:
        assert f"\n## {code}: " in pages["errors.md"]
    for row in load_model("firm").parameters:
        assert f"`{row.name}`" in pages["parameters-firm.md"]
    for row in load_model("firm").stocks:
        assert f"`s.{row.name}`" in pages["equations-firm.md"]


def test_an_equation_is_that_of_the_code(pages: dict[str, str]) -> None:
    assert r"\text{price} = 1 - p.\text{discount} \cdot s.\text{practice}.\text{sales}" in pages["equations-firm.md"]


def test_a_citation_without_a_reference_is_refused(pages: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control."""
    import references

    monkeypatch.setattr(references, "cited", lambda: {"Nobody 1999": ["execution"]})
    with pytest.raises(ValueError, match=r"lacks \['Nobody 1999'\]"):
        references.pages()


def test_what_public_functions_return_has_a_page(pages: dict[str, str]) -> None:
    rooms = [name.removeprefix("api/").removesuffix(".rst") for name in pages if name.startswith("api/firmfate")]
    modules = [importlib.import_module(room) for room in rooms if room != "firmfate.errors"]
    public = [getattr(module, name) for module in modules for name in module.__all__]
    words = " ".join(found.__annotations__.get("return", "") for found in public if inspect.isfunction(found))
    returned = set(re.findall(r"[A-Z]\w+", words))
    assert {"Plan", "Status", "Submission", "Exported", "Finding"} <= returned
    text = "\n".join(str(content) for name, content in pages.items() if name.startswith("api/"))
    assert {word for word in returned - ELSEWHERE if not re.search(rf"^   {word}$", text, re.MULTILINE)} == set()


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("myst_nb")
    site = tmp_path / "html"
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", TOP / "docs", site],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (site / "tutorials" / "first-study.html").is_file()
    notebook = (site / "notebooks" / "firmfate.html").read_text(encoding="utf-8")
    assert notebook.count("<img") >= 2
    assert "standard error" in notebook.rpartition("cell_output")[2]
    equations = (site / "generated" / "equations-firm.html").read_text(encoding="utf-8")
    assert "<math" in equations
    assert "<mrow />" not in equations  # an empty operator, in which browsers lose what follows
    taken = re.compile(r"""<(?:script|link|img|iframe)\b[^>]*(?:src|href)=["'](?:https?:)?//[^"']*""")
    assert taken.search('<script src="https://cdn.example/mathjax.js">')
    for page in site.rglob("*.html"):
        assert not taken.search(page.read_text(encoding="utf-8")), page
