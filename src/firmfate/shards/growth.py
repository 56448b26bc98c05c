"""How a run may grow: by cells and by replicates, along the axes that it has; what it holds is never left out.

``provenance.json`` records the extent that a directory was claimed for.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmfate.design import Cells
from firmfate.errors import RunDirectoryError
from firmfate.study import Study

EXTENT = {"replicates": int, "axes": list, "dimensions": list, "cell keys": str}
"""What an extent consists of, and the types."""


def extent(study: Study, cells: Cells) -> dict[str, Any]:
    """Return what of a study may grow, and the axes along which it is laid out, as plain values."""
    keys = np.array([int(key, 16) for key in cells.keys], dtype="<u8")
    return {
        "replicates": study.replicates,
        "axes": list(cells.axes),
        "dimensions": list(cells.dims),
        "cells": len(cells),
        "cell keys": base64.b64encode(keys.tobytes()).decode(),
        "refinement": list(study.refinement),
        "allocation": base64.b64encode(np.array(study.allocation, "<i8").tobytes()).decode(),
    }


def held_firms(path: Path, held: dict[str, Any], keys: Sequence[str]) -> NDArray[np.int64]:
    """Return the firms that an extent has in each of some cells, by their keys; 0 in cells that are not its own.

    All of its own cells have as many where it holds no allocation.
    """
    own = _array(path, held, "cell keys", "<u8").tolist()
    firms = _array(path, held, "allocation", "<i8").tolist() or [held["replicates"]] * len(own)
    if len(firms) != len(own):
        raise RunDirectoryError(f"{path / 'provenance.json'} cannot be read: its 'allocation' are damaged")
    found = dict(zip(own, firms, strict=True))
    return np.array([found.get(int(key, 16), 0) for key in keys], np.int64)


def held_refinement(path: Path, held: dict[str, Any]) -> tuple[float, ...]:
    """Return the misalignments that rounds of [precision] have added to a run's grid."""
    found = held.get("refinement", [])
    if not isinstance(found, list) or not all(isinstance(value, float) for value in found):
        raise RunDirectoryError(f"{path / 'provenance.json'} cannot be read: its 'refinement' are damaged")
    return tuple(found)


def refuse_less(path: Path, held: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Refuse an extent that is not all of another, or has other axes; `path` is the directory that holds the latter."""
    for name in ("axes", "dimensions"):
        if held[name] != wanted[name]:
            raise RunDirectoryError(
                f"{path} holds a run whose {name} are {_words(held[name])}; those of the study are "
                f"{_words(wanted[name])}: the axes of a run stay as they are, so choose a new directory"
            )
    if wanted["replicates"] < held["replicates"]:
        raise RunDirectoryError(
            f"{path} holds a run of {held['replicates']:,} replicates a cell, the study asks for "
            f"{wanted['replicates']:,}: a run may grow, but not shrink; ask for {held['replicates']:,} or more, or "
            "choose a new directory"
        )
    if held["cell keys"] != wanted["cell keys"]:
        old, new = (set(_array(path, one, "cell keys", "<u8").tolist()) for one in (held, wanted))
        if old - new:
            raise RunDirectoryError(
                f"{path} holds a run of which {len(old - new):,} of {len(old):,} cells are not in the study: a run may "
                "grow, but not lose cells; ask for them too, or choose a new directory"
            )


def _words(names: list[Any]) -> str:
    return ", ".join(map(str, names)) or "none"


def _array(path: Path, extent: dict[str, Any], name: str, kind: str) -> NDArray[Any]:
    """Return an array of an extent: keys of cells, or firms of cells."""
    try:
        return np.frombuffer(base64.b64decode(extent.get(name, ""), validate=True), kind)
    except ValueError:
        raise RunDirectoryError(f"{path / 'provenance.json'} cannot be read: its '{name}' are damaged") from None
