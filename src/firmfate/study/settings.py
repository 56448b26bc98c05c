"""The keys of [study] and [record]: one table that reads them, writes the JSON schema and documents them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from firmfate.errors import StudyError
from firmfate.tables import reading
from firmfate.tables.faults import Faults
from firmfate.tables.reading import refuse

NAME = re.compile(r"[a-z0-9_-]{1,64}")
MOST_STEPS_PER_WEEK = 1000
MOST_WEEKS_PER_STEP = 52_000


@dataclass(frozen=True)
class Setting:
    """One key of [study] or [record]: its kind (text, name, flag, integer, years, step), default, range, meaning."""

    name: str
    kind: str
    default: Any
    meaning: str
    low: int = 0
    high: int = 0


STUDY = (
    Setting("name", "name", None, "what the study is called: lower-case letters, digits, - and _"),
    Setting("model", "text", "firm", 'what a firm is: "firm", "car", or a file and a name, "my_model.py:NAME"'),
    Setting("question", "text", "", "what is asked, in one sentence"),
    Setting("years", "years", 20, 'horizon in years of 52 weeks, or a quantity such as "78 weeks"'),
    Setting("steps_per_week", "step", None, 'an integer, or "1/k" for steps of k weeks; the model\'s own by default'),
    Setting(
        "replicates",
        "integer",
        1000,
        "firms simulated in every cell; with [precision] those of the pilot, 4096 by default",
        1,
        2**40,
    ),
    Setting("seed", "integer", 0, "of all random numbers", 0, 2**64 - 1),
    Setting(
        "common_random_numbers",
        "flag",
        True,
        "all cells meet the same fates: replicate i has the same shocks everywhere",
    ),
)

RECORD = (
    Setting("firms", "flag", False, "write every firm's event to firms.nc"),
    Setting("horizons", "horizons", None, "horizons of restricted lifetimes, in years; 3, 5, 10 and 20 by default"),
    Setting(
        "batches",
        "integer",
        32,
        "groups of replicates, from which errors across cells are estimated; 128 with [precision]",
        8,
        1024,
    ),
)

DEFAULT_HORIZONS = (3, 5, 10, 20)


def read(written: object, table: str, settings: tuple[Setting, ...], faults: Faults) -> dict[str, Any]:
    """Return the settings of a table, defaults filled in; unknown keys and wrong values are noted as faults."""
    found = {setting.name: setting.default for setting in settings}
    with faults.noted():
        given = reading.table(written, table)
        for key in given:
            if key not in found:
                faults.note(reading.no_such_key(key, table, tuple(found)))
        for setting in settings:
            with faults.noted():
                if setting.name in given:
                    found[setting.name] = _value(setting, given[setting.name], f"{table}.{setting.name}")
    return found


def _value(setting: Setting, value: object, path: str) -> Any:
    """Return one setting's value, by its kind."""
    match setting.kind:
        case "name":
            found = reading.text(value, path)
            if not NAME.fullmatch(found):
                refuse(path, found, "must be 1 to 64 characters out of a-z, 0-9, _ and -")
            return found
        case "text":
            return reading.text(value, path)
        case "flag":
            return reading.flag(value, path)
        case "integer":
            return reading.integer(value, path, setting.low, setting.high)
        case "years":
            reading.horizon(value, path)
            return value
        case "step":
            return steps_per_week(value, path)
        case _:
            return _horizons(value, path)


def steps_per_week(value: object, path: str) -> float:
    """Return steps a week: an integer, or 1/k for steps of k weeks."""
    allowed = f'must be an integer from 1 to {MOST_STEPS_PER_WEEK}, or "1/k" for steps of k weeks, such as "1/13"'
    if isinstance(value, str):
        match = re.fullmatch(r"\s*1\s*/\s*(\d{1,5})\s*", value)
        if not match or not 1 <= int(match[1]) <= MOST_WEEKS_PER_STEP:
            refuse(path, value, allowed)
        return 1 / int(match[1])
    found = reading.number(value, path)
    if not 1 / MOST_WEEKS_PER_STEP <= found <= MOST_STEPS_PER_WEEK:
        refuse(path, value, allowed)
    near = float(round(found)) if found >= 1 else 1 / round(1 / found)
    if abs(near - found) > 1e-9 * found:
        refuse(path, value, allowed)
    return near


def _horizons(value: object, path: str) -> tuple[int, ...]:
    """Return the horizons of [record] in weeks, ascending."""
    if not isinstance(value, list) or not value:
        refuse(path, value, "must be a list of years, such as [5, 10]")
    found = [reading.horizon(item, f"{path}[{place}]") for place, item in enumerate(value)]
    for place, item in enumerate(found):
        if item in found[:place]:
            refuse(f"{path}[{place}]", value[place], f"is there already, as {path}[{found.index(item)}]")
    return tuple(sorted(found))


def horizons(given: tuple[int, ...] | None, weeks: int, dt: float) -> tuple[int, ...]:
    """Return the horizons at which lifetimes are summed, in weeks, the study's own horizon last.

    Raises
    ------
    StudyError
        Where one that is asked for lies beyond the study's horizon or inside a step.
    """
    for item in given or ():
        if item > weeks:
            raise StudyError(
                f"record.horizons: {item} weeks lie beyond the study's horizon of {weeks} weeks (study.years)"
            )
        if not (item / dt).is_integer():
            raise StudyError(f"record.horizons: {item} weeks are no integer number of steps of {dt:g} weeks")
    wanted = given or tuple(item for years in DEFAULT_HORIZONS if ((item := 52 * years) / dt).is_integer())
    return tuple(sorted({item for item in wanted if item <= weeks} | {weeks}))
