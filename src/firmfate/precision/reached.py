"""How far targets are after a round, place by place and in total."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmfate.precision.rules import Floats, exact_limit
from firmfate.study.targets import Target
from firmfate.survival.core.limits import normal_quantile

LISTED = 8
"""Undecided places that are named, and places whose answers are."""


@dataclass(frozen=True)
class Reached:
    """How far a target is, with so many firms a cell.

    Attributes
    ----------
    target : str
    within, widest : float
        Half-width asked for, and the largest of the places that count; NaN where none does. A place is a cell, or what
        several cells are compared for.
    level : float
        Confidence level of one place's interval; higher than the study's where all are to hold at once.
    firms, least : int
        Firms in the cells of the place that has most, and of the one that has least.
    cells, narrow : int
        Places that count, and those of them whose interval is narrow enough, or whose sign is decided.
    never, unseen : int, float
        Cells in which nothing, or everything, happened, and the exact upper limit of the share there; of differences
        places in which no firm was seen to differ. They are no part of `cells`.
    undefined : int
        Places without an estimate: invalid firms, an effect that never changes its sign or is exactly 0 in a cell of
        common random numbers, a quantile that is not reached. No part of `cells` either.
    needed : float
        Firms a cell that are predicted to be enough everywhere.
    longer, shorter : int
        Of signs: places where lifetimes are longer at the last value of the axis, and shorter.
    undecided : tuple of str
        Of decisions: some of the places that are not decided.
    answers : tuple of str
        Of decisions: what is decided at some of the places, such as ``m* lies between 0.3 and 0.4``.

    Examples
    --------
    >>> from firmfate.precision import Reached
    >>> one = Reached(target="rmst", within=0.1, widest=0.12, level=0.95, firms=1024, least=1024, cells=6, narrow=5,
    ...               never=0, unseen=0.0, undefined=0, needed=1470.0)
    >>> one.enough, round(one.standard_error, 3)
    (False, 0.061)
    """

    target: str
    within: float
    widest: float
    level: float
    firms: int
    least: int
    cells: int
    narrow: int
    never: int
    unseen: float
    undefined: int
    needed: float
    longer: int = 0
    shorter: int = 0
    undecided: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()

    @property
    def enough(self) -> bool:
        """Whether every place that counts is known as exactly as asked for."""
        return self.narrow == self.cells

    @property
    def standard_error(self) -> float:
        """The largest standard error, about."""
        return self.widest / normal_quantile(self.level)

    def table(self) -> dict[str, Any]:
        """Return it as plain values."""
        values = {**asdict(self), "undecided": list(self.undecided), "answers": list(self.answers)}
        return {name: None if value != value else value for name, value in values.items()}

    @classmethod
    def of_table(cls, table: Mapping[str, Any]) -> Reached:
        """Return it from such a table."""
        values: dict[str, Any] = {name: float("nan") if value is None else value for name, value in table.items()}
        return cls(**{**values, "undecided": tuple(values["undecided"]), "answers": tuple(values["answers"])})


@dataclass(frozen=True, eq=False)
class Measured:
    """A target in each of its places, (places,).

    Attributes
    ----------
    target : Target
    level : float
        Of one place.
    half : array
        Half-widths; NaN where they are not known yet.
    firms : array
        In each cell of the place; (places, k) where they differ.
    counts, never : arrays of bool
        Places that count, and those in which nothing was seen.
    narrow : array of bool
        Where the interval is narrow enough, or the sign is known.
    needed : array
        Firms a cell that are predicted to be enough; read where a place counts and is not narrow. (places, k) where
        cells of a place need different numbers, -inf where one needs no more.
    cells : (places, k) array of int
        Cells that grow for a place.
    alike : tuple of (groups, k) arrays
        Cells that are to hold the same firms.
    signs : (places, ...) array
        Of decisions: -1, 0 or 1, and 0 where it is not decided.
    labels : tuple of str
        Of decisions: names of the places.
    answers : tuple of str
        Of decisions: in words.
    around : tuple of (float, float, float)
        Of m*: misalignments on either side of it that more precision needs values between, and about where it lies.
    """

    target: Target
    level: float
    half: Floats
    firms: Floats
    counts: NDArray[np.bool_]
    never: NDArray[np.bool_]
    narrow: NDArray[np.bool_]
    needed: Floats
    cells: NDArray[np.intp]
    alike: tuple[NDArray[np.intp], ...] = ()
    signs: NDArray[np.int8] = field(default_factory=lambda: np.zeros(0, np.int8))
    labels: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    around: tuple[tuple[float, float, float], ...] = ()

    @property
    def open(self) -> NDArray[np.bool_]:
        """Places that count and are not known as exactly as asked for."""
        found: NDArray[np.bool_] = self.counts & ~self.narrow
        return found

    def expected(self, firms: NDArray[np.int64]) -> float:
        """Return the largest half-width to expect where cells hold so many firms, (cells,); NaN where none counts."""
        later = firms[self.cells].min(axis=1)
        half = (self.half * np.sqrt(by_place(self.firms).min(axis=1) / later))[self.counts]
        known = half[np.isfinite(half)]
        return float(known.max()) if known.size else float("nan")

    def reached(self) -> Reached:
        """Return it in total."""
        half, firms = self.half[self.counts], self.firms[self.counts]
        known = half[np.isfinite(half)]
        signs = self.signs if self.target.kind == "sign" else np.zeros(0)
        enough = np.where(self.narrow[:, np.newaxis], by_place(self.firms), by_place(self.needed))
        undecided = [label for label, open_ in zip(self.labels, self.open.tolist(), strict=bool(self.labels)) if open_]
        return Reached(
            target=self.target.key, within=self.target.within, level=self.level,
            widest=float(known.max()) if known.size else np.nan,
            firms=int(firms.max(initial=0)), least=int(firms.min()) if firms.size else 0,
            cells=int(half.size), narrow=int((self.counts & self.narrow).sum()), never=int(self.never.sum()),
            unseen=float(exact_limit(self.firms[self.never], self.level).max(initial=0)),
            undefined=int((~self.counts & ~self.never).sum()),
            needed=float(enough[self.counts].max(initial=0)),
            longer=int((signs > 0).sum()), shorter=int((signs < 0).sum()),
            undecided=tuple(undecided[:LISTED]), answers=self.answers[:LISTED],
        )  # fmt: skip


def by_place(values: Floats) -> Floats:
    """Return values of places, or of the cells of each, over (places, k)."""
    return values.reshape(len(values), -1)
