"""What was reached, in sentences: printed by the commands, and part of the report."""

from __future__ import annotations

import math
from collections.abc import Iterable

from firmfate.precision.between_cells import FEWEST_DIFFERING
from firmfate.precision.reached import Reached
from firmfate.study.precision import FEWEST_BESIDE
from firmfate.study.targets import DECIDED, IN_YEARS, PAIRED

WITHOUT = {
    "m_star": "the effect of execution never changes its sign, or is exactly 0 in a cell",
    "m_star_between": "the effect of execution changes its sign more than once, or arithmetic failed in a cell",
    "quantile": "not reached within the horizon",
}
"""Why places have no estimate."""


def sentences(reached: Iterable[Reached]) -> list[str]:
    """Return a sentence a target: what it asked for, what it has, and which cells are no part of that.

    Examples
    --------
    >>> from firmfate.precision import Reached, sentences
    >>> one = Reached(target="rmst", within=0.1, widest=0.12, level=0.95, firms=1024, least=1024, cells=6, narrow=5,
    ...               never=0, unseen=0.0, undefined=0, needed=1470.0)
    >>> for part in sentences([one])[0].split("; "):
    ...     print(part)
    rmst: ± 0.1 years not reached in 1 of 6 cells with 1,024 firms a cell, ± 0.12 years at worst
    about 1,500 firms a cell would do
    """
    return [sentence(one) for one in reached]


def unit_of(target: str) -> str:
    """Return the unit of a target's width, with a blank before it; empty of shares."""
    return " years" if target.partition(".")[0] in (*IN_YEARS, "sign", "m_star_side") else ""


def asked(target: str, within: float) -> str:
    """Return what a target asks for.

    Examples
    --------
    >>> asked("rmst.5y", 0.1), asked("m_star_between", 0.05)
    ('± 0.1 years', 'misalignments at most 0.05 apart')
    """
    kind = target.partition(".")[0]
    words = {
        "sign": "the sign", "m_star_side": "the side", "m_star_between": f"misalignments at most {within:g} apart",
        "longest": "the longest", "ranking": "the order",
    }  # fmt: skip
    return words.get(kind, f"± {within:g}{unit_of(target)}")


def sentence(one: Reached) -> str:
    """Return one target's state."""
    unit, kind = unit_of(one.target), one.target.partition(".")[0]
    what = "value" if kind == "m_star" else "place" if kind in (*PAIRED, *DECIDED) else "cell"
    firms = f"with {_range(one.least, one.firms)} firms a cell"
    wanted = asked(one.target, one.within)
    if not one.cells:
        words = f"{one.target}: {wanted} cannot be judged in any {what}"
    elif kind in DECIDED:
        decided = _decided_signs(one) if kind == "sign" else _decided(one)
        words = f"{one.target}: {decided} {firms}"
    elif one.enough:
        words = f"{one.target}: {wanted} reached in {'all ' if one.cells > 1 else ''}{_count(one.cells, what)} {firms}"
        words += f" (widest ± {one.widest:.2g}{unit})"
    else:
        widest = f", ± {one.widest:.2g}{unit} at worst" if math.isfinite(one.widest) else ""
        words = f"{one.target}: {wanted} not reached in {one.cells - one.narrow:,} of {_count(one.cells, what)} {firms}"
        if one.widest <= one.within:  # of m*, or a difference of shares
            why = f"fewer than {FEWEST_DIFFERING} firms differ"
            if kind == "m_star":
                few = f"the cells beside it have fewer than {FEWEST_BESIDE:,} firms"
                why = few if one.least < FEWEST_BESIDE else "its error is not known everywhere"
            widest += f", but {why}"
        words += f"{widest}; about {float(f'{one.needed:.2g}'):,.0f} firms a cell would do"
    if kind in DECIDED and kind != "sign" and one.answers:
        each = " each" if max(one.cells, len(one.answers)) > 1 else ""
        words += f"; wrong with a probability of at most {100 * (1 - one.level):.2g} %{each}"
    if one.never and kind in ("difference", *DECIDED):
        there = " at misalignments that are not decided" if kind == "m_star_between" else ""
        words += f"; in {_count(one.never, what)} no firm lived longer or shorter{there}: "
        words += f"the share of such firms is below {one.unseen:.2g} (exact limit)"
    elif one.never and kind == "survival_difference":
        words += f"; in {_count(one.never, what)} all firms were alive in both cells, or none in either: "
        words += f"the share of firms that differ is below {one.unseen:.2g} (exact limit)"
    elif one.never:
        words += f"; in {_count(one.never, what)} nothing or everything happened: "
        words += f"the share of the other is below {one.unseen:.2g} (exact limit)"
    words += "".join(f"; {answer}" for answer in one.answers)
    if one.undefined:
        words += f"; {one.undefined:,} without: {WITHOUT.get(kind, 'no estimate')}"
    return words


def _decided(one: Reached) -> str:
    """Return in how many places there is an answer, and where there is none."""
    if one.cells == 1:
        return "decided" if one.enough else "undecided"
    if one.enough:
        return f"decided in all {_count(one.cells, 'place')}"
    return f"decided in {one.narrow:,} of {_count(one.cells, 'place')}{_where_not(one)}"


def _decided_signs(one: Reached) -> str:
    """Return in how many places lifetimes are longer or shorter, and which are not decided."""
    if one.enough:
        words = f"decided in {'all ' if one.cells > 1 else ''}{_count(one.cells, 'place')}"
    else:
        words = f"decided in {one.narrow:,} of {_count(one.cells, 'place')}"
    words += f" (longer in {one.longer:,}, shorter in {one.shorter:,})"
    return words if one.enough else words + _where_not(one)


def _where_not(one: Reached) -> str:
    """Return where a decision is missing."""
    more = one.cells - one.narrow - len(one.undecided)
    return f", undecided at {'; '.join(one.undecided)}{f' and {more:,} more' if more else ''}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _range(least: int, most: int) -> str:
    return f"{most:,}" if least == most else f"{least:,} to {most:,}"
