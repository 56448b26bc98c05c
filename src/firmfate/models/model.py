"""What a model is to the engine: tables of parameters, stocks, causes and marks, and three functions of plain numbers.

A model's functions are ordinary Python that runs uncompiled. The engine composes them at compile time and steps many
firms side by side; `firm` and `car` use exactly what is described here, and so does a user's ``my_model.py:Name``::

    settle(p, dt) -> constants
        What holds for all firms with these parameter values. `p` has one attribute a parameter, `dt` is the step in
        weeks.
    start(constants, draws) -> (stocks, traits)
        A firm at birth: its stocks, and what its once-a-firm draws fix for life.
    step(stocks, shocks, constants, traits, week) -> (stocks, cause, alarm, marks)
        One step. `week` is the time at its start. `cause` is 0, or 1.. in the order of the model's causes; `alarm`
        says whether the alarm rings in this step; `marks` is a tuple of whole numbers, kept from the step in which it
        rings first.
    observe(stocks, shocks, constants, traits, week) -> auxiliaries          (optional: extra columns of a replayed
    life)

`constants`, `traits`, `stocks`, `shocks` and `draws` are NamedTuples of numbers; `constants` may nest.

A step decides with ``if``, ``elif``, conditional expressions, ``and``, ``or``, ``not``, `min` and `max`. For many firms
at once all branches are worked out and every firm keeps its own, so a branch may divide by zero, but not fail. Loops
are of constant length; of the `math` module `sqrt`, `fabs`, `floor` and `ceil` may be called, and
`firmfate.models.arithmetic.exp`. What else there is belongs into `settle` and `start`.
"""

from __future__ import annotations

import inspect
import math
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from firmfate.errors import ModelError

NORMAL = "normal"
UNIFORM = "uniform"
"""The two kinds of random number: standard normal, and uniform on the open interval (0, 1)."""

MOST_CAUSES = 253
"""An end is kept in one byte, whose last two values tell of faults."""


@dataclass(frozen=True)
class Interval:
    """The values that a parameter may take: an interval of numbers, closed unless said otherwise."""

    low: float
    high: float
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, value: float) -> bool:
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return math.isfinite(value) and above and below

    def __str__(self) -> str:
        left = "(" if self.open_low or math.isinf(self.low) else "["
        right = ")" if self.open_high or math.isinf(self.high) else "]"
        return f"{left}{self.low:g}, {self.high:g}{right}"


SHARE = Interval(0, 1)
BELOW_ONE = Interval(0, 1, open_high=True)
NOT_NEGATIVE = Interval(0, math.inf)
POSITIVE = Interval(0, math.inf, open_low=True)
ANY = Interval(-math.inf, math.inf)
WEEK_OR_LONGER = Interval(1, math.inf)


@dataclass(frozen=True)
class Parameter:
    """One row of a model's parameter table.

    Attributes
    ----------
    name, default, unit, allowed, meaning, source
        What the table prints; `source` names the literature or the reason of the default.
    assumption : bool
        The default is a judgement rather than a measurement: sweep it, do not believe it.
    parts : tuple of str
        Where the parameter has one value a division, the divisions; ``name.part`` is then a key of its own in studies.
    """

    name: str
    default: float
    unit: str
    allowed: Interval
    meaning: str
    source: str = ""
    assumption: bool = False
    parts: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """The numbers that the engine holds for this parameter: itself, or one a part."""
        return tuple(f"{self.name}_{part}" for part in self.parts) or (self.name,)

    @property
    def keys(self) -> tuple[str, ...]:
        """What a study may write: the name, and ``name.part`` for every part."""
        return (self.name, *(f"{self.name}.{part}" for part in self.parts))


@dataclass(frozen=True)
class Cause:
    """One way in which a firm may end."""

    name: str
    meaning: str


@dataclass(frozen=True)
class Mark:
    """A whole number from 0 to `maximum`, recorded of every firm in the step of its alarm."""

    name: str
    dim: str
    maximum: int
    meaning: str

    @property
    def counted(self) -> str:
        """Name of the variable that counts firms by this mark: ``green_kpis`` -> ``green_kpi_count``."""
        return f"{self.name.removesuffix('s')}_count"


@dataclass(frozen=True)
class Column:
    """One stock or auxiliary of a model, as replayed lives show it."""

    name: str
    unit: str
    meaning: str


def columns(table: type[Any]) -> tuple[Column, ...]:
    """Read a NamedTuple of ``Annotated[float, unit, meaning]`` fields as a table of columns."""
    hints = get_type_hints(table, include_extras=True)
    found = []
    for name in table._fields:
        hint = hints.get(name, float)
        unit, meaning = get_args(hint)[1:3] if get_origin(hint) is Annotated else ("1", name.replace("_", " "))
        found.append(Column(name, unit, meaning))
    return tuple(found)


@dataclass(frozen=True)
class Model:
    """A model of firms that the engine can run; see the head of this file for its functions.

    Attributes
    ----------
    name, summary : str
        What it is called in studies, and one sentence.
    parameters : tuple of Parameter
    stocks : type
        NamedTuple class of ``Annotated[float, unit, meaning]`` fields.
    causes : tuple of Cause
        In the order in which they are judged.
    shocks, draws : type
        NamedTuple classes whose annotations are ``Annotated[float, NORMAL | UNIFORM]``: the random numbers of a step,
        of a firm.
    settle, start, step, observe : callable
    marks : tuple of Mark
    alarm : str
        What the alarm of this model means.
    check : callable, optional
        ``check(values, dt)`` yields one sentence for every joint condition that resolved parameter values break.
    steps_per_week : float
        The default step.
    """

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    stocks: type[Any]
    causes: tuple[Cause, ...]
    shocks: type[Any]
    draws: type[Any]
    settle: Callable[..., Any]
    start: Callable[..., Any]
    step: Callable[..., Any]
    observe: Callable[..., Any] | None = None
    marks: tuple[Mark, ...] = ()
    alarm: str = ""
    check: Callable[[Mapping[str, float], float], Iterator[str]] | None = None
    steps_per_week: float = 1.0
    origin: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for parameter in self.parameters:
            for name in parameter.fields:
                if name in seen:
                    raise ModelError(f"model '{self.name}': parameter '{name}' appears twice in its table")
                seen.add(name)
            if parameter.default not in parameter.allowed:
                raise ModelError(
                    f"model '{self.name}': default {parameter.default:g} of '{parameter.name}' "
                    f"is outside {parameter.allowed}"
                )
        if not self.causes:
            raise ModelError(f"model '{self.name}' names no cause of an end")
        if len(self.causes) > MOST_CAUSES:
            raise ModelError(f"model '{self.name}' names {len(self.causes)} causes; at most {MOST_CAUSES}")
        for kind, count in (("shocks", len(self.kinds(self.shocks))), ("draws", len(self.kinds(self.draws)))):
            if count > 64:
                raise ModelError(f"model '{self.name}' asks for {count} {kind}; at most 64")

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Names of all numbers a firm's parameters consist of, in table order, parts spelled out."""
        return tuple(name for parameter in self.parameters for name in parameter.fields)

    @cached_property
    def Parameters(self) -> type[Any]:
        """The NamedTuple class of `fields` that `settle` receives as `p`."""
        return namedtuple("Parameters", self.fields)

    @cached_property
    def keys(self) -> dict[str, tuple[str, ...]]:
        """What a study may set: key -> the fields it sets (``misalignment`` sets five of `firm`)."""
        table: dict[str, tuple[str, ...]] = {}
        for parameter in self.parameters:
            table[parameter.name] = parameter.fields
            for part, name in zip(parameter.parts, parameter.fields, strict=False):
                table[f"{parameter.name}.{part}"] = (name,)
        return table

    @cached_property
    def defaults(self) -> dict[str, float]:
        """Default of every field."""
        return {name: parameter.default for parameter in self.parameters for name in parameter.fields}

    def parameter(self, key: str) -> Parameter:
        """Return the table row behind a study's key (``misalignment.sales`` -> the row of ``misalignment``)."""
        return next(parameter for parameter in self.parameters if key in parameter.keys)

    @staticmethod
    def kinds(table: type[Any]) -> tuple[str, ...]:
        """Kind (normal or uniform) of every random number of a shocks or draws table."""
        hints = get_type_hints(table, include_extras=True)
        return tuple(get_args(hints[name])[1] for name in table._fields)

    @property
    def module(self) -> str:
        """Where the model's functions are written."""
        return inspect.getmodule(self.step).__name__  # type: ignore[union-attr]
