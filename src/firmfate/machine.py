"""The machine at hand: how many of its cores this process may use, and what kind of processor it has."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def cores() -> int:
    """Return how many cores this process may use: those of its affinity, and no more than Slurm has allocated.

    Without control groups a Slurm job sees all cores of its node, whatever it was given.
    """
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for name in ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE"):
        given = os.environ.get(name, "")
        if 0 < len(given) < 10 and given.isascii() and given.isdigit() and int(given) > 0:
            return min(own, int(given))
    return own


def processor() -> str:
    """Return the kind of processor as Linux reports it, by family and model too: makers sell several under one name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\n\n")[0].splitlines()
    except OSError:
        lines = []
    reported = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    name = reported.get("model name", platform.processor())
    numbers = [f"{key} {reported[key]}" for key in ("cpu family", "model") if key in reported]
    kind = ", ".join([platform.machine(), *numbers])
    return f"{name} ({kind})" if name and name != platform.machine() else kind


def identity() -> dict[str, str]:
    """Return what kind of machine this is; not its name."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": processor(),
        "cores": str(cores()),
    }
