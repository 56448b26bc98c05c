"""The C++ peers: compiled by the compilers found here, called through ctypes."""

from __future__ import annotations

import ctypes
import hashlib
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.kernel.parameters import DEFAULTS
from benchmarks.kernel.peer import Cells, Firms, NotHere, Simulate, empty

SOURCES = Path(__file__).parent / "cpp"
COMPILERS = ("g++", *(f"clang++{version}" for version in ("", "-21", "-20", "-19", "-18", "-17", "-16")))
COMMON = ("-O3", "-std=c++17", "-shared", "-fPIC", "-Wno-ignored-attributes", "-Wno-psabi")
PLAIN = (
    "-march=native",
    "-ffast-math",
    "-mprefer-vector-width=512",
)  # glibc offers its vector functions under -ffast-math alone
EXPLICIT = ("-ffp-contract=fast",)


@dataclass(frozen=True)
class Build:
    """One compilation: a name for the table, a source, a compiler and its flags."""

    name: str
    source: str
    compiler: str
    flags: tuple[str, ...]


def compilers() -> list[str]:
    """Return g++ and the newest clang++, where they are installed."""
    found = [name for name in COMPILERS if shutil.which(name)]
    clangs = [name for name in found if name.startswith("clang")]
    return [name for name in found if name == "g++"] + clangs[:1]


def version(compiler: str) -> str:
    """Return the first line of a compiler's --version."""
    return subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]


def builds() -> Iterator[Build]:
    """Yield what can be built and run on this machine."""
    if platform.machine() not in ("x86_64", "AMD64"):
        raise NotHere(f"C++ with explicit SIMD is written for x86-64, this machine is {platform.machine()}")
    if not compilers():
        raise NotHere(f"no C++ compiler of {', '.join(COMPILERS)}")
    flags = Path("/proc/cpuinfo").read_text().partition("flags")[2].partition("\n")[0].split()
    for compiler in compilers():
        vectors = ("-fveclib=libmvec",) if compiler.startswith("clang") else ()
        yield Build(f"C++ plain, {compiler}", "plain.cpp", compiler, (*PLAIN, *vectors, "-lmvec"))
        if "avx512dq" in flags:
            yield Build(f"C++ explicit AVX-512, {compiler}", "simd.cpp", compiler, (*EXPLICIT, "-march=native"))
        if "avx2" in flags and "fma" in flags:
            yield Build(f"C++ explicit AVX2, {compiler}", "simd.cpp", compiler, (*EXPLICIT, "-march=x86-64-v3"))


def library(build: Build) -> ctypes.CDLL:
    """Compile unless this very text was compiled before, load, and check that the parameters are in our order."""
    text = (
        b"".join(path.read_bytes() for path in sorted(SOURCES.iterdir()))
        + repr(build).encode()
        + version(build.compiler).encode()
    )
    directory = Path(tempfile.gettempdir()) / f"firmfate-benchmark-{hashlib.sha256(text).hexdigest()[:16]}"
    target = directory / "peer.so"
    if not target.exists():
        directory.mkdir(exist_ok=True)
        first, linked = (
            [f for f in build.flags if not f.startswith("-l")],
            [f for f in build.flags if f.startswith("-l")],
        )
        subprocess.run(
            [build.compiler, *COMMON, *first, str(SOURCES / build.source), "-o", f"{target}.new", *linked], check=True
        )
        Path(f"{target}.new").rename(target)
    lib = ctypes.CDLL(str(target))
    lib.firm_parameters.restype = ctypes.c_char_p
    if lib.firm_parameters().decode().split() != list(DEFAULTS):
        raise AssertionError("the parameters in cpp/firm.hpp and parameters.py differ in name or order")
    return lib


def address(array: np.ndarray) -> ctypes.c_void_p:
    """Return where a contiguous array lies."""
    if not array.flags.c_contiguous:
        raise ValueError("array must be contiguous")
    return array.ctypes.data_as(ctypes.c_void_p)


def make_simulate(build: Build) -> Simulate:
    """Return the peer of one build."""
    lib = library(build)

    def simulate(cells: Cells, firms: int, seed: int) -> Firms:
        results, count = empty(len(cells.execution), firms), len(cells.execution)
        inputs = [np.ascontiguousarray(a, np.float64) for a in (cells.parameters, cells.execution, cells.misalignment)]
        numbers = [
            ctypes.c_int64(count),
            ctypes.c_int64(cells.steps),
            ctypes.c_int(cells.steps_per_week),
            ctypes.c_uint64(seed),
        ]
        lib.firm_run(
            *(address(a) for a in inputs),
            *numbers,
            ctypes.c_uint64(0),
            ctypes.c_int64(firms),
            *(address(a) for a in results),
        )
        return results

    return simulate
