"""Coalitions: every subset of a set of axes switched on, the rest off; what Shapley's values are computed from.

Examples
--------
>>> import firmfate
>>> study = firmfate.Study.parse('''
... [study]
... name = "who"
... years = 10
... replicates = 400
...
... [coalitions]
... "misalignment.sales" = { off = 0, on = 1 }
... "misalignment.quality" = { off = 0, on = 1 }
... "misalignment.finance" = { off = 0, on = 1 }
...
... [parameters]
... execution = 0.9
... ''')
>>> ds = firmfate.run(study, into="runs/who", progress=False)
>>> years = firmfate.survival.rmst(ds).estimate / 52
>>> years.values.round(1)  # nobody, sales, quality, both, finance, finance and sales, finance and quality, all
array([9.6, 7.6, 9.1, 6.2, 9.3, 7.6, 6.6, 4.6])
>>> from firmfate.sensitivity import shapley
>>> lost = shapley(ds).sel(share="shapley")
>>> dict(zip(lost.player.values.tolist(), lost.estimate.values.round(1).tolist()))  # years of life
{'sales': 2.1, 'quality': 1.8, 'finance': 1.0}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from firmfate.design.axes import Axis, read_axes
from firmfate.design.base import Design, Points
from firmfate.errors import StudyError
from firmfate.models.declarations import Parameter
from firmfate.tables import reading, schema
from firmfate.tables.reading import refuse
from firmfate.tables.schema import ParameterSchemas, Schema
from firmfate.tables.source import Source, allowed_value

MOST_PLAYERS = 16


@dataclass(frozen=True)
class Coalitions(Design):
    """Every subset of the axes on, the others off; the axes are the players of a cooperative game."""

    kind = "coalitions"
    called = "all coalitions"
    summary = "every subset of the axes switched on, the rest off; for Shapley values"
    example = '[coalitions]\n"misalignment.sales" = { off = 0, on = 1 }\n"misalignment.quality" = { off = 0, on = 1 }\n'

    @classmethod
    def read(cls, written: object, source: Source) -> Self:
        """Read the players."""
        return cls(read_axes(reading.table(written, cls.kind), cls.kind, source, read_player))

    def check(self) -> None:
        """Refuse more players than there can be cells of."""
        if len(self.axes) > MOST_PLAYERS:
            raise StudyError(
                f"[coalitions] has {len(self.axes)} axes, so 2^{len(self.axes)} cells; at most {MOST_PLAYERS}"
            )

    @property
    def count(self) -> int:
        """A cell a subset."""
        return 1 << len(self.axes)

    def points(self, seed: int) -> Points:
        """Return the value of every axis in every coalition, shape (cells, axes)."""
        off, on = np.array([axis.values for axis in self.axes]).T
        found: Points = np.where(members(len(self.axes)), on, off)
        return found

    @classmethod
    def schema(cls, parameters: ParameterSchemas) -> Schema:
        """Return the JSON schema of [coalitions]."""
        return parameters.table("player", player_schema, "every subset of the axes on, the others off")


def members(axes: int) -> NDArray[np.bool_]:
    """Return who is in each coalition, shape (2**axes, axes): coalition c has axis i where bit i of c is set."""
    return (np.arange(1 << axes)[:, np.newaxis] >> np.arange(axes) & 1).astype(bool)


def read_player(key: str, value: object, path: str, row: Parameter) -> Axis:
    """Read one player: ``[off, on]`` or ``{ off = .., on = .. }``."""
    if isinstance(value, list) and len(value) == 2:
        value = {"off": value[0], "on": value[1]}
    if not isinstance(value, dict) or set(value) != {"off", "on"}:
        refuse(path, value, "must be { off = .., on = .. }, or [off, on]")
    off, on = (allowed_value(value[state], f"{path}.{state}", row) for state in ("off", "on"))
    if off == on:
        refuse(f"{path}.on", value["on"], f"must differ from {path}.off")
    return Axis(key, (off, on))


def player_schema(row: Parameter) -> Schema:
    """Return the schema of what `read_player` reads."""
    states = {"off": schema.value(row), "on": schema.value(row)}
    return {"anyOf": [schema.table(states, "off and on", required=("off", "on")), schema.pair(row)]}
