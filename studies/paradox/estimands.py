"""paradox (H1, H2, H6): where execution helps and harms, at which misalignment it turns, and the best execution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import xarray as xr

from common.number_table import NumberTable, Row, row
from firmfate.analysis import Estimate, Lifetimes, phase_map, turning_point
from firmfate.analysis.formatting import format_value
from firmfate.analysis.poles import EXECUTION, MISALIGNMENT, Poles, poles
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.errors import EstimateError
from firmfate.survival import proportional_hazards, proportionality

SHOWN = 0.25
"""Steps of execution and misalignment in tables."""

PERIODS = (156, 520)
"""Weeks that end periods with hazard ratios of their own."""


def estimands(runs: Mapping[str, xr.Dataset]) -> NumberTable:
    """Return the numbers of the study.

    Parameters
    ----------
    runs : mapping
        ``study``: counts over execution and misalignment; ``buffers``: over these, cash_buffer and correct_time;
        ``other-seed`` and ``half-week``: over weak and strong execution and misalignment.
    """
    ds = runs["study"].compute()
    others = {key: runs[key].compute() for key in ("other-seed", "half-week")}
    return NumberTable([*_effects(ds), *_map(ds), *_turning(ds), *_buffers(runs["buffers"].compute()),
                  *_regression(ds), *_extremes(ds), *_again(others)])  # fmt: skip


def _effects(ds: xr.Dataset) -> Iterator[Row]:
    section = "Strong less weak execution"
    ends = _poles(ds)
    lived = Lifetimes(ds)
    years = lived.tau / WEEKS_PER_YEAR
    effect = _effect(lived, ends)
    lifetime = (
        f"mean lifetime within {years:g} years, execution {format_value(ends.strong)} less {format_value(ends.weak)}"
    )
    yield row("firms", int(ds["firms"].sum()), "firms simulated for the phase map", section=section)
    for name, where in (("aligned", ends.aligned), ("misaligned", ends.misaligned)):
        text = f"{lifetime}, misalignment {format_value(where)}"
        yield row(f"effect_{name}", effect.sel({MISALIGNMENT: where}), text, unit="years", section=section)
    text = f"{lifetime}, average over misalignment {format_value(ends.aligned)} to {format_value(ends.misaligned)}"
    average = lived.apply(lambda mean: _trapezoid(ends.effect(mean)))
    yield row("effect_average", average, text, unit="years", section=section)
    text = "firms spread evenly from misalignment 0 up to this: their average effect of execution is 0"
    yield row("break_even", lived.apply(lambda mean: _break_even(ends.effect(mean))), text, section=section)


def _map(ds: xr.Dataset) -> Iterator[Row]:
    lived = Lifetimes(ds)
    here = xr.Dataset({"estimate": lived.estimate, "se": lived.se})
    here = here.assign(lower=here["estimate"] * np.nan, upper=here["estimate"] * np.nan)
    for execution in (_poles(ds).weak, *_steps(here[EXECUTION])[1:]):
        for misalignment in _steps(here[MISALIGNMENT]):
            yield row(
                f"rmst_{format_value(execution)}_{format_value(misalignment)}",
                here.sel({EXECUTION: execution, MISALIGNMENT: misalignment}),
                f"execution {format_value(execution)}", unit="years", section="Mean lifetime within the horizon",
                column=f"misalignment {format_value(misalignment)}",
            )  # fmt: skip


def _turning(ds: xr.Dataset) -> Iterator[Row]:
    for weeks in ds["horizon"].values:
        years, section = format_value(weeks / WEEKS_PER_YEAR), "Turning point m*"
        text = f"horizon {years} years"
        yield row(
            f"m_star_{years}", turning_point(ds, tau=int(weeks)), text, section=section, column="strong less weak"
        )
        contour = phase_map(ds, tau=int(weeks))
        for execution in _steps(ds[EXECUTION])[1:]:
            at = contour.sel({EXECUTION: execution})
            value = Estimate(*(float(at[f"contour{part}"]) for part in ("", "_se", "_lower", "_upper")))
            yield row(f"contour_{years}_{format_value(execution)}", value, text, section=section,
                      column=f"dRMST/dE = 0 at E = {format_value(execution)}")  # fmt: skip


def _buffers(ds: xr.Dataset) -> Iterator[Row]:
    for weeks in ds["horizon"].values:
        years = format_value(weeks / WEEKS_PER_YEAR)
        found = turning_point(ds, tau=int(weeks))
        for buffer in ds["cash_buffer"].values:
            for correct in ds["correct_time"].values:
                yield row(
                    f"m_star_{years}_{format_value(buffer)}_{format_value(correct)}",
                    found.sel(cash_buffer=buffer, correct_time=correct),
                    f"buffer {format_value(buffer)} weeks, correction {format_value(correct)} weeks",
                    section="m* by buffer, correction time and horizon", column=f"{years} years",
                )  # fmt: skip


def _regression(ds: xr.Dataset) -> Iterator[Row]:
    section = "Hazard regression"
    inner = ds.isel({dim: slice(None, None, max(1, (ds.sizes[dim] - 1) // 5)) for dim in (EXECUTION, MISALIGNMENT)})
    formula = f"{EXECUTION} * {MISALIGNMENT}"
    whole = proportional_hazards(inner, formula)
    for term, name in (
        (EXECUTION, "execution"),
        (MISALIGNMENT, "misalignment"),
        (whole["term"].values[-1], "interaction"),
    ):
        yield row(
            f"log_hazard_{name}", whole.sel(term=term), f"log hazard ratio per unit, {name}, all ages", section=section
        )
    periods = proportional_hazards(inner, formula, cuts=PERIODS)
    last = 0
    for period in periods["period"].values:
        text = f"interaction, years {format_value(last / WEEKS_PER_YEAR)} to {format_value(period / WEEKS_PER_YEAR)}"
        here = periods.sel(term=whole["term"].values[-1], period=period)
        yield row(f"interaction_to_{format_value(period / WEEKS_PER_YEAR)}", here, text, section=section)
        last = period
    check = proportionality(inner, formula)
    text = "test that hazard ratios do not change with age: p (they do, so the coefficients are averages)"
    yield row("proportionality_p", float(check["joint_p_value"]), text, section=section)


def _extremes(ds: xr.Dataset) -> Iterator[Row]:
    """Best and worst execution at each misalignment."""
    lived = Lifetimes(ds)
    for misalignment in _steps(ds[MISALIGNMENT], 0.1):
        line = lived.estimate.sel({MISALIGNMENT: misalignment})
        for kind, place in (("best", line.argmax(EXECUTION)), ("worst", line.argmin(EXECUTION))):
            yield row(
                f"{kind}_{format_value(misalignment)}",
                float(ds[EXECUTION].values[int(place)]),
                f"misalignment {format_value(misalignment)}",
                section="Best and worst execution",
                column=f"{kind} execution",
            )
    for weeks in ds["horizon"].values:
        lived, years = Lifetimes(ds, tau=int(weeks)), format_value(weeks / WEEKS_PER_YEAR)
        for kind in ("best", "worst"):
            found = _interior(lived, kind)
            for end, value in (("from", min(found, default=np.nan)), ("to", max(found, default=np.nan))):
                words = "better" if kind == "best" else "worse"
                yield row(
                    f"interior_{kind}_{years}_{end}", value, f"horizon {years} years",
                    section="Misalignments at which an interior execution differs from both ends (95 %)",
                    column=f"{words} than both, {end}",
                )  # fmt: skip


def _interior(lived: Lifetimes, kind: str) -> list[float]:
    """Return the misalignments at which an interior execution is better, or worse, than both ends at 95 %."""
    sign = 1 if kind == "best" else -1
    found = []
    for misalignment in map(float, lived.estimate[MISALIGNMENT].values):
        inner = lived.estimate.sel({MISALIGNMENT: misalignment}).isel({EXECUTION: slice(1, -1)})
        inside = 1 + int((sign * inner).argmax(EXECUTION))
        if all(_gap(lived, misalignment, inside, end).sign == sign for end in (0, -1)):
            found.append(misalignment)
    return found


def _gap(lived: Lifetimes, misalignment: float, inside: int, end: int) -> Estimate:
    """Return how much longer firms live at an execution than at an end of the axis."""

    def gap(mean: xr.DataArray) -> xr.DataArray:
        line = mean.sel({MISALIGNMENT: misalignment})
        return line.isel({EXECUTION: inside}, drop=True) - line.isel({EXECUTION: end}, drop=True)

    return Estimate.of(lived.apply(gap))


def _again(others: Mapping[str, xr.Dataset]) -> Iterator[Row]:
    """The main numbers from other random numbers, and from shorter steps."""
    for key, ds in others.items():
        ends = _poles(ds)
        effect = _effect(Lifetimes(ds), ends)
        for name, where in (("aligned", ends.aligned), ("misaligned", ends.misaligned)):
            value = effect.sel({MISALIGNMENT: where})
            yield row(
                f"effect_{name}_{key}", value, f"{key.replace('-', ' ')}: effect of execution, {name} (years)",
                section="Other seed, shorter step",
            )  # fmt: skip
        text = f"{key.replace('-', ' ')}: m*"
        yield row(f"m_star_{key}", turning_point(ds), text, section="Other seed, shorter step")


def _poles(ds: xr.Dataset) -> Poles:
    ends = poles(ds)
    if ends is None:
        raise EstimateError("the study paradox needs execution and misalignment as axes")
    return ends


def _effect(lived: Lifetimes, ends: Poles) -> xr.Dataset:
    return lived.apply(ends.effect)


def _trapezoid(effect: xr.DataArray) -> xr.DataArray:
    x = effect[MISALIGNMENT]
    return effect.integrate(MISALIGNMENT) / float(x[-1] - x[0])


def _break_even(effect: xr.DataArray) -> xr.DataArray:
    """Return the end of an even spread of misalignment at which the average effect falls to 0; NaN where never."""
    total = effect.cumulative_integrate(MISALIGNMENT).values
    x = effect[MISALIGNMENT].values
    change = np.flatnonzero((total[:-1] > 0) & (total[1:] <= 0))
    if not change.size:
        return xr.DataArray(np.nan)
    a = change[-1]
    return xr.DataArray(x[a] + total[a] * (x[a + 1] - x[a]) / (total[a] - total[a + 1]))


def _steps(values: xr.DataArray, step: float = SHOWN) -> list[float]:
    """Return the values that are multiples of a step."""
    return [float(v) for v in values.values if abs(v / step - round(v / step)) < 1e-9]
