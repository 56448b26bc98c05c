"""Every example in a docstring, and every Python block of the README, runs and gives what it says."""

from __future__ import annotations

import doctest
import importlib
import inspect
import math
import pkgutil
import pydoc
import re
from pathlib import Path
from types import ModuleType

import pytest
from tests.bounded import Bounded, chance_of_share, shares

import firmfate
from firmfate.design import DESIGNS
from firmfate.shards.directory import fingerprint_of

README = Path(__file__).parents[2] / "README.md"
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(firmfate.__path__, "firmfate.")
    if not module.name.endswith("__main__")
)


LONG = ("firmfate.calibration.fitting",)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in MODULES]
)
def test_examples_in_docstrings(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if name == "firmfate.design.saltelli":
        pytest.importorskip("SALib")
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples() -> None:
    """The test above has something to run."""
    finder = doctest.DocTestFinder()
    found = [name for name in MODULES if any(test.examples for test in finder.find(importlib.import_module(name)))]
    assert {"firmfate.simulation.many_firms", "firmfate.shards.plan", "firmfate.study.study"} <= set(found)


def test_every_public_name_has_an_example() -> None:
    """An `Examples` section of its own, or of a method; errors and constants need none."""
    rooms = ["firmfate", *(f"firmfate.{room.name}" for room in pkgutil.iter_modules(firmfate.__path__))]
    lacking: dict[str, set[str]] = {}
    seen: set[int] = set()
    for room in rooms:
        if room.endswith("__main__"):
            continue
        module = importlib.import_module(room)
        for name in getattr(module, "__all__", ()):
            found = getattr(module, name)
            if not callable(found) or id(found) in seen:
                continue
            seen.add(id(found))
            own = vars(found).items() if inspect.isclass(found) else ()
            methods = [one for key, one in own if key[0] != "_" and hasattr(one, "__get__")]
            texts = [inspect.getdoc(one) or "" for one in (found, *methods)]
            if not any(">>> " in text or "Examples\n--------\nSee `" in text for text in texts):
                lacking.setdefault(room, set()).add(name)
    assert lacking == {}


@pytest.mark.parametrize("kind", [*DESIGNS, "population"])
def test_every_design_has_an_example_from_toml_to_survival(kind: str) -> None:
    """Users copy it; the first test of this file runs it."""
    module = importlib.import_module(f"firmfate.design.{'listed' if kind == 'cells' else kind}")
    (documented,) = (test for test in doctest.DocTestFinder(recurse=False).find(module, module.__name__))
    written = "".join(example.source for example in documented.examples)
    assert re.search(rf"^\[+{kind}\]+$", written, re.MULTILINE)
    for stage in ("Study.parse(", "firmfate.run(", "firmfate.survival."):
        assert stage in written


@pytest.mark.parametrize("name", ["grid", "listed", *sorted(set(DESIGNS) - {"grid", "cells"}), "population"])
def test_pydoc_shows_the_module_of_every_design(name: str) -> None:
    """A function of the package, called like its module, hid `population`."""
    assert f"`{name}`" in README.read_text(encoding="utf-8") or f"firmfate.design.{name}`" in README.read_text("utf-8")
    found = pydoc.locate(f"firmfate.design.{name}")
    assert isinstance(found, ModuleType)
    assert ">>> ds = firmfate.run(" in pydoc.render_doc(found)


@pytest.mark.bounded(power=0.95, against="a probability of ruin that is off by 0.09")
def test_the_readmes_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bounded: Bounded) -> None:
    """Its blocks, one after another, in a folder where its small study has been run."""
    blocks = re.findall(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 4
    study = README.parent / "studies" / "small" / "study.toml"
    firmfate.run(study, into=tmp_path / "runs" / "small", progress=False).close()
    (tmp_path / "studies").symlink_to(README.parent / "studies")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks:
        if file := re.match(r"# (\w+\.py)\n", block):
            (tmp_path / file[1]).write_text(block, encoding="utf-8")
        else:
            exec(compile(block, "README.md", "exec"), names)
    assert float(names["gap"].estimate) < 0

    def ruined(sample: int, count: int) -> float:
        if not sample:
            return float((names["walks"].cause == 1).mean())
        return float((firmfate.simulate("walk.py:WALK", replicates=count, seed=sample).cause == 1).mean())

    law = math.erfc((1 + 0.0583) / (0.1 * math.sqrt(2 * 1040)))  # a step's overshoot is 0.583 of its deviation
    assert not bounded.refuses(shares(ruined, 500, law))
    assert bounded.refuses(shares(ruined, 500, law - 0.09))
    bounded.sees(chance_of_share(500, law, law - 0.09))
    assert names["firm"].attrs["replicate"] == 17


@pytest.mark.parametrize(
    ("page", "before", "most"),
    [
        ("README.md", "```python\n# walk.py\n", 12),
        ("docs/tutorials/own-model.md", "```{code-block} python\n:caption: shop.py\n", 18),
        ("docs/howto/write-a-model.md", "```{code-block} python\n:caption: my_model.py\n", 20),
    ],
)
def test_models_to_learn_from_are_short(page: str, before: str, most: int) -> None:
    text = (README.parent / page).read_text(encoding="utf-8")
    assert text.count(before) == 1
    block = text.partition(before)[2].partition("```")[0]
    assert 5 < len([line for line in block.splitlines() if line.strip()]) <= most


def test_the_readmes_study_is_the_one_whose_numbers_it_shows() -> None:
    """Both have one fingerprint: the README's Python goes on in the directory that its command has filled."""
    block = re.findall(r"^```toml\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[0]
    written, kept = firmfate.Study.parse(block), firmfate.Study.read(README.parent / "studies" / "small" / "study.toml")
    assert fingerprint_of(written) == fingerprint_of(kept)
    assert written.replicates == kept.replicates


def test_the_readme_is_short_and_its_links_lead_somewhere() -> None:
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 120
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert len(links) > 15
    assert [link for link in links if not (README.parent / link).exists()] == []
