"""One part of a plan, for job arrays: task i of n runs what is missing of every n-th shard, from the i-th on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from firmfate.errors import FirmfateError
from firmfate.execute.base import Executor, Work
from firmfate.execute.threads import Threads

if TYPE_CHECKING:
    from firmfate.shards import Plan, Shard


@dataclass(frozen=True)
class ArrayPart(Executor):
    """Run one part of a study, and do not gather.

    Places are those in the plan of the complete study, so that all tasks agree on them whatever is finished already;
    a task that is run twice finds its work done.

    Parameters
    ----------
    index, parts : int
        This part, from 0, of how many.
    on : Executor
        What runs its shards.

    Examples
    --------
    >>> from firmfate.execute import ArrayPart, Threads
    >>> ArrayPart(0, 8, on=Threads(2))  # the first of eight tasks; `firmfate.gather` follows the last
    ArrayPart(index=0, parts=8, on=Threads(count=2))
    """

    index: int
    parts: int
    on: Executor = field(default_factory=Threads)

    gathers = False

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.parts:
            raise FirmfateError(f"part {self.index}/{self.parts}; allowed: i/n with i from 0 to n - 1")

    def check(self) -> None:
        """Refuse what the executor of its shards refuses."""
        self.on.check()

    def shards(self, plan: Plan) -> Sequence[Shard]:
        """Return what is missing of this part."""
        return plan.part(self.index, self.parts)

    def run(self, work: Work) -> None:
        """Run its shards."""
        self.on.run(work)
