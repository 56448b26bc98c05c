"""Provenance: which versions, commit, machine and study made a result, so that anyone can tell and repeat it."""

from __future__ import annotations

import datetime
import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PACKAGES = ("firmfate", "numpy", "numba", "llvmlite", "scipy", "xarray", "netCDF4", "dask", "distributed")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that results depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """Return the commit of the source tree that firmfate runs from, ``-dirty`` where it was edited, or an empty
    string."""
    here = Path(__file__).resolve().parent
    try:
        top = subprocess.run(
            ["git", "-C", str(here), "rev-parse", "--show-toplevel"],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        ).stdout.strip()
        if not here.is_relative_to(Path(top) / "src"):
            return ""
        described = subprocess.run(
            ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True, text=True, timeout=5, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return described.stdout.strip()


def processor() -> str:
    """Return the kind of processor as Linux tells it, by family and model too: makers sell several under one name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\n\n")[0].splitlines()
    except OSError:
        lines = []
    told = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    name = told.get("model name", platform.processor())
    numbers = [f"{key} {told[key]}" for key in ("cpu family", "model") if key in told]
    kind = ", ".join([platform.machine(), *numbers])
    return f"{name} ({kind})" if name and name != platform.machine() else kind


def machine() -> dict[str, str]:
    """Return what kind of machine this is; no name of it."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": processor(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
    }


def now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def fingerprint(table: Mapping[str, Any]) -> str:
    """Return 16 hex digits of everything that a shard's counts depend on, apart from cells and replicates."""
    text = json.dumps(table, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def differences(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Return one line for every key in which two fingerprint tables differ."""
    return [
        f"{key}: the run has {held.get(key)!r}, the study asks for {wanted.get(key)!r}"
        for key in sorted({*held, *wanted})
        if held.get(key) != wanted.get(key)
    ]


def record(**more: Any) -> dict[str, Any]:
    """Return the provenance of what this process makes now, as a table of plain values."""
    return {
        "versions": versions(),
        "commit": commit(),
        "machine": machine(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]) if sys.argv else "",
        "time": now(),
        **more,
    }
