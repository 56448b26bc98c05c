"""Sections on survival and causes: curves with bands and numbers at risk, and incidence by cause."""

from __future__ import annotations

from typing import Any

import xarray as xr

from firmfate import plots
from firmfate.analysis.formatting import Estimate, format_cell, format_estimate, format_value, spaced
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.plots import style
from firmfate.plots.cells import Shown, name_with_words, shown
from firmfate.plots.spacing import evenly_spaced
from firmfate.reporting.blocks import Figure, Panel, Prose, Section, Table
from firmfate.reporting.context import Context
from firmfate.reporting.drawing import panel
from firmfate.survival import cumulative_incidence, kaplan_meier

MISALIGNMENTS = 5
HALF_ROW = 5.1
"""Inches, at 96 pixels each: half of the page's width."""


def section(context: Context) -> Section:
    """Return the section on survival: weak and strong firms side by side, or chosen cells of another study."""
    ends = context.poles
    if ends is None:
        figure = _curves(context.ds, "survival", "")
        return Section("survival", "Survival", [Figure([figure], _chosen(context)), _survival_table(context)])
    values = context.plane["misalignment"].values
    some = values[evenly_spaced(values.size, MISALIGNMENTS)]
    panels = []
    for words, execution in (("Weak", ends.weak), ("Strong", ends.strong)):
        ds = context.plane.sel(execution=execution, misalignment=some)
        panels.append(
            _curves(ds, f"survival-{words.lower()}", f"{words}: execution {format_value(execution)}", width=HALF_ROW)
        )
    fixed = (
        f" Other axes: {format_cell({dim: float(context.plane[dim]) for dim in context.others})}."
        if context.others
        else ""
    )
    caption = (
        f"Share of firms alive by age, weak firms on the left and strong ones on the right, at misalignment "
        f"{', '.join(format_value(float(value)) for value in some)} (from blue to vermilion). Bands are pointwise 95 % "
        "limits; beneath each plot "
        f"stand the numbers of firms still at risk, in the colours of the curves.{fixed}"
    )
    return Section("survival", "Survival of weak and strong firms", [Figure(panels, caption), _survival_table(context)])


def causes(context: Context) -> Section | None:
    """Return the section on causes of exit; none where no firm exits, or the model has one cause."""
    ended = context.ds["events"].sum([dim for dim in context.ds["events"].dims if dim != "cause"])
    if context.ds.sizes["cause"] < 2 or not int(ended.sum()):
        return None
    chosen = shown(context.plane if context.poles else context.ds, most=4)
    titles = _titles(context, chosen)
    axes = plots.incidence(context.plane if context.poles else context.ds, titles=titles)
    found = [cumulative_incidence(cell).isel(week=-1) for cell in chosen.cells]
    happened = [str(cause) for cause in context.ds["cause"].values[ended.values > 0]]
    rows = [
        [name, *(_percent(one.sel(cause=cause)) for cause in happened), f"{int(cell['firms']):,}"]
        for name, one, cell in zip(_rows(titles, chosen), found, chosen.cells, strict=True)
    ]
    spoken = "; ".join(
        f"{row[0]}: " + ", ".join(f"{spaced(c)} {v} %" for c, v in zip(happened, row[1:-1], strict=True))
        for row in rows
    )
    caption = (
        "Cumulative incidence: the share of firms that exit by each cause, stacked; what is left above is alive. All "
        "panels share one scale."
    )
    table = Table(
        ["firms", *(f"{spaced(cause)}, %" for cause in happened), "n"], rows,
        f"Share of firms that exit by each cause within {context.years:g} years, in per cent, ± one standard error.",
    )  # fmt: skip
    blocks: list[Any] = [
        Figure([panel(axes[0], f"Stacked areas by age. By the horizon, {spoken}.", name="incidence")], caption),
        table,
    ]
    if model := context.model:
        meanings = "; ".join(
            f"{spaced(cause.name)}: {cause.meaning}" for cause in model.causes if cause.name in happened
        )
        blocks.insert(0, Prose(f"A firm exits by the first cause that applies. {meanings[0].upper()}{meanings[1:]}."))
    return Section("causes", "Causes of exit", blocks)


def _titles(context: Context, chosen: Shown) -> list[str]:
    """Name the four corners as weak or strong, aligned or misaligned."""
    ends = context.poles
    if ends is None or len(chosen.cells) != 4:
        return chosen.names
    titles = []
    for cell in chosen.cells:
        strength = "strong" if float(cell["execution"]) == ends.strong else "weak"
        course = "misaligned" if float(cell["misalignment"]) == ends.misaligned else "aligned"
        titles.append(f"{strength}, {course}")
    return titles if len(set(titles)) == 4 else chosen.names


def _rows(titles: list[str], chosen: Shown) -> list[str]:
    """Return titles as tables give them: cells that figures name by number, with their words."""
    if titles != chosen.names:
        return titles
    return [name_with_words(name, words) for name, words in zip(chosen.names, chosen.words, strict=True)]


def _curves(ds: xr.Dataset, name: str, title: str, *, width: float | None = None) -> Panel:
    """Draw curves; `width` in inches, where two panels share a row and letters are to stay as large as elsewhere."""
    ax = None
    if width is not None:
        ax = style.styled(style.canvas)(width, 3.3 + 0.16 * ds["firms"].size)[1][0, 0]
    ax = plots.survival_curves(ds, ax=ax, title=title)
    chosen = shown(ds)
    last = [kaplan_meier(cell).isel(week=-1) for cell in chosen.cells]
    spoken = "; ".join(f"{label}: {_percent(one)} %" for label, one in zip(chosen.names, last, strict=True))
    return panel(ax, f"Survival curves{f', {title}' if title else ''}. Alive at the horizon: {spoken}.", name=name)


def _chosen(context: Context) -> str:
    chosen = shown(context.ds)
    some = f", {chosen.left_out}" if chosen.left_out else ""
    return (
        f"Share of firms alive by age{some}. Bands are pointwise 95 % limits; beneath stand the numbers of firms at "
        "risk."
    )


def _survival_table(context: Context) -> Table:
    chosen = shown(context.plane if context.poles else context.ds, most=7 if context.poles is None else 4)
    weeks = context.ds.sizes["week"]
    ages = sorted({week for year in (1, 3, 5, 10) if (week := year * WEEKS_PER_YEAR) < weeks} | {weeks})
    rows = []
    for name, cell in zip(_rows(_titles(context, chosen), chosen), chosen.cells, strict=True):
        found = kaplan_meier(cell)
        rows.append([name, *(_percent(found.sel(week=age)) for age in ages), f"{int(cell['firms']):,}"])
    head = ["firms", *(f"{(years := age / WEEKS_PER_YEAR):g} year{'' if years == 1 else 's'}" for age in ages), "n"]
    return Table(
        head,
        rows,
        "Firms alive at some ages, in per cent, ± one standard error (limits in brackets where all or none are alive).",
    )


def _percent(found: xr.Dataset) -> str:
    return format_estimate(Estimate.of(found.squeeze()).scaled(100), short=True)
