"""What a table is read with: the model whose parameters its keys name, the folder of its files, and what was wrong.

A key is ``misalignment`` for all parts of a parameter, ``misalignment.sales`` for one, which overrides the former.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firmfate.errors import did_you_mean
from firmfate.models import Model
from firmfate.models.declarations import Parameter
from firmfate.tables import reading
from firmfate.tables.csv_files import read_rows
from firmfate.tables.faults import Faults
from firmfate.tables.reading import named, refuse

MOST_LISTED = 20
"""Names that a message still lists; a model with more prints them by a command."""


@dataclass(frozen=True)
class Source:
    """What the readers of one study share.

    Attributes
    ----------
    model : Model
        Its parameters are what keys may name.
    folder : Path
        Where relative paths start.
    files : dict
        Files that were read: as written -> path.
    faults : Faults
        What was wrong so far; a reader may note a fault here and go on.
    """

    model: Model
    folder: Path
    files: dict[str, Path] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)

    def parameters(
        self, written: Mapping[str, Any], path: str, *, words: tuple[str, ...] = ()
    ) -> Iterator[tuple[str, Any]]:
        """Yield (key, value) of a table of parameters; ``alarm = { sales = 1 }``, and ``alarm_sales = 1`` as datasets
        have it, are ``"alarm.sales" = 1``.

        Keys that name no parameter, or are written twice, are noted as faults and left out.

        Parameters
        ----------
        written : mapping
        path : str
            Where the table stands, for messages.
        words : tuple of str
            Keys that are not parameters and are left out.
        """
        seen = set()
        for name, value in written.items():
            if name in words:
                continue
            row = next((parameter for parameter in self.model.parameters if parameter.name == name), None)
            if row is not None and isinstance(value, dict) and any(part in row.names for part in value):
                pairs = [(f"{name}.{part}", item) for part, item in value.items()]
            else:
                pairs = [(name, value)]
            for name_of_key, item in pairs:
                key = self.model.key(name_of_key)
                if key not in self.model.keys:
                    hint = self._hint(key, words)
                    shown = named(key)
                    self.faults.note(f"{path}.{shown}: model '{self.model.name}' has no parameter '{shown}'{hint}")
                elif key in seen:
                    self.faults.note(f"{path}.{key} is written twice, as a key, in a nested table or with _; keep one")
                else:
                    seen.add(key)
                    yield key, item

    def rows(self, name: str, path: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the rows of a CSV file as (where, row of numbers or quantities)."""
        return read_rows(name, path, self.folder, self.files)

    def _hint(self, key: str, words: tuple[str, ...]) -> str:
        """Return which key may have been meant: the parts of a parameter, a near word, all there are, or where they
        stand."""
        all_parts = key.partition(".")[0]
        if all_parts != key and (row := next((row for row in self.model.parameters if row.name == all_parts), None)):
            return f"; allowed: {', '.join(row.keys)}"
        names = (*words, *(row.name for row in self.model.parameters))
        listed = ", ".join(names) if len(names) <= MOST_LISTED else "those that `firmfate parameters` lists"
        return did_you_mean(key, (*words, *self.model.keys)) or f"; allowed: {listed}"


def allowed_value(value: object, path: str, row: Parameter) -> float:
    """Return a parameter's value where it is a number in its allowed range, rounded to 12 significant digits."""
    found = reading.quantity(value, path, row.unit)
    if found not in row.allowed:
        refuse(path, value, f"must lie in {row.allowed} ({row.unit}): {row.meaning}")
    return found
