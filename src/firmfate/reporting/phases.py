"""Sections on how long firms live: the phase map of a study of the paradox, or lifetimes along the axes of any other."""

from __future__ import annotations

import numpy as np

from firmfate import plots
from firmfate.findings import phase_map
from firmfate.findings.words import Estimated, cell_words, number, plain, readable
from firmfate.reporting.blocks import Figure, Prose, Section
from firmfate.reporting.context import Context
from firmfate.reporting.drawing import panel


def section(context: Context) -> Section | None:
    """Return the section; none for a study of one cell."""
    if context.cells == 1:
        return None
    if context.poles is None:
        return Section("lifetimes", "How long firms live", [_along(context)])
    return Section("phase-map", "The phase map", [_introduction(context), _map(context), _along(context)])


def _introduction(context: Context) -> Prose:
    assert context.poles is not None
    return Prose(
        "Execution is how strongly each division carries out what its KPI asks; misalignment is how far that KPI points away from "
        f"the good of the whole firm. Each of the {context.cells:,} cells is "
        f"{int(np.median(context.ds['firms'].values)):,} firms with the same two numbers, followed for up to {context.years:g} years."
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
    corners = {
        (strong, misaligned): found.sel(ends.cell(strong=strong, misaligned=misaligned))
        for strong in (0, 1)
        for misaligned in (0, 1)
    }
    years = {
        key: number(Estimated(float(cell["rmst"]), float(cell["rmst_se"])), short=True) for key, cell in corners.items()
    }
    contour = found["contour"].dropna("execution")
    line = (
        f"The line, where the effect is zero, runs from misalignment {float(contour.min()):.2f} to {float(contour.max()):.2f}."
        if contour.size
        else "The effect of execution is nowhere zero on the grid."
    )
    untold = int((found["sign"] == 0).sum())
    alt = (
        "Two maps with misalignment from left to right and execution from bottom to top. Left: mean lifetime in years, "
        f"weak aligned {years[0, 0]}, strong aligned {years[1, 0]}, weak misaligned {years[0, 1]}, strong misaligned {years[1, 1]}. "
        f"Right: the derivative of the mean lifetime by execution. {line}"
    )
    helps, harms = int((found["sign"] > 0).sum()), int((found["sign"] < 0).sum())
    fixed = cell_words({dim: float(context.plane[dim]) for dim in context.others})
    caption = (
        f"Left: mean lifetime within {context.years:g} years. The long lives are those of strong aligned firms (upper left), the short "
        "ones those of strong misaligned firms (upper right). Right: what a little more execution does; blue lengthens life, red "
        f"shortens it, dots mark signs not told from zero at 95 %. More execution lengthens life in {helps} cells, shortens it in "
        f"{harms}, and is not told in {untold}. {line} The pale band about it is its 95 % interval. Standard errors of lifetimes are at "
        f"most {float(np.nanmax(found['rmst_se'])):.2g} years, of derivatives {float(np.nanmax(np.nan_to_num(found['slope_se']))):.2g} "
        f"years per unit, both pointwise.{f' Numbers in this caption: {fixed}.' if context.others else ''}"
    )
    return Figure([panel(axes[0, 0].figure, alt, name="phase")], caption)


def _along(context: Context) -> Figure:
    ax = plots.lifetimes(context.ds)
    if context.poles is None:
        axis = ax.get_xlabel()
        words = f"cell by cell, {context.cells} in all" if "cell" in context.ds["firms"].dims else f"along {axis}"
        text = f"Mean lifetime within {context.years:g} years {words}; bars are 95 % limits."
        if context.cells > 30 and "cell" in context.ds["firms"].dims:
            text = f"Mean lifetime within {context.years:g} years of the first 30 of {context.cells} cells; bars are 95 % limits."
        return Figure([panel(ax.figure, text, name="lifetimes")], text)
    turning = context.finding.numbers.get("turning point")
    fixed = (
        f" Other axes: {cell_words({dim: float(context.plane[dim]) for dim in context.others})}."
        if context.others
        else ""
    )
    crossing = (
        f" The lines cross at misalignment {number(turning)}." if turning and np.isfinite(turning.estimate) else ""
    )
    caption = (
        f"Mean lifetime within {context.years:g} years of weak firms (execution {plain(context.poles.weak)}) and strong ones "
        f"({plain(context.poles.strong)}) by {readable('misalignment')}; bars are 95 % limits, often smaller than the points.{crossing}{fixed}"
    )
    return Figure([panel(ax.figure, caption, name="lifetimes")], caption)
