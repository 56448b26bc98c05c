"""Modules in the folders of studies, some of whose names an import statement cannot hold: ``dose-or-speed``."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from firmfate.errors import FirmfateError

STUDIES = Path(__file__).resolve().parents[1]


def load(study: str, part: str) -> ModuleType:
    """Import ``studies/STUDY/PART.py``, once.

    Raises
    ------
    FirmfateError
        Where there is no such file.
    """
    name = f"studies.{study}.{part}"
    if name in sys.modules:
        return sys.modules[name]
    path = STUDIES / study / f"{part}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FirmfateError(f"{path} does not exist")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
