"""What was reached, in sentences: printed by the commands, and part of the report."""

from __future__ import annotations

import math
from collections.abc import Iterable

from firmfate.precision.widths import Reached


def sentences(reached: Iterable[Reached]) -> list[str]:
    """Return a sentence a target: what it asked for, what it has, and which cells are no part of that."""
    return [sentence(one) for one in reached]


def unit_of(target: str) -> str:
    """Return the unit of a target's width, with a blank before it; empty of shares."""
    return " years" if target.startswith("rmst") else ""


def sentence(one: Reached) -> str:
    """Return one target's state."""
    unit = unit_of(one.target)
    what = "value" if one.target == "m_star" else "cell"
    asked = f"± {one.within:g}{unit}"
    firms = f"with {one.firms:,} firms a cell"
    many = f"{one.cells:,} {what}{'s' * (one.cells != 1)}"
    if not one.cells:
        words = f"{one.target}: {asked} cannot be judged in any {what} {firms}"
    elif one.enough:
        words = f"{one.target}: {asked} reached in {'all ' if one.cells > 1 else ''}{many} {firms}"
        words += f" (widest ± {one.widest:.2g}{unit})"
    else:
        widest = f", ± {one.widest:.2g}{unit} at worst" if math.isfinite(one.widest) else ""
        words = f"{one.target}: {asked} not reached in {one.cells - one.narrow:,} of {many} {firms}{widest}; about "
        words += f"{float(f'{one.needed:.2g}'):,.0f} firms a cell would do"
    if one.never:
        words += f"; in {one.never:,} cell{'s' * (one.never != 1)} nothing or everything happened: "
        words += f"the share of the other is below {one.unseen:.2g} (exact limit)"
    if one.undefined:
        why = (
            "the effect of execution never changes its sign, or is exactly 0 in a cell"
            if what == "value"
            else "no estimate"
        )
        words += f"; {one.undefined:,} without: {why}"
    return words
