"""Between which misalignments m* lies, from signs of the effect of execution that are decided.

The effect falls as misalignment grows, and m* is where it turns from positive to negative: each sign that is decided is
a decision on which side of its misalignment m* lies. Where no single value fits the signs, none is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from firmfate.analysis.cell_labels import labels_of
from firmfate.analysis.poles import EXECUTION, MISALIGNMENT, weak_execution
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
    values, dims = signs[MISALIGNMENT].values.astype(np.float64), [str(dim) for dim in signs.dims[:-1]]
    for place in np.ndindex(signs.shape[:-1]):
        at = signs.values[place]
        least = values[at > 0].max(initial=-np.inf)
        most = values[at < 0].min(initial=np.inf)
        if least >= most or (np.isinf(least) and np.isinf(most)):
            continue
        if np.isinf(most):
            lies = f"m* lies above {least:g}"
        elif np.isinf(least):
            lies = f"m* lies below {most:g}"
        else:
            lies = f"m* lies between {least:g} and {most:g}"
        own = signs.isel({MISALIGNMENT: 0}, drop=True).to_dataset(name="firms")
        labels = labels_of(own, dict(zip(dims, place, strict=True))) if dims else {}
        where = ", ".join(f"{name} {value:g}" for name, value in labels.items())
        yield f"{lies}{f' at {where}' if where else ''}"
