"""One trajectory: what the dashboard showed, and beneath it what happened to the firm."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from numpy.typing import NDArray

from firmfate.analysis.formatting import format_cell, spaced
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.errors import EstimateError, shortened
from firmfate.plots import style

KPI = "kpi_"
LOWER_IS_BETTER = {"kpi_production", "kpi_quality", "kpi_finance", "kpi_logistics"}
FIRM = (
    ("cash", "cash; dashed: the limit of the credit line", "weeks of revenue"),
    ("customers", "customers", "share of the start"),
    ("inventory", "inventory", "weeks of demand"),
    ("perceived_lead_time", "lead time", "weeks, as customers feel it"),
)
"""Panels of the model firm beneath its KPIs: column, title, unit. Inventory is work in process and finished goods."""

KPI_COLOURS = (style.BLUE, style.VERMILION, style.GREEN, style.GREY, style.PURPLE)
DOUBLINGS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
QUARTERS = (0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5)
MOST_PANELS = 4
TITLE_WIDTH = 68
"""Characters of a line of a title."""


@style.styled
def trajectory(ds: xr.Dataset, *, axes: NDArray[Any] | None = None, title: str = "") -> NDArray[Any]:
    """Draw one firm: KPIs above; cash, customers, inventory and lead time below.

    Parameters
    ----------
    ds : xarray.Dataset
        Over ``step``, as `firmfate.replay` and `firmfate.simulate_path` return it, or one of ``trajectories.nc``. Of
        other models the first four columns that are no shocks are drawn.
    axes : array of Axes, optional
        One a panel; a new figure if not given.
    title : str
        Over the first panel; who the firm is, if not given.

    Returns
    -------
    array of Axes
        KPIs as ratios to their start, inverted where less is better: 1 or more is green; then the rest.

    Raises
    ------
    EstimateError
        Where the dataset holds several trajectories; select one.

    Examples
    --------
    >>> import firmfate
    >>> firm = firmfate.simulate_path("firm", execution=1.0, misalignment=1.0, weeks=104)
    >>> len(trajectory(firm))  # panels
    5
    """
    if "trajectory" in ds.dims:
        raise EstimateError(
            f"trajectory() draws one firm; select one of the {ds.sizes['trajectory']}, for example "
            "ds.isel(trajectory=0)"
        )
    ds = _until_event(ds)
    panels = panels_of(ds)
    if axes is None:
        heights = [2.0 if name == KPI else 1.0 for name, _, _ in panels]
        figure, grid = style.canvas(
            5.6, sum(heights) + 0.9, len(panels), 1, sharex=True, gridspec_kw={"height_ratios": heights}
        )
        figure.suptitle(
            textwrap.fill(title or who(ds), TITLE_WIDTH), x=0.012, ha="left", fontsize=9.5, fontweight="bold"
        )
        axes = grid[:, 0]
    axes = style.given(axes, (len(panels),))
    years = ds["week"].values / WEEKS_PER_YEAR
    horizon = float(recorded(ds, "event_week") or ds["week"].values[-1]) / WEEKS_PER_YEAR
    for ax, (name, words, unit) in zip(axes, panels, strict=True):
        if name == KPI:
            _kpis(ax, ds, years)
        else:
            ax.plot(years, column(ds, name), color=style.BLUE)
            if name == "cash":
                _credit(ax, ds, years)
        title = shortened(f"{words} ({unit})" if unit else words, style.LONGEST_TITLE)
        ax.set_title(title, fontsize=8.5, fontweight="normal", pad=3)
        _moments(ax, ds)
        style.age_axis(ax, horizon, label="")
    axes[-1].set_xlabel("age in years")
    style.note(axes[-1], f"n = 1 firm, replayed exactly: {how(ds)}\nvertical lines: the alarm (dashed), the event")
    return axes


def panels_of(ds: xr.Dataset) -> list[tuple[str, str, str]]:
    """Return the panels of a trajectory: column, words, unit."""
    if all(name == "inventory" or name in ds for name, _, _ in FIRM):
        return [(KPI, "KPIs", "better is up; from the dashed line on, green"), *FIRM]
    columns = [
        str(name)
        for name, values in ds.data_vars.items()
        if values.dims == ("step",) and not str(name).startswith("eps_")
    ]
    if not columns:
        raise EstimateError("the dataset holds no trajectory: no column over `step`")
    return [(name, spaced(name), str(ds[name].attrs.get("units", ""))) for name in columns[:MOST_PANELS]]


def column(ds: xr.Dataset, name: str) -> NDArray[np.float64]:
    """Return a column of a trajectory; inventory is work in process and finished goods."""
    values = ds["work_in_process"] + ds["finished_goods"] if name == "inventory" else ds[name]
    return np.asarray(values.values, dtype=np.float64)


def kpi_ratio(ds: xr.Dataset, name: str) -> NDArray[np.float64]:
    """Return a KPI relative to its start, inverted where less is better: at 1 and above it is green."""
    values = column(ds, name)
    ratio: NDArray[np.float64] = values[0] / values if name in LOWER_IS_BETTER else values / values[0]
    return ratio


def recorded(ds: xr.Dataset, name: str) -> Any:
    """Return an attribute or coordinate of a trajectory, or of several that share its value; otherwise None."""
    if name in ds.attrs:
        return ds.attrs[name]
    known = np.unique(ds[name].values) if name in ds.coords else np.empty(0)
    return known.item() if known.size == 1 else None


def who(ds: xr.Dataset) -> str:
    """Return in words the cell and replicate of a trajectory, or what many of them share."""
    shared = {
        str(name): values.values.flat[0].item()
        for name, values in ds.coords.items()
        if values.dims in ((), ("trajectory",)) and np.unique(values.values).size == 1
    }
    known = {**ds.attrs, **shared}
    cell = {
        name.removeprefix("trajectory_"): float(value)
        for name, value in known.items()
        if isinstance(value, float) and name not in ("event_week", "alarm_week")
    }
    replicate = recorded(ds, "replicate")
    parts = [format_cell(cell)] if cell else []
    return ", ".join([*parts, *([f"replicate {replicate}"] if replicate is not None else [])])


def how(ds: xr.Dataset) -> str:
    """Return in words the event of a firm: its week, cause and alarm."""
    week, cause = recorded(ds, "event_week"), recorded(ds, "cause")
    if week is None:
        return "event not recorded"
    alarm = recorded(ds, "alarm_week")
    rang = f", alarm in week {float(alarm):g}" if alarm else ", no alarm"
    if cause == "invalid":
        return f"arithmetic has failed{rang}"
    if cause == "censored":
        return f"alive at the horizon, week {float(week):g}{rang}"
    return f"exited in week {float(week):g}{f' by {spaced(str(cause))}' if cause else ''}{rang}"


def _until_event(ds: xr.Dataset) -> xr.Dataset:
    """Cut the padding after a firm's event."""
    columns = [values for values in ds.data_vars.values() if values.dims == ("step",)]
    alive = np.isfinite(columns[-1].values) if columns else np.ones(ds.sizes["step"], dtype=bool)
    return ds.isel(step=np.flatnonzero(alive))


def _kpis(ax: Axes, ds: xr.Dataset, years: NDArray[np.float64]) -> None:
    names = [str(name) for name in ds.data_vars if str(name).startswith(KPI)]
    ax.axhline(1, color=style.MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
    for name, colour in zip(names, KPI_COLOURS, strict=False):
        ax.plot(years, kpi_ratio(ds, name), color=colour, linewidth=1.3, label=spaced(name[len(KPI) :]))
    ax.set_yscale("log", base=2)
    ax.yaxis.set_major_formatter(lambda ratio, _: f"{ratio:g}×")
    ax.minorticks_off()
    legend = ax.legend(
        loc="upper left", bbox_to_anchor=(0, 1.0), ncols=5, fontsize=7, handlelength=1.0, columnspacing=0.9,
        frameon=True, facecolor=style.PAPER, edgecolor="none", framealpha=1, borderpad=0.2,
    )  # fmt: skip
    legend.set_zorder(5)  # above the line of the alarm
    low, high = ax.get_ylim()
    low, high = min(low, 0.8), max(high, 1.25)
    ax.set_yticks([ratio for ratio in (DOUBLINGS if high / low > 2.8 else QUARTERS) if low <= ratio <= high])
    ax.set_ylim(low, high * (high / low) ** 0.22)  # room for the legend


def _credit(ax: Axes, ds: xr.Dataset, years: NDArray[np.float64]) -> None:
    if "credit_line" in ds:
        ax.plot(years, -column(ds, "credit_line"), color=style.MUTED, linewidth=0.9, linestyle=(0, (4, 3)))


def _moments(ax: Axes, ds: xr.Dataset) -> None:
    """Mark the alarm (orange, dashed) and the event (vermilion)."""
    for name, colour, dashes in (("alarm_week", style.ORANGE, (0, (5, 2))), ("event_week", style.VERMILION, "-")):
        week = recorded(ds, name)
        if week and (name != "event_week" or recorded(ds, "cause") != "censored"):
            at = float(week) / WEEKS_PER_YEAR
            ax.axvline(at, color=colour, linewidth=1.4, linestyle=dashes, label=f"_{name}", clip_on=False)
