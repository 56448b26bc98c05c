"""What studies share: the examples in its docstrings, and modules of folders whose names hold a hyphen."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

from common.folder import STUDIES, load
from firmfate.errors import FirmfateError

SHARED = sorted(path.stem for path in (Path(STUDIES) / "common").glob("*.py"))


@pytest.mark.parametrize("name", SHARED)
def test_examples_in_docstrings(name):
    assert doctest.testmod(importlib.import_module(f"common.{name}")).failed == 0


def test_there_are_examples():
    finder = doctest.DocTestFinder()
    tried = [name for name in SHARED if any(t.examples for t in finder.find(importlib.import_module(f"common.{name}")))]
    assert {"car_law", "number_table", "survivor_moments"} <= set(tried)


def test_modules_of_folders_are_loaded_once():
    assert load("dose-or-speed", "estimands") is load("dose-or-speed", "estimands")
    with pytest.raises(FirmfateError, match=r"no-such-study/estimands\.py does not exist"):
        load("no-such-study", "estimands")


def test_nothing_of_the_package_knows_the_studies():
    package = STUDIES.parent / "src" / "firmfate"
    for path in package.rglob("*.py"):
        for line in path.read_text("utf-8").splitlines():
            assert not line.startswith(("from common", "import common", "from studies", "import studies")), path
