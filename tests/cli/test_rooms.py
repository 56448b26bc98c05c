"""Lazy rooms: a public function is never hidden by a module of its name."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

import pytest

import firmfate

LAZY = [
    firmfate,
    *(
        importlib.import_module(f"firmfate.{room}")
        for room in (
            "analysis",
            "calibration",
            "execute",
            "exporting",
            "plots",
            "sensitivity",
            "simulation",
            "survival",
        )
    ),
]


@pytest.mark.parametrize("package", LAZY, ids=lambda package: package.__name__)
def test_public_names_survive_the_import_of_every_module(package: ModuleType) -> None:
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in package.__all__:
        value = getattr(package, name)
        known = name in ("__version__", *getattr(firmfate, "_ROOMS", ())) or isinstance(value, firmfate.Interval)
        assert callable(value) or known, name
