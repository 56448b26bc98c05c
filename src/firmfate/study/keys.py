"""Keys of parameters: ``misalignment`` for the whole, ``misalignment.sales`` for a part, which overrides the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from firmfate.errors import StudyError, did_you_mean
from firmfate.models import Model
from firmfate.models.declarations import Parameter
from firmfate.study import reading
from firmfate.study.reading import refuse

MOST_LISTED = 20
"""Names that a message still lists; a model with more prints them by a command."""


def parameter_keys(
    written: Mapping[str, Any], model: Model, path: str, *, words: tuple[str, ...] = ()
) -> Iterator[tuple[str, Any]]:
    """Yield (key, value) of a table of parameters; ``misalignment = { sales = 1 }`` is ``"misalignment.sales" = 1``.

    Parameters
    ----------
    written : mapping
    model : Model
    path : str
        Where the table stands, for messages.
    words : tuple of str
        Keys that are not parameters and are left out.
    """
    seen = set()
    for name, value in written.items():
        if name in words:
            continue
        row = next((parameter for parameter in model.parameters if parameter.name == name), None)
        if row is not None and isinstance(value, dict) and any(part in row.parts for part in value):
            pairs = [(f"{name}.{part}", item) for part, item in value.items()]
        else:
            pairs = [(name, value)]
        for key, item in pairs:
            if key not in model.keys:
                raise StudyError(
                    f"{path}.{key}: model '{model.name}' has no parameter '{key}'{_hint(key, model, words)}"
                )
            if key in seen:
                raise StudyError(f"{path}.{key} is written twice, as a key and as a nested table; keep one")
            seen.add(key)
            yield key, item


def _hint(key: str, model: Model, words: tuple[str, ...]) -> str:
    """Say which key may have been meant: the parts of a parameter, a near word, all there are, or where they stand."""
    whole = key.partition(".")[0]
    if whole != key and (row := next((row for row in model.parameters if row.name == whole), None)):
        return f"; allowed: {', '.join(row.keys)}"
    names = (*words, *(row.name for row in model.parameters))
    listed = ", ".join(names) if len(names) <= MOST_LISTED else "those that `firmfate parameters` lists"
    return did_you_mean(key, (*words, *model.keys)) or f"; allowed: {listed}"


def allowed_value(value: object, path: str, row: Parameter) -> float:
    """Return a parameter's value where it is a number in its allowed range, rounded to 12 significant digits."""
    found = reading.quantity(value, path, row.unit)
    if found not in row.allowed:
        refuse(path, value, f"must lie in {row.allowed} ({row.unit}): {row.meaning}")
    return found
