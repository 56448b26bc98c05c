"""What a model is: tables of what it declares, and functions that are its equations.

A model's functions are ordinary Python. They are read once, when the model is made, and become a program
(`firmfate.program`) that the engine runs for many firms side by side. `firm` and `car` use exactly what is described
here, and so does a user's ``my_model.py:NAME``::

    start(p, draw) -> dict
        Every stock of a new firm, by name.
    step(s, p, draw, shock, week) -> dict
        Every stock one step later, and for every cause whether the firm exits by it, under its name; where the model
        has an alarm, ``alarm`` says whether it rings, and every mark its value, kept from the step in which the alarm
        rings first.
    observe(s, p, draw, shock, week) -> dict
        Optional: every auxiliary of the step, for trajectories.

`p` has one attribute for each parameter, and ``p.dt``, the length of a step in weeks; `draw` and `shock` have one for
each random number of the firm and of the step, `s` one for each stock, as it is at the start of the step, which is at
`week`. Of causes that hold in one step, the first in the order of the table is the firm's.

A step decides with ``if``, conditional expressions, ``and``, ``or``, ``not``, `min` and `max`. All branches are worked
out, and every firm keeps its own, so a branch may divide by zero: that gives an infinite number, and the root or
logarithm of a negative number is NaN, where Python would raise. What depends on parameters alone is worked out once a
cell, what depends on draws once a firm; there is nothing to gain by doing so by hand.

In place of the function `step` a model may have a list of **equations**, `firmfate.models.equations`: functions named
for what they give, whose arguments are named for what they take. `firm` is written so, one module a division; `step`
and `observe` are then made of them.
"""

from __future__ import annotations

import inspect
import math
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

from firmfate import markup
from firmfate.errors import ModelError
from firmfate.models.checks import check_model
from firmfate.models.declarations import (
    Auxiliary,
    Cause,
    Column,
    Mark,
    Parameter,
    RandomNumber,
    Stock,
)
from firmfate.program.program import Program
from firmfate.program.python_code import Firm, firm
from firmfate.program.random_numbers import EXPONENTIAL, NORMAL, UNIFORM
from firmfate.program.tracing import Signature, fields, place_of, random_program, trace, trace_observed

MEDIANS = {NORMAL: 0.0, UNIFORM: 0.5, EXPONENTIAL: math.log(2.0)}


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """A model of firms that the engine can run; see the head of this file for its functions.

    Parameters
    ----------
    name, summary : str
        What it is called in studies, and one sentence.
    start : callable
        Function of a firm's parameters and draws that gives its stocks.
    step : callable, or sequence of functions and modules
        A function, or equations, which become one; then `observe` gives the auxiliaries by their equations.
    stocks : sequence of Stock
    causes : sequence of Cause
        In the order in which they are judged.
    parameters : sequence of Parameter
    shocks, draws : sequence of RandomNumber
        The random numbers of a step, and of a firm.
    observe : callable, optional
    auxiliaries : sequence of Auxiliary
        What `observe` returns; one of a stock's name stands in its place in trajectories.
    alarm : str
        What the alarm of this model means; empty where it has none.
    marks : sequence of Mark
    check : callable, optional
        ``check(values, dt)`` yields one sentence for every joint condition that resolved parameter values break.
    steps_per_week : float
        The default step: an integer, or 1/k for steps of k weeks.

    Raises
    ------
    ModelError
        Where tables or functions are not what a model can be; with the number of the error, and the line.

    Examples
    --------
    A model is a file with its functions; those of a model that is there show what one consists of:

    >>> from firmfate.models import load_model
    >>> car = load_model("car")
    >>> car.stock_fields, [cause.name for cause in car.causes], car.defaults["notice"]
    (('distance',), ['crash'], 0.1)

    The tutorial "a model of your own" makes one from a blank file.
    """

    name: str
    summary: str
    start: Callable[..., Mapping[str, Any]]
    step: Callable[..., Mapping[str, Any]] | Sequence[Callable[..., Any] | ModuleType]
    stocks: tuple[Stock, ...]
    causes: tuple[Cause, ...]
    parameters: tuple[Parameter, ...] = ()
    shocks: tuple[RandomNumber, ...] = ()
    draws: tuple[RandomNumber, ...] = ()
    observe: Callable[..., Mapping[str, Any]] | None = None
    auxiliaries: tuple[Auxiliary, ...] = ()
    alarm: str = ""
    marks: tuple[Mark, ...] = ()
    check: Callable[[Mapping[str, float], float], Iterator[str]] | None = None
    steps_per_week: float = 1.0

    def __post_init__(self) -> None:
        check_model(self)
        _ = self.program
        if self.observe is not None and not self.observe.__module__.startswith("firmfate."):
            _ = self.observed  # of built-in models it is read when a trajectory asks for it
        if not self.module.startswith("firmfate."):
            again = trace(self.signature, self.start, self._step)
            if again.digest != self.traced.digest:
                file, line = place_of(self.step)
                raise ModelError.numbered(
                    "FF119",
                    "start and step are not the same each time that they are read; they may depend on nothing but "
                    "their arguments and constants",
                    model=self.name, file=file, line=line,
                )  # fmt: skip

    @cached_property
    def signature(self) -> Signature:
        """What the functions see, by name."""

        def table(rows: Iterable[Column]) -> dict[str, tuple[str, ...]]:
            return {row.name: row.names for row in rows}

        def kinds(rows: Iterable[RandomNumber]) -> tuple[str, ...]:
            return tuple(row.kind for row in rows for _ in row.fields)

        return Signature(
            model=self.name,
            parameters={row.name: row.names for row in self.parameters},
            draws=table(self.draws), shocks=table(self.shocks), stocks=table(self.stocks),
            draw_kinds=kinds(self.draws), shock_kinds=kinds(self.shocks),
            causes=tuple(cause.name for cause in self.causes), marks=tuple(mark.name for mark in self.marks),
            alarm=bool(self.alarm),
        )  # fmt: skip

    @property
    def _step(self) -> Callable[..., Any]:
        """The step as a function, which it is of every model that is made."""
        assert callable(self.step)
        return self.step

    @cached_property
    def traced(self) -> Program:
        """The program of `start` and `step`, whose random numbers are inputs."""
        return trace(self.signature, self.start, self._step)

    @cached_property
    def randomness(self) -> Program:
        """The program of the model's random numbers."""
        return random_program(self.signature)

    @cached_property
    def program(self) -> Program:
        """The whole program: random numbers, start and step. Its digest is the model's identity."""
        return self.traced.after(self.randomness)

    @cached_property
    def observed(self) -> Program:
        """The program of `observe`, whose random numbers are inputs."""
        assert self.observe is not None
        return trace_observed(self.signature, self.observe, {row.name: row.names for row in self.auxiliaries})

    @cached_property
    def in_python(self) -> Firm:
        """`start` and `step` as plain Python, for one firm at a time, to the bits of the engine."""
        return firm(self.traced, fields(self.signature.shocks))

    def first_step(self, row: Iterable[float], dt: float) -> dict[str, float]:
        """Return the stocks of a firm after its first step, with median random numbers; of a start that is not finite,
        the stocks at the start.

        Parameters
        ----------
        row : iterable of float
            A value for each of `fields`.
        dt : float
            Length of a step in weeks.
        """
        given = {f"p.{name}": value for name, value in zip(fields(self.signature.parameters), row, strict=True)}
        medians = zip(fields(self.signature.draws), self.signature.draw_kinds, strict=True)
        given |= {f"draw.{name}": MEDIANS[kind] for name, kind in medians}
        stocks, fixed = self.in_python.begin({**given, "run.dt": dt})
        if all(math.isfinite(value) for value in stocks):
            shocks = [MEDIANS[kind] for kind in self.signature.shock_kinds]
            stocks, *_ = self.in_python.step(stocks, shocks, 0.0, fixed)
        return dict(zip(self.stock_fields, stocks, strict=True))

    def broken_conditions(self, values: Mapping[str, float], dt: float) -> Iterator[str]:
        """Yield the sentences of `check`: the joint conditions that values break, and those that cannot be computed.

        Raises
        ------
        ModelError
            Where `check` fails otherwise than by arithmetic, or yields something else than text; with the line.
        """
        if self.check is None:
            return
        try:
            found = self.check(values, dt)
            if isinstance(found, str) or not isinstance(found, Iterable):
                raise TypeError(f"check returned {found!r}; it yields sentences")
            for sentence in found:
                if not isinstance(sentence, str):
                    raise TypeError(f"check yielded {sentence!r}; it yields sentences")
                yield sentence
        except (ArithmeticError, ValueError) as fault:
            yield f"the conditions of model '{self.name}' cannot be computed: {fault}"
        except (Exception, SystemExit) as fault:
            code = getattr(inspect.unwrap(self.check), "__code__", None)
            file, line = (code.co_filename, code.co_firstlineno) if code else ("", 0)
            lines = [frame.lineno for frame in traceback.extract_tb(fault.__traceback__) if frame.filename == file]
            text = f"check failed: {type(fault).__name__}: {fault}"
            raise ModelError.numbered(
                "FF123", text, model=self.name, file=file, line=(lines or [line])[-1] or line
            ) from fault

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Names of all numbers a firm's parameters consist of, in table order, parts spelled out."""
        return tuple(name for parameter in self.parameters for name in parameter.fields)

    @cached_property
    def stock_fields(self) -> tuple[str, ...]:
        """Names of all stocks, parts spelled out, as trajectories show them."""
        return tuple(name for stock in self.stocks for name in stock.fields)

    @cached_property
    def keys(self) -> dict[str, tuple[str, ...]]:
        """What a study may set: key -> the fields it sets (``misalignment`` sets five of `firm`)."""
        table: dict[str, tuple[str, ...]] = {}
        for parameter in self.parameters:
            table[parameter.name] = parameter.fields
            for part, name in zip(parameter.names, parameter.fields, strict=False):
                table[f"{parameter.name}.{part}"] = (name,)
        return table

    def key(self, name: str) -> str:
        """Return a name as `keys` have it: ``misalignment_sales`` of datasets is ``misalignment.sales`` of studies.

        What is no name of a parameter is returned as it is.
        """
        return name if name in self.keys else self._keys_of_datasets.get(name, name)

    @cached_property
    def _keys_of_datasets(self) -> dict[str, str]:
        return {key.replace(".", "_"): key for key in self.keys}

    @cached_property
    def defaults(self) -> dict[str, float]:
        """Default of every field."""
        return {name: float(parameter.default) for parameter in self.parameters for name in parameter.fields}

    def parameter(self, key: str) -> Parameter:
        """Return the table row behind a study's key (``misalignment.sales`` -> the row of ``misalignment``)."""
        return next(parameter for parameter in self.parameters if key in parameter.keys)

    def __repr__(self) -> str:
        sizes = f"{len(self.fields)} parameters, {len(self.stock_fields)} stocks, {len(self.causes)} causes"
        return f"<Model '{self.name}': {self.summary.rstrip('.')}; {sizes}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the summary, and the tables where they are unfolded."""
        parameters = [
            (row.name + (" *" if row.assumption else ""), f"{row.default:g}", row.unit, str(row.allowed), row.meaning)
            for row in self.parameters
        ]
        tables = {
            "parameters": markup.table(("parameter", "default", "unit", "allowed", "meaning"), parameters),
            "stocks": markup.table(
                ("stock", "unit", "meaning"), ((row.name, row.unit, row.meaning) for row in self.stocks)
            ),
            "causes": markup.table(("cause", "meaning"), ((row.name, row.meaning) for row in self.causes)),
        }
        shown = (markup.folded(f"{len(getattr(self, name))} {name}", tables[name]) for name in tables)
        return markup.paragraph(f"Model {self.name}", strong=True) + markup.paragraph(self.summary) + "".join(shown)

    @property
    def module(self) -> str:
        """Name of the module that the step is written in."""
        found = inspect.getmodule(self.step)
        return found.__name__ if found is not None else ""
