"""The folder of the studies on the import path, as when they are run, and their runner as a module."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

STUDIES = Path(__file__).parents[2] / "studies"
sys.path.insert(0, str(STUDIES))


@pytest.fixture(scope="session")
def reproduce():
    """Return ``studies/reproduce.py`` as a module."""
    return importlib.import_module("reproduce")
