"""WebAssembly modules on disk, beside the compiled engines: a model is translated once."""

from __future__ import annotations

import contextlib
import hashlib
from functools import cache

import llvmlite

from firmfate.kernel.compose import cache_directory, hash_of_sources, write_aside
from firmfate.models.model import Model
from firmfate.targets.web import described, wasm

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
        write_aside(path, hashlib.sha256(made).digest() + made)
    return made


@cache
def _translator() -> bytes:
    """Return a hash of the sources that turn programs into modules, and of the compiler's version."""
    text = hash_of_sources("firmfate.kernel", "firmfate.program", "firmfate.targets")
    text.update(llvmlite.__version__.encode())
    found: bytes = text.digest()
    return found
