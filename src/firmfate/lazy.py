"""Packages whose public names are imported when they are asked for, so that importing the package costs nothing."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def importer(package: str, where: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    where : mapping
        Public name -> the module that defines it, or its own module where it is a subpackage.

    Examples
    --------
    >>> get = importer("firmfate", {"gather": "firmfate.dataset", "survival": "firmfate.survival"})
    >>> get("gather").__name__, get("survival").__name__
    ('gather', 'firmfate.survival')
    """

    def get(name: str) -> Any:
        if name not in where:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        module = importlib.import_module(where[name])
        value = module if where[name] == f"{package}.{name}" else getattr(module, name)
        setattr(sys.modules[package], name, value)  # is asked for once
        return value

    return get
