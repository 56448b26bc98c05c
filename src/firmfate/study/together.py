"""What parts of a study that are right one by one cannot be together."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from firmfate.counts import BIN_WEEKS, reserved
from firmfate.errors import StudyError
from firmfate.study.precision import FEWEST_BESIDE, SMALLEST_PILOT
from firmfate.study.targets import CELLS, ORDERED, PAIRED, ROUNDING, TURNING, Target
from firmfate.tables import reading
from firmfate.tables.faults import Faults

if TYPE_CHECKING:
    from firmfate.study.study import Study

MOST_STEPS = 2**31 - 1

MOST_ORDERED = 32
"""Cells that are put in order: all pairs of them are compared after every round."""


def check_together(study: Study) -> None:
    """Refuse a study whose parts clash, with all clashes."""
    faults = Faults()
    for check in (_steps, _keys, _names, _precision):
        with faults.noted():
            check(study)
    faults.refuse()


def _steps(study: Study) -> None:
    """Refuse a horizon that is no integer number of steps, or too many."""
    written = reading.show(study.tables["study"].get("years", study.years))
    exact = study.weeks / study.dt
    if abs(exact - round(exact)) > 1e-9 or study.steps < 1:
        raise StudyError(
            f"study.years = {written}: {study.weeks} weeks are no integer number of steps of {study.dt:g} weeks; "
            "change years or steps_per_week"
        )
    if study.steps > MOST_STEPS:
        raise StudyError(f"study.years = {written} takes {study.steps:,} steps; at most {MOST_STEPS:,}")


def _keys(study: Study) -> None:
    """Refuse a parameter that is set twice, or whose parts are all set on their own."""
    setter: dict[str, str] = {}
    tables = {
        study.design.kind: tuple(axis.key for axis in study.design.axes),
        "population": study.population.keys,
        "parameters": tuple(study.parameters),
    }
    for table, keys in tables.items():
        for key in keys:
            if key in setter:
                raise StudyError(f"{table}.{key}: '{key}' is set by [{setter[key]}] already; keep one of them")
            setter[key] = table
    for key, fields in study.targets.items():
        if not fields:
            parts = ", ".join(study.model.parameter(key).keys[1:])
            raise StudyError(f"{setter[key]}.{key} has no effect: each of {parts} is set on its own")


def _names(study: Study) -> None:
    """Refuse names that would stand for two things in results."""
    edges = {name: stratum.key for stratum in study.population.strata for name in stratum.names}
    for axis in study.design.axes:
        if axis.name in edges:
            raise StudyError(
                f"{study.design.kind}.{axis.key}: '{axis.name}' names the edges of population.strata."
                f"{edges[axis.name]} in results; it cannot be an axis too"
            )
    if study.record_firms:
        taken = reserved(study.model)
        for key in study.population.keys:
            if key.replace(".", "_") in taken:
                raise StudyError(
                    f"population.{key}: '{key}' is a name that firms.nc uses itself; it cannot be drawn where "
                    "record.firms is true"
                )


def _precision(study: Study) -> None:
    """Refuse a pilot that is too small, or larger than what is allowed, and m* where the design has none."""
    precision = study.precision
    if precision is None:
        return
    if precision.pilot < SMALLEST_PILOT:
        raise StudyError(
            f"study.replicates = {precision.pilot}: with [precision] these are the firms of the pilot, from which "
            f"errors are predicted; at least {SMALLEST_PILOT:,}"
        )
    if precision.most_firms is not None and precision.most_firms < precision.pilot:
        raise StudyError(
            f"precision.at_most = {precision.most_firms:,} firms a cell is less than the pilot, study.replicates = "
            f"{precision.pilot:,}"
        )
    if (
        precision.most_firms is not None
        and precision.most_firms < FEWEST_BESIDE
        and any(target.kind == "m_star" for target in precision.targets)
    ):
        raise StudyError(
            f"precision.at_most = {precision.most_firms:,} firms a cell: limits of m_star count from {FEWEST_BESIDE:,} "
            "firms in the cells beside it"
        )
    if precision.refine and not any(target.kind in ("m_star", "m_star_between") for target in precision.targets):
        raise StudyError(
            f"precision.refine = {precision.refine:g} adds misalignments beside m*, which no target asks for; add "
            "m_star or m_star_between, or remove it"
        )
    along = {axis.key for axis in study.design.axes if len(axis.values) > 1} if study.design.kind == "grid" else set()
    for target in precision.targets:
        if target.kind in PAIRED:
            _pairs(study, target, along)
        elif target.kind in TURNING:
            _turning(study, target, along)
        elif target.kind in ORDERED:
            _order(study, target, along)


def _has(along: set[str], target: Target) -> bool:
    """Return whether the axis of a target, as studies or datasets name it, is one with two values or more."""
    return target.dim in {key.replace(".", "_") for key in along}


def _turning(study: Study, target: Target, along: set[str]) -> None:
    """Refuse m* where the design has none, and misalignments that it has not."""
    grid = {axis.key: axis.values for axis in study.design.axes} if study.design.kind == "grid" else {}
    values = grid.get("misalignment", ())
    one = target.kind == "m_star_side"
    if "execution" not in along or len(values) < (1 if one else 2):
        axes = "execution, of two values or more, and misalignment"
        if not one:
            axes = "execution and misalignment, of two values each or more"
        raise StudyError(
            f"precision.{target.kind} needs a [grid] over {axes}: m* is where the effect of execution changes its sign "
            "along misalignment"
        )
    if target.kind == "m_star_side" and target.side not in values:
        raise StudyError(
            f"precision.m_star_side = {target.side:.12g} is no misalignment of the grid; add it to "
            f"grid.misalignment, or choose one of {', '.join(f'{value:.12g}' for value in values)}"
        )
    if target.kind == "m_star_between" and _refines(study, target):
        return
    if target.kind == "m_star_between":
        apart = max(second - first for first, second in itertools.pairwise(values))
        if apart > target.within * ROUNDING:
            raise StudyError(
                f"precision.m_star_between = {target.within:g}: misalignments of the grid lie up to {apart:.6g} apart, "
                "and m* lies between two of them; add values to grid.misalignment, or precision.refine = "
                f"{target.within:g}"
            )


def _refines(study: Study, target: Target) -> bool:
    """Return whether misalignments are added until they lie as near to each other as a target asks for."""
    return study.precision is not None and 0 < study.precision.refine <= target.within


def _order(study: Study, target: Target, along: set[str]) -> None:
    """Refuse an order of cells that the design has not, or of too many."""
    names = study.design.names
    if target.between == CELLS if names else _has(along, target):
        axes = {axis.name: len(axis.values) for axis in study.design.axes}
        count = len(names) if names else axes[target.dim]
        if not 2 <= count <= MOST_ORDERED:
            raise StudyError(
                f"precision.{target.key}: {count} cells are to be ordered; allowed: 2 to {MOST_ORDERED}, all pairs of "
                "which are compared"
            )
    else:
        allowed = f'"{CELLS}"' if names else ", ".join(sorted(along)) or "none in this study"
        raise StudyError(
            f"precision.{target.key}: '{target.between}' is no axis of a [grid] with two values or more, and no list "
            f"whose cells have names; allowed: {allowed}"
        )
    _counted_exactly(study, target)


def _pairs(study: Study, target: Target, along: set[str]) -> None:
    """Refuse a target that compares what the design has not, or at a week of which batches know nothing."""
    names = study.design.names
    if names and not target.pair(names):
        raise StudyError(
            f"precision.{target.key}: '{target.between}' names no two cells; write \"{names[0]} - {names[-1]}\", of "
            f"{', '.join(names)}"
        )
    if not names and not _has(along, target):
        raise StudyError(
            f"precision.{target.key}: '{target.between}' is no axis of a [grid] with two values or more; allowed: "
            f"{', '.join(sorted(along)) or 'none in this study'}"
        )
    if target.kind == "survival_difference":
        if target.week % BIN_WEEKS and target.week != study.weeks:
            raise StudyError(
                f"precision.{target.key}: {target.week} weeks; firms of a batch are counted every {BIN_WEEKS} weeks, "
                "and differences of shares are known there: choose a multiple of it"
            )
    else:
        _counted_exactly(study, target)


def _counted_exactly(study: Study, target: Target) -> None:
    """Refuse a week at which lifetimes of batches are not summed."""
    if target.week not in study.horizons:
        raise StudyError(
            f"precision.{target.key}: {target.week} weeks is none of record.horizons, where differences between "
            "cells are counted exactly; add it there"
        )
