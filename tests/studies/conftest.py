"""The runner of the studies, and their runs at a size for tests."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

STUDIES = Path(__file__).parents[2] / "studies"


@pytest.fixture(scope="session")
def reproduce():
    """Return ``studies/reproduce.py`` as a module; what it imports beside it is found as when it is run."""
    sys.path.insert(0, str(STUDIES))
    spec = importlib.util.spec_from_file_location("reproduce", STUDIES / "reproduce.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(STUDIES))
