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


def hash_of_sources(*folders: str) -> Any:
    """Return a hash, to be updated further, of the sources in some packages: Python, templates and LLVM's text."""
    text = hashlib.sha256()
    for folder in folders:
        for file in sorted(files(folder).iterdir(), key=lambda file: file.name):
            if file.name.endswith((".py", ".py.in", ".ll")):
                text.update(file.read_bytes())
    return text


def write_aside(path: Path, content: bytes) -> None:
    """Write a file of the folder of engines, which appears complete or not at all."""
    with tempfile.NamedTemporaryFile("wb", dir=path.parent, suffix=".part", delete=False) as aside:
        aside.write(content)
    Path(aside.name).replace(path)


@cache
def _kernel_digest() -> bytes:
    """Return a hash of the sources that turn programs into machine code, of compilers and of the processor."""
    import llvmlite
    import numba

    text = hash_of_sources("firmfate.kernel", "firmfate.program")
    for part in (numba.__version__, llvmlite.__version__, *compiler.processor()):
        text.update(part.encode() + b"\0")
    found: bytes = text.digest()
    return found


@cache
def usual_lanes() -> int:
    """Return how many firms are stepped side by side: three registers of AVX-512, four of others, which took least."""
    vector, _ = compiler.vectors()
    return 24 if vector == 8 else 16


def digest(model: Model, lanes: int | None = None, *, weekly: bool = True) -> str:
    """Return 16 hex digits that name a model's engine: its program, the kernel's sources, compilers and processor."""
    text = hashlib.sha256(_kernel_digest())
    lanes = lanes or usual_lanes()
    for part in (model.program.digest, *fields(model.signature.parameters), str(lanes), str(weekly)):
        text.update(part.encode() + b"\0")
    return text.hexdigest()[:16]


@cache
def pieces(model: Model, lanes: int | None = None, *, weekly: bool = True) -> Pieces:
    """Return the stages of a model's program, for the processor at hand."""
    vector, features = compiler.vectors()
    lanes = lanes or usual_lanes()
    program = model.program.given({"run.dt": 1.0}) if weekly else model.program
    # Random numbers of more than two keep the 16 registers of AVX2 busy with what is stored and loaded again.
    together = next(n for n in ((4, 3, 2, 1) if vector == 8 else (2, 1)) if lanes % (n * vector) == 0)
    return Pieces(
        Rows(Layout(program)), fields(model.signature.parameters), lanes=lanes, vector=vector, together=together,
        features=features,
    )  # fmt: skip


def source(model: Model, lanes: int | None = None, *, weekly: bool = True) -> str:
    """Return the text of a model's engine module."""
    lanes = lanes or usual_lanes()
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
def compose(model: Model, lanes: int | None = None, *, weekly: bool = True) -> ModuleType:
    """Return the engine module of a model: generated where it is new, imported from the cache where it is not.

    Parameters
    ----------
    model : Model
    lanes : int, optional
        Firms side by side, a multiple of 8; `usual_lanes` if not given. Results do not depend on it.
    weekly : bool
        Whether a step is a week. What is multiplied by its length is taken as it is then, to the same bits.
    """
    lanes = lanes or usual_lanes()
    named = digest(model, lanes, weekly=weekly)
    name = f"firmfate_engine_{named}"
    if name in sys.modules:
        return sys.modules[name]
    PIECES[named] = pieces(model, lanes, weekly=weekly)
    path = cache_directory() / f"{name}.py"
    text = source(model, lanes, weekly=weekly)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_aside(path, text.encode())
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module  # type: ignore[no-any-return]
