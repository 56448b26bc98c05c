"""A plan split into array tasks: several shards a task, only tasks that miss something, no index past a site's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from firmfate.shards import Plan
from firmfate.shards.plan import human_bytes, human_seconds
from firmfate.shards.status import array_expression
from firmfate.slurm.profile import Profile

START_SECONDS = 20.0
"""What a process takes to start Python and to compile the model where nothing is cached; a round number for plans."""

REPORT_SECONDS = 20.0
"""What trajectories and figures of a report take; a round number for plans."""

MAX_ARRAY_SIZE = 1001
"""Slurm's own default: indices 0 .. 1000."""


@dataclass(frozen=True)
class Array:
    """One job array: its task k is part ``offset + k``."""

    expression: str
    offset: int
    tasks: int


@dataclass(frozen=True, eq=False)
class ArrayPlan:
    """How a plan is split into tasks of job arrays.

    Attributes
    ----------
    plan : Plan
    profile : Profile
    parts : int
        Into how many parts the complete study is split: part i takes every `parts`-th shard from i on.
    unfinished : tuple of int
        Parts that miss something: the tasks.
    limit : int
        The site's MaxArraySize.

    Examples
    --------
    See `split`.
    """

    plan: Plan
    profile: Profile
    parts: int
    unfinished: tuple[int, ...]
    limit: int = MAX_ARRAY_SIZE

    def arrays(self) -> Iterator[Array]:
        """Yield as many arrays as the site's limit asks for."""
        for offset in range(0, self.parts, self.limit):
            inside = [part - offset for part in self.unfinished if offset <= part < offset + self.limit]
            if inside:
                yield Array(array_expression(inside), offset, len(inside))

    @property
    def shards_a_task(self) -> int:
        """Shards of a part, at most."""
        return -(-self.plan.total_shards // self.parts)

    @property
    def seconds_a_task(self) -> float:
        """Nominal seconds of a task's work, on average, without its start."""
        return self.plan.nominal_seconds / max(1, len(self.unfinished)) / self.profile.cpus

    @property
    def seconds(self) -> float:
        """Nominal seconds of all tasks and of gathering, once jobs run; the start of every process counts."""
        waves = math.ceil(len(self.unfinished) / self.profile.concurrent)
        return waves * (START_SECONDS + self.seconds_a_task) + self.gather_seconds

    @property
    def gather_seconds(self) -> float:
        """Nominal seconds of the job that gathers and reports."""
        return START_SECONDS + REPORT_SECONDS + self.plan.gather_seconds

    def __str__(self) -> str:
        cores = min(len(self.unfinished), self.profile.concurrent) * self.profile.cpus
        arrays = list(self.arrays())
        work, gathering = human_seconds(self.seconds_a_task), human_seconds(self.gather_seconds)
        return "\n".join(
            [
                f"tasks     {len(self.unfinished):,} of up to {self.shards_a_task:,} shard(s), in {len(arrays)} "
                f"array(s) of indices below {self.limit:,}; {self.profile.concurrent:,} at a time",
                f"cores     {cores:,}: {self.profile.cpus} a task, {self.profile.mebibytes / 1024:g} GiB",
                f"time      about {human_seconds(self.seconds)} once jobs run; {self.plan.nominal_seconds / 3600:.3g} "
                "core-hours of work",
                f"          a task: {work} of work, up to {START_SECONDS:g} s to start and, once a node, to compile",
                f"          the job that gathers and reports: about {gathering}",
                f"files     {len(self.plan.shards):,} shards, about {human_bytes(self.plan.shard_bytes)}",
            ]
        )

    def table(self) -> dict[str, object]:
        """Return all of it as plain values, as JSON takes them."""
        return {
            "parts": self.parts,
            "tasks": len(self.unfinished),
            "shards_a_task": self.shards_a_task,
            "arrays": [{"array": array.expression, "offset": array.offset} for array in self.arrays()],
            "concurrent": self.profile.concurrent,
            "cpus_a_task": self.profile.cpus,
            "seconds_a_task": self.seconds_a_task,
            "start_seconds": START_SECONDS,
            "gather_seconds": self.gather_seconds,
            "seconds": self.seconds,
            "core_hours": self.plan.nominal_seconds / 3600,
            "files": len(self.plan.shards),
            "bytes": self.plan.shard_bytes,
        }


def split(plan: Plan, profile: Profile, *, limit: int = MAX_ARRAY_SIZE) -> ArrayPlan:
    """Split a plan into tasks of about the profile's ``task_minutes``, and into no fewer than can run at a time.

    A task takes no less than a shard a CPU, as long as there are enough.

    Examples
    --------
    >>> import firmfate
    >>> from firmfate.slurm import Profile
    >>> study = firmfate.Study(name="large", replicates=1_000_000, grid={"misalignment": [0, 1]})
    >>> array = split(firmfate.plan(study), Profile(cpus=8, concurrent=4))
    >>> array.parts
    4
    """
    all_seconds = plan.nominal_seconds * plan.firms / max(1, plan.missing) if plan.missing else 0.0
    long_enough = math.ceil(all_seconds / (60 * profile.task_minutes * profile.cpus))
    wide_enough = min(profile.concurrent, math.ceil(plan.total_shards / profile.cpus))
    parts = max(1, min(plan.total_shards, max(long_enough, wide_enough)))
    return ArrayPlan(plan, profile, parts, tuple(plan.unfinished(parts)), limit)
