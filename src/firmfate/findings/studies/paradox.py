"""paradox (H1, H2, H6): where execution helps and harms, at which misalignment it turns, and the best execution."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import numpy as np
import xarray as xr

from firmfate.counts import WEEKS_PER_YEAR
from firmfate.errors import EstimateError
from firmfate.findings.lifetimes import Lifetimes
from firmfate.findings.phase import phase_map
from firmfate.findings.poles import EXECUTION, MISALIGNMENT, Poles, poles
from firmfate.findings.table import Row, Table, row
from firmfate.findings.turning import turning_point
from firmfate.findings.words import Estimated, plain
from firmfate.survival import cumulative_incidence, proportional_hazards, proportionality

SHOWN = 0.25
"""Steps of execution and misalignment in tables."""

GUARD = "utilisation_cap"
"""Meant to guard the arithmetic of the queue formula alone, but the longest queue there can be follows from it."""

PERIODS = (156, 520)
"""Weeks that end periods with hazard ratios of their own."""


def estimands(runs: Mapping[str, xr.Dataset]) -> Table:
    """Return the numbers of the study.

    Parameters
    ----------
    runs : mapping
        ``study``: counts over execution and misalignment; ``buffers``: over these, cash_buffer and correct_time;
        ``other-seed`` and ``half-week``: over weak and strong execution and misalignment; ``guard``: over these and
        utilisation_cap.
    """
    ds = runs["study"].compute()
    others = {key: runs[key].compute() for key in ("other-seed", "half-week")}
    return Table([*_effects(ds), *_map(ds), *_turning(ds), *_buffers(runs["buffers"].compute()),
                  *_regression(ds), *_extremes(ds), *_again(others), *_guard(runs["guard"].compute())])  # fmt: skip


def _effects(ds: xr.Dataset) -> Iterator[Row]:
    section = "Strong less weak execution"
    ends = _poles(ds)
    lived = Lifetimes(ds)
    years = lived.tau / WEEKS_PER_YEAR
    effect = _effect(lived, ends)
    said = f"mean lifetime within {years:g} years, execution {plain(ends.strong)} less {plain(ends.weak)}"
    yield row("firms", int(ds["firms"].sum()), "firms simulated for the phase map", section=section)
    for name, where in (("aligned", ends.aligned), ("misaligned", ends.misaligned)):
        text = f"{said}, misalignment {plain(where)}"
        yield row(f"effect_{name}", effect.sel({MISALIGNMENT: where}), text, unit="years", section=section)
    text = f"{said}, average over misalignment {plain(ends.aligned)} to {plain(ends.misaligned)}"
    average = lived.apply(lambda mean: _trapezoid(_strong_less_weak(mean, ends)))
    yield row("effect_average", average, text, unit="years", section=section)
    text = "firms spread evenly from misalignment 0 up to this: their average effect of execution is 0"
    yield row("break_even", lived.apply(lambda mean: _break_even(_strong_less_weak(mean, ends))), text, section=section)


def _map(ds: xr.Dataset) -> Iterator[Row]:
    lived = Lifetimes(ds)
    here = xr.Dataset({"estimate": lived.estimate, "se": lived.se})
    here = here.assign(lower=here["estimate"] * np.nan, upper=here["estimate"] * np.nan)
    for execution in (_poles(ds).weak, *_steps(here[EXECUTION])[1:]):
        for misalignment in _steps(here[MISALIGNMENT]):
            yield row(
                f"rmst_{plain(execution)}_{plain(misalignment)}",
                here.sel({EXECUTION: execution, MISALIGNMENT: misalignment}),
                f"execution {plain(execution)}", unit="years", section="Mean lifetime within the horizon",
                column=f"misalignment {plain(misalignment)}",
            )  # fmt: skip


def _turning(ds: xr.Dataset) -> Iterator[Row]:
    for weeks in ds["horizon"].values:
        years, section = plain(weeks / WEEKS_PER_YEAR), "Turning point m*"
        text = f"horizon {years} years"
        yield row(
            f"m_star_{years}", turning_point(ds, tau=int(weeks)), text, section=section, column="strong less weak"
        )
        contour = phase_map(ds, tau=int(weeks))
        for execution in _steps(ds[EXECUTION])[1:]:
            at = contour.sel({EXECUTION: execution})
            value = Estimated(*(float(at[f"contour{part}"]) for part in ("", "_se", "_lower", "_upper")))
            yield row(f"contour_{years}_{plain(execution)}", value, text, section=section,
                      column=f"dRMST/dE = 0 at E = {plain(execution)}")  # fmt: skip


def _buffers(ds: xr.Dataset) -> Iterator[Row]:
    for weeks in ds["horizon"].values:
        years = plain(weeks / WEEKS_PER_YEAR)
        found = turning_point(ds, tau=int(weeks))
        for buffer in ds["cash_buffer"].values:
            for correct in ds["correct_time"].values:
                yield row(
                    f"m_star_{years}_{plain(buffer)}_{plain(correct)}",
                    found.sel(cash_buffer=buffer, correct_time=correct),
                    f"buffer {plain(buffer)} weeks, correction {plain(correct)} weeks",
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
        text = f"interaction, years {plain(last / WEEKS_PER_YEAR)} to {plain(period / WEEKS_PER_YEAR)}"
        here = periods.sel(term=whole["term"].values[-1], period=period)
        yield row(f"interaction_to_{plain(period / WEEKS_PER_YEAR)}", here, text, section=section)
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
                f"{kind}_{plain(misalignment)}", float(ds[EXECUTION].values[int(place)]),
                f"misalignment {plain(misalignment)}", section="Best and worst execution", column=f"{kind} execution",
            )  # fmt: skip
    for weeks in ds["horizon"].values:
        lived, years = Lifetimes(ds, tau=int(weeks)), plain(weeks / WEEKS_PER_YEAR)
        for kind in ("best", "worst"):
            found = _interior(lived, kind)
            for end, value in (("from", min(found, default=np.nan)), ("to", max(found, default=np.nan))):
                words = "better" if kind == "best" else "worse"
                yield row(
                    f"interior_{kind}_{years}_{end}", value, f"horizon {years} years",
                    section="Misalignments at which an execution inside is told apart from both ends",
                    column=f"{words} than both, {end}",
                )  # fmt: skip


def _interior(lived: Lifetimes, kind: str) -> list[float]:
    """Return the misalignments at which an execution inside is better, or worse, than both ends, each told from 0."""
    sign = 1 if kind == "best" else -1
    found = []
    for misalignment in map(float, lived.estimate[MISALIGNMENT].values):
        inner = lived.estimate.sel({MISALIGNMENT: misalignment}).isel({EXECUTION: slice(1, -1)})
        inside = 1 + int((sign * inner).argmax(EXECUTION))
        if all(_gap(lived, misalignment, inside, end).sign == sign for end in (0, -1)):
            found.append(misalignment)
    return found


def _gap(lived: Lifetimes, misalignment: float, inside: int, end: int) -> Estimated:
    """Return how much longer firms live at an execution than at an end of the axis."""

    def gap(mean: xr.DataArray) -> xr.DataArray:
        line = mean.sel({MISALIGNMENT: misalignment})
        return line.isel({EXECUTION: inside}, drop=True) - line.isel({EXECUTION: end}, drop=True)

    return Estimated.of(lived.apply(gap))


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


def _guard(ds: xr.Dataset) -> Iterator[Row]:
    """The main numbers over the guard of the queue formula, and how many aligned firms end in a queue."""
    section, ends = "The guard of the queue formula", _poles(ds)
    effect, turns = _effect(Lifetimes(ds), ends), turning_point(ds)
    queues = cumulative_incidence(ds.sel({MISALIGNMENT: ends.aligned}, drop=True))
    gridlock = queues.sel(cause="gridlock", week=ds.sizes["week"]).drop_vars(["cause", "week"])
    queue_time = float(json.loads(ds.attrs["parameters"])["queue_time"])
    for cap in ds[GUARD].values:
        here, text = {GUARD: cap}, f"{GUARD} {plain(cap)}"
        longest = queue_time * cap / (1 - cap)
        for name, value, column in (
            ("longest_queue", longest, "longest queue, weeks"),
            ("effect_aligned_guard", effect.sel({**here, MISALIGNMENT: ends.aligned}), "aligned, years"),
            ("effect_misaligned_guard", effect.sel({**here, MISALIGNMENT: ends.misaligned}), "misaligned, years"),
            ("m_star_guard", turns.sel(here), "m*"),
            ("gridlock_weak_guard", gridlock.sel({**here, EXECUTION: ends.weak}), "gridlocked, weak aligned"),
            ("gridlock_strong_guard", gridlock.sel({**here, EXECUTION: ends.strong}), "gridlocked, strong aligned"),
        ):
            yield row(f"{name}_{plain(cap)}", value, text, section=section, column=column)


def _poles(ds: xr.Dataset) -> Poles:
    ends = poles(ds)
    if ends is None:
        raise EstimateError("the study paradox needs execution and misalignment as axes")
    return ends


def _effect(lived: Lifetimes, ends: Poles) -> xr.Dataset:
    return lived.apply(lambda mean: _strong_less_weak(mean, ends))


def _strong_less_weak(mean: xr.DataArray, ends: Poles) -> xr.DataArray:
    return mean.sel({EXECUTION: ends.strong}, drop=True) - mean.sel({EXECUTION: ends.weak}, drop=True)


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
