"""WebAssembly modules on disk, beside the compiled engines: a model is translated once."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from functools import cache
from importlib.resources import files
from pathlib import Path

import llvmlite

from firmfate.kernel.compose import cache_directory
from firmfate.models.model import Model
from firmfate.targets.web import described, wasm

SOURCES = ("firmfate.kernel", "firmfate.program", "firmfate.targets")
DIGEST_SIZE = hashlib.sha256().digest_size


def kept_wasm(model: Model, *, relaxed: bool = False) -> bytes:
    """Return what `firmfate.targets.wasm` gives, from disk where an earlier process has written it.

    The file is named by a digest of the model's program and description, of the sources that translate it, and of the
    compiler's version; it begins with a digest of its content, so that a damaged one is written anew. Its folder is
    that of compiled engines, with the same rules (`firmfate.kernel.compose.cache_directory`).

    Parameters
    ----------
    model : Model
    relaxed : bool
        As of `firmfate.targets.wasm`.

    Raises
    ------
    FirmfateError
        Where the folder, or something in it, belongs to another user.
    """
    named = hashlib.sha256(_translator() + bytes([relaxed]) + described(model)).hexdigest()[:16]
    path = cache_directory() / f"firmfate_module_{named}.wasm"
    with contextlib.suppress(OSError):
        held = path.read_bytes()
        content = held[DIGEST_SIZE:]
        if held[:DIGEST_SIZE] == hashlib.sha256(content).digest():
            return content
    made = wasm(model, relaxed=relaxed)
    with contextlib.suppress(OSError):  # a full disk: the module is at hand all the same
        with tempfile.NamedTemporaryFile("wb", dir=path.parent, suffix=".part", delete=False) as aside:
            aside.write(hashlib.sha256(made).digest() + made)
        Path(aside.name).replace(path)
    return made


@cache
def _translator() -> bytes:
    """Return a hash of the sources that turn programs into modules, and of the compiler's version."""
    text = hashlib.sha256(llvmlite.__version__.encode())
    for folder in SOURCES:
        for file in sorted(files(folder).iterdir(), key=lambda file: file.name):
            if file.name.endswith((".py", ".ll")):
                text.update(file.read_bytes())
    return text.digest()
