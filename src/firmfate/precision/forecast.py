"""What is still to be done, predicted from the rounds that a run directory holds: errors, firms, work, bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from firmfate.precision.reached import Reached
from firmfate.precision.rounds import Rounds
from firmfate.precision.words import asked, unit_of
from firmfate.shards.plan import NOMINAL_SECONDS, Plan, human_bytes, human_seconds
from firmfate.study.targets import DECIDED


@dataclass(frozen=True, eq=False)
class Forecast:
    """What the next round takes and gives.

    Attributes
    ----------
    plan : Plan
        Of the next round: what is missing.
    reached : tuple of Reached
        After the last complete round.
    widths : tuple of float
        The largest half-width to expect after the next, a target each.
    steps : float
        Mean steps of a firm, as counted.
    """

    plan: Plan
    reached: tuple[Reached, ...]
    widths: tuple[float, ...]
    steps: float

    @property
    def core_seconds(self) -> float:
        """Work for what is missing: the steps that firms were seen to take, at the nominal time of one."""
        return self.plan.missing * self.steps * NOMINAL_SECONDS

    def expected(self, one: Reached) -> float:
        """Return the largest half-width of a target to expect after the round."""
        return dict(zip((one.target for one in self.reached), self.widths, strict=True))[one.target]

    def table(self) -> dict[str, Any]:
        """Return it as plain values; NaN as None."""
        return {
            "firms_a_cell": self.plan.study.replicates,
            "missing": self.plan.missing,
            "core_seconds": self.core_seconds,
            "targets": [
                {
                    **one.table(),
                    "expected_half_width": finite(self.expected(one)),
                    "expected_se": finite(self.expected(one) / one.widest * one.standard_error),
                }
                for one in self.reached
            ],
        }

    def __str__(self) -> str:
        firms = self.plan.study.replicates
        lines = [
            f"measured  {self.steps:,.0f} steps a firm: {human_seconds(self.core_seconds)} on one core for what is "
            f"missing ({self.core_seconds / 3600:.3g} core-hours), about {human_bytes(self.plan.shard_bytes)} of shards"
        ]
        for one in self.reached:
            unit = unit_of(one.target)
            if one.cells and math.isfinite(one.widest):
                se = self.expected(one) / one.widest * one.standard_error
                lines.append(
                    f"expected  {one.target}: standard error at most {se:.2g}{unit}, ± {self.expected(one):.2g}{unit} "
                    f"at {one.level:.4g}; asked for {asked(one.target, one.within)}"
                )
            if one.never and one.target.partition(".")[0] not in DECIDED:
                lines.append(
                    f"warning   {one.target}: nothing or everything happened in {one.never:,} cell(s) among "
                    f"{one.firms:,} firms; expect at most {one.unseen * firms:.2g} such firms among {firms:,}"
                )
        return "\n".join(lines)


def forecast(rounds: Rounds) -> Forecast | None:
    """Return what comes next; None before the pilot is complete.

    Examples
    --------
    >>> import firmfate
    >>> from firmfate.precision import Rounds, forecast
    >>> from firmfate.shards import RunDirectory
    >>> study = firmfate.Study(name="cars", model="car", years=5, replicates=1024, precision={"rmst": "0.1 years"})
    >>> directory = RunDirectory.of(study, "runs/cars")
    >>> forecast(Rounds(directory, study)) is None
    True
    >>> firmfate.run(study, into=directory.path, progress=False).close()
    >>> found = forecast(Rounds(directory, study))
    >>> found.plan.missing, round(found.widths[0], 2)
    (0, 0.09)
    """
    if not rounds.reached:
        return None
    return Forecast(rounds.plan(), rounds.reached, rounds.expected, rounds.steps_a_firm())


def finite(value: float) -> float | None:
    """Return a number as JSON has it: None where it is none."""
    return value if math.isfinite(value) else None
