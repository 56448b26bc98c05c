"""The finding of a study in words, with standard errors: what a run prints last and its report begins with."""

from __future__ import annotations

from dataclasses import replace

import xarray as xr

from firmfate.analysis import general_finding, paradox_finding, posterior_finding
from firmfate.analysis.both_errors import DRAW, by_draw
from firmfate.analysis.cell_labels import firms_per_cell, is_incomplete, labelled, refuse_text
from firmfate.analysis.findings import Finding
from firmfate.analysis.poles import poles
from firmfate.analysis.strata_axes import unfolded
from firmfate.survival.labels import computed


def finding(ds: xr.Dataset, *, tau: int | None = None) -> Finding:
    """Put into words what a study found.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts as ``result.nc`` holds them, of any design.
    tau : int, optional
        Weeks up to which lifetimes are compared; the horizon by default.

    Returns
    -------
    Finding
        With execution and misalignment as axes: whether strong execution lengthens the life of aligned firms and
        shortens that of misaligned ones, by how many years, and the misalignment between. Of other grids, and of strata
        of a population, the largest effect; of scattered cells which axes matter and interact (`surface_effects`); of
        cells with names, or a few without, their ranking (`ranking`); and the extreme cells of all of these. Of a
        single cell how long its firms live. Over draws of a posterior every number has two errors (`both_errors`). Of a
        result that is not complete the first statement is how many firms
        there are.

    Raises
    ------
    EstimateError
        Where an axis holds text, as of runs that were concatenated.

    Examples
    --------
    >>> from firmfate.analysis import finding
    >>> from firmfate.survival import example
    >>> found = finding(example())
    >>> found.holds, found.numbers["effect misaligned"].sign
    (False, -1)
    """
    ds = unfolded(computed(labelled(ds)))
    refuse_text(ds)
    ds = by_draw(ds)
    if not bool((ds["firms"] > 0).any()):
        return Finding("No cell has an estimate: none holds a firm.", ())
    if "invalid" in ds and bool(((ds["invalid"] > 0) | (ds["firms"] == 0)).all()):
        return Finding("No cell has an estimate: every one holds firms whose arithmetic failed.", ())
    if DRAW in ds["firms"].dims:
        found = posterior_finding.finding(ds, tau=tau)
    else:
        found = general_finding.finding(ds, tau=tau) if poles(ds) is None else paradox_finding.finding(ds, tau=tau)
    if not is_incomplete(ds):
        return found
    return replace(found, statements=(f"This result is incomplete: {firms_per_cell(ds)}.", *found.statements))
