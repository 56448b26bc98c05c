"""Orders of cells by their mean lifetimes: which is longest, or all of them, decided at all looks at once.

Every pair that the decision rests on has limits of its own, at a level at which they hold together (Bonferroni's
inequality): all K (K - 1) / 2 pairs for a ranking, and K - 1 for the longest, since a wrong answer needs a wrong sign
between the cell whose mean lifetime is longest and one of the others. Cells that are out of the question get no more
firms.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from firmfate.precision.between_cells import decided, firms_for_sign, looked_at_soon
from firmfate.precision.pairs import Pairs, numbered, place_labels
from firmfate.precision.reached import Measured
from firmfate.precision.rules import exact_limit
from firmfate.precision.sides import located
from firmfate.study.targets import CELLS, MINUS, Target

if TYPE_CHECKING:
    import xarray as xr

Signs = NDArray[np.int8]

EQUAL = " = "
"""Between cells of which no firm differs."""


def measure_order(ds: xr.Dataset, target: Target, level: float, *, first: int, known: Signs | None) -> Measured:
    """Return the order of cells along an axis, at every value of the other axes; or of the named cells of a list.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts of all cells, over the axes of the grid; of a list over ``cell``, named.
    target : Target
    level : float
        Of one place, for all looks at once.
    first : int
        Firms a cell at the first look.
    known : (places, k, k) array, optional
        Signs that were decided at earlier looks: 1 where the former of two cells lives longer.
    """
    dim = "cell" if target.between == CELLS else target.dim
    own = ds.transpose(..., dim)
    count, places = own.sizes[dim], own["firms"].size // own.sizes[dim]
    pairs = list(itertools.combinations(range(count), 2))
    one_pair = 1 - (1 - level) / (len(pairs) if target.kind == "ranking" else count - 1)
    signs = np.zeros((places, count, count), np.int8)
    needed = np.full((places, count, count), np.nan)
    differ = np.zeros((places, len(pairs)), bool)
    never = differ.copy()
    tied = np.zeros(signs.shape, bool)
    for at, (i, j) in enumerate(pairs):
        pair = _pair(own, target, dim, i, j, one_pair)
        signs[:, j, i], half = decided(pair, one_pair, first, None if known is None else known[:, j, i])
        signs[:, i, j] = -signs[:, j, i]
        needed[:, i, j] = needed[:, j, i] = looked_at_soon(pair.firms, firms_for_sign(pair, half))
        differ[:, at], never[:, at] = pair.differ, pair.never
        tied[:, i, j] = tied[:, j, i] = pair.never & (signs[:, i, j] == 0)
    # More firms are not asked for where none differs, as for a sign.
    open_ = open_pairs(signs, target.kind) & ~tied
    growing = np.where(open_, needed, -np.inf).max(axis=-1)
    at_once = growing.max(axis=-1, keepdims=True)  # both cells of an open pair hold the same firms
    # A cycle of decided signs names none.
    narrow = ~np.any(open_, axis=(-2, -1))
    if target.kind == "longest":
        narrow &= np.any(~np.any(signs < 0, axis=-1), axis=-1)
    cells = numbered(ds).transpose(..., dim).values.reshape(places, count)
    labels = tuple(place_labels(own.isel({dim: 0}, drop=True)))
    names = [f"{value:g}" if isinstance(value, float) else str(value) for value in own[dim].values.tolist()]
    undefined = np.any(own["invalid"].transpose(..., dim).values.reshape(places, count) > 0, axis=1)
    firms = own["firms"].values.reshape(places, count).astype(np.float64)
    equal = np.any(tied & in_question(signs, target.kind), axis=(-2, -1))
    marks = [
        unseen_words(float(exact_limit(least, one_pair))) if any_ else ""
        for any_, least in zip(equal, firms.min(axis=1), strict=True)
    ]
    axis = "" if dim == "cell" else f"{target.between} "
    return Measured(
        target, level, half=np.full(places, np.nan), firms=firms,
        counts=np.any(differ, axis=1) & ~undefined, never=np.all(never, axis=1) & ~undefined, narrow=narrow,
        needed=np.where(open_.any(axis=-1), at_once, -np.inf), cells=cells, signs=signs, labels=labels,
        answers=tuple(
            located(phrase, label) + mark
            for phrase, label, lost, mark in zip(
                (answer(one, same, names, axis, target.kind) for one, same in zip(signs, tied, strict=True)),
                labels, undefined.tolist(), marks, strict=True,
            )
            if phrase and not lost
        ),
    )  # fmt: skip


def open_pairs(signs: Signs, kind: str) -> NDArray[np.bool_]:
    """Return which pairs are still to be decided, (places, k, k).

    Of a ranking those without a sign; of the longest those of two cells than which no other is known to live longer.
    """
    found: NDArray[np.bool_] = (signs == 0) & ~np.eye(signs.shape[-1], dtype=bool) & in_question(signs, kind)
    return found


def in_question(signs: Signs, kind: str) -> NDArray[np.bool_]:
    """Return which pairs an answer rests on, (places, k, k): all, or those of cells that may be the longest."""
    candidate = ~np.any(signs < 0, axis=-1) if kind == "longest" else np.ones(signs.shape[:-1], bool)
    found: NDArray[np.bool_] = candidate[..., :, np.newaxis] & candidate[..., np.newaxis, :]
    return found


def answer(signs: Signs, tied: NDArray[np.bool_], names: list[str], axis: str, kind: str) -> str:
    """Return in words which cell of a place has the longest mean lifetime, or all in order, a question mark between two
    where their order is not decided, and an equals sign where no firm differs.

    Parameters
    ----------
    signs : (k, k) array
    tied : (k, k) array of bool
        Cells between which no firm differs.
    names : list of str
    axis : str
        Before a name.
    kind : {"longest", "ranking"}

    Examples
    --------
    >>> import numpy as np
    >>> signs = np.array([[0, 1, 1], [-1, 0, 0], [-1, 0, 0]])
    >>> tied = np.zeros((3, 3), bool)
    >>> answer(signs, tied, ["a", "b", "c"], "", "ranking")
    'a > b ? c'
    >>> answer(signs, tied, ["0.1", "0.5", "1"], "execution ", "longest")
    'execution 0.1 has the longest mean lifetime'
    >>> tied[1, 2] = tied[2, 1] = True
    >>> answer(signs, tied, ["a", "b", "c"], "", "ranking")
    'a > b = c'
    """
    if not signs.any():
        return ""
    # Cells that are tied stand beside each other.
    leaders = np.argmax(tied | np.eye(len(names), dtype=bool), axis=1)
    if kind == "longest":
        order, undecided = [one for one in np.argsort(leaders, kind="stable") if not (signs[one] < 0).any()], " or "
        if len(order) in (0, len(names)):
            return ""
    else:
        order, undecided = list(np.lexsort((leaders, -signs.sum(axis=1, dtype=np.int64)))), " ? "
    words = names[order[0]]
    for one, other in itertools.pairwise(order):
        words += EQUAL if tied[one, other] else " > " if signs[one, other] > 0 else undecided
        words += names[other]
    return f"{axis}{words}{' has the longest mean lifetime' if kind == 'longest' else ''}"


def unseen_words(limit: float) -> str:
    """Return what an equals sign stands for.

    Examples
    --------
    >>> unseen_words(0.0029)
    ' (= where no firm differed: the share of firms that do is below 0.0029, exact limit)'
    """
    return f" (= where no firm differed: the share of firms that do is below {limit:.2g}, exact limit)"


def _pair(own: xr.Dataset, target: Target, dim: str, i: int, j: int, level: float) -> Pairs:
    """Return the second of two cells less the first, at all places."""
    two = own.isel({dim: [i, j]})
    between = MINUS.join(str(name) for name in two[dim].values[::-1]) if dim == "cell" else target.between
    return Pairs(two, replace(target, between=between), level)
