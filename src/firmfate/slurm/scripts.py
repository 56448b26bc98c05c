"""Batch scripts: the templates, filled in from a profile and a plan; plain text, to be read before it is submitted."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from firmfate.errors import UNPRINTABLE, SlurmError
from firmfate.slurm.arrays import Array, ArrayPlan
from firmfate.slurm.profile import Profile

LOGS = "slurm"
"""Folder of scripts and logs in a run directory."""

JOBS, PROFILE = "jobs.txt", "profile.toml"
"""In it: the numbers of the jobs that were submitted, and the profile that they were submitted with."""

TLS, ROLES = "DASK_DISTRIBUTED__COMM__TLS__", ("SCHEDULER", "WORKER", "CLIENT")

BLANK = re.compile(r"@([A-Z_]+)@")
UNFIT = re.compile(r"[%\\\n\"$`]")


@dataclass(frozen=True)
class Script:
    """A batch script: its name, and its text."""

    name: str
    text: str


def fill(template: str, values: dict[str, str]) -> str:
    """Return a template with its blanks filled; a blank that stands alone and is empty takes its line with it.

    Raises
    ------
    KeyError
        Where a blank has no value.
    """
    text = (files("firmfate.slurm") / "templates" / template).read_text(encoding="utf-8")
    lines = []
    for line in text.splitlines():
        if BLANK.fullmatch(line):
            lines += values[line.strip("@")].splitlines()
        else:
            lines.append(BLANK.sub(lambda blank: values[blank[1]], line))
    return "\n".join(lines) + "\n"


def shared(profile: Profile, into: Path, job: str) -> dict[str, str]:
    """Return what all scripts of a run directory have in common.

    Raises
    ------
    SlurmError
        Where the directory's name cannot stand in a batch script.
    """
    where = into.resolve()
    if UNFIT.search(str(where)) or UNPRINTABLE.search(str(where)):
        raise SlurmError(f'{where}: a run directory for Slurm has no % \\ " $ ` or control character in its name')
    threads = {"SCRATCH": profile.scratch}
    python = shlex.quote(sys.executable)
    return {
        "JOB": job,
        "CPUS": str(profile.cpus),
        "MEMORY": f"{profile.mebibytes}M",
        "WALLTIME": profile.walltime,
        "GRACE": str(profile.grace_seconds),
        "RESTARTS": str(profile.restarts),
        "LOGS": _for_directive(where / LOGS),
        "INTO": shlex.quote(str(where)),
        "STUDY": shlex.quote(str(where / "study.toml")),
        "COMMAND": profile.command or f"{python} -m firmfate",
        "PYTHON": python,
        "DIRECTIVES": "\n".join(f"#SBATCH {option}" for option in profile.directives()),
        "PROLOGUE": profile.prologue.strip(),
        "THREADS": fill("threads.sh.in", threads),
        "SIGNALS": fill("signals.sh.in", {}),
    }


def _for_directive(path: Path) -> str:
    """Return a path as `#SBATCH` lines and the shell both take it."""
    return f'"{path}"' if re.search(r"[^A-Za-z0-9_./+=:,@-]", str(path)) else str(path)


def array_script(tasks: ArrayPlan, array: Array, into: Path, *, at_a_time: int) -> Script:
    """Return the script of one job array, of which so many tasks run at a time."""
    values = {
        **shared(tasks.profile, into, f"ff-{tasks.plan.study.name}"),
        "ARRAY": f"{array.expression}%{at_a_time}",
        "OFFSET": str(array.offset),
        "PARTS": str(tasks.parts),
    }
    return Script(f"array-{array.offset}.sh", fill("array.sh.in", values))


def gather_script(tasks: ArrayPlan, into: Path, after: list[str]) -> Script:
    """Return the script that gathers after jobs, whatever their exit codes, and submits the next round, if any."""
    values = shared(tasks.profile, into, f"ff-{tasks.plan.study.name}")
    values["DEPENDENCY"] = f"#SBATCH --dependency=afterany:{':'.join(after)}" if after else ""
    values["WALLTIME"] = tasks.profile.gather_walltime
    profile = shlex.quote(str(into.resolve() / LOGS / PROFILE))
    values["NEXT"] = f" --submit-next {profile}" if tasks.plan.study.precision else ""
    return Script("gather.sh", fill("gather.sh.in", values))


def allocation_script(tasks: ArrayPlan, into: Path) -> Script:
    """Return the script of one allocation with a Dask scheduler, workers and the driver."""
    profile = tasks.profile
    flags = [f"--interface {profile.interface}"] if profile.interface else []
    driver, encryption = "", []
    if all(profile.tls):
        authority, certificate, key = (shlex.quote(str(Path(path).resolve())) for path in profile.tls)
        flags.append("--protocol tls")
        # By the environment: Dask's command line takes files of TLS or an interface, not both.
        encryption = [f"export DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION=True {TLS}CA_FILE={authority}"]
        encryption += [f"export {TLS}{role}__CERT={certificate} {TLS}{role}__KEY={key}" for role in ROLES]
        driver = f"--tls {authority} {certificate} {key}"
    values = {
        **shared(profile, into, f"ff-{tasks.plan.study.name}"),
        "TASKS": str(max(1, min(profile.concurrent, -(-tasks.plan.total_shards // profile.cpus)))),
        "MEMORY_PER_CPU": f"{max(1, profile.mebibytes // profile.cpus)}M",
        "PROCESSES": str(profile.processes),
        "THREADS_EACH": str(profile.cpus // profile.processes),
        "DASK": fill("dask.sh.in", {}),
        "ENCRYPTION": "\n".join(encryption),
        "NETWORK": " ".join(flags),
        "DRIVER_TLS": driver,
    }
    return Script("allocation.sh", fill("allocation.sh.in", values))
