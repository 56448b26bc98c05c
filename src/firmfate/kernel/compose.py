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
from firmfate.models.model import NORMAL, Model
from firmfate.randomness import BIRTH, SHOCKS

LANES = 32
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
    kernel = files("firmfate.kernel")
    for name in ("arithmetic.py", "compiler.py", "compose.py", "counter.py", "engine.py.in", "lanes.py", "shape.py"):
        text.update((kernel / name).read_bytes())
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


def word_count(kinds: tuple[str, ...]) -> int:
    """Return how many words become random numbers of these kinds, whole blocks of four: normals take pairs."""
    normals = kinds.count(NORMAL)
    return 4 * -(-(2 * -(-normals // 2) + len(kinds) - normals) // 4)


def _words(function: str, count: int, stream: int) -> str:
    """Write the function that puts the words of a counter into memory."""
    lines = [
        line
        for block in range(count // 4)
        for line in (
            f"    words = philox(low, high, step_word, np.uint64({stream + 256 * block}), keys)",
            *(f"    store_int(memory, place + {4 * block + i} * stride, np.int64(words[{i}]))" for i in range(4)),
        )
    ]
    return "\n".join(
        ["@inlined", f"def {function}(low, high, step_word, keys, memory, place, stride):", *(lines or ["    pass"])]
    )


def _numbers(function: str, table: str, kinds: tuple[str, ...]) -> str:
    """Write the function that turns words in memory into a tuple of random numbers: normals in pairs, then uniforms."""
    lines, values, words = [], {}, 0
    normals = [i for i, kind in enumerate(kinds) if kind == NORMAL]

    def word() -> str:
        nonlocal words
        words += 1
        return f"np.uint64(load_int(memory, place + {words - 1} * stride))"

    for first in range(0, len(normals), 2):
        lines.append(f"    z{first}, z{first + 1} = normal_pair({word()}, {word()})")
        for offset, position in enumerate(normals[first : first + 2]):
            values[position] = f"z{first + offset}"
    for position in (i for i, kind in enumerate(kinds) if kind != NORMAL):
        values[position] = f"uniform({word()})"
    arguments = ", ".join(values[i] for i in range(len(kinds)))
    return "\n".join(
        ["@inlined", f"def {function}(memory, place, stride):", *lines, f"    return {table}({arguments})"]
    )


def source(model: Model, lanes: int = LANES) -> str:
    """Return the text of a model's engine module."""
    constants, traits = shape.classes(model)
    keep = [
        f"    F[base + {i} * W] = np.float64(marks[{i}]) if first else F[base + {i} * W]"
        for i in range(len(model.marks))
    ]
    bound = digest(model, lanes)
    shocks, draws = model.kinds(model.shocks), model.kinds(model.draws)
    vector = compiler.vector_lanes()
    together = next(n for n in (4, 2, 1) if lanes % (n * vector) == 0)
    head = [
        f'"""The engine of the model {model.name!r}, {lanes} lanes; written by firmfate.kernel.compose."""',
        "import numpy as np",
        "from firmfate.kernel import shape",
        "from firmfate.kernel.compiler import entry, inlined, outlined",
        "from firmfate.kernel.compose import BOUND",
        "from firmfate.kernel.counter import normal_pair, philox, store_round_keys, uniform",
        "from firmfate.kernel.lanes import from_lane, load, load_int, over_lanes, store, store_int",
        "",
        "from firmfate.randomness import ROUNDS",
        "",
        f"MODEL = BOUND[{bound!r}]",
        "Constants, Traits = shape.classes(MODEL)",
        "Stocks, Shocks, Draws, Parameters = MODEL.stocks, MODEL.shocks, MODEL.draws, MODEL.Parameters",
        "settle, start, step = MODEL.settle, MODEL.start, MODEL.step",
        f"W = {lanes}",
        f"VECTOR, TOGETHER, DRAWN = {vector}, {together}, {vector * together}",
        f"N_WORDS = {max(word_count(shocks), word_count(draws))}",
        f"N_STOCKS, N_SHOCKS = {shape.rows(model.stocks)}, {shape.rows(model.shocks)}",
        f"N_CONSTANTS, N_TRAITS = {shape.rows(constants)}, {shape.rows(traits)}",
        f"N_MARKS, N_PARAMETERS = {len(model.marks)}, {len(model.fields)}",
        "",
        _words("put_words", word_count(shocks), SHOCKS),
        "",
        _numbers("shocks_of", "Shocks", shocks),
        "",
        _words("put_draw_words", word_count(draws), BIRTH),
        "",
        _numbers("draws_of", "Draws", draws),
        "",
        "@inlined",
        "def keep_marks(F, base, first, marks):",
        *(keep or ["    pass"]),
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
