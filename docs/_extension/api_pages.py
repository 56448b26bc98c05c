"""Pages of the public interface: one for the package and one a room, every public name with its docstring."""

from __future__ import annotations

import importlib
import inspect

import firmfate

ROOMS = (
    "survival", "analysis", "sensitivity", "calibration", "plots", "execute", "simulation", "splitting", "study",
    "design", "shards", "dataset", "slurm", "exporting", "comparing", "laboratory", "accessor", "targets",
)  # fmt: skip


def pages() -> dict[str, str | bytes]:
    """Return the pages."""
    names = {"firmfate": _package()}
    names |= {f"firmfate.{room}": list(importlib.import_module(f"firmfate.{room}").__all__) for room in ROOMS}
    names["firmfate.errors"] = _errors()
    documented: dict[int, str] = {}
    found: dict[str, str | bytes] = {}
    for module, own in names.items():
        found[f"api/{module}.rst"] = _page(module, own, documented)
    entries = "\n".join(f"   {module}" for module in names)
    found["api/index.rst"] = f"{_title('Python interface')}\n.. toctree::\n   :maxdepth: 1\n\n{entries}\n"
    return found


def _package() -> list[str]:
    """Return the names that ``import firmfate`` offers, rooms left out."""
    names = (name for name in firmfate.__all__ if name != "__version__")
    return [name for name in names if not inspect.ismodule(getattr(firmfate, name))]


def _errors() -> list[str]:
    from firmfate import errors

    return [
        name for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, (errors.FirmfateError, Warning)) and not name.startswith("_")
    ]  # fmt: skip


def _title(text: str) -> str:
    return f"{text}\n{'=' * len(text)}\n"


def _page(module: str, names: list[str], documented: dict[int, str]) -> str:
    """Return a page: the module's docstring, and a table of its names, each with a page of its own.

    What another page has already, by the place of the object in memory, is referred to; constants are in the docstring.
    """
    values = {name: getattr(importlib.import_module(module), name) for name in names}
    values = {name: value for name, value in values.items() if inspect.isclass(value) or inspect.isroutine(value)}
    own = [name for name, value in values.items() if id(value) not in documented]
    elsewhere = [documented[id(value)] for value in values.values() if id(value) in documented]
    documented |= {id(values[name]): f"{module}.{name}" for name in own}
    parts = [f"{_title(module)}\n.. automodule:: {module}\n   :no-members:\n\n.. currentmodule:: {module}\n"]
    if own:
        rows = "\n".join(f"   {name}" for name in own)
        parts.append(f".. autosummary::\n   :toctree: names\n   :nosignatures:\n\n{rows}\n")
    if elsewhere:
        parts.append("Also here: " + ", ".join(f":obj:`{name}`" for name in elsewhere) + ".\n")
    return "\n".join(parts)
