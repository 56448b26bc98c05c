"""The section on how long firms live: the phase map of the paradox, or lifetimes along the axes of any study."""

from __future__ import annotations

import numpy as np
import xarray as xr

from firmfate import plots
from firmfate.analysis import extreme_cells, phase_map
from firmfate.analysis.cell_labels import firms_per_cell
from firmfate.analysis.formatting import Estimate, format_cell, format_estimate, format_value, spaced
from firmfate.plots.mesh import are_thinned
from firmfate.reporting.blocks import Figure, Prose, Section
from firmfate.reporting.context import Context
from firmfate.reporting.drawing import panel

AXES = ("execution", "misalignment")


def section(context: Context) -> Section | None:
    """Return the section; none for a study of one cell."""
    if context.cells == 1:
        return None
    if context.poles is None:
        return Section("lifetimes", "How long firms live", [_along(context)])
    return Section("phase-map", "The phase map", [_introduction(context), _map(context), _along(context)])


def _introduction(context: Context) -> Prose:
    meanings = (
        [f"{key[0].upper()}{key[1:]} is {context.model.parameter(key).meaning}." for key in AXES]
        if context.model
        else []
    )
    held = firms_per_cell(context.ds)
    return Prose(
        f"{' '.join(meanings)} {held[0].upper()}{held[1:]}. Firms of one cell have the same "
        f"{' and '.join(map(spaced, context.axes))}, and are followed for up to {context.years:g} years.".strip()
    )


def _map(context: Context) -> Figure:
    ends = context.poles
    assert ends is not None
    ds = (
        context.ds
        if len(context.others) <= 1
        else context.ds.isel({dim: context.ds.sizes[dim] // 2 for dim in context.others[1:]})
    )
    axes = plots.phase_map(ds)
    found = phase_map(context.plane)
    corners = []
    for strong in (False, True):
        for misaligned in (False, True):
            cell = found.sel(ends.cell(strong=strong, misaligned=misaligned))
            years = format_estimate(Estimate(float(cell["rmst"]), float(cell["rmst_se"])), short=True)
            corners.append(f"{'strong' if strong else 'weak'} {'misaligned' if misaligned else 'aligned'} {years}")
    alt = (
        "Two maps with misalignment from left to right and execution from bottom to top. Left: mean lifetime in years, "
        f"{', '.join(corners)}. Right: the derivative of the mean lifetime by execution. {_line(found)}"
    )
    return Figure([panel(axes[0, 0], alt, name="phase")], _caption(context, found))


def _line(found: xr.Dataset) -> str:
    contour = found["contour"].values[np.isfinite(found["contour"].values)]
    if not contour.size:
        missing = int(found["rmst"].isnull().sum())
        if missing:
            return f"Where the effect of execution is zero is unknown: {missing} cells have no estimate."
        if bool((np.abs(found["sign"]) == 1).all()):
            return "The effect of execution is nowhere zero on the grid."
        return "These firms do not show where the effect of execution is zero."
    first, last = f"{contour.min():.2f}", f"{contour.max():.2f}"
    where = f"runs from misalignment {first} to {last}" if first != last else f"lies at misalignment {first}"
    return f"The line, where the effect is zero, {where}."


def _caption(context: Context, found: xr.Dataset) -> str:
    known = int(found["rmst"].notnull().sum())
    ends = ""
    if known:
        longest, shortest = extreme_cells(context.plane)
        some = (
            "" if known == found["rmst"].size else f"; of {known} of {found['rmst'].size} cells, the others are blank"
        )
        ends = ", " + " and ".join(
            f"{words} at {format_cell({axis: cell.where[axis] for axis in AXES})} "
            f"({format_estimate(cell.value, short=True)})"
            for words, cell in (("longest", longest), ("shortest", shortest))[: min(known, 2)]
        )
        ends = (ends if known > 1 else ends.replace("longest ", "")) + some
    parts = [
        f"Left: mean lifetime within {context.years:g} years{ends}. Right: what a little more execution does; blue "
        "lengthens life, red shortens it."
    ]
    if found["sign"].notnull().any():
        band = " The band about it is its 95 % interval." if bool(found["contour_lower"].notnull().any()) else ""
        helps, harms, undetermined = (int((found["sign"] == sign).sum()) for sign in (1, -1, 0))
        marked = "some of them marked by dots" if are_thinned(found["sign"].shape) else "marked by dots"
        parts.append(
            f"More execution lengthens life in {helps:,} cells and shortens it in {harms:,}"
            + (
                f"; in {undetermined:,}, {marked}, the slope cannot be distinguished from zero at 95 %"
                if undetermined
                else ""
            )
            + f". {_line(found)}{band} Standard errors are at most "
            f"{float(np.nanmax(found['rmst_se'])):.2g} years left and {float(np.nanmax(found['slope_se'])):.2g} years "
            "per unit right, all pointwise."
        )
    if context.others:
        parts.append(
            f"Numbers of this caption: {format_cell({dim: float(context.plane[dim]) for dim in context.others})}."
        )
    return " ".join(parts)


def _along(context: Context) -> Figure:
    ax = plots.lifetimes(context.ds)
    if context.poles is None:
        axis = ax.get_xlabel()
        words = f"cell by cell, {context.cells} in all" if "cell" in context.ds["firms"].dims else f"along {axis}"
        text = f"Mean lifetime within {context.years:g} years {words}; bars are 95 % limits."
        if context.cells > 30 and "cell" in context.ds["firms"].dims:
            text = text.replace(words, f"of the first 30 of {context.cells} cells")
        return Figure([panel(ax, text, name="lifetimes")], text)
    turning = context.finding.numbers.get("turning point")
    fixed = (
        f" Other axes: {format_cell({dim: float(context.plane[dim]) for dim in context.others})}."
        if context.others
        else ""
    )
    crossing = (
        f" The lines cross at misalignment {format_estimate(turning)}."
        if turning and np.isfinite(turning.estimate)
        else ""
    )
    caption = (
        f"Mean lifetime within {context.years:g} years of weak firms (execution {format_value(context.poles.weak)}) "
        f"and strong ones ({format_value(context.poles.strong)}) by misalignment; bars are 95 % limits, often smaller "
        f"than the points.{crossing}{fixed}"
    )
    return Figure([panel(ax, caption, name="lifetimes")], caption)
