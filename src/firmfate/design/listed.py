"""List: the cells as the study gives them, one by one or in a CSV file.

All cells name the same parameters; a list that grows runs its new cells alone. Cells may have names, which label them
in the result; other names for the same values are still the same cells.

Examples
--------
>>> import firmfate
>>> study = firmfate.Study.parse('''
... [study]
... name = "three-firms"
... years = 10
... replicates = 500
...
... [[cells]]
... name = "weak"
... execution = 0.2
... misalignment = 1
...
... [[cells]]
... name = "aligned"
... execution = 0.9
... misalignment = 0
...
... [[cells]]
... name = "misaligned"
... execution = 0.9
... misalignment = 1
... ''')
>>> ds = firmfate.run(study, into="runs/three-firms", progress=False)
>>> alive = firmfate.survival.kaplan_meier(ds).sel(week=260)  # after five years
>>> table = alive.to_dataframe()[["execution", "misalignment", "estimate", "se"]]
>>> print(table.round(3).reset_index().to_string(index=False))
      cell  execution  misalignment  estimate    se
      weak        0.2           1.0     0.798 0.018
   aligned        0.9           0.0     0.994 0.003
misaligned        0.9           1.0     0.190 0.018
>>> round(float(alive.estimate.sel(cell="weak")), 3)
0.798

The same cells from a file beside the study; times may carry units there too:

>>> from pathlib import Path
>>> _ = Path("cells.csv").write_text("execution,correct_time\\n0.9,13 weeks\\n0.9,2 years\\n")
>>> study = firmfate.Study.parse('''
... cells = "cells.csv"
...
... [study]
... name = "from-a-file"
... years = 10
... replicates = 500
...
... [parameters]
... misalignment = 1
... ''')
>>> ds = firmfate.run(study, into="runs/from-a-file", progress=False)
>>> alive = firmfate.survival.kaplan_meier(ds).sel(week=260)
>>> table = alive.to_dataframe()[["execution", "correct_time", "estimate", "se"]]
>>> print(table.round(3).to_string(index=False))
 execution  correct_time  estimate    se
       0.9          13.0     0.516 0.022
       0.9         104.0     0.082 0.012
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from firmfate.design.axes import Axis
from firmfate.design.base import Design, Points
from firmfate.errors import StudyError
from firmfate.tables import reading, schema
from firmfate.tables.reading import refuse
from firmfate.tables.schema import ParameterSchemas, Schema
from firmfate.tables.source import Source, allowed_value

NAME = "name"
LONGEST_NAME = 64


@dataclass(frozen=True)
class Listed(Design):
    """Cells one by one."""

    labels: tuple[str, ...] = ()

    kind = "cells"
    called = "listed cells"
    summary = 'cells one by one, as a list of tables or a CSV file (`cells = "cells.csv"`); they may have a `name`'
    example = (
        '[[cells]]\nname = "weak"\nexecution = 0.2\nmisalignment = 1\n\n'
        '[[cells]]\nname = "strong"\nexecution = 0.9\nmisalignment = 1\n'
    )

    @classmethod
    def read(cls, written: object, source: Source) -> Self:
        """Read ``[[cells]]`` or ``cells = "file.csv"``: every cell has the same keys."""
        before = len(source.faults.found)
        if isinstance(written, str):
            rows = [(path, _named(row)) for path, row in source.rows(written, cls.kind)]
            # A column of no parameter is refused where it is named, once.
            list(source.parameters(rows[0][1], f"{reading.named(written)} line 1", words=(NAME,)))
            if len(source.faults.found) > before:
                return cls()
        elif isinstance(written, list) and written and all(isinstance(item, dict) for item in written):
            rows = [(f"{cls.kind}[{place}]", item) for place, item in enumerate(written)]
        else:
            what = 'must be a list of tables, each written [[cells]], or a CSV file, cells = "cells.csv"'
            refuse(cls.kind, written, what)
        columns: dict[str, list[float]] = {}
        labels: list[str] = []
        keys: set[str] = set()
        for path, row in rows:
            cell = dict(source.parameters(row, path, words=(NAME,)))
            for key, item in cell.items():
                with source.faults.noted():
                    value = allowed_value(item, f"{path}.{key}", source.model.parameter(key))
                    columns.setdefault(key, []).append(value)
            with source.faults.noted():
                if NAME in row:
                    labels.append(_label(row[NAME], f"{path}.{NAME}"))
            own = {*cell, *({NAME} & row.keys())}
            keys = keys or own
            if own != keys and len(source.faults.found) == before:
                differing = ", ".join(sorted(own ^ keys))
                raise StudyError(f"{path}: every cell has the same keys as the first one; differing: {differing}")
        if len(source.faults.found) == before:
            _check_distinct([path for path, _ in rows], columns, labels)
        return cls(tuple(Axis(key, tuple(column)) for key, column in columns.items()), tuple(labels))

    @property
    def count(self) -> int:
        """A cell a row."""
        return len(self.axes[0].values)

    def points(self, seed: int) -> Points:
        """Return the values of the axes in every cell, shape (cells, axes)."""
        return np.array([axis.values for axis in self.axes]).T

    @classmethod
    def schema(cls, parameters: ParameterSchemas) -> Schema:
        """Return the JSON schema of ``cells``."""
        name: Schema = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME, "description": "name of the cell"}
        cell = parameters.table("value", schema.value, "one cell", {NAME: name})
        listed = {"type": "array", "minItems": 1, "items": cell}
        return {"anyOf": [{"type": "string"}, listed], "description": "a list, [[cells]], or a CSV file"}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the cells."""
        return self.labels


def _named(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of a CSV file; a name that looks like a number is text all the same."""
    return {key: f"{item:g}" if key == NAME and isinstance(item, float) else item for key, item in row.items()}


def _label(written: object, path: str) -> str:
    name = reading.text(written, path)
    if not 0 < len(name) <= LONGEST_NAME or name != " ".join(name.split()):
        refuse(path, written, f"must be 1 to {LONGEST_NAME} characters, with single spaces between words")
    return name


def _check_distinct(paths: list[str], columns: dict[str, list[float]], names: list[str]) -> None:
    """Refuse cells that are the same, and names that are."""
    seen: dict[Any, str] = {}
    for path, values in zip(paths, zip(*columns.values(), strict=True), strict=False):
        if values in seen:
            raise StudyError(f"{path} is the same cell as {seen[values]}; keep one")
        seen[values] = path
    for path, name in zip(paths, names, strict=False):
        if name in seen:
            raise StudyError(f"{path}.{NAME}: '{name}' is the name of {seen[name]} already; choose another")
        seen[name] = path
