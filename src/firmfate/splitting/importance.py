"""How near a firm is to an event: an importance function, as a program."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from firmfate.errors import FirmfateError, did_you_mean
from firmfate.models.model import Model
from firmfate.program.graph import Graph
from firmfate.program.program import Program
from firmfate.program.tracing import STEP_ARGUMENTS, Tracing, fields
from firmfate.program.values import Value, is_number

Importance = str | Callable[..., Any]
SEEN = tuple(name for name in STEP_ARGUMENTS if name != "shock")
"""What an importance function may take: shocks are drawn anew in each step, and are no part of a firm's state."""


def importance_program(model: Model, importance: Importance) -> Program:
    """Return the program of an importance function; its only output is ``importance``.

    Parameters
    ----------
    model : Model
    importance : str or callable
        As of `firmfate.rare_event_probability`.

    Raises
    ------
    FirmfateError
        Where a name is no stock or auxiliary of the model, or depends on shocks.
    ModelError
        Where a function does what a program cannot mean.
    """
    if isinstance(importance, str):
        return _of_name(model, importance)
    if not callable(importance):
        raise FirmfateError(
            f"importance = {importance!r}; allowed: the name of a stock or auxiliary, '-' before it where less is "
            f"nearer to the event, or a function of {', '.join(SEEN)}"
        )
    return _of_function(model, importance)


def _of_name(model: Model, text: str) -> Program:
    name = text.removeprefix("-")
    stocks = dict(zip(model.stock_fields, fields(model.signature.stocks), strict=True))
    auxiliaries = {row.name: row.names for row in model.auxiliaries}
    others = {field.replace(".", "_"): field for field in fields(auxiliaries)}
    if name in stocks:
        graph = Graph()
        seen = Program(graph, {"seen": graph.input(f"stock.{stocks[name]}")})
    elif name in others:
        found = model.observed.only([f"auxiliary {others[name]}"])
        seen = Program(found.graph, {"seen": next(iter(found.outputs.values()))})
        if any(given.startswith("shock.") for given in seen.inputs):
            raise FirmfateError(
                f"importance = '{text}': the auxiliary '{name}' depends on the shocks of a step, which are no part of "
                "a firm's state; allowed: stocks, and auxiliaries of stocks and draws"
            )
    else:
        allowed = [*stocks, *others]
        raise FirmfateError(
            f"importance = '{text}' is no stock or auxiliary of the model '{model.name}'{did_you_mean(name, allowed)}"
        )
    graph = Graph()
    value = Value(graph, graph.input("seen"))
    return Program.as_written({"importance": -value if text.startswith("-") else value}).after(seen)


def _of_function(model: Model, function: Callable[..., Any]) -> Program:
    tracing = Tracing(model.signature)
    try:
        taken = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        taken = []
    arguments = [name for name in SEEN if name in taken]
    if not taken or arguments != taken:
        raise FirmfateError(
            f"importance takes ({', '.join(taken)}); allowed: some of ({', '.join(SEEN)}), in this order"
        )
    found = tracing.call(function, arguments)
    if not is_number(found):
        raise tracing.wrong(function, "FF108", f"importance returned {type(found).__name__}; it returns one number")
    return Program.of({"importance": tracing.calls.value(found)})
