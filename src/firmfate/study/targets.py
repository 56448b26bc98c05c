"""Targets of [precision]: an estimand each, by the keys that a study writes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from firmfate.counts import WEEKS_PER_YEAR
from firmfate.errors import StudyError, did_you_mean
from firmfate.models import Model
from firmfate.tables import reading
from firmfate.tables.faults import Faults
from firmfate.tables.reading import refuse
from firmfate.tables.schema import TIME, Schema

HORIZON = re.compile(r"([1-9]\d{0,5})(y|w)")
SHARE = re.compile(r"0\.\d{1,6}")

IN_YEARS = ("rmst", "quantile", "difference")
"""Kinds whose widths are years."""

PAIRED = ("difference", "survival_difference", "sign")
"""Kinds that compare two cells: the last value of an axis with its first, or one named cell with another."""

MINUS = " - "
"""Between the names of two cells."""

ORDERED = ("longest", "ranking")
"""Kinds that order the cells along an axis, or those of a list, by their mean lifetimes."""

TURNING = ("m_star", "m_star_side", "m_star_between")
"""Kinds that ask where the effect of execution changes its sign."""

DECIDED = ("sign", "m_star_side", "m_star_between", *ORDERED)
"""Kinds that ask for a decision, in place of a width."""

BY_VALUE = ("sign", "m_star_side", *ORDERED)
"""Kinds whose value, or each of a list, is what is asked: an axis, a pair of cells, a misalignment."""

ROUNDING = 1 + 1e-9
"""Of distances between misalignments."""

CELLS = "cells"
"""All cells of a list, in place of an axis."""

KINDS = ("rmst", "survival", "incidence", "quantile", *PAIRED, *TURNING, *ORDERED)

OPTIONS = ("level", "simultaneous", "at_most", "refine")


@dataclass(frozen=True)
class Target:
    """One estimand, and half the width of the confidence interval that is asked for.

    Attributes
    ----------
    key : str
        As written: ``survival.5y``; of a sign with its axis: ``sign.execution``, ``m_star_side.0.4`` likewise.
    kind : str
        One of `KINDS`.
    within : float
        Half the width: years for ``rmst``, ``quantile`` and ``difference``, 0 for decisions, otherwise a share. Of
        ``m_star_between`` the largest distance of the two misalignments.
    week : int
        The horizon, or the week at whose end a share is taken.
    cause : str
        Of an incidence.
    share : float
        Of a quantile.
    between : str
        What a difference or a sign compares: the ends of an axis, by its key, or two cells, ``aligned - weak``. Of an
        order the axis, or ``cells``.
    side : float
        The misalignment on one side of which m* lies.
    """

    key: str
    kind: str
    within: float
    week: int
    cause: str = ""
    share: float = 0.0
    between: str = ""
    side: float = 0.0

    @property
    def unit(self) -> str:
        """Unit of the width, with a blank before it; empty of shares."""
        return " years" if self.kind in IN_YEARS else ""

    @property
    def dim(self) -> str:
        """Dim of the axis in datasets, where the ends of an axis are compared."""
        return self.between.replace(".", "_")

    def pair(self, names: Sequence[str]) -> tuple[str, str] | None:
        """Return the names of the two cells that are compared, of those that a study has; None where they are none."""
        parts = self.between.split(MINUS)
        for place in range(1, len(parts)):
            first, second = MINUS.join(parts[:place]), MINUS.join(parts[place:])
            if first in names and second in names and first != second:
                return first, second
        return None

    @property
    def words(self) -> str:
        """The target as a line of a plan has it."""
        if self.kind == "m_star_between":
            return f"{self.key} at most {self.within:g} apart"
        return f"{self.key} decided" if self.kind in DECIDED else f"{self.key} ± {self.within:g}{self.unit}"


def read_targets(table: dict[str, Any], model: Model, weeks: int, faults: Faults) -> list[Target]:
    """Return the targets of [precision].

    Parameters
    ----------
    table : dict
        Without options.
    model : Model
        Its causes are those of incidences.
    weeks : int
        The horizon of the study.
    faults : Faults
        Takes what is wrong.
    """
    written = [one for key, value in _flat(table) for one in _by_axis(key, value)]
    found = []
    for key, value in written:
        with faults.noted():
            found.append(_target(key, value, model, weeks))
    keys = [target.key.replace(target.between, model.key(target.between), 1) for target in found]
    if twice := [key for key in dict.fromkeys(keys) if keys.count(key) > 1]:
        faults.note(f"[precision] asks twice for {', '.join(map(reading.named, twice))}; keep one of each")
    return found


def examples(model: Model) -> tuple[str, ...]:
    """Return keys of targets, as messages name them."""
    return (
        "rmst", "rmst.5y", "survival.5y", f"incidence.{model.causes[0].name}.5y", "quantile.0.5", "difference.AXIS",
        "survival_difference.AXIS.5y", "sign", "m_star", "m_star_side", "m_star_between", "longest", "ranking",
    )  # fmt: skip


def schemas() -> tuple[dict[str, Schema], dict[str, Schema]]:
    """Return the JSON schemas of keys without a dot, and of patterns of keys in quotes."""
    share: Schema = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5}
    value: Schema = {"type": "number"}
    axes: Schema = {
        "anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True},
        ]
    }
    within = HORIZON.pattern

    def by_week(entry: Schema) -> Schema:
        return {"type": "object", "additionalProperties": False, "patternProperties": {f"^{within}$": entry}}

    def nested(entry: Schema) -> Schema:
        return {"type": "object", "additionalProperties": {"anyOf": [entry, {"type": "object"}]}}

    keys = {
        "rmst": {"anyOf": [TIME, by_week(TIME)], "description": "mean lifetime within the horizon"},
        "survival": {**by_week(share), "description": "share of firms alive, by week"},
        "incidence": {
            "type": "object",
            "additionalProperties": by_week(share),
            "description": "share of firms ended by a cause, by week",
        },
        "quantile": {**nested(TIME), "description": "time by which a share of firms has ended: 0.5, the median"},
        "difference": {
            **nested(TIME),
            "description": "mean lifetime at the last value of an axis less that at its first, at all others' values, "
            "or that of one named cell less that of another, as 'aligned - weak'",
        },
        "survival_difference": {
            **nested(share),
            "description": "the same of the share of firms alive, by week",
        },
        "sign": {
            "anyOf": [*axes["anyOf"], by_week(axes)],
            "description": "axes, or pairs of named cells, whose difference in mean lifetime is known by its sign",
        },
        "m_star": {**share, "description": "misalignment at which the effect of execution changes its sign"},
        "m_star_side": {
            "anyOf": [value, {"type": "array", "items": value, "minItems": 1, "uniqueItems": True}],
            "description": "misalignments of the grid; on which side of each m* lies",
        },
        "m_star_between": {**share, "description": "two misalignments of the grid, at most as far apart, around m*"},
        "longest": {
            "anyOf": [*axes["anyOf"], by_week(axes)],
            "description": "axes along which, or 'cells' of a list of which, the one with the longest mean lifetime is "
            "to be known",
        },
        "ranking": {"anyOf": [*axes["anyOf"], by_week(axes)], "description": "the same, of all in order"},
    }  # fmt: skip
    patterns: dict[str, Schema] = {
        rf"^rmst\.{within}$": TIME,
        rf"^survival\.{within}$": share,
        rf"^incidence\..+\.{within}$": share,
        rf"^quantile\.{SHARE.pattern}$": TIME,
        r"^difference\..+$": TIME,
        rf"^survival_difference\..+\.{within}$": share,
        rf"^(sign|longest|ranking)\.{within}$": axes,
    }
    return keys, patterns


def _flat(table: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """Return (dotted key, value): TOML reads ``survival.5y = 0.01`` without quotes as a table in a table."""
    found = []
    for key, value in table.items():
        found += _flat(value, f"{before}{key}.") if isinstance(value, dict) else [(f"{before}{key}", value)]
    return found


def _by_axis(key: str, value: object) -> list[tuple[str, object]]:
    """Return a target an axis of ``sign = "execution"`` or ``sign = ["execution", "misalignment"]``; others as is."""
    kind, _, horizon = key.partition(".")
    given = value if isinstance(value, list) else [value]
    allowed = (int, float) if kind == "m_star_side" else str
    if kind not in BY_VALUE or not given or not all(isinstance(one, allowed) for one in given):
        return [(key, value)]
    found: list[tuple[str, object]] = []
    for one in given:
        name = _as_key(one) if isinstance(one, (int, float)) else str(one)
        found.append((".".join((kind, name, *([horizon] if horizon else []))), one))
    return found


def _as_key(misalignment: float) -> str:
    """Return a misalignment with the 12 digits that distinguish cells."""
    try:
        return f"{misalignment:.12g}"
    except OverflowError:
        return str(misalignment)


def _target(key: str, value: object, model: Model, weeks: int) -> Target:
    """Read one target."""
    path = f"precision.{reading.named(key)}"
    kind, _, rest = key.partition(".")
    cause, share, between, horizon = "", 0.0, "", rest
    if kind == "incidence":
        cause, _, horizon = rest.rpartition(".")
    elif kind == "quantile":
        share, horizon = _share(rest, path), ""
    elif kind in PAIRED or kind in ORDERED:
        before, _, last = rest.rpartition(".")
        between, horizon = (before, last) if before and HORIZON.fullmatch(last) else (rest, "")
    needs_more = kind in ("survival", "incidence", "difference", "survival_difference") and not rest
    needs_week = kind in ("incidence", "survival_difference") and not horizon
    if kind == "m_star_side":
        return Target(key, kind, 0.0, weeks, side=_side(value, rest, path))
    extra = rest and kind in ("m_star", "m_star_between")
    if kind not in KINDS or extra or needs_more or needs_week:
        hint = did_you_mean(key, (*OPTIONS, *examples(model))) or (
            f"; allowed: {', '.join(OPTIONS)}, and targets such as {', '.join(examples(model))}"
        )
        raise StudyError(f"{path}: there is no such key in [precision]{hint}")
    if kind == "sign" and value != between:
        what = 'must be an axis of the grid, such as "execution", or two named cells, "aligned - weak"; or a list'
        refuse(path, value, what)
    if kind in ORDERED and value != between:
        refuse(path, value, f'must be an axis of the grid, or "{CELLS}" of a list whose cells have names; or several')
    causes = tuple(entry.name for entry in model.causes)
    if kind == "incidence" and cause not in causes:
        raise StudyError(f"{path}: '{cause}' is no cause of model '{model.name}'; allowed: {', '.join(causes)}")
    week = _week(horizon, path, weeks)
    return Target(key, kind, _within(value, kind, week, path), week, cause, share, between)


def _side(value: object, written: str, path: str) -> float:
    """Return the misalignment that m* is compared with."""
    path = path.partition(".")[0] + ".m_star_side"
    side = reading.number(value, path)
    if written != _as_key(side):
        refuse(path, value, "must be a misalignment of the grid, such as 0.4, or a list of them")
    return side


def _share(text: str, path: str) -> float:
    """Return the share of a quantile."""
    if not SHARE.fullmatch(text) or not float(text):
        raise StudyError(f"{path}: '{reading.named(text)}' is no share of firms, such as 0.5 for the median")
    return float(text)


def _week(horizon: str, path: str, weeks: int) -> int:
    """Return the last week of a horizon, the study's where none is given."""
    if not horizon:
        return weeks
    match = HORIZON.fullmatch(horizon)
    if not match:
        raise StudyError(f"{path}: '{reading.named(horizon)}' is no horizon, such as 5y or 26w")
    week = int(match[1]) * (WEEKS_PER_YEAR if match[2] == "y" else 1)
    if week > weeks:
        raise StudyError(f"{path}: {week} weeks lie beyond the study's horizon of {weeks} weeks (study.years)")
    return week


def _within(value: object, kind: str, week: int, path: str) -> float:
    """Return half the width that is asked for."""
    if kind == "sign" or kind in ORDERED:
        return 0.0
    if kind not in IN_YEARS:
        within = reading.number(value, path)
        if not 0 < within < 0.5:
            refuse(path, value, "must be above 0 and below 0.5")
        return within
    if not isinstance(value, str):
        refuse(path, value, 'must be a time with its unit, such as "0.05 years" or "2 weeks"')
    within = reading.rounded(reading.weeks(value, path) / WEEKS_PER_YEAR)
    if not 0 < within < week / WEEKS_PER_YEAR / 2:
        refuse(path, value, "must be above 0 and below half the horizon")
    return within
