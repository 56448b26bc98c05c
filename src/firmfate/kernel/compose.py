"""From a model to its engine: a generated module, named by the hash of everything it is made of, compiled once and
kept on disk.

The engine itself is one text, ``engine.py.in``; what differs from model to model is written above it. Because the
file's name is a hash of the model's program, of the kernel's sources and of the processor, an edited model never meets
machine code of before, and a second process finds what the first has compiled.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import stat
import sys
import tempfile
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

from firmfate.errors import FirmfateError
from firmfate.kernel import compiler
from firmfate.kernel.memory import Rows
from firmfate.kernel.pieces import Pieces
from firmfate.models.model import Model
from firmfate.program.layout import Layout
from firmfate.program.tracing import fields

LANES = 24
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
PIECES: dict[str, Pieces] = {}
"""Stages of programs by digest, for the generated modules to import."""


def cache_directory() -> Path:
    """Return the folder of generated engines: one a node, since shared file systems corrupt the compiler's cache.

    What is in it is run, so it belongs to the user, and no one else can write into it. Where the disk takes no such
    folder, it is a new one for this process.

    Raises
    ------
    FirmfateError
        Where it, or something in it, belongs to another user.
    """
    chosen = os.environ.get("FIRMFATE_CACHE_DIR")
    if chosen:
        root = Path(chosen)
    else:
        from platformdirs import user_cache_dir

        root = Path(user_cache_dir("firmfate"))
    folder = root / "engines" / (platform.node() or "node")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _refuse_others(folder)
        if folder.stat().st_mode & OTHERS_WRITE:
            folder.chmod(0o700)
            _refuse_others(folder)  # what was put there until now
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.mkdtemp(prefix="firmfate-engines-"))


def _refuse_others(folder: Path) -> None:
    """Refuse to run what another user has written, or could; Windows has the owner in its own lists of rights."""
    if not hasattr(os, "getuid"):
        return
    for path in (folder, *folder.iterdir()):
        try:
            owner = path.lstat().st_uid
        except FileNotFoundError:  # an unfinished file of another process
            continue
        if owner != os.getuid():
            raise FirmfateError(
                f"{path} belongs to another user (number {owner}), and what is in the folder of compiled engines is "
                "run: remove it, or name a folder of your own in the environment variable FIRMFATE_CACHE_DIR"
            )


@cache
def _kernel_digest() -> bytes:
    """Return a hash of the sources that turn programs into machine code, of compilers and of the processor."""
    import llvmlite
    import numba

    text = hashlib.sha256()
    for folder in ("firmfate.kernel", "firmfate.program"):
        for file in sorted(files(folder).iterdir(), key=lambda file: file.name):
            if file.name.endswith((".py", ".py.in")):
                text.update(file.read_bytes())
    for part in (numba.__version__, llvmlite.__version__, *compiler.processor()):
        text.update(part.encode() + b"\0")
    return text.digest()


def digest(model: Model, lanes: int = LANES, *, weekly: bool = True) -> str:
    """Return 16 hex digits that name a model's engine: its program, the kernel's sources, compilers and processor."""
    text = hashlib.sha256(_kernel_digest())
    for part in (model.program.digest, *fields(model.signature.parameters), str(lanes), str(weekly)):
        text.update(part.encode() + b"\0")
    return text.hexdigest()[:16]


def pieces(model: Model, lanes: int = LANES, *, weekly: bool = True) -> Pieces:
    """Return the stages of a model's program, for the processor at hand."""
    vector, features = compiler.vectors()
    program = model.program.given({"run.dt": 1.0}) if weekly else model.program
    together = next(n for n in (4, 3, 2, 1) if lanes % (n * vector) == 0)
    return Pieces(
        Rows(Layout(program)), fields(model.signature.parameters), lanes=lanes, vector=vector, together=together,
        features=features,
    )  # fmt: skip


def source(model: Model, lanes: int = LANES, *, weekly: bool = True) -> str:
    """Return the text of a model's engine module."""
    made = pieces(model, lanes, weekly=weekly)
    rows = made.rows
    head = [
        f'"""The engine of the model {model.name!r}, {lanes} lanes; written by firmfate.kernel.compose."""',
        "import numpy as np",
        "from numba import carray",
        "from firmfate.kernel.compiler import entry",
        "from firmfate.kernel.compose import PIECES",
        "from firmfate.kernel.memory import from_lane, on_stack",
        "",
        f"MODEL = PIECES[{digest(model, lanes, weekly=weekly)!r}]",
        f"W, VECTOR, TOGETHER = {lanes}, {made.vector}, {made.together}",
        f"N_STOCKS, N_MARKS, N_PARAMETERS = {rows.stocks}, {len(model.marks)}, {len(model.fields)}",
        f"N_SHARED, ROWS = {max(1, len(rows.shared))}, {rows.count}",
        f"MARKS, STEPS, ALARM, CAUSE = {rows.marks}, {rows.steps}, {rows.alarm}, {rows.cause}",
        "",
    ]
    template = (files("firmfate.kernel") / "engine.py.in").read_text(encoding="utf-8")
    return "\n".join(head) + "\n" + template


@cache
def compose(model: Model, lanes: int = LANES, *, weekly: bool = True) -> ModuleType:
    """Return the engine module of a model: generated where it is new, imported from the cache where it is not.

    Parameters
    ----------
    model : Model
    lanes : int
        Firms side by side, a multiple of 8. Results do not depend on it.
    weekly : bool
        Whether a step is a week. What is multiplied by its length is taken as it is then, to the same bits.
    """
    named = digest(model, lanes, weekly=weekly)
    name = f"firmfate_engine_{named}"
    if name in sys.modules:
        return sys.modules[name]
    PIECES[named] = pieces(model, lanes, weekly=weekly)
    path = cache_directory() / f"{name}.py"
    text = source(model, lanes, weekly=weekly)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".part", delete=False, encoding="utf-8") as aside:
            aside.write(text)
        Path(aside.name).replace(path)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module  # type: ignore[no-any-return]
