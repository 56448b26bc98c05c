"""Dask workers in Slurm jobs: the cluster grows with the work, replaces dead jobs, and workers leave in time."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from firmfate.errors import SlurmError
from firmfate.execute.base import Executor, Work

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _MutuallyExclusiveGroup

    from distributed import Client

    from firmfate.slurm import Profile

STAGGER = 0.1
"""Share of a job's time over which workers' leaving is spread, so that they do not all queue again at once."""
DEATH_TIMEOUT = 120
"""Seconds after which a worker that has lost its scheduler gives up its job."""


@dataclass(frozen=True)
class SlurmWorkers(Executor):
    """Run shards on Dask workers in Slurm jobs, as many at a time as there is work for; the jobs end with the run.

    Parameters
    ----------
    profile : Profile or path
        How to run on the site; a file is read at once.

    Examples
    --------
    >>> from firmfate.execute import SlurmWorkers
    >>> from firmfate.slurm import Profile
    >>> site = SlurmWorkers(Profile(partition="compute", cpus=8, concurrent=20))  # or the path of its file
    >>> site.profile.cpus * site.profile.concurrent  # threads at most, in firmfate.run(study, on=site)
    160
    """

    profile: Profile | str | Path

    is_here = False

    def __post_init__(self) -> None:
        from firmfate.slurm import Profile

        if not isinstance(self.profile, Profile):
            object.__setattr__(self, "profile", Profile.read(self.profile))

    def check(self) -> None:
        """Refuse to begin without dask-jobqueue."""
        if importlib.util.find_spec("dask_jobqueue") is None:
            raise SlurmError("Dask workers in Slurm jobs need dask-jobqueue: pip install 'firmfate[slurm]'")

    def run(self, work: Work) -> None:
        """Ask for jobs and run shards until all are finished."""
        from firmfate.execute.dask_work import run_on_dask

        profile = cast("Profile", self.profile)
        work.say(f"asking Slurm for {profile.least} to {profile.concurrent} job(s) of {profile.cpus} CPU(s) each")
        with slurm_cluster(profile, work.directory.path) as client:
            run_on_dask(
                client,
                work,
                threads_to_come=profile.concurrent * profile.cpus,
                patience=profile.patience_seconds,
            )

    @classmethod
    def add_option(cls, parser: ArgumentParser, choice: _MutuallyExclusiveGroup) -> None:
        """Declare ``--slurm``."""
        choice.add_argument(
            "--slurm", type=Path, metavar="PROFILE", help="Dask workers in Slurm jobs (see `submit --show-profile`)"
        )

    @classmethod
    def from_options(cls, options: Namespace) -> Self | None:
        """Return it where a profile is named."""
        return None if options.slurm is None else cls(options.slurm)


def lifetime(profile: Profile) -> tuple[int, int]:
    """Return (seconds that a worker runs, seconds by which that varies): it is gone before the grace begins."""
    usable = profile.seconds - profile.grace_seconds
    stagger = int(STAGGER * usable)
    return usable - stagger, stagger


def _settings(profile: Profile, directory: Path) -> dict[str, Any]:
    """Return the keyword arguments of dask-jobqueue's SLURMCluster."""
    from firmfate.slurm.scripts import LOGS, fill

    lived, stagger = lifetime(profile)
    settings: dict[str, Any] = {
        "queue": profile.partition or None,
        "account": profile.account or None,
        "cores": profile.cpus,
        "processes": profile.processes,
        "memory": f"{profile.mebibytes}MiB",
        "job_mem": f"{profile.mebibytes}M",
        "walltime": profile.walltime,
        "job_name": "ff-worker",
        "job_extra_directives": list(profile.options),
        "job_script_prologue": [
            *profile.prologue.strip().splitlines(),
            # dask-jobqueue asks for its CPUs itself; in its scripts Slurm may leave this unset.
            f"export SLURM_CPUS_PER_TASK={profile.cpus}",
            *fill("threads.sh.in", {"SCRATCH": profile.scratch}).splitlines(),
            *fill("dask.sh.in", {}).splitlines(),
        ],
        "local_directory": "$scratch",
        "log_directory": str((directory / LOGS).resolve()),
        "death_timeout": DEATH_TIMEOUT,
        "worker_extra_args": ["--lifetime", f"{lived}s", "--lifetime-stagger", f"{stagger}s", "--no-dashboard"],
        "interface": profile.interface or None,
        "scheduler_options": {"dashboard_address": ":0"},
    }
    if all(profile.tls):
        from distributed.security import Security

        authority, certificate, key = (str(Path(path).resolve()) for path in profile.tls)
        settings["protocol"] = "tls://"
        settings["security"] = Security(
            tls_ca_file=authority, tls_client_cert=certificate, tls_client_key=key, tls_scheduler_cert=certificate,
            tls_scheduler_key=key, tls_worker_cert=certificate, tls_worker_key=key, require_encryption=True,
        )  # fmt: skip
    return settings


@contextlib.contextmanager
def slurm_cluster(profile: Profile, directory: Path) -> Iterator[Client]:
    """Give a client of a cluster of Slurm jobs, between the profile's bounds; the jobs end with it.

    ``adapt``, not ``scale``: only that replaces a job that has died.
    """
    import dask
    from dask_jobqueue import SLURMCluster
    from distributed import Client

    from firmfate.execute.dask_work import QUIET
    from firmfate.slurm.scripts import LOGS

    (directory / LOGS).mkdir(exist_ok=True)
    with (
        dask.config.set(QUIET | {"distributed.worker.daemon": False}),
        SLURMCluster(**_settings(profile, directory)) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        cluster.adapt(minimum_jobs=profile.least, maximum_jobs=profile.concurrent, interval="2s", wait_count=10)
        yield client
