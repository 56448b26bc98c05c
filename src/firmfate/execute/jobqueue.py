"""Dask workers in Slurm jobs: the cluster grows with the work, replaces dead jobs, and workers leave in time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firmfate.errors import SlurmError
from firmfate.execute.dask import QUIET
from firmfate.slurm import Profile
from firmfate.slurm.scripts import LOGS, fill

if TYPE_CHECKING:
    from distributed import Client

STAGGER = 0.1
"""Share of a job's time over which workers' leaving is spread, so that they do not all queue again at once."""
DEATH_TIMEOUT = 120
"""Seconds after which a worker that has lost its scheduler gives up its job."""


def lifetime(profile: Profile) -> tuple[int, int]:
    """Return (seconds that a worker lives, seconds by which that varies): it is gone before the grace begins."""
    usable = profile.seconds - profile.grace_seconds
    stagger = int(STAGGER * usable)
    return usable - stagger, stagger


def _settings(profile: Profile, directory: Path) -> dict[str, Any]:
    """Return what dask-jobqueue is told."""
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
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError:
        raise SlurmError("--slurm needs dask-jobqueue: pip install 'firmfate[slurm]'") from None
    import dask
    from distributed import Client

    (directory / LOGS).mkdir(exist_ok=True)
    with (
        dask.config.set(QUIET | {"distributed.worker.daemon": False}),
        SLURMCluster(**_settings(profile, directory)) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        cluster.adapt(minimum_jobs=profile.least, maximum_jobs=profile.concurrent, interval="2s", wait_count=10)
        yield client
