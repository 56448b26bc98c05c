"""How wide the intervals of a study's targets are, from the counts of one complete round."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from firmfate.analysis import turning_point
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.precision.rules import Floats, exact_limit, firms_needed, half_width
from firmfate.study.precision import Precision, Target
from firmfate.survival import rmst
from firmfate.survival.core.limits import normal_quantile

if TYPE_CHECKING:
    import xarray as xr

FOR_CELLS = ("events", "firms", "invalid")
FOR_TURNING = (*FOR_CELLS, "batch_firms", "batch_lifetime")


class Counts(Protocol):
    """Gives counts by their names: of all cells over the axes, or of some, by their positions, over ``cell``."""

    def __call__(self, names: Collection[str], positions: NDArray[np.intp] | None = None) -> xr.Dataset:
        """Return them."""


@dataclass(frozen=True)
class Reached:
    """How far a target is, with so many firms a cell.

    Attributes
    ----------
    target : str
    within, widest : float
        Half-width asked for, and the largest of the cells that count; NaN where none does.
    level : float
        Confidence level of one cell's interval; higher than the study's where all are to hold at once.
    firms : int
        Firms a cell.
    cells, narrow : int
        Cells that count, and those of them whose interval is narrow enough.
    never, unseen : int, float
        Cells in which nothing, or everything, happened, and the exact upper limit of the share there. They are no part
        of `cells`.
    undefined : int
        Cells without an estimate: invalid firms, or an effect that never changes its sign, or is exactly 0 in a cell of
        common random numbers. No part of `cells` either.
    needed : float
        Firms a cell that are predicted to be enough.
    """

    target: str
    within: float
    widest: float
    level: float
    firms: int
    cells: int
    narrow: int
    never: int
    unseen: float
    undefined: int
    needed: float

    @property
    def enough(self) -> bool:
        """Whether every cell that counts is known as exactly as asked for."""
        return self.narrow == self.cells

    @property
    def standard_error(self) -> float:
        """The largest standard error, about."""
        return self.widest / normal_quantile(self.level)

    def table(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {name: None if value != value else value for name, value in asdict(self).items()}

    @classmethod
    def of_table(cls, table: Mapping[str, Any]) -> Reached:
        """Return it from such a table."""
        values: dict[str, Any] = {name: float("nan") if value is None else value for name, value in table.items()}
        return cls(**values)


class _Cells(NamedTuple):
    """What a target comes to in some cells: half-widths, and which cells count."""

    half: Floats
    firms: Floats
    counts: NDArray[np.bool_]
    never: NDArray[np.bool_]


def widths(
    precision: Precision, counts: Counts, blocks: Iterable[NDArray[np.intp]], *, cells: int, firms: int
) -> tuple[Reached, ...]:
    """Return how far every target is.

    Parameters
    ----------
    precision : Precision
    counts : Counts
        As :meth:`firmfate.dataset.summing.Counted.of`.
    blocks : iterable of arrays
        Positions of cells that fit into memory together.
    cells, firms : int
        Cells of the study, and firms in each.
    """
    shares = [target for target in precision.targets if target.kind != "m_star"]
    level = 1 - (1 - precision.level) / cells if precision.simultaneous else precision.level
    found: dict[str, list[_Cells]] = {target.key: [] for target in shares}
    if shares:
        for block in blocks:
            ds = counts(FOR_CELLS, block)
            for target in shares:
                found[target.key].append(_of_cells(ds, target, level))
    reached = [_added_up(target, found[target.key], level, firms) for target in shares]
    turning = [target for target in precision.targets if target.kind == "m_star"]
    reached += [_turning(target, counts(FOR_TURNING), precision, firms) for target in turning]
    return tuple(sorted(reached, key=lambda one: one.target))


def _of_cells(ds: xr.Dataset, target: Target, level: float) -> _Cells:
    """Return the half-widths of a share, or of a mean lifetime in years."""
    z = normal_quantile(level)
    firms = ds["firms"].values.astype(np.float64)
    valid = (ds["invalid"].values == 0) & (firms > 0)
    events = ds["events"].transpose("cell", "cause", "week").isel(week=slice(None, target.week))
    if target.kind == "incidence":
        events = events.sel(cause=[target.cause])
    by_week = events.sum("cause").values.astype(np.float64)
    ended = by_week.sum(axis=1)
    never = valid & ((ended == 0) | (ended == firms) if target.kind != "rmst" else ended == 0)
    if target.kind == "rmst":
        lost = 1 - np.arange(1, target.week + 1) / target.week
        half = half_width(by_week @ lost, by_week @ lost**2, firms, z)
        shown = rmst(ds, tau=target.week, level=level)
        shown_half = ((shown["upper"] - shown["lower"]) / 2 / target.week).values
        half = np.fmax(half, shown_half) * target.week / WEEKS_PER_YEAR
    else:
        half = half_width(ended, ended, firms, z)
    return _Cells(half, firms, valid & ~never, never)


def _added_up(target: Target, found: list[_Cells], level: float, firms: int) -> Reached:
    """Return a target's state over all cells."""
    half, n, counts, never = (np.concatenate(parts) for parts in zip(*found, strict=True))
    half, n, never_firms = half[counts], n[counts], n[never]
    return Reached(
        target=target.key, within=target.within, widest=float(half.max()) if half.size else np.nan,
        level=level, firms=firms, cells=int(half.size), narrow=int((half <= target.within).sum()),
        never=int(never.sum()), unseen=float(exact_limit(never_firms, level).max(initial=0)),
        undefined=int((~counts & ~never).sum()), needed=float(firms_needed(n, half, target.within).max(initial=0)),
    )  # fmt: skip


def _turning(target: Target, ds: xr.Dataset, precision: Precision, firms: int) -> Reached:
    """Return the state of m*, one for every value of the other axes."""
    others = ds["firms"].dims
    points = int(np.prod([ds.sizes[dim] for dim in others if dim not in ("execution", "misalignment")], dtype=np.int64))
    level = 1 - (1 - precision.level) / points if precision.simultaneous else precision.level
    found = turning_point(ds, level=level)
    estimate, se = (np.atleast_1d(found[name].values).ravel() for name in ("estimate", "se"))
    # Without any variation there is no interval: the effect is exactly 0 in a cell, in every batch.
    defined = np.isfinite(estimate) & (se != 0)
    half = (np.atleast_1d((found["upper"] - found["lower"]).values).ravel() / 2)[defined]
    # m* is there, but not in every batch's absence: its error is not known yet, and four times the firms may show it.
    known = np.isfinite(half)
    needed = np.where(known, firms_needed(firms, np.where(known, half, 0.0), target.within), 4.0 * firms)
    return Reached(
        target=target.key, within=target.within, widest=float(half[known].max()) if known.any() else np.nan,
        level=level, firms=firms, cells=int(half.size), narrow=int((half[known] <= target.within).sum()),
        never=0, unseen=0.0, undefined=int(estimate.size - half.size), needed=float(needed.max(initial=0)),
    )  # fmt: skip
