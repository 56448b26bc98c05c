"""What is refused of a model's tables and settings, before its functions are read."""

from __future__ import annotations

import keyword
import sys
from collections.abc import Iterable
from numbers import Real
from types import FunctionType
from typing import TYPE_CHECKING, Any, NoReturn, TypeGuard

from firmfate.errors import UNPRINTABLE, ModelError, is_finite, shortened
from firmfate.models.declarations import Auxiliary, Cause, Interval, Mark, Parameter, RandomNumber, Stock
from firmfate.models.equations import Equations

if TYPE_CHECKING:
    from firmfate.models.model import Model

MOST_CAUSES = 254
"""An event is kept in one byte, whose last value stands for arithmetic that has failed."""

MOST_RANDOM_NUMBERS = 64

LONGEST_NAME = 64
A_TEXT = "text without control characters and marks of the direction of writing"
A_NAME = f"{A_TEXT}, of 1 to {LONGEST_NAME} characters in one line"

TEXTS = ("unit", "meaning", "source", "group", "dim")
"""What rows of tables say in words; they stand in files, pages and messages as they are."""

TABLES: dict[str, type[Any]] = {
    "parameters": Parameter, "stocks": Stock, "shocks": RandomNumber, "draws": RandomNumber, "causes": Cause,
    "marks": Mark, "auxiliaries": Auxiliary,
}  # fmt: skip

OUR_MODULES = {"firmfate", "dataclasses"}
"""Modules that stand between a model's file and its checks."""


def check_model(model: Model) -> None:
    """Refuse what no model can be; tables become tuples, and equations functions.

    Raises
    ------
    ModelError
        With number, file and line.
    """
    name: object = model.name
    if not (_is_text(name) and 0 < len(name) <= LONGEST_NAME and "\n" not in name):
        refuse(model, "FF114", f"the model's name is {_shown(name)}; allowed: {A_NAME}")
    _check_text(model, "the model", "summary", model.summary)
    _check_text(model, "the model", "alarm", model.alarm)
    for table, kind in TABLES.items():
        rows = getattr(model, table)
        takes = "Normal, Uniform or Exponential" if kind is RandomNumber else kind.__name__
        if not isinstance(rows, list | tuple):
            refuse(model, "FF115", f"{table} is {rows!r}; it takes a list of {takes}")
        for row in rows:
            if not isinstance(row, kind) or type(row) is RandomNumber:
                refuse(model, "FF115", f"{table} holds {row!r}; it takes {takes}")
            _check_row(model, table, row)
        object.__setattr__(model, table, tuple(rows))
    _check_sizes(model)
    if isinstance(model.step, list | tuple):
        _assemble(model)
    _check_settings(model)
    _check_names(model)
    _check_tables(model)


def refuse(model: Model, code: str, text: str) -> NoReturn:
    """Refuse a model, at the line that makes it."""
    file, line = _written_at()
    raise ModelError.numbered(code, text, model=shortened(str(model.name), LONGEST_NAME), file=file, line=line)


def _assemble(model: Model) -> None:
    """Make `step` and `observe` of a model's equations."""
    assert not callable(model.step)
    equations = Equations(model.name, model.step, _written_at())
    flags = [cause.name for cause in model.causes] + [mark.name for mark in model.marks]
    flags += ["alarm"] if model.alarm else []
    object.__setattr__(model, "step", equations.step([row.name for row in model.stocks], flags))
    if model.auxiliaries and model.observe is None:
        object.__setattr__(model, "observe", equations.observe([row.name for row in model.auxiliaries]))


def _check_row(model: Model, table: str, row: Any) -> None:
    if not isinstance(row.name, str):
        refuse(model, "FF114", f"{table} has a name {row.name!r}; allowed: text")
    for name in TEXTS:
        _check_text(model, f"'{row.name}'", name, getattr(row, name, ""))
    parts = getattr(row, "parts", ())
    if not isinstance(parts, tuple) or not all(isinstance(part, str) for part in parts):
        refuse(model, "FF115", f"'{row.name}' has the parts {parts!r}; allowed: a list of names, or a number from 1")
    if isinstance(row, Parameter):
        default: object = row.default
        if not isinstance(default, Real):
            refuse(model, "FF115", f"'{row.name}' has the default {default!r}; allowed: a number")
        allowed: object = row.allowed
        if not isinstance(allowed, Interval):
            refuse(
                model,
                "FF115",
                f"'{row.name}' allows {allowed!r}; write an Interval after the unit, such as SHARE, POSITIVE or "
                "Interval(0, 5)",
            )


def _check_text(model: Model, of: str, name: str, value: object) -> None:
    if not _is_text(value):
        refuse(model, "FF115", f"{of} has the {name} {_shown(value)}; allowed: {A_TEXT}")


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and UNPRINTABLE.search(value) is None


def _shown(value: object) -> str:
    """Return a value as a message shows it, and where its first character stands that is not allowed."""
    found = UNPRINTABLE.search(value) if isinstance(value, str) else None
    wrong = f", whose character {found.start() + 1} is U+{ord(found[0]):04X}" if found else ""
    return f"{shortened(repr(value), 80)}{wrong}"


def _check_sizes(model: Model) -> None:
    if not model.stocks:
        refuse(model, "FF116", "stocks is empty; a firm needs at least one")
    if not 0 < len(model.causes) <= MOST_CAUSES:
        refuse(model, "FF116", f"causes has {len(model.causes)} rows; allowed: 1 to {MOST_CAUSES}")
    for kind, rows in (("shocks", model.shocks), ("draws", model.draws)):
        count = sum(len(row.fields) for row in rows)
        if count > MOST_RANDOM_NUMBERS:
            refuse(model, "FF116", f"{kind} has {count} random numbers; at most {MOST_RANDOM_NUMBERS}")


def _check_settings(model: Model) -> None:
    steps = model.steps_per_week
    if not is_finite(steps) or steps <= 0 or min(abs(x - round(x)) for x in (steps, 1 / steps)) >= 1e-9:
        refuse(model, "FF115", f"steps_per_week is {steps!r}; allowed: an integer, or 1/k for steps of k weeks")
    if model.check is not None and not callable(model.check):
        refuse(model, "FF115", f"check is {model.check!r}; it takes a function")
    for name, function in (("start", model.start), ("step", model.step), ("observe", model.observe)):
        if not isinstance(function, FunctionType) and not (name == "observe" and function is None):
            other = ", or give a list of equations" if name == "step" else ""
            refuse(model, "FF101", f"{name} is {function!r}, which is no plain function; write it with 'def'{other}")


def _check_names(model: Model) -> None:
    groups: tuple[tuple[str, Iterable[str]], ...] = (
        ("parameter", (x for row in model.parameters for x in (row.name, *_words(row.names), *row.fields))),
        ("random number", (name for row in (*model.shocks, *model.draws) for name in (row.name, *row.fields))),
        ("stock", (name for row in model.stocks for name in (row.name, *row.fields))),
        ("auxiliary", (name for row in model.auxiliaries for name in (row.name, *row.fields))),
        ("cause", (row.name for row in model.causes)),
        ("mark", (name for row in model.marks for name in (row.name, row.dim))),
    )
    for what, names in groups:
        for name in names:
            fits = name.isidentifier() and not name.startswith("_") and len(name) <= LONGEST_NAME
            if not fits or keyword.iskeyword(name):
                allowed = f"letters, digits and _, not first a digit, at most {LONGEST_NAME} of them"
                refuse(model, "FF114", f"{what} '{shortened(name, 80)}' cannot be a name; allowed: {allowed}")
    unique: tuple[tuple[str, list[str]], ...] = (
        ("parameter", [name for row in model.parameters for name in row.fields]),
        ("shock", [name for row in model.shocks for name in row.fields]),
        ("draw", [name for row in model.draws for name in row.fields]),
        ("stock", [name for row in model.stocks for name in row.fields]),
        ("auxiliary", [name for row in model.auxiliaries for name in row.fields]),
    )
    for what, found in unique:
        for name in found:
            if found.count(name) > 1:
                refuse(model, "FF114", f"{what} '{name}' appears twice")
    if any(parameter.name == "dt" for parameter in model.parameters):
        refuse(model, "FF114", "parameter 'dt' is the length of a step already; choose another name")
    taken = [*(s.name for s in model.stocks), *(c.name for c in model.causes), *(m.name for m in model.marks)]
    for name in taken:
        if taken.count(name) > 1:
            refuse(model, "FF114", f"stock, cause or mark '{name}' appears twice")
    if "alarm" in taken:
        refuse(model, "FF114", "'alarm' says in a step whether the alarm rings; choose another name")


def _check_tables(model: Model) -> None:
    for parameter in model.parameters:
        if parameter.default not in parameter.allowed:
            refuse(
                model, "FF115", f"default {parameter.default:g} of '{parameter.name}' is outside {parameter.allowed}"
            )
    if model.marks and not model.alarm:
        refuse(model, "FF117", "marks are kept from the step of the alarm; say in alarm what it means")
    for mark in model.marks:
        maximum: object = mark.maximum
        if not isinstance(maximum, int) or not 0 < maximum < 255:
            refuse(model, "FF117", f"mark '{mark.name}' has the maximum {maximum!r}; allowed: 1 to 254")
    if bool(model.auxiliaries) != (model.observe is not None):
        refuse(model, "FF117", "observe and auxiliaries belong together; declare what observe returns")


def _words(parts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part for part in parts if not part.isdigit())


def _written_at() -> tuple[str, int]:
    """Return file and line of the call that is making a model."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in OUR_MODULES:
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno
