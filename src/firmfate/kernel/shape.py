"""The shape of a model's tuples: which numbers they hold, nested ones in order, and how many rows they take."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, get_type_hints

from firmfate.errors import ModelError
from firmfate.models.model import Model


def members(table: type[Any]) -> list[tuple[str, type[Any] | None]]:
    """Return the fields of a NamedTuple class; the second item is the class of a nested one, None for a number."""
    hints = get_type_hints(table)
    found = []
    for name in table._fields:
        hint = hints.get(name, float)
        nested = hint if inspect.isclass(hint) and issubclass(hint, tuple) and hasattr(hint, "_fields") else None
        found.append((name, nested))
    return found


def rows(table: type[Any]) -> int:
    """Return how many numbers a NamedTuple class holds in all."""
    return sum(1 if nested is None else rows(nested) for _, nested in members(table))


def leaves(values: Any) -> Iterator[Any]:
    """Yield the members of a tuple, those of nested ones in order."""
    for value in values:
        if isinstance(value, tuple):
            yield from leaves(value)
        else:
            yield value


def flat(values: Any) -> list[float]:
    """Return the numbers of a (nested) NamedTuple in order."""
    return [float(value) for value in leaves(values)]


def classes(model: Model) -> tuple[type[Any], type[Any]]:
    """Return the NamedTuple classes of a model's constants and traits, as `settle` and `start` make them from its
    defaults."""
    dt = 1.0 / model.steps_per_week
    constants = model.settle(model.Parameters(**model.defaults), dt)
    kinds = model.kinds(model.draws)
    stocks, traits = model.start(constants, model.draws(*(0.5 if kind == "uniform" else 0.0 for kind in kinds)))
    for role, value in (("settle must return constants", constants), ("start must return traits", traits)):
        if not (isinstance(value, tuple) and hasattr(value, "_fields")):
            raise ModelError(f"model '{model.name}': {role} as a NamedTuple; it returned {type(value).__name__}")
    if type(stocks) is not model.stocks:
        raise ModelError(
            f"model '{model.name}': start must return stocks as {model.stocks.__name__}; "
            f"it returned {type(stocks).__name__}"
        )
    return type(constants), type(traits)
