"""Every public function has a doctest, and every doctest holds."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import pytest

from firmfate import survival

MODULES = [module.name for module in pkgutil.walk_packages(survival.__path__, "firmfate.survival.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("name", survival.__all__)
def test_every_public_function_has_an_example(name: str) -> None:
    function = getattr(survival, name)
    assert any(test.examples for test in doctest.DocTestFinder(recurse=False).find(function, name))
    documented = inspect.getdoc(function) or ""
    assert "Returns\n-------" in documented
    for parameter in inspect.signature(function).parameters.values():
        assert parameter.name in documented
