"""Posterior: every draw of a posterior of the model's parameters, crossed with axes of its own.

Draws are rows of a CSV file, a column a parameter, as ``firmfate calibrate --posterior`` writes them. The finding then
states each number with two errors: that of the simulation, and that of what the posterior leaves open.

Examples
--------
>>> import firmfate
>>> from pathlib import Path
>>> _ = Path("draws.csv").write_text("cash_buffer,unit_cost\\n4,0.55\\n6,0.58\\n9,0.6\\n")
>>> study = firmfate.Study.parse('''
... [study]
... name = "over-draws"
... years = 10
... replicates = 200
...
... [posterior]
... draws = "draws.csv"
... execution = [0.05, 1]
... misalignment = [0, 1]
... ''')
>>> study.design.words.partition(", each with ")[0]
'draws of a posterior (3) over cash buffer and unit cost'
>>> ds = firmfate.run(study, into="runs/over-draws", progress=False)
>>> years = firmfate.survival.rmst(ds) / 52
>>> years.sizes["cell"]  # three draws of four firms each
12
>>> found = firmfate.analysis.finding(ds)
>>> "(Monte Carlo)" in str(found), "(parameters)" in str(found)
(True, True)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from firmfate.design.axes import Axis, read_axes, read_values, values_schema
from firmfate.design.base import Design, Points
from firmfate.errors import StudyError
from firmfate.tables import reading, schema
from firmfate.tables.schema import ParameterSchemas, Schema
from firmfate.tables.source import Source, allowed_value

DRAWS = "draws"


@dataclass(frozen=True)
class Posterior(Design):
    """Draws, each with every combination of the other axes' values."""

    kind = "posterior"
    called = "draws of a posterior"
    summary = (
        'every draw of a posterior (`draws = "draws.csv"`, as `firmfate calibrate --posterior` writes it, or a list of '
        "tables), with every combination of other axes' values; the finding has both errors"
    )
    example = (
        "[posterior]\ndraws = [{ unit_cost = 0.55, cash_buffer = 4 }, { unit_cost = 0.58, cash_buffer = 9 }]\n"
        "execution = [0.05, 1]\nmisalignment = [0, 1]\n"
    )

    @classmethod
    def read(cls, written: object, source: Source) -> Self:
        """Read the file of draws, and the axes."""
        table = reading.table(written, cls.kind)
        crossed = read_axes(table, cls.kind, source, read_values, words=(DRAWS,))
        if DRAWS not in table:
            raise StudyError(f"[{cls.kind}] needs '{DRAWS}', the CSV file of the draws: a column a parameter")
        before = len(source.faults.found)
        path, where = table[DRAWS], f"{cls.kind}.{DRAWS}"
        if isinstance(path, str):
            rows, head = source.rows(path, where), f"{reading.named(path)} line 1"
        elif isinstance(path, list) and path and all(isinstance(row, dict) for row in path):
            rows, head = [(f"{where}[{place}]", row) for place, row in enumerate(path)], f"{where}[0]"
        else:
            reading.refuse(where, path, 'must be a CSV file, "draws.csv", or a list of tables, each a draw')
        keys = [key for key, _ in source.parameters(rows[0][1], head)]
        if len(rows) < 2:
            raise StudyError(f"{where}: has one draw; errors of parameters need two or more")
        if twice := sorted({axis.key for axis in crossed} & set(keys)):
            raise StudyError(f"{cls.kind}.{twice[0]}: {where} draws it already; keep one")
        if differing := next((at for at, row in rows if row.keys() != rows[0][1].keys()), None):
            raise StudyError(f"{differing}: every draw has the same keys as the first one")
        columns: dict[str, list[float]] = {key: [] for key in keys}
        for path, row in rows:
            for key, value in source.parameters(row, path):
                with source.faults.noted():
                    columns[key].append(allowed_value(value, f"{path}.{key}", source.model.parameter(key)))
        if len(source.faults.found) > before:
            return cls()
        return cls((*(Axis(key, tuple(values), drawn=True) for key, values in columns.items()), *crossed))

    @property
    def count(self) -> int:
        """Draws times the product of the other axes' lengths."""
        drawn, crossed = self._apart
        return len(drawn[0].values) * math.prod(len(axis.values) for axis in crossed)

    def points(self, seed: int) -> Points:
        """Return the values of the axes in every cell, shape (cells, axes), the draw slowest."""
        drawn, crossed = self._apart
        draws = np.array([axis.values for axis in drawn]).T
        mesh = np.meshgrid(*(np.array(axis.values) for axis in crossed), indexing="ij")
        each = np.stack([values.ravel() for values in mesh], axis=-1) if crossed else np.empty((1, 0))
        return np.concatenate([np.repeat(draws, len(each), axis=0), np.tile(each, (len(draws), 1))], axis=1)

    @property
    def _apart(self) -> tuple[list[Axis], list[Axis]]:
        return [axis for axis in self.axes if axis.drawn], [axis for axis in self.axes if not axis.drawn]

    @classmethod
    def schema(cls, parameters: ParameterSchemas) -> Schema:
        """Return the JSON schema of [posterior]."""
        draw = parameters.table("value", schema.value, "one draw")
        listed: Schema = {"type": "array", "minItems": 2, "items": draw}
        draws = {"anyOf": [{"type": "string"}, listed], "description": "draws: a CSV file, or a list of tables"}
        return {**parameters.table("axis", values_schema, cls.called, {DRAWS: draws}), "required": [DRAWS]}

    @property
    def words(self) -> str:
        """How many draws of what, and the other axes."""
        drawn, crossed = self._apart
        count, over = len(drawn[0].values), " and ".join(axis.words for axis in drawn)
        of = f"{self.called} ({count:,}) over {over}"
        each = " and ".join(f"{axis.words} ({len(axis.values)} values)" for axis in crossed)
        return f"{of}, each with {each}" if each else of
