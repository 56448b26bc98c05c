"""Profiles: what it takes to run on one site, in a TOML file; validated before anything is submitted."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from firmfate.errors import SlurmError, did_you_mean

WORD = re.compile(r"[A-Za-z0-9_.,:@=+/-]*")
MEMORY = re.compile(r"([1-9]\d*)([KMGT]?)")
WALLTIME = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d\d)")
THREADS_A_PROCESS = 16
OPTION = re.compile(r"--?[A-Za-z][A-Za-z0-9-]*(?:[= ][A-Za-z0-9_.,:@=+/*()&|-]+)?")
SCRATCH = re.compile(r"[A-Za-z0-9_./${}:-]+")


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
        for entry in fields(self):
            value = getattr(self, entry.name)
            kind = type(entry.default)
            if kind is float and type(value) is int:
                object.__setattr__(self, entry.name, float(value))
            elif entry.name != "options" and type(value) is not kind:
                self._refuse(
                    entry.name, f"a {'whole number' if kind is int else 'number' if kind is float else 'text'}"
                )
        for name in ("partition", "account", "interface"):
            self._match(name, WORD, "letters, digits and _ . , : @ = + / -")
        self._match("memory", MEMORY, 'a size such as "8G"')
        for name in ("walltime", "gather_walltime"):
            self._match(name, WALLTIME, '[days-]hours:minutes:seconds, such as "04:00:00"')
        self._match("scratch", SCRATCH, "a folder without spaces; shell variables may be in it")
        for name, least, most in (
            ("cpus", 1, 4096), ("concurrent", 1, 100_000), ("least", 0, self.concurrent), ("task_minutes", 0.01, 1e5),
            ("grace_seconds", 5, 3600), ("restarts", 0, 1000), ("patience_seconds", 1, 1e7),
        ):  # fmt: skip
            if not least <= getattr(self, name) <= most:
                self._refuse(name, f"{least:g} to {most:g}")
        if not isinstance(self.options, tuple) or not all(
            isinstance(o, str) and OPTION.fullmatch(o) for o in self.options
        ):
            self._refuse("options", 'a list of options of sbatch, such as ["--qos=long"]')
        if self.seconds <= self.grace_seconds:
            self._refuse("grace_seconds", f"less than the walltime, {self.seconds} s")
        for name in ("prologue", "command"):
            if "\0" in getattr(self, name) or (name == "command" and "\n" in getattr(self, name)):
                self._refuse(name, "shell text")
        if 0 < sum(map(bool, self.tls)) < 3:
            self._refuse("tls_key", "tls_authority, tls_certificate and tls_key together, or none of them")

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
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as fault:
            raise SlurmError(
                f"{path}: this profile cannot be read: {getattr(fault, 'strerror', None) or fault}"
            ) from None
        except tomllib.TOMLDecodeError as fault:
            raise SlurmError(f"{path} is no TOML: {fault}") from None
        known = [entry.name for entry in fields(cls) if entry.name != "where"]
        for key in table:
            if key not in known:
                hint = did_you_mean(key, known) or f"; allowed: {', '.join(known)}"
                raise SlurmError(f"{path}: a profile has no key '{key}'{hint}")
        options = table.get("options", [])
        return cls(**{**table, "options": tuple(options) if isinstance(options, list) else options, "where": str(path)})

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

    def _match(self, name: str, pattern: re.Pattern[str], allowed: str) -> None:
        if not pattern.fullmatch(getattr(self, name)):
            self._refuse(name, allowed)

    def _refuse(self, name: str, allowed: str) -> Any:
        raise SlurmError(f"{self.where}: {name} = {getattr(self, name)!r}; allowed: {allowed}")
