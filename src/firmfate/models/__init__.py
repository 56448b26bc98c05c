"""Models: what a firm is. `firm` and `car` are built in; a user's model is a file and a name, ``my_model.py:NAME``."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from pathlib import Path

from firmfate.errors import ModelError, did_you_mean
from firmfate.models.model import Model

BUILT_IN = {"firm": "firmfate.models.firm", "car": "firmfate.models.car"}

__all__ = ["BUILT_IN", "Model", "load_model"]


def load_model(name: str | Model, *, beside: Path | None = None) -> Model:
    """Return a model by name (``"firm"``, ``"car"``), or from a user's file (``"my_model.py:NAME"``).

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
    """
    if isinstance(name, Model):
        return name
    if name in BUILT_IN:
        return importlib.import_module(BUILT_IN[name]).MODEL  # type: ignore[no-any-return]
    file, colon, attribute = name.rpartition(":")
    if not colon or not file.endswith(".py"):
        raise ModelError(
            f"model '{name}' is not known; allowed: {', '.join(BUILT_IN)}, or a file and a name, 'my_model.py:NAME'"
            + did_you_mean(name, BUILT_IN)
        )
    path = ((beside or Path.cwd()) / file).resolve()
    if not path.is_file():
        raise ModelError(f"model '{name}': there is no file {path}")
    module_name = f"firmfate_user_model_{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
    if module_name not in sys.modules:
        spec = importlib.util.spec_from_file_location(module_name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as fault:
            del sys.modules[module_name]
            raise ModelError(f"model '{name}': {path} cannot be run: {type(fault).__name__}: {fault}") from fault
    model = getattr(sys.modules[module_name], attribute, None)
    if not isinstance(model, Model):
        raise ModelError(f"model '{name}': {path} holds no firmfate Model named '{attribute}'")
    return model
