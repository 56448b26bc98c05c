"""The register of designs: to add a kind, name its class here. Everything else asks the class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from firmfate.counts import reserved
from firmfate.design.base import Design
from firmfate.design.coalitions import Coalitions
from firmfate.design.grid import Grid
from firmfate.design.latin_hypercube import LatinHypercube
from firmfate.design.listed import Listed
from firmfate.design.posterior import Posterior
from firmfate.design.ranges import MOST_CELLS
from firmfate.design.saltelli import Saltelli
from firmfate.design.single import Single
from firmfate.design.sobol import Sobol
from firmfate.errors import StudyError
from firmfate.models import Model
from firmfate.tables.source import Source

DESIGNS: dict[str, type[Design]] = {
    design.kind: design
    for design in (
        Grid,
        Listed,
        LatinHypercube,
        Sobol,
        Saltelli,
        Coalitions,
        Posterior,
    )
}
"""Name of the table -> design, in the order of the documentation."""


def read_design(tables: Mapping[str, Any], source: Source) -> Design:
    """Read the one design of a study; a study without one is a single cell.

    Parameters
    ----------
    tables : mapping
        The study's tables as written.
    source : Source

    Raises
    ------
    StudyError
        Where there are several designs, or the one cannot be laid out; what was noted in `source.faults` is not raised.

    Examples
    --------
    >>> from pathlib import Path
    >>> from firmfate.design import read_design
    >>> from firmfate.models import load_model
    >>> from firmfate.tables.source import Source
    >>> source = Source(load_model("car"), Path())
    >>> read_design({"grid": {"execution": [0.1, 0.9], "misalignment": [0, 0.5, 1]}}, source).count
    6
    >>> read_design({}, source).count
    1
    """
    kinds = [kind for kind in DESIGNS if kind in tables]
    if len(kinds) > 1:
        raise StudyError(f"[{kinds[0]}] and [{kinds[1]}]: a study has one design; keep one of them")
    if not kinds:
        return Single()
    before = len(source.faults.found)
    design = DESIGNS[kinds[0]].read(tables[kinds[0]], source)
    if len(source.faults.found) == before:
        _check(design, source.model)
    return design


def _check(design: Design, model: Model) -> None:
    """Refuse axes whose names would clash in a dataset, and designs that are too large to lay out."""
    if not design.axes:
        raise StudyError(
            f"[{design.kind}] has no axis; name at least one parameter, such as {model.parameters[0].name} = [0.2, 0.8]"
        )
    taken = reserved(model)
    seen: dict[str, str] = {}
    for axis in design.axes:
        if axis.name in taken:
            raise StudyError(
                f"{design.kind}.{axis.key}: '{axis.name}' is a name that results use themselves; it cannot be an axis"
            )
        if axis.name in seen:
            raise StudyError(
                f"{design.kind}.{axis.key} and {design.kind}.{seen[axis.name]} would share the name '{axis.name}'"
            )
        seen[axis.name] = axis.key
    design.check()
    if design.count > MOST_CELLS:
        raise StudyError(
            f"[{design.kind}] has {design.count:,} cells; at most {MOST_CELLS:,}: take fewer points, or split the study"
        )
