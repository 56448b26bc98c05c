"""Which Pythons tests may use beside the one that runs them: those of ``FIRMFATE_PYTHONS``, or of the path.

In each of them the package and what it needs must be installed; `.ci/run` makes such environments.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
NEEDED = "import numba, netCDF4, sys, xarray; print('%d.%d' % sys.version_info[:2])"


@cache
def others() -> dict[str, str]:
    """Return interpreters of other versions by version: ``{"3.13": "/usr/bin/python3.13"}``."""
    named = os.environ.get("FIRMFATE_PYTHONS", "").split(os.pathsep)
    candidates = [*named, *(shutil.which(f"python3.{minor}") for minor in range(11, 15))]
    found = {}
    for candidate in filter(None, candidates):
        try:
            done = subprocess.run([candidate, "-c", NEEDED], capture_output=True, text=True, timeout=60)
        except (OSError, subprocess.TimeoutExpired):
            continue
        version = done.stdout.strip()
        if done.returncode == 0 and version != f"{sys.version_info.major}.{sys.version_info.minor}":
            found.setdefault(version, candidate)
    return found
