"""Profiles: what it takes to run on one site, in a TOML file; validated before anything is submitted."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from firmfate.errors import SlurmError, StudyError
from firmfate.tables import reading
from firmfate.tables.faults import Faults
from firmfate.tables.parsing import parsed
from firmfate.tables.reading import no_such_key, refuse
from firmfate.tables.rendering import toml

WORD = re.compile(r"[A-Za-z0-9_.,:@=+/-]*")
MEMORY = re.compile(r"([1-9][0-9]{0,8})([KMGT]?)")
WALLTIME = re.compile(r"(?:([0-9]{1,5})-)?(?:([0-9]{1,5}):)?([0-9]{1,7}):([0-9]{2})")
THREADS_A_PROCESS = 16
OPTION = re.compile(r"--?[A-Za-z][A-Za-z0-9-]*(?:[= ][A-Za-z0-9_.,:@=+/*()&|-]+)?")
SCRATCH = re.compile(r"[A-Za-z0-9_./${}:-]+")

A_WORD = (WORD, "must be of letters, digits and _ . , : @ = + / -")
A_TIME = (WALLTIME, 'must be [days-]hours:minutes:seconds, such as "04:00:00"')
PATTERNS = {
    "partition": A_WORD,
    "account": A_WORD,
    "interface": A_WORD,
    "memory": (MEMORY, 'must be a size such as "8G"'),
    "walltime": A_TIME,
    "gather_walltime": A_TIME,
    "scratch": (SCRATCH, "must be a folder without spaces; shell variables may be in it"),
}
RANGES: dict[str, tuple[float, float]] = {
    "cpus": (1, 4096),
    "concurrent": (1, 100_000),
    "least": (0, 100_000),
    "task_minutes": (0.01, 1e5),
    "grace_seconds": (5, 3600),
    "restarts": (0, 1000),
    "patience_seconds": (1, 1e7),
}


@dataclass(frozen=True)
class Profile:
    """How to run on one cluster; ``profile.toml`` beside the templates explains every key.

    Attributes
    ----------
    partition, account : str
        Empty: the site's default.
    cpus : int
        Of a task, or of a Dask job.
    memory : str
        Of a task, such as ``"8G"``.
    walltime : str
        Of a task, ``[days-]hours:minutes:seconds``.
    concurrent : int
        Tasks, or Dask jobs, that run at a time.
    least : int
        Dask jobs that ``run --slurm`` always asks for.
    task_minutes : float
        Nominal minutes of an array task.
    grace_seconds : int
        Before the time limit, when a task stops.
    restarts : int
        How often a task that met its time limit is queued again.
    patience_seconds : float
        How long ``run --slurm`` waits for its first job.
    gather_walltime : str
    scratch : str
        A folder of the node's own, for compiled code and Dask's files; shell variables are expanded on the node.
    interface : str
        Network interface of Dask; empty: Dask's choice.
    prologue : str
        Shell lines before the work: modules, an environment.
    options : tuple of str
        Further options of sbatch.
    command : str
        How to call firmfate on a node; empty: by the Python that runs now.
    tls_authority, tls_certificate, tls_key : str
        Files that encrypt what Dask sends; all three or none.

    Examples
    --------
    >>> Profile(partition="compute", cpus=8).walltime
    '01:00:00'
    """

    partition: str = ""
    account: str = ""
    cpus: int = 1
    memory: str = "2G"
    walltime: str = "01:00:00"
    concurrent: int = 10
    least: int = 1
    task_minutes: float = 10.0
    grace_seconds: int = 60
    restarts: int = 3
    patience_seconds: float = 3600.0
    gather_walltime: str = "00:30:00"
    scratch: str = "${TMPDIR:-/tmp}"
    interface: str = ""
    prologue: str = ""
    options: tuple[str, ...] = ()
    command: str = ""
    tls_authority: str = ""
    tls_certificate: str = ""
    tls_key: str = ""
    where: str = field(default="profile", compare=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse what cannot be a profile."""
        faults = Faults()
        for entry in _entries():
            with faults.noted():
                value = _checked(entry.name, type(entry.default), getattr(self, entry.name))
                object.__setattr__(self, entry.name, value)
        with self._named():
            faults.refuse()
            if self.least > self.concurrent:
                refuse("least", self.least, f"must be an integer from 0 to {self.concurrent}, which is concurrent")
            if self.seconds <= self.grace_seconds:
                refuse("grace_seconds", self.grace_seconds, f"must be less than the walltime, {self.seconds} s")
            if 0 < sum(map(bool, self.tls)) < 3:
                raise StudyError("tls_authority, tls_certificate and tls_key go together: give all three, or none")

    @classmethod
    def read(cls, path: str | Path) -> Profile:
        """Read a profile.

        Raises
        ------
        SlurmError
            Where it is missing, no TOML, or has a key or value that is not allowed.
        """
        path = Path(path)
        try:
            written = parsed(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as fault:
            raise SlurmError(
                f"{path}: this profile cannot be read: {getattr(fault, 'strerror', None) or fault}"
            ) from None
        except StudyError as fault:
            raise SlurmError(f"{path}: {fault}") from None
        known = tuple(entry.name for entry in _entries())
        if unknown := [key for key in written if key not in known]:
            raise SlurmError(f"{path}: {no_such_key(unknown[0], 'profile', known)}")
        return cls(**written, where=str(path))

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """Refuse in the name of the profile's file."""
        try:
            yield
        except StudyError as fault:
            raise SlurmError(f"{self.where}: {fault}") from None

    def resolved(self) -> Profile:
        """Return the profile with absolute paths of its files, so that it can be used from any folder."""
        authority, certificate, key = (str(Path(path).resolve()) if path else "" for path in self.tls)
        return replace(self, tls_authority=authority, tls_certificate=certificate, tls_key=key)

    def toml(self) -> str:
        """Return the profile as TOML, what differs from the defaults alone."""
        own = {
            entry.name: list(value) if isinstance(value := getattr(self, entry.name), tuple) else value
            for entry in _entries()
            if getattr(self, entry.name) != entry.default
        }
        return toml(own)

    @property
    def seconds(self) -> int:
        """The walltime in seconds."""
        match = WALLTIME.fullmatch(self.walltime)
        assert match is not None
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds

    @property
    def processes(self) -> int:
        """Dask processes of a job, which share its CPUs as threads: the kernel lets go of the interpreter's lock, and
        what does not (files, receipts) is about a hundredth of a shard."""
        return -(-self.cpus // THREADS_A_PROCESS)

    @property
    def mebibytes(self) -> int:
        """The memory in MiB, as Slurm counts it."""
        match = MEMORY.fullmatch(self.memory)
        assert match is not None
        size, unit = int(match[1]), match[2] or "M"
        return max(1, size // 1024 if unit == "K" else size * {"M": 1, "G": 1024, "T": 1024**2}[unit])

    @property
    def tls(self) -> tuple[str, str, str]:
        """Files of the authority, the certificate and the key; empty where nothing is encrypted."""
        return self.tls_authority, self.tls_certificate, self.tls_key

    def directives(self) -> list[str]:
        """Return the options that all jobs share."""
        common = [("partition", self.partition), ("account", self.account)]
        return [*(f"--{name}={value}" for name, value in common if value), *self.options]


def _entries() -> list[Field[Any]]:
    """Return the keys of a profile; where it was read is none."""
    return [entry for entry in fields(Profile) if entry.name != "where"]


def _checked(name: str, kind: type, value: object) -> object:
    """Return a value of a profile where it is of its kind and within its range."""
    if name == "options":
        if not isinstance(value, (list, tuple)) or not all(isinstance(o, str) and OPTION.fullmatch(o) for o in value):
            refuse(name, reading.plain(value), 'must be a list of options of sbatch, such as ["--qos=long"]')
        return tuple(value)
    if kind is str:
        found = reading.text(value, name)
        pattern, allowed = PATTERNS.get(name, (None, ""))
        if pattern is not None and not pattern.fullmatch(found):
            refuse(name, found, allowed)
        if name != "prologue" and "\n" in found:
            refuse(name, found, "must be one line")
        return found
    low, high = RANGES[name]
    if kind is int:
        return reading.integer(value, name, int(low), int(high))
    number = reading.number(value, name)
    if not low <= number <= high:
        refuse(name, number, f"must lie in [{low:g}, {high:g}]")
    return number
