"""The section on green dashboards and warning time: what firms that died saw when their alarm rang."""

from __future__ import annotations

from typing import Any

import xarray as xr

from firmfate import plots
from firmfate.analysis import alarm_shares, green_dashboards, warning_time
from firmfate.analysis.cell_labels import labels_of
from firmfate.analysis.formatting import Estimate, format_cell, format_estimate, format_value
from firmfate.analysis.green_kpis import marks_of
from firmfate.plots.cells import name_with_words, short_names
from firmfate.plots.spacing import evenly_spaced
from firmfate.reporting.blocks import Figure, Prose, Section, Table
from firmfate.reporting.context import Context
from firmfate.reporting.drawing import panel

MOST_ROWS = 12
MISALIGNMENTS = 5


def section(context: Context) -> Section | None:
    """Return the section; none where the run counts no alarms, or no alarmed firm died."""
    if "alarms" not in context.ds or "warning_steps_sum" not in context.ds:
        return None
    ds = _rows(context)
    if not float(warning_time(ds)["firms"].sum()):
        return None
    marked = bool(marks_of(context.ds))
    axes = plots.dashboards(context.ds)
    table = _table(context, ds, marked)
    alarm = (
        f"The alarm rings when {context.model.alarm.replace('`alarm`', 'the parameter alarm')}. "
        if context.model and context.model.alarm
        else ""
    )
    what = (
        "left, how many of the five KPIs were green when it rang; middle, how many weeks were left; right, how many "
        "firms died without an alarm"
        if marked
        else "left, how many weeks were left when it rang; right, how many firms died without one"
    )
    caption = (
        f"Firms that died, by their alarm: {what}. Bars are 95 % limits; early alarms, where there are any, are hollow."
    )
    blocks: list[Any] = [
        Prose(
            f"{alarm}All numbers here are means over alarmed firms that died within the horizon. Firms whose alarm "
            "rang in their first 13 weeks, before their course could show, are counted apart, as early."
        ),
        Figure([panel(axes[0], f"{caption} {_spoken(table)}", name="dashboards")], caption),
        table,
    ]
    title = "Green dashboards and warning time" if marked else "Warning time"
    return Section("dashboards", title, blocks)


def _rows(context: Context) -> xr.Dataset:
    """Return some cells as one dimension ``cell``: weak and strong at several misalignments, or the first dozen."""
    ends = context.poles
    if ends is None:
        dims = list(context.ds["firms"].dims)
        if not dims or dims == ["cell"]:
            ds = context.ds if dims else context.ds.expand_dims("cell")
            return ds.isel(cell=slice(0, MOST_ROWS))
        stacked = context.ds.stack(cell=dims, create_index=False)
        return stacked.isel(cell=evenly_spaced(context.cells, MOST_ROWS)).transpose("cell", ...)
    values = context.plane["misalignment"].values[evenly_spaced(context.plane.sizes["misalignment"], MISALIGNMENTS)]
    ds = context.plane.sel(execution=[ends.weak, ends.strong], misalignment=values)
    return ds.stack(cell=["execution", "misalignment"], create_index=False).transpose("cell", ...)


def _table(context: Context, ds: xr.Dataset, marked: bool) -> Table:
    warning, shares = warning_time(ds), alarm_shares(ds)
    green = green_dashboards(ds) if marked else None
    early = bool((warning["firms"].sel(alarm_kind="early") > 0).any())
    kinds = [("later", "")] + ([("early", ", early alarm")] if early else [])
    head = ["firms"]
    for _, words in kinds:
        head += [f"green KPIs{words}"] * marked + [f"weeks of warning{words}", f"n{words}"]
    head += ["no alarm, % of deaths", "deaths"]
    rows = []
    for i in range(ds.sizes["cell"]):
        row = [_name(context, ds, i)]
        for kind, _ in kinds:
            here = {"alarm_kind": kind}
            if green is not None:
                row.append(_short(green.isel(cell=i).sel(here)))
            row += [_short(warning.isel(cell=i).sel(here)), f"{float(warning['firms'].isel(cell=i).sel(here)):,.0f}"]
        unalarmed = shares.isel(cell=i).sel(alarm_kind="none")
        row += [format_estimate(Estimate.of(unalarmed).scaled(100), short=True), f"{float(unalarmed['firms']):,.0f}"]
        rows.append(row)
    apart = "" if early else " No alarm rang in the first 13 weeks of these firms."
    return Table(head, rows, f"Alarms of firms that died, ± one standard error.{apart}")


def _name(context: Context, ds: xr.Dataset, cell: int) -> str:
    labels = labels_of(ds, {"cell": cell})
    if context.poles is None:
        words = format_cell(labels)
        return name_with_words(short_names([words], [cell])[0], words)
    words = "strong" if labels["execution"] == context.poles.strong else "weak"
    return f"{words}, misalignment {format_value(labels['misalignment'])}"


def _short(found: xr.Dataset) -> str:
    return format_estimate(Estimate.of(found), short=True)


def _spoken(table: Table) -> str:
    return (
        "; ".join(
            f"{row[0]}: " + ", ".join(f"{h} {v}" for h, v in zip(table.head[1:], row[1:], strict=True))
            for row in table.rows
        )
        + "."
    )
