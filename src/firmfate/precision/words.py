"""What was reached, in sentences: printed by the commands, and part of the report."""

from __future__ import annotations

import math
from collections.abc import Iterable

from firmfate.precision.reached import Reached
from firmfate.study.targets import IN_YEARS

WITHOUT = {
    "m_star": "the effect of execution never changes its sign, or is exactly 0 in a cell",
    "quantile": "not reached within the horizon",
}
"""Why places have no estimate."""


def sentences(reached: Iterable[Reached]) -> list[str]:
    """Return a sentence a target: what it asked for, what it has, and which cells are no part of that."""
    return [sentence(one) for one in reached]


def unit_of(target: str) -> str:
    """Return the unit of a target's width, with a blank before it; empty of shares."""
    return " years" if target.partition(".")[0] in (*IN_YEARS, "sign") else ""


def sentence(one: Reached) -> str:
    """Return one target's state."""
    unit, kind = unit_of(one.target), one.target.partition(".")[0]
    what = {"m_star": "value", "difference": "place", "sign": "place"}.get(kind, "cell")
    firms = f"with {_range(one.least, one.firms)} firms a cell"
    asked = "the sign" if kind == "sign" else f"± {one.within:g}{unit}"
    if not one.cells:
        words = f"{one.target}: {asked} cannot be judged in any {what}"
    elif kind == "sign":
        words = f"{one.target}: {_decided(one)} {firms}"
    elif one.enough:
        words = f"{one.target}: {asked} reached in {'all ' if one.cells > 1 else ''}{_count(one.cells, what)} {firms}"
        words += f" (widest ± {one.widest:.2g}{unit})"
    else:
        widest = f", ± {one.widest:.2g}{unit} at worst" if math.isfinite(one.widest) else ""
        words = f"{one.target}: {asked} not reached in {one.cells - one.narrow:,} of {_count(one.cells, what)} {firms}"
        words += f"{widest}; about {float(f'{one.needed:.2g}'):,.0f} firms a cell would do"
    if one.never and kind in ("difference", "sign"):
        words += f"; in {_count(one.never, what)} no firm lived longer or shorter: "
        words += f"the share of such firms is below {one.unseen:.2g} (exact limit)"
    elif one.never:
        words += f"; in {_count(one.never, what)} nothing or everything happened: "
        words += f"the share of the other is below {one.unseen:.2g} (exact limit)"
    if one.undefined:
        words += f"; {one.undefined:,} without: {WITHOUT.get(kind, 'no estimate')}"
    return words


def _decided(one: Reached) -> str:
    """Return in how many places lifetimes are longer or shorter, and which are not decided."""
    if one.enough:
        words = f"decided in {'all ' if one.cells > 1 else ''}{_count(one.cells, 'place')}"
    else:
        words = f"decided in {one.narrow:,} of {_count(one.cells, 'place')}"
    words += f" (longer in {one.longer:,}, shorter in {one.shorter:,})"
    if one.enough:
        return words
    more = one.cells - one.narrow - len(one.undecided)
    return words + f", undecided at {'; '.join(one.undecided)}{f' and {more:,} more' if more else ''}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _range(least: int, most: int) -> str:
    return f"{most:,}" if least == most else f"{least:,} to {most:,}"
