"""[precision]: how exactly a study is to be known, in place of how many firms are to be simulated.

::

    [precision]
    rmst = "0.05 years"              # mean lifetime within the horizon; "rmst.5y" within 5 years
    "survival.5y" = 0.005            # share of firms alive after 5 years; "26w" are weeks
    "incidence.insolvency.5y" = 0.005
    "quantile.0.5" = "0.25 years"    # time by which half of the firms have ended
    "difference.execution" = "0.1 years"  # mean lifetime at the last value of an axis less that at its first
    sign = "execution"               # until the sign of that difference is known, at every value of the other axes
    m_star = 0.01                    # misalignment at which the effect of execution changes its sign
    m_star_side = 0.4                # on which side of a misalignment it lies
    m_star_between = 0.05            # two misalignments of the grid around it, so far apart at most
    longest = "execution"            # the value of an axis, or of "cells", with the longest mean lifetime
    ranking = "cells"                # all in order
    refine = 0.0125                  # with m*: cells are added beside it, down to this distance of misalignments
    at_most = "2 core-hours"         # or 200_000 firms a cell

A target is half the width of a confidence interval: ``rmst = "0.05 years"`` asks for limits of ± 0.05 years, in every
cell. Further keys: ``level`` (0.95), ``simultaneous`` (false: each cell's limits by themselves; true: those of all
cells hold together, by Bonferroni's inequality). `study.replicates` is then the size of the pilot, and
`firmfate.precision` decides how many more it takes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from firmfate.models import Model
from firmfate.study.targets import OPTIONS, Target, examples, read_targets, schemas
from firmfate.tables import reading
from firmfate.tables.faults import Faults
from firmfate.tables.reading import refuse
from firmfate.tables.schema import Schema
from firmfate.tables.schema import table as table_schema

BATCHES = 128
"""Batches of a study with [precision], where [record] says nothing else: limits from 32 batches cover up to a point
less than they say, those from 128 do not, and a width from 128 batches is known to 6 %, one from 32 to 13 %."""

PILOT = 32 * BATCHES
"""Firms a cell of a pilot: 32 in each of 128 batches. A variance from 4,096 firms is known to 2-4 %, so that one
predicted round is usually enough; a share of 0.1 % has 4 firms to show for it; 441 cells of it take minutes."""

FEWEST_BESIDE = 4096
"""Firms of each cell beside m* from which its limits count.

So near to m* few firms live longer or shorter by execution, and their number is skewed: with misalignments 0.1 apart
limits of 95 % cover 93 % with 1,024 firms, without any stopping."""

SMALLEST_PILOT = 1024
"""Firms a cell. Stopping at the first narrow interval is right where even the first look is late: from the third firm
on, an interval of 95 % covers 71 % of the time at a share of 0.5, and 5 % at 0.02."""

MOST_FIRMS = 1_000_000
"""Firms a cell at most, where ``at_most`` is not given."""

FINEST = 1e-4
"""The smallest distance of misalignments to which a grid is refined."""

BUDGET = re.compile(r"\s*(\d+(?:\.\d+)?)\s*core-(second|minute|hour|day)s?\s*")
SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}


@dataclass(frozen=True)
class Precision:
    """What [precision] asks for.

    Attributes
    ----------
    targets : tuple of Target
    level : float
        Confidence level of the limits.
    simultaneous : bool
        Whether the limits of a target hold in all cells at once.
    most_firms : int or None
        Firms a cell at most.
    most_seconds : float or None
        Nominal core-seconds at most, as `firmfate plan` counts them. One of the two is given.
    pilot : int
        Firms a cell of the first round.
    refine : float
        Distance at most of neighbouring misalignments around m*, for which cells are added; 0 where none are.
    """

    targets: tuple[Target, ...]
    level: float
    simultaneous: bool
    most_firms: int | None
    most_seconds: float | None
    pilot: int
    refine: float = 0.0

    @classmethod
    def read(cls, written: object, model: Model, weeks: int, pilot: int) -> Precision:
        """Read the table.

        Parameters
        ----------
        written : object
        model : Model
            Its causes are those of incidences.
        weeks : int
            The horizon of the study.
        pilot : int

        Raises
        ------
        StudyError
            With all that is wrong.
        """
        given = reading.table(written, "precision")
        faults = Faults()
        level, simultaneous = 0.95, False
        most: tuple[int | None, float | None] = (MOST_FIRMS, None)
        with faults.noted():
            if "level" in given:
                level = reading.number(given["level"], "precision.level")
                if not 0.5 <= level <= 0.9999:
                    refuse("precision.level", given["level"], "must lie in [0.5, 0.9999]")
        with faults.noted():
            if "simultaneous" in given:
                simultaneous = reading.flag(given["simultaneous"], "precision.simultaneous")
        with faults.noted():
            if "at_most" in given:
                most = _at_most(given["at_most"])
        refine = 0.0
        with faults.noted():
            if "refine" in given:
                refine = reading.number(given["refine"], "precision.refine")
                if not FINEST <= refine < 0.5:
                    refuse("precision.refine", given["refine"], f"must lie in [{FINEST:g}, 0.5)")
        named = {name: value for name, value in given.items() if name not in OPTIONS}
        targets = read_targets(named, model, weeks, faults)
        if not targets and not faults.found:
            faults.note(f"[precision] names no target; allowed: {', '.join(examples(model))}")
        faults.refuse()
        return cls(tuple(sorted(targets, key=lambda target: target.key)), level, simultaneous, *most, pilot, refine)

    def described(self) -> dict[str, Any]:
        """Return it as plain values, as they stand in ``rounds.json``."""
        return {
            "targets": {target.key: target.within for target in self.targets},
            "pilot": self.pilot,
            "level": self.level,
            "simultaneous": self.simultaneous,
            "at most firms a cell": self.most_firms,
            "at most core-seconds": self.most_seconds,
            "refine": self.refine,
        }

    @staticmethod
    def schema() -> Schema:
        """Return the JSON schema of the table."""
        targets, patterns = schemas()
        found = table_schema(
            {
                **targets,
                "level": {"type": "number", "minimum": 0.5, "maximum": 0.9999, "default": 0.95},
                "simultaneous": {"type": "boolean", "default": False},
                "refine": {
                    "type": "number",
                    "minimum": FINEST,
                    "exclusiveMaximum": 0.5,
                    "description": "distance at most of misalignments beside m*: cells are added there",
                },
                "at_most": {
                    "anyOf": [
                        {"type": "integer", "minimum": SMALLEST_PILOT},
                        {"type": "string", "pattern": f"^{BUDGET.pattern}$"},
                    ],
                    "default": MOST_FIRMS,
                    "description": 'firms a cell, or nominal work such as "2 core-hours"',
                },
            },
            "half-widths of confidence intervals to be reached in every cell",
        )
        found["patternProperties"] = patterns
        return found


def _at_most(value: object) -> tuple[int | None, float | None]:
    """Return firms a cell, or nominal core-seconds; the other is None."""
    path = "precision.at_most"
    if not isinstance(value, str):
        return reading.integer(value, path, SMALLEST_PILOT, 2**40), None
    match = BUDGET.fullmatch(value)
    if not match:
        refuse(
            path,
            value,
            'must be firms a cell, such as 200_000, or work such as "2 core-hours" or "30 core-minutes"; time by the '
            "clock would give another result on another machine",
        )
    return None, float(match[1]) * SECONDS[match[2]]
