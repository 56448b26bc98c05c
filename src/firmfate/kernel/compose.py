"""From a model to its engine: a generated module, named by the hash of everything it is made of, compiled once and
kept on disk.

The engine itself is one text, ``engine.py.in``; what differs from model to model (which tuples, how many rows, how
words become shocks) is written above it. Because the file's name is a hash of all sources, an edited model is never
stale, and a second process finds the machine code of the first.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import sys
import tempfile
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

from firmfate.kernel import compiler, shape
from firmfate.kernel.sources import Sources
from firmfate.kernel.stepping import rehearse
from firmfate.models.model import Model

LANES = 24
BOUND: dict[str, Model] = {}
"""Models by digest, for the generated modules to import."""


def cache_directory() -> Path:
    """Return the folder of generated engines: one a node, since shared file systems corrupt the compiler's cache."""
    chosen = os.environ.get("FIRMFATE_CACHE_DIR")
    if chosen:
        root = Path(chosen)
    else:
        from platformdirs import user_cache_dir

        root = Path(user_cache_dir("firmfate"))
    folder = root / "engines" / (platform.node() or "node")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.mkdtemp(prefix="firmfate-engines-"))


def digest(model: Model, lanes: int = LANES) -> str:
    """Return 16 hex digits that name a model's engine: its sources, the kernel's, the compiler's version and the
    processor."""
    import llvmlite
    import numba

    text = hashlib.sha256()
    for file in sorted(files("firmfate.kernel").iterdir(), key=lambda file: file.name):
        if file.name.endswith((".py", ".py.in")):
            text.update(file.read_bytes())
    text.update((files("firmfate") / "randomness.py").read_bytes())
    sources = Sources.of(model)
    # Cached machine code imports the modules that its functions came from: under another name they would not be found.
    modules = sorted({function.call.__module__ for function in sources.functions})
    for part in (
        sources.fingerprint, *modules, numba.__version__, llvmlite.__version__, compiler.instruction_set(), str(lanes),
        os.environ.get("NUMBA_CPU_FEATURES", ""), *model.fields,
    ):  # fmt: skip
        text.update(part.encode() + b"\0")
    return text.hexdigest()[:16]


def source(model: Model, lanes: int = LANES) -> str:
    """Return the text of a model's engine module."""
    constants, traits = shape.classes(model)
    bound = digest(model, lanes)
    shocks, draws = model.kinds(model.shocks), model.kinds(model.draws)
    vector = compiler.vector_lanes()
    together = next(n for n in (4, 3, 2, 1) if lanes % (n * vector) == 0)
    head = [
        f'"""The engine of the model {model.name!r}, {lanes} lanes; written by firmfate.kernel.compose."""',
        "import numpy as np",
        "from numba import carray",
        "from firmfate.kernel import shape",
        "from firmfate.kernel.compiler import entry, inlined",
        "from firmfate.kernel.compose import BOUND",
        "from firmfate.kernel.draws import drawer, head_rows",
        "from firmfate.kernel.lanes import from_lane, load, on_stack, store, store_int",
        "from firmfate.kernel.stepping import NO_STEPS, Places, stepper",
        "from firmfate.randomness import BIRTH, SHOCKS as STEP",
        "",
        f"MODEL = BOUND[{bound!r}]",
        "Constants, Traits = shape.classes(MODEL)",
        "Stocks, Shocks, Draws, Parameters = MODEL.stocks, MODEL.shocks, MODEL.draws, MODEL.Parameters",
        "settle, start = MODEL.settle, MODEL.start",
        f"W, VECTOR, TOGETHER = {lanes}, {vector}, {together}",
        f"SHOCK_KINDS, DRAW_KINDS = {shocks}, {draws}",
        f"N_STOCKS, N_SHOCKS, N_DRAWS = {shape.rows(model.stocks)}, {len(shocks)}, {len(draws)}",
        f"N_CONSTANTS, N_TRAITS = {shape.rows(constants)}, {shape.rows(traits)}",
        f"N_MARKS, N_PARAMETERS = {len(model.marks)}, {len(model.fields)}",
        "",
    ]
    template = (files("firmfate.kernel") / "engine.py.in").read_text(encoding="utf-8")
    return "\n".join(head) + "\n" + template.replace("@NAME@", model.name)


@cache
def compose(model: Model, lanes: int = LANES) -> ModuleType:
    """Return the engine module of a model: generated where it is new, imported from the cache where it is not.

    Parameters
    ----------
    model : Model
    lanes : int
        Firms side by side, a multiple of 8. Results do not depend on it.

    Raises
    ------
    ModelError
        Where the model's functions cannot be composed; with the line.
    """
    functions = Sources.of(model)
    functions.check()
    functions.register()
    name = f"firmfate_engine_{digest(model, lanes)}"
    if name in sys.modules:
        return sys.modules[name]
    BOUND[digest(model, lanes)] = model
    path = cache_directory() / f"{name}.py"
    text = source(model, lanes)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        rehearse(model)  # what is there already was traced before
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
