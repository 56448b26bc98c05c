"""A model as equations: functions named for what they give, whose arguments are named for what they take.

``next_cash(s, p, sale)`` gives the stock `cash` one step later, and takes what an equation `sale` gives. A cause, a
mark, ``alarm`` and an auxiliary are given by the equation of their name, and so is whatever other equations take. The
order in which equations are written has no meaning: each is worked out once a step, after those that it takes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import FunctionType, ModuleType
from typing import Any, NoReturn

from firmfate.errors import ModelError, did_you_mean
from firmfate.program.tracing import STEP_ARGUMENTS, place_of

Equation = Callable[..., Any]
Order = Sequence[tuple[str, Equation, Sequence[str]]]
"""Equations in an order in which they can be worked out: the name, the function, and the names that it takes."""


class Equations:
    """The equations of a model.

    Parameters
    ----------
    model : str
        The model's own name, for messages.
    written : sequence of functions and modules
        Of a module, its own functions. What no other takes, and no table declares, is left out.
    where : tuple of str and int
        File and line where the model is made, for messages.

    Raises
    ------
    ModelError
        FF124, where an equation is missing, is there twice, or takes what it gives itself.
    """

    def __init__(self, model: str, written: Iterable[Any], where: tuple[str, int]) -> None:
        self.model, self.where = model, where
        self.functions: dict[str, list[FunctionType]] = {}
        for item in written:
            found = _own_functions(item) if isinstance(item, ModuleType) else [item]
            for function in found:
                if not isinstance(function, FunctionType):
                    self._refuse(f"step holds {function!r}; it takes equations: functions, or modules of them", where)
                same = self.functions.setdefault(function.__name__, [])
                if function not in same:
                    same.append(function)

    def step(self, stocks: Iterable[str], flags: Iterable[str]) -> FunctionType:
        """Return the step that they make.

        Parameters
        ----------
        stocks, flags : iterable of str
            Stocks are given by their ``next_NAME``; causes, the alarm and marks by their names.

        Raises
        ------
        ModelError
            FF124.
        """
        return self._made({**{name: f"next_{name}" for name in stocks}, **{name: name for name in flags}}, _step)

    def observe(self, auxiliaries: Iterable[str]) -> FunctionType:
        """Return the function that gives auxiliaries; one of a stock's name is what the stock becomes.

        Parameters
        ----------
        auxiliaries : iterable of str

        Raises
        ------
        ModelError
            FF124.
        """
        found = {name: name if name in self.functions else f"next_{name}" for name in auxiliaries}
        return self._made({name: made if made in self.functions else name for name, made in found.items()}, _observe)

    def _made(self, results: Mapping[str, str], function: Callable[[Order, Mapping[str, str]], Any]) -> FunctionType:
        order: dict[str, tuple[str, Equation, Sequence[str]]] = {}
        for name in results.values():
            self._add(name, order, ())
        made: FunctionType = function(tuple(order.values()), results)
        made.equations = {name: order[given][1] for name, given in results.items()}  # type: ignore[attr-defined]
        made.where = self.where  # type: ignore[attr-defined]
        modules = [equation.__module__ for _, equation, _ in order.values()]
        made.__module__ = next((one for one in modules if not one.startswith("firmfate.")), modules[0])
        return made

    def _add(self, name: str, order: dict[str, Any], waiting: tuple[str, ...]) -> None:
        """Add an equation to an order, after those that it takes; others, each of which takes the next, wait for it."""
        if name in order:
            return
        where = place_of(self.functions[waiting[-1]][0]) if waiting else self.where
        if name in STEP_ARGUMENTS:
            self._refuse(f"'{name}' is what every equation may take; rename the cause, mark or auxiliary", where)
        if name in waiting:
            circle = " takes ".join(f"'{each}'" for each in (*waiting[waiting.index(name) :], name))
            self._refuse(f"{circle}: take a stock at one place of the circle, or join the equations to one", where)
        functions = self.functions.get(name, [])
        if not functions:
            hint = did_you_mean(name, self.functions) or f"; write a function {name}(...)"
            who = f", which '{waiting[-1]}' takes" if waiting else ""
            self._refuse(f"there is no equation '{name}'{who}{hint}", where)
        if len(functions) > 1:
            places = " and ".join("{}:{}".format(*place_of(function)) for function in functions)
            self._refuse(f"the equation '{name}' is given twice, in {places}; rename one", where)
        (function,) = functions
        taken = inspect.signature(function).parameters
        for argument in taken.values():
            by_name = argument.kind in (argument.POSITIONAL_OR_KEYWORD, argument.KEYWORD_ONLY)
            if not by_name or argument.default is not argument.empty:
                text = f"'{name}' takes '{argument}'; an equation takes names alone, with no defaults and no '/'"
                self._refuse(text, place_of(function))
        for one in taken:
            if one not in STEP_ARGUMENTS:
                self._add(one, order, (*waiting, name))
        order[name] = (name, function, tuple(taken))

    def _refuse(self, text: str, where: tuple[str, int]) -> NoReturn:
        raise ModelError.numbered("FF124", text, model=self.model, file=where[0], line=where[1])


def _own_functions(module: ModuleType) -> list[FunctionType]:
    return [
        item for item in vars(module).values() if isinstance(item, FunctionType) and item.__module__ == module.__name__
    ]


# A function that is traced has the name by which it is defined, so there are two.


def _step(order: Order, results: Mapping[str, str]) -> Any:
    def step(s: Any, p: Any, draw: Any, shock: Any, week: Any) -> Any:
        return worked_out(order, results, {"s": s, "p": p, "draw": draw, "shock": shock, "week": week})

    return step


def _observe(order: Order, results: Mapping[str, str]) -> Any:
    def observe(s: Any, p: Any, draw: Any, shock: Any, week: Any) -> Any:
        return worked_out(order, results, {"s": s, "p": p, "draw": draw, "shock": shock, "week": week})

    return observe


def worked_out(order: Order, results: Mapping[str, str], known: dict[str, Any]) -> dict[str, Any]:
    """Return what equations give, by the names of the results."""
    for name, equation, taken in order:
        known[name] = equation(**{argument: known[argument] for argument in taken})
    return {name: known[equation] for name, equation in results.items()}
