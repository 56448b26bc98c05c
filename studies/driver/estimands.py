"""driver (H8, H9, H12): slack and correction, detection against alignment, blindness, and the sceptic's coupling."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np
import xarray as xr

from common.number_table import NumberTable, Row, row
from firmfate.analysis import Lifetimes, turning_point
from firmfate.analysis.formatting import format_value
from firmfate.analysis.poles import EXECUTION, MISALIGNMENT

WEAK, STRONG = 0.05, 1.0
Cell = Mapping[str, float]


def estimands(runs: Mapping[str, xr.Dataset]) -> NumberTable:
    """Return the numbers of the study.

    Parameters
    ----------
    runs : mapping
        Counts over execution, misalignment and: ``slack``, cash_buffer and correct_time; ``detection``, observe_time;
        ``blindness``, blindness; ``sceptic``, steering_coupling and correct_time.
    """
    return NumberTable([*_slack(runs["slack"].compute()), *_detection(runs["detection"].compute()),
                  *_blindness(runs["blindness"].compute()), *_sceptic(runs["sceptic"].compute())])  # fmt: skip


def gain(lived: Lifetimes, better: Cell, than: Cell) -> xr.Dataset:
    """Return how many years longer firms live in one selection of cells than in another."""
    return lived.apply(lambda years: years.sel(better, drop=True) - years.sel(than, drop=True))


def _slack(ds: xr.Dataset) -> Iterator[Row]:
    lived = Lifetimes(ds)
    buffers, corrects = ds["cash_buffer"].values, ds["correct_time"].values
    slack = gain(lived, {"cash_buffer": buffers[-1]}, {"cash_buffer": buffers[0]})
    more = lived.apply(lambda years: _difference_of_differences(years, buffers[[0, -1]], corrects[[0, -1]]))
    section = f"Slack: mean lifetime with a buffer of {format_value(buffers[-1])} less {format_value(buffers[0])} weeks"
    for execution in ds[EXECUTION].values:
        for misalignment in ds[MISALIGNMENT].values:
            here = {EXECUTION: execution, MISALIGNMENT: misalignment}
            key, text = f"{format_value(execution)}_{format_value(misalignment)}", _who(execution, misalignment)
            for correct in corrects:
                value, column = slack.sel(here).sel(correct_time=correct), f"correction {format_value(correct)} weeks"
                yield row(
                    f"slack_{key}_{format_value(correct)}", value, text, unit="years", section=section, column=column
                )
            yield row(f"slack_{key}", more.sel(here), text, unit="years", section=section,
                      column="slow less fast correction")  # fmt: skip
    hidden = gain(lived, {"cash_buffer": buffers[-1]}, {"cash_buffer": buffers[1]})
    here = {EXECUTION: STRONG, MISALIGNMENT: 1.0, "correct_time": corrects[0]}
    weeks = f"{format_value(buffers[-1])} less {format_value(buffers[1])} weeks"
    text = f"{_who(STRONG, 1.0)}, fast correction: buffer {weeks}"
    yield row("hidden_by_slack", hidden.sel(here), text, unit="years", section="Too much slack")


def _difference_of_differences(years: xr.DataArray, buffers: np.ndarray, corrects: np.ndarray) -> xr.DataArray:
    step = years.sel(cash_buffer=buffers[1], drop=True) - years.sel(cash_buffer=buffers[0], drop=True)
    return step.sel(correct_time=corrects[1], drop=True) - step.sel(correct_time=corrects[0], drop=True)


def _detection(ds: xr.Dataset) -> Iterator[Row]:
    """Return years gained by detection and by alignment, and how much of one is worth how much of the other."""
    lived = Lifetimes(ds)
    halved = gain(lived, {"observe_time": 13.0}, {"observe_time": 26.0})
    for high, low in ((1.0, 0.9), (0.6, 0.5)):
        aligned = gain(lived, {MISALIGNMENT: low, "observe_time": 26.0}, {MISALIGNMENT: high, "observe_time": 26.0})
        section = f"Detection against alignment, at misalignment {format_value(high)}"
        for execution in ds[EXECUTION].values:
            text, key = f"execution {format_value(execution)}", f"{format_value(execution)}_{format_value(high)}"
            here = {EXECUTION: execution}
            yield row(f"detect_{key}", halved.sel(here).sel({MISALIGNMENT: high}), text, unit="years",
                      section=section, column="observe_time 13 in place of 26")  # fmt: skip
            yield row(f"align_{key}", aligned.sel(here), text, unit="years",
                      section=section, column="misalignment less by 0.1")  # fmt: skip
    times = ds["observe_time"].values
    for high in (1.0, 0.6):
        section = f"Exchange rate: the misalignment that halving observe_time is worth, at misalignment {high:g}"
        for execution in ds[EXECUTION].values:
            for after, before in itertools.pairwise(times):
                worth = lived.apply(partial(_worth, high=high, execution=execution, before=before, after=after))
                yield row(
                    f"exchange_{format_value(execution)}_{format_value(high)}_{format_value(before)}", worth,
                    f"execution {format_value(execution)}", section=section,
                    column=f"{format_value(before)} to {format_value(after)} weeks",
                )  # fmt: skip


def _worth(years: xr.DataArray, *, high: float, execution: float, before: float, after: float) -> xr.DataArray:
    """Return by how much misalignment must fall, at the slower detection, to give what the faster one gives."""
    here = years.sel({EXECUTION: execution}, drop=True)
    wanted = float(here.sel({MISALIGNMENT: high, "observe_time": after}))
    line = here.sel(observe_time=before, drop=True)
    line = line.sel({MISALIGNMENT: line[MISALIGNMENT] <= high}).sortby(MISALIGNMENT, ascending=False)
    x, y = high - line[MISALIGNMENT].values, line.values
    place = int(np.argmax(y >= wanted)) if (y >= wanted).any() else 0
    if place == 0:
        return xr.DataArray(0.0 if y[0] >= wanted else np.nan)
    share = (wanted - y[place - 1]) / (y[place] - y[place - 1])
    return xr.DataArray(x[place - 1] + share * (x[place] - x[place - 1]))


def _blindness(ds: xr.Dataset) -> Iterator[Row]:
    lived = Lifetimes(ds)
    section = "Blindness: mean lifetime"
    seeing, blind = (
        gain(lived, {"blindness": 0.0}, {"blindness": 0.5}),
        gain(lived, {"blindness": 1.0}, {"blindness": 0.5}),
    )
    for execution in ds[EXECUTION].values:
        for misalignment in ds[MISALIGNMENT].values:
            here = {EXECUTION: execution, MISALIGNMENT: misalignment}
            key, text = f"{format_value(execution)}_{format_value(misalignment)}", _who(execution, misalignment)
            yield row(f"seeing_{key}", seeing.sel(here), text, unit="years", section=section, column="0 less 0.5")
            yield row(f"blind_{key}", blind.sel(here), text, unit="years", section=section, column="1 less 0.5")


def _sceptic(ds: xr.Dataset) -> Iterator[Row]:
    lived = Lifetimes(ds)
    effect = gain(lived, {EXECUTION: STRONG}, {EXECUTION: WEAK})
    turning = turning_point(ds)
    for correct in ds["correct_time"].values:
        for coupling in ds["steering_coupling"].values:
            here = {"correct_time": correct, "steering_coupling": coupling}
            key = f"{format_value(correct)}_{format_value(coupling)}"
            line = lived.estimate.sel(here).sel({MISALIGNMENT: 1.0})
            found: tuple[tuple[str, xr.Dataset | float, str], ...] = (
                ("aligned", effect.sel(here).sel({MISALIGNMENT: 0.0}), "strong less weak, misalignment 0"),
                ("half", effect.sel(here).sel({MISALIGNMENT: 0.5}), "strong less weak, misalignment 0.5"),
                ("misaligned", effect.sel(here).sel({MISALIGNMENT: 1.0}), "strong less weak, misalignment 1"),
                ("worst", float(line[EXECUTION][int(line.argmin(EXECUTION))]), "worst execution, misalignment 1"),
                ("m_star", turning.sel(here), "m*"),
            )
            for name, value, column in found:
                text = f"correction {format_value(correct)} weeks, coupling {format_value(coupling)}"
                yield row(f"sceptic_{name}_{key}", value, text, unit="years, share", column=column,
                          section="The sceptic: strong engines with strong steering")  # fmt: skip


def _who(execution: float, misalignment: float) -> str:
    return f"execution {format_value(execution)}, misalignment {format_value(misalignment)}"
