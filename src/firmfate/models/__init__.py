"""Models: what a firm is. `firm` and `car` are built in; a user's model is a file and a name, ``my_model.py:NAME``."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
import traceback
from pathlib import Path
from types import ModuleType

from firmfate.announcing import model_runs
from firmfate.errors import ModelError, did_you_mean
from firmfate.models.model import Model

BUILT_IN = {"firm": "firmfate.models.firm", "car": "firmfate.models.car"}

__all__ = ["BUILT_IN", "Model", "load_model"]


def load_model(name: str | Model, *, beside: Path | None = None) -> Model:
    """Return a built-in model (``"firm"``, ``"car"``), or from a user's file (``"my_model.py:NAME"``).

    Parameters
    ----------
    name : str or Model
        A Model is returned as it is.
    beside : Path, optional
        Folder against which a file's relative path is read; the working directory if not given.

    Raises
    ------
    ModelError
        Where no such model, file or name exists, or the file cannot be run.

    Examples
    --------
    >>> from firmfate.models import load_model
    >>> load_model("firm").summary
    'A firm of five divisions, each steered by a KPI of its own.'
    """
    if isinstance(name, Model):
        return name
    if name in BUILT_IN:
        return importlib.import_module(BUILT_IN[name]).MODEL  # type: ignore[no-any-return]
    file, colon, attribute = name.rpartition(":")
    if not colon or not file.endswith(".py"):
        raise ModelError(
            f"FF122 model '{name}' is not known; allowed: {', '.join(BUILT_IN)}, or a file and a name, "
            "'my_model.py:NAME'" + did_you_mean(name, BUILT_IN)
        )
    path = Path(os.path.realpath((beside or Path.cwd()) / file))
    try:
        if not path.is_file():
            raise ModelError(f"FF122 model '{name}': there is no file {path}")
        module = sys.modules.get(_module_name(path))
    except OSError as fault:
        raise ModelError(f"FF122 model '{name}': {path} cannot be read: {fault.strerror}") from fault
    module = module or _run(name, path)
    model = getattr(module, attribute, None)
    if not isinstance(model, Model):
        held = [key for key, value in vars(module).items() if isinstance(value, Model)]
        hint = did_you_mean(attribute, held) or (f"; it holds {', '.join(held)}" if held else "")
        raise ModelError(f"FF122 model '{name}': {path} holds no firmfate Model named '{attribute}'{hint}")
    return model


def _module_name(path: Path) -> str:
    """Return the name under which a user's file is imported: an edited file is another module."""
    return f"firmfate_user_model_{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"


def _run(name: str, path: Path) -> ModuleType:
    """Run a user's file.

    Raises
    ------
    ModelError
        Where it fails; with the line.
    """
    spec = importlib.util.spec_from_file_location(_module_name(path), path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    model_runs.get()(path)
    sys.modules[module.__name__] = module
    try:
        spec.loader.exec_module(module)
    except ModelError:
        del sys.modules[module.__name__]
        raise
    except BaseException as fault:
        del sys.modules[module.__name__]
        if isinstance(fault, KeyboardInterrupt):
            raise
        lines = [frame.lineno for frame in traceback.extract_tb(fault.__traceback__) if frame.filename == str(path)]
        line = getattr(fault, "lineno", None) or (lines[-1] if lines else 0)
        missing = isinstance(fault, ModuleNotFoundError)
        hint = "; a model is one file, and what it imports is installed, or found by PYTHONPATH" if missing else ""
        raise ModelError.numbered(
            "FF122",
            f"the file cannot be run: {type(fault).__name__}: {fault}{hint}",
            model=name,
            file=str(path),
            line=line or 0,
        ) from fault
    return module
