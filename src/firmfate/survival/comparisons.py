"""Which cells are compared, and how: linear maps from values in cells to differences, derivatives, interactions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from firmfate.errors import EstimateError
from firmfate.survival.batches import valid_batch_firms
from firmfate.survival.labels import DEPENDENCE, axis_of, by_axis, position_of

SIDE = "_side"


class Step(NamedTuple):
    """One linear map along a dim: ``weights (out, in)``; ``out`` of 1 without coordinate drops the dim."""

    dim: str
    weights: NDArray[np.float64]
    keeps_dim: bool


class Comparison(NamedTuple):
    """The cells that take part and the steps that compare them."""

    cells: xr.Dataset
    steps: tuple[Step, ...]
    words: str
    per: tuple[str, ...]  # axes by which is differentiated

    def of(self, values: xr.DataArray) -> xr.DataArray:
        """Compare values in cells."""
        for step in self.steps:
            values = _mapped(values, step, step.weights)
        return values

    def of_variances(self, variances: xr.DataArray) -> xr.DataArray:
        """Add up the variances of values that are independent between cells."""
        for step in self.steps:
            variances = _mapped(variances, step, step.weights**2)
        return variances

    def of_fourth_powers(self, squares: xr.DataArray) -> xr.DataArray:
        """Add up squares of variances of values that are independent between cells."""
        for step in self.steps:
            squares = _mapped(squares, step, step.weights**4)
        return squares

    def of_limits(self, values: xr.DataArray, lower: xr.DataArray, upper: xr.DataArray) -> tuple[Any, Any]:
        """Return limits of a comparison of independent values from limits of each, which may be asymmetric.

        The squares of the distances of limits add up as variances do (Zou and Donner 2008; of two shares, Newcombe
        1998, method 10).
        """
        below, above = (values - lower) ** 2, (upper - values) ** 2
        for step in self.steps:
            gains, losses = (np.where(side, step.weights**2, 0.0) for side in (step.weights > 0, step.weights < 0))
            below, above = (
                _mapped(same, step, gains) + _mapped(other, step, losses)
                for same, other in ((below, above), (above, below))
            )
        compared = self.of(values)
        return compared - below**0.5, compared + above**0.5

    def units(self, of_value: str) -> str:
        """Return the units of a comparison of values in these units."""
        return of_value + "".join(f" / [{axis}]" for axis in self.per)


def comparison_of(ds: xr.Dataset, *, between: Any, along: Any, interaction: Any, paired: bool) -> Comparison:
    """Read the arguments of `contrast`, of which one at most is given, and refuse unequal sets of firms."""
    if sum(argument is not None for argument in (between, along, interaction)) > 1:
        raise EstimateError("give one of between=, along= and interaction=, or none for the value in every cell")
    if between is not None:
        comparison = _between(ds, between)
    elif along is not None:
        along = axis_of(ds, along)
        comparison = Comparison(ds, (_derivative(ds, along),), f"derivative by {along}", (along,))
    elif interaction is not None:
        comparison = _interaction(ds, interaction)
    else:
        return Comparison(ds, (), "value", ())
    if paired:
        _same_firms(comparison)
    return comparison


def _between(ds: xr.Dataset, between: Any) -> Comparison:
    is_pair = isinstance(between, (tuple, list)) and len(between) == 2
    if not is_pair or not all(isinstance(cell, Mapping) and cell for cell in between):
        raise EstimateError("between= takes two cells: ({'execution': 1.0}, {'execution': 0.05})")
    first, second = between = [by_axis(ds, cell) for cell in between]
    if set(first) != set(second):
        named = f"{sorted(first)} and {sorted(second)}"
        raise EstimateError(f"both cells of between= must name the same axes, not {named}")
    firms = ds["firms"]
    chosen = {
        axis: xr.DataArray([position_of(firms, axis, cell[axis]) for cell in between], dims=SIDE) for axis in first
    }
    cells = ds.isel(chosen).drop_vars(list(first), errors="ignore")
    words = " minus ".join("(" + ", ".join(f"{axis}={value}" for axis, value in cell.items()) + ")" for cell in between)
    return Comparison(cells, (Step(SIDE, np.array([[1.0, -1.0]]), False),), words, ())


def _interaction(ds: xr.Dataset, interaction: Any) -> Comparison:
    if len(interaction) != 2:
        raise EstimateError("interaction= takes two axes, or a mapping of two axes to (low, high)")
    if isinstance(interaction, Mapping):
        interaction = by_axis(ds, interaction)
    else:
        interaction = [axis_of(ds, axis) for axis in interaction]
    first, second = interaction
    if first == second:
        raise EstimateError(f"interaction= takes two axes, not '{first}' twice")
    if not isinstance(interaction, Mapping):
        steps = (_derivative(ds, first), _derivative(ds, second))
        return Comparison(ds, steps, f"mixed derivative by {first} and {second}", (first, second))
    chosen = {}
    for axis, pair in interaction.items():
        if not (isinstance(pair, (tuple, list)) and len(pair) == 2):
            raise EstimateError(f"interaction= needs (low, high) for '{axis}', not {pair!r}")
        chosen[axis] = [position_of(ds["firms"], axis, value) for value in pair]
    difference = np.array([[-1.0, 1.0]])
    words = " by ".join(f"{axis} from {low} to {high}" for axis, (low, high) in interaction.items())
    steps_to_high = tuple(Step(axis, difference, False) for axis in chosen)
    return Comparison(ds.isel(chosen), steps_to_high, f"interaction of {words}", ())


def _derivative(ds: xr.Dataset, axis: str) -> Step:
    if axis not in ds["firms"].dims:
        position_of(ds["firms"], axis, None)
    points = ds[axis].values
    if not np.issubdtype(points.dtype, np.number) or points.size < 2 or (np.diff(points) == 0).any():
        raise EstimateError(f"a derivative along '{axis}' needs at least two different numbers on that axis")
    # Second-order central differences on a grid of any spacing (Fornberg 1988), one-sided at the ends.
    weights: NDArray[np.float64] = np.asarray(np.gradient(np.eye(points.size), points.astype(np.float64), axis=0))
    return Step(axis, weights, True)


def _mapped(values: xr.DataArray, step: Step, weights: NDArray[np.float64]) -> xr.DataArray:
    if step.dim not in values.dims:
        raise EstimateError(f"the contrasted function must keep the axis '{step.dim}' of the cells")
    moved = np.moveaxis(values.values, values.get_axis_num(step.dim), 0)
    # Row by row over the cells that take part, so that a NaN cell spoils only its neighbours.
    rows = np.stack([np.tensordot(row[row != 0], moved[row != 0], axes=1) for row in weights])
    others = [dim for dim in values.dims if dim != step.dim]
    coords = {name: coord for name, coord in values.coords.items() if step.keeps_dim or step.dim not in coord.dims}
    if not step.keeps_dim:
        coords = {name: coord for name, coord in coords.items() if name != step.dim}
        return xr.DataArray(rows[0], dims=others, coords=coords, name="estimate")
    compared = xr.DataArray(rows, dims=[step.dim, *others], coords=coords, name="estimate")
    return compared.transpose(*values.dims)


def _same_firms(comparison: Comparison) -> None:
    """Refuse cells whose firms do not pair.

    Cells of a simulation may hold different numbers of firms, the first replicates each: those of the smaller cell are
    in the same batches of the larger one, and their covariance is that of the means of batches.
    """
    if "batch_firms" not in comparison.cells or DEPENDENCE in comparison.cells.attrs:
        return
    firms = valid_batch_firms(comparison.cells)
    total, batches = firms.sum("batch"), firms.sizes["batch"]
    places = xr.DataArray(np.arange(batches), dims="batch")
    begins = (firms == total // batches + (places < total % batches)).all("batch")
    for step in comparison.steps:
        held = firms.where(firms.sum("batch") > 0)
        unequal = (held.max(step.dim) != held.min(step.dim)).where(held.notnull().any(step.dim), False)
        if bool((unequal & ~begins.all(step.dim)).any()):
            raise EstimateError(
                "the contrasted cells hold unequal sets of firms, so their batches do not pair; simulate the same "
                "replicates in every cell, or pass paired=False where the firms are unrelated"
            )
