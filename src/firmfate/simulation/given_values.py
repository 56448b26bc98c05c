"""Values given in a call instead of a study: validated, and sorted into those by cell and by firm."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from firmfate.design.joint import choose
from firmfate.errors import FirmfateError, did_you_mean
from firmfate.kernel.engine import Varying
from firmfate.models.model import Model

TESTED = 1_000
"""Firms whose joint conditions are tested: testing one takes longer than simulating it."""

Given = Mapping[str, NDArray[np.float64]]


def parameter_table(
    model: Model,
    execution: ArrayLike | None,
    misalignment: ArrayLike | None,
    parameters: Mapping[str, ArrayLike],
    dt: float,
) -> NDArray[np.float64]:
    """Return the value of every field in every cell, (cells, fields), validated; values firm by firm are refused."""
    return values_of(model, given_parameters(model, execution, misalignment, parameters), dt)[0]


def values_of(model: Model, given: Given, dt: float, *, firms: int = 0) -> tuple[NDArray[np.float64], Varying | None]:
    """Return the value of every field in every cell, (cells, fields), and what differs from firm to firm; validated.

    Parameters
    ----------
    model : Model
    given : mapping
        Of `given_parameters`.
    dt : float
        Step in weeks.
    firms : int
        Firms in a cell; 0 where no value may differ from firm to firm.

    Raises
    ------
    FirmfateError
        Where a parameter is out of range, breaks a joint condition, or arrays differ in length.
    """
    for key, values in given.items():
        _check_shape(model, key, values, firms)
        for value in (values.min(), values.max()) if values.size else ():  # NaN is both
            if value not in model.parameter(key).allowed:
                row = model.parameter(key)
                raise FirmfateError(f"parameter '{key}' = {float(value)!r}; allowed: {row.allowed} ({row.unit})")
    cells = _cells(model, given)
    table = np.tile(np.array([model.defaults[name] for name in model.fields]), (cells, 1))
    place = {name: i for i, name in enumerate(model.fields)}
    own: dict[int, NDArray[np.float64]] = {}
    for key in sorted(given, key=lambda k: k.count(".")):  # one division overrides all
        values, targets = given[key], [place[name] for name in model.keys[key]]
        if _by_firm(model, key, values):
            parts = np.broadcast_to(values.reshape(*values.shape[:2], -1), (*values.shape[:2], len(targets)))
            own |= {target: parts[..., part] for part, target in enumerate(targets)}
        else:
            table[:, targets] = values if values.ndim == 2 else values.reshape(-1, 1)
            own = {target: values for target, values in own.items() if target not in targets}
    varying = None
    if own:
        shape = (max(len(values) for values in own.values()), firms)
        fields = np.array(sorted(own), np.int64)
        varying = Varying(fields, np.stack([np.broadcast_to(own[field], shape) for field in fields.tolist()], axis=-1))
    _check_joint(model, table, varying, dt)
    return table, varying


def some(varying: Varying, cells: slice, firms: slice) -> Varying:
    """Return what differs among some firms of some cells."""
    return Varying(varying.fields, varying.values[cells if len(varying.values) > 1 else slice(None), firms])


def given_parameters(
    model: Model, execution: ArrayLike | None, misalignment: ArrayLike | None, parameters: Mapping[str, ArrayLike]
) -> dict[str, NDArray[np.float64]]:
    """Return what is given in a call, by key of the model, as arrays of numbers.

    Raises
    ------
    FirmfateError
        Where a parameter is unknown, given twice, or no number.
    """
    shared = {key: v for key, v in (("execution", execution), ("misalignment", misalignment)) if v is not None}
    named = {model.key(name): value for name, value in parameters.items()}
    if len(named) < len(parameters):
        raise FirmfateError("a parameter is given twice, as studies and as datasets name it")
    given = {}
    for key, written in {**shared, **named}.items():
        if key not in model.keys:
            raise FirmfateError(
                f"parameter '{key}' is not known to the model '{model.name}'{did_you_mean(key, model.keys)}"
            )
        if key in shared and key in named:
            raise FirmfateError(f"parameter '{key}' is given twice, as an argument and in parameters")
        try:
            given[key] = np.asarray(written, np.float64)
        except (TypeError, ValueError):
            raise FirmfateError(f"parameter '{key}' = {written!r}; allowed: a number or an array of numbers") from None
    return given


def _by_firm(model: Model, key: str, values: NDArray[np.float64]) -> bool:
    """Return whether values differ from firm to firm: they have a dimension more than those of cells and parts."""
    return values.ndim == 3 or (values.ndim == 2 and values.shape[1] > 1 == len(model.keys[key]))


def _check_shape(model: Model, key: str, values: NDArray[np.float64], firms: int) -> None:
    parts = len(model.keys[key])
    allowed = ["a scalar", "(cells,)"]
    fits = values.ndim <= 1 or values.shape[1:] == (parts,)
    if parts > 1:
        allowed.append(f"(cells, {parts}) in the order {', '.join(model.parameter(key).names)}")
    if firms:
        allowed.append(f"(cells, {firms})" if parts == 1 else f"(cells, {firms}, {parts})")
        by_firm = ((firms,),) if parts == 1 else ((firms, 1), (firms, parts))
        fits = fits or values.shape[1:] in by_firm
    if not fits:
        shapes = f"{', '.join(allowed[:-1])} or {allowed[-1]}"
        raise FirmfateError(f"parameter '{key}' has shape {values.shape}; allowed: {shapes}")


def _cells(model: Model, given: Given) -> int:
    """Return how many cells there are: the length that arrays have in common, of which those by firm may have 1."""
    lengths = {
        key: len(values)
        for key, values in given.items()
        if values.ndim > 0 and not (_by_firm(model, key, values) and len(values) == 1)
    }
    if len(set(lengths.values())) > 1:
        raise FirmfateError(f"arrays of different length: {lengths}; allowed: scalars and arrays of one value a cell")
    cells = next(iter(lengths.values()), 1)
    if cells == 0:
        raise FirmfateError(f"no cells: {', '.join(lengths)} is empty")
    return cells


def _check_joint(model: Model, table: NDArray[np.float64], varying: Varying | None, dt: float) -> None:
    """Refuse values that together the model cannot start from, in any cell.

    Where firms differ, up to 1,000 are tested; of more, those whose values are extreme and a random choice, as for
    large designs (:mod:`firmfate.design.joint`).
    """
    if model.check is None:
        return
    rows = table
    if varying is not None:
        shared, count = len(varying.values) == 1, varying.values.shape[1]
        firms = varying.values.reshape(-1, len(varying.fields))
        if shared:
            chosen = choose(firms, max(1, TESTED // len(table)), 0)
            cells, chosen = np.repeat(np.arange(len(table)), len(chosen)), np.tile(chosen, len(table))
        else:
            chosen = np.union1d(choose(firms, TESTED, 0), np.arange(0, len(firms), count))  # one of each cell at least
            cells = chosen // count
        rows = table[cells]
        rows[:, varying.fields] = firms[chosen]
    for row in dict.fromkeys(map(tuple, rows.tolist())):  # each once; sorting them would take longer
        for broken in model.broken_conditions(dict(zip(model.fields, row, strict=True)), dt):
            raise FirmfateError(broken)
