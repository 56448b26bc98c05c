"""What every design is: one class a kind, which reads its table, counts and lays out its cells, and describes itself.

To add a kind, write a file beside these with a subclass of `Design` (or of `firmfate.design.ranges.RangedDesign`, where
its points fill ranges), and name it in ``register.py``. Nothing else knows which kinds there are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from firmfate.design.axes import Axis
from firmfate.tables.schema import ParameterSchemas, Schema
from firmfate.tables.source import Source

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Design(ABC):
    """Which cells a study has.

    Attributes
    ----------
    axes : tuple of Axis
        The parameters that it varies, in the order of the file.

    Traits of a kind, declared in its class:

    kind : str
        The name of its table in a study: ``"grid"`` is written ``[grid]``.
    called : str
        What it is called in a sentence: ``"a Latin hypercube"``.
    summary : str
        Which cells it has, in one sentence, for the documentation.
    example : str
        Its table in TOML, for the documentation; tests read it and lay it out.
    crossed : bool
        Whether its cells are all combinations of the axes' values, so that every axis is a dimension of the result.
        Otherwise results have one dimension, ``cell``.
    extends : bool
        Whether a design of more cells keeps those of a smaller one, so that a run directory can grow.
    drawn : bool
        Whether its cells depend on the study's seed.
    needs : tuple of str
        Packages that it needs beside those of firmfate, as they are imported and installed.

    Examples
    --------
    >>> import firmfate
    >>> design = firmfate.Study(name="cars", model="car", grid={"misalignment": [0, 0.5, 1]}).design
    >>> design.kind, design.count, design.words
    ('grid', 3, 'a grid over misalignment (3 values from 0 to 1)')
    >>> design.points(seed=1).ravel()
    array([0. , 0.5, 1. ])
    """

    axes: tuple[Axis, ...] = ()

    kind: ClassVar[str]
    called: ClassVar[str]
    summary: ClassVar[str]
    example: ClassVar[str]
    crossed: ClassVar[bool] = False
    extends: ClassVar[bool] = True
    drawn: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = ()

    @classmethod
    @abstractmethod
    def read(cls, written: object, source: Source) -> Self:
        """Read and validate the table as written.

        Faults after which reading can go on are noted in `source.faults`, others raised.

        Raises
        ------
        StudyError
            With the key's path, its value and what is allowed.
        """

    def check(self) -> None:
        """Refuse, with a StudyError, what axes that are right one by one cannot be together."""
        return

    @property
    @abstractmethod
    def count(self) -> int:
        """How many cells there are, known without laying them out."""

    @abstractmethod
    def points(self, seed: int) -> Points:
        """Return the values of the axes in every cell, shape (count, axes), for this seed of the study."""

    @classmethod
    @abstractmethod
    def schema(cls, parameters: ParameterSchemas) -> Schema:
        """Return the JSON schema of its table."""

    @property
    def names(self) -> tuple[str, ...]:
        """What the study calls its cells, one by one; empty where it does not."""
        return ()

    @property
    def words(self) -> str:
        """The design in a sentence, for the methods paragraph: ``a Latin hypercube over execution and alarm``."""
        return f"{self.called} over {' and '.join(axis.words for axis in self.axes)}"

    @classmethod
    def row(cls) -> tuple[str, str, str, str]:
        """Its row in the documentation: how it is written, its cells, whether it grows, and what they follow from."""
        grows = "new cells alone are run" if cls.extends else "makes other cells"
        return f"`{cls.heading()}`", cls.summary, grows, "the table and the seed" if cls.drawn else "the table"

    @classmethod
    def heading(cls) -> str:
        """How its table begins: ``[grid]``, ``[[cells]]``."""
        return cls.example.partition("\n")[0]
