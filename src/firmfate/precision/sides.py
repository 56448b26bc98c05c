"""Between which misalignments m* lies, from signs of the effect of execution that are decided.

The effect falls as misalignment grows, and m* is where it turns from positive to negative: each sign that is decided is
a decision on which side of its misalignment m* lies. Where no single value fits the signs, none is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from firmfate.analysis.poles import EXECUTION, MISALIGNMENT, weak_execution
from firmfate.precision.pairs import place_labels
from firmfate.study.targets import Target

if TYPE_CHECKING:
    import xarray as xr


def sides(ds: xr.Dataset, target: Target, signs: NDArray[np.int8]) -> tuple[str, ...]:
    """Return a phrase for every value of the other axes at which a side is decided: ``m* lies between 0.4 and 0.5``.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts over the axes of the grid.
    target : Target
        A sign.
    signs : (places,) array
        Of the last execution less the first, at all values of the other axes; 0 where it is not decided.

    Returns
    -------
    tuple of str
        Empty where the sign is not of execution at several misalignments or one, or where the ends of its axis are not
        those between which m* is defined.
    """
    if target.dim != EXECUTION or not {EXECUTION, MISALIGNMENT} <= set(ds["firms"].dims):
        return ()
    execution = ds[EXECUTION].values
    if execution[-1] != execution.max() or execution[0] != weak_execution(np.sort(execution)):
        return ()
    over = ds["firms"].isel({EXECUTION: 0}, drop=True)
    by_place = over.copy(data=signs.reshape(over.shape)).transpose(..., MISALIGNMENT)
    return tuple(_phrases(by_place))


def _phrases(signs: xr.DataArray) -> Iterator[str]:
    values = signs[MISALIGNMENT].values.astype(np.float64)
    labels = place_labels(signs.isel({MISALIGNMENT: 0}, drop=True).to_dataset(name="firms"))
    for place, label in zip(np.ndindex(signs.shape[:-1]), labels, strict=True):
        at = signs.values[place]
        least = values[at > 0].max(initial=-np.inf)
        most = values[at < 0].min(initial=np.inf)
        phrase = lies(least, most)
        if phrase and least < most:
            yield located(phrase, label)


def lies(least: float, most: float) -> str:
    """Return where m* lies in words; empty where it may lie anywhere.

    Examples
    --------
    >>> import math
    >>> lies(0.3, 0.4), lies(-math.inf, 0.4)
    ('m* lies between 0.3 and 0.4', 'm* lies below 0.4')
    """
    if np.isinf(least) and np.isinf(most):
        return ""
    if np.isinf(most):
        return f"m* lies above {least:g}"
    return f"m* lies below {most:g}" if np.isinf(least) else f"m* lies between {least:g} and {most:g}"


def located(phrase: str, label: str) -> str:
    """Return a phrase with the place of which it holds."""
    return f"{phrase} at {label}" if label else phrase
