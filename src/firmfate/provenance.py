"""Provenance: which versions, commit, machine and study made a result, so that anyone can repeat it."""

from __future__ import annotations

import datetime
import hashlib
import importlib.metadata
import json
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from firmfate import __version__
from firmfate.machine import identity

PACKAGES = ("numpy", "numba", "llvmlite", "scipy", "xarray", "netCDF4", "dask", "distributed")


def versions() -> dict[str, str]:
    """Return the versions of Python, of firmfate, installed or not, and of the packages that results depend on."""
    found = {"python": platform.python_version(), "firmfate": __version__}
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
        "machine": identity(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]) if sys.argv else "",
        "time": now(),
        **more,
    }
