"""[precision]: how exactly a study is to be known, in place of how many firms are to be simulated.

::

    [precision]
    rmst = "0.05 years"              # mean lifetime within the horizon; "rmst.5y" within 5 years
    "survival.5y" = 0.005            # share of firms alive after 5 years; "26w" are weeks
    "incidence.insolvency.5y" = 0.005
    m_star = 0.01                    # misalignment at which the effect of execution changes its sign
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

from firmfate.counts import WEEKS_PER_YEAR
from firmfate.errors import StudyError, did_you_mean
from firmfate.models import Model
from firmfate.tables import reading
from firmfate.tables.faults import Faults
from firmfate.tables.reading import refuse
from firmfate.tables.schema import TIME, Schema
from firmfate.tables.schema import table as table_schema

BATCHES = 128
"""Batches of a study with [precision], where [record] says nothing else: limits from 32 batches cover up to a point
less than they say, those from 128 do not, and a width from 128 batches is known to 6 %, one from 32 to 13 %."""

PILOT = 32 * BATCHES
"""Firms a cell of a pilot: 32 in each of 128 batches. A variance from 4,096 firms is known to 2-4 %, so that one
predicted round is usually enough; a share of 0.1 % has 4 firms to show for it; 441 cells of it take minutes."""

SMALLEST_PILOT = 1024
"""Firms a cell. Stopping at the first narrow interval is right where even the first look is late: from the third firm
on, an interval of 95 % covers 71 % of the time at a share of 0.5, and 5 % at 0.02."""

MOST_FIRMS = 1_000_000
"""Firms a cell at most, where ``at_most`` is not given."""

HORIZON = re.compile(r"([1-9]\d{0,5})(y|w)")
BUDGET = re.compile(r"\s*(\d+(?:\.\d+)?)\s*core-(second|minute|hour|day)s?\s*")
SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}
KINDS = ("rmst", "survival", "incidence", "m_star")
OPTIONS = ("level", "simultaneous", "at_most")


@dataclass(frozen=True)
class Target:
    """One estimand, and half the width of the confidence interval that is asked for.

    Attributes
    ----------
    key : str
        As written: ``survival.5y``.
    kind : {"rmst", "survival", "incidence", "m_star"}
    within : float
        Half the width: years for ``rmst``, otherwise a share.
    week : int
        The horizon, or the week at whose end a share is taken.
    cause : str
        Of an incidence.
    """

    key: str
    kind: str
    within: float
    week: int
    cause: str = ""

    @property
    def words(self) -> str:
        """The target as a line of a plan has it."""
        return f"{self.key} ± {self.within:g}{' years' if self.kind == 'rmst' else ''}"


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
    """

    targets: tuple[Target, ...]
    level: float
    simultaneous: bool
    most_firms: int | None
    most_seconds: float | None
    pilot: int

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
        targets = []
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
        for key, value in _flat({name: value for name, value in given.items() if name not in OPTIONS}):
            with faults.noted():
                targets.append(_target(key, value, model, weeks))
        if not targets and not faults.found:
            faults.note(f"[precision] names no target; allowed: {', '.join(_examples(model))}")
        faults.refuse()
        return cls(tuple(sorted(targets, key=lambda target: target.key)), level, simultaneous, *most, pilot)

    def described(self) -> dict[str, Any]:
        """Return it as plain values, as they stand in ``rounds.json``."""
        return {
            "targets": {target.key: target.within for target in self.targets},
            "pilot": self.pilot,
            "level": self.level,
            "simultaneous": self.simultaneous,
            "at most firms a cell": self.most_firms,
            "at most core-seconds": self.most_seconds,
        }

    @staticmethod
    def schema() -> Schema:
        """Return the JSON schema of the table."""
        share: Schema = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5}
        week = f"^{HORIZON.pattern}$"

        def by_week(entry: Schema) -> Schema:
            return {"type": "object", "additionalProperties": False, "patternProperties": {week: entry}}

        found = table_schema(
            {
                "rmst": {"anyOf": [TIME, by_week(TIME)], "description": "mean lifetime within the horizon"},
                "survival": {**by_week(share), "description": "share of firms alive, by week"},
                "incidence": {
                    "type": "object",
                    "additionalProperties": by_week(share),
                    "description": "share of firms ended by a cause, by week",
                },
                "m_star": {**share, "description": "misalignment at which the effect of execution changes its sign"},
                "level": {"type": "number", "minimum": 0.5, "maximum": 0.9999, "default": 0.95},
                "simultaneous": {"type": "boolean", "default": False},
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
        within = HORIZON.pattern
        found["patternProperties"] = {
            rf"^rmst\.{within}$": TIME,
            rf"^survival\.{within}$": share,
            rf"^incidence\..+\.{within}$": share,
        }
        return found


def _flat(table: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """Return (dotted key, value): TOML reads ``survival.5y = 0.01`` without quotes as a table in a table."""
    found = []
    for key, value in table.items():
        found += _flat(value, f"{before}{key}.") if isinstance(value, dict) else [(f"{before}{key}", value)]
    return found


def _examples(model: Model) -> tuple[str, ...]:
    return ("rmst", "rmst.5y", "survival.5y", f"incidence.{model.causes[0].name}.5y", "m_star")


def _target(key: str, value: object, model: Model, weeks: int) -> Target:
    """Read one target."""
    path = f"precision.{reading.named(key)}"
    kind, _, rest = key.partition(".")
    cause, _, horizon = rest.rpartition(".") if kind == "incidence" else ("", "", rest)
    if kind not in KINDS or (kind == "m_star" and rest) or (kind in ("survival", "incidence") and not horizon):
        hint = did_you_mean(key, (*OPTIONS, *_examples(model))) or (
            f"; allowed: {', '.join(OPTIONS)}, and targets such as {', '.join(_examples(model))}"
        )
        raise StudyError(f"{path}: there is no such key in [precision]{hint}")
    causes = tuple(entry.name for entry in model.causes)
    if kind == "incidence" and cause not in causes:
        raise StudyError(f"{path}: '{cause}' is no cause of model '{model.name}'; allowed: {', '.join(causes)}")
    week = weeks
    if horizon:
        match = HORIZON.fullmatch(horizon)
        if not match:
            raise StudyError(f"{path}: '{reading.named(horizon)}' is no horizon, such as 5y or 26w")
        week = int(match[1]) * (WEEKS_PER_YEAR if match[2] == "y" else 1)
        if week > weeks:
            raise StudyError(f"{path}: {week} weeks lie beyond the study's horizon of {weeks} weeks (study.years)")
    if kind == "rmst":
        if not isinstance(value, str):
            refuse(path, value, 'must be a time with its unit, such as "0.05 years" or "2 weeks"')
        within = reading.rounded(reading.weeks(value, path) / WEEKS_PER_YEAR)
        if not 0 < within < week / WEEKS_PER_YEAR / 2:
            refuse(path, value, "must be above 0 and below half the horizon")
    else:
        within = reading.number(value, path)
        if not 0 < within < 0.5:
            refuse(path, value, "must be above 0 and below 0.5")
    return Target(key, kind, within, week, cause)


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
