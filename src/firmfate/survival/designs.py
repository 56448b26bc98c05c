"""From a formula and the coordinates of cells to the design matrix of a regression (formulaic)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.errors import EstimateError, did_you_mean
from firmfate.survival.core.lifetable import Floats

PART = re.compile(r"[A-Za-z_]\w*(?:\.\w+)+")
"""A name with dots: that of a parameter's part, or of a function in a module."""


class Design(NamedTuple):
    """Terms, their values in the cells that hold firms, and the cells' strata."""

    terms: list[str]
    values: Floats  # (cell, term)
    stratum: NDArray[np.int_]  # (cell,)
    cells: NDArray[np.int_]  # (cell,)  positions in the flattened axes


def cell_frame(firms: xr.DataArray) -> dict[str, NDArray[Any]]:
    """Return each coordinate of the cells as a flat column, cells in the order of ``firms``."""
    columns = {}
    for name, coord in firms.coords.items():
        if set(coord.dims) <= set(firms.dims):
            columns[str(name)] = coord.broadcast_like(firms).transpose(*firms.dims).values.ravel()
    return columns


def design_of(firms: xr.DataArray, formula: str, strata: Sequence[str] = ()) -> Design:
    """Build the design of the cells with firms.

    Parameters
    ----------
    firms : (axes...) DataArray
        NaN or 0 leaves the cell out. Its coordinates are the covariates.
    formula : str
        Right-hand side, such as ``"execution * misalignment"``; the baseline takes the place of an intercept.
    strata : sequence of str
        Coordinates whose every combination has a baseline of its own.

    Raises
    ------
    EstimateError
        Where formulaic is missing, a name is unknown, a term is not finite, or terms are collinear.
    """
    try:
        from formulaic import model_matrix
        from formulaic.errors import FormulaicError
    except ImportError:
        raise EstimateError("regressions need formulaic: pip install 'firmfate[survival]'") from None
    import pandas as pd

    columns = cell_frame(firms)
    strata = [name if name in columns else name.replace(".", "_") for name in strata]
    formula = PART.sub(lambda name: known if (known := name[0].replace(".", "_")) in columns else name[0], formula)
    for name in strata:
        if name not in columns:
            raise EstimateError(
                f"there is no stratum '{name}'; covariates are {sorted(columns)}{did_you_mean(name, columns)}"
            )
    present = np.flatnonzero(np.nan_to_num(firms.values.ravel()) > 0)
    frame = pd.DataFrame({name: column[present] for name, column in columns.items()})
    try:
        matrix = model_matrix(formula, frame)
    except (FormulaicError, ValueError) as error:
        raise EstimateError(f"formula '{formula}': {error}; covariates are {sorted(columns)}") from error
    if not isinstance(matrix, pd.DataFrame):
        raise EstimateError(f"formula '{formula}': a right-hand side alone, such as 'execution * misalignment'")
    matrix = matrix.drop(columns="Intercept", errors="ignore")
    terms, values = [str(term) for term in matrix.columns], np.asarray(matrix, dtype=np.float64)
    if not terms or not np.isfinite(values).all():
        raise EstimateError(f"formula '{formula}' needs at least one term, finite in all cells; it has {terms}")
    stratum = np.zeros(len(present), dtype=np.int_)
    if strata:
        stratum = np.asarray(frame.groupby(list(strata), sort=True).ngroup(), dtype=np.int_)
    _refuse_aliases(values, stratum, terms)
    return Design(terms, values, stratum, present)


def _refuse_aliases(values: Floats, stratum: NDArray[np.int_], terms: list[str]) -> None:
    """A term must vary within strata, and must not follow from others."""
    inside = values.astype(np.float64).copy()
    for label in np.unique(stratum):
        inside[stratum == label] -= inside[stratum == label].mean(axis=0)
    scale = np.sqrt((inside**2).sum(axis=0))
    constant = [term for term, size in zip(terms, scale, strict=True) if size <= 1e-12 * np.sqrt(len(values))]
    if constant:
        raise EstimateError(f"terms {constant} do not vary between cells (of a stratum)")
    if np.linalg.matrix_rank(inside / scale, tol=1e-9) < len(terms):
        raise EstimateError(f"the terms {terms} cannot be distinguished on these cells; drop one of them")
