"""Differences, derivatives and interactions between cells, with errors that allow for common random numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from firmfate.errors import EstimateError
from firmfate.survival import labels
from firmfate.survival.comparisons import comparison_of
from firmfate.survival.contrast_errors import (
    Asked,
    Estimator,
    Resampling,
    has_own_errors,
    of_common_batches,
    of_own_batches,
    of_own_errors,
    value_of,
)
from firmfate.survival.core.limits import check_level
from firmfate.survival.traits import Found, calls, find, takes_counts

Cell = Mapping[str, Any]

SMOOTH = "the function is smooth in the counts"
"""What the jackknife assumes of a function that bears no traits."""


@takes_counts
def contrast(
    ds: xr.Dataset,
    f: Estimator,
    *,
    between: tuple[Cell, Cell] | None = None,
    along: str | None = None,
    interaction: tuple[str, str] | Mapping[str, tuple[Any, Any]] | None = None,
    level: float = 0.95,
    paired: bool | None = None,
    simultaneous: bool | Sequence[str] = False,
    resampling: Resampling | None = None,
    **options: Any,
) -> xr.Dataset:
    """Contrast an estimator between cells, with a standard error from batches of firms.

    Under common random numbers the cells of a study are correlated. Leaving the same batch of firms out of all cells
    at once keeps the correlation: the jackknife over B batches, t(B - 1). With 32 batches the independent formula
    overstates the standard error of a derivative about 4 times, of an interaction about 7 times.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts with ``batch_firms`` and ``batch_events`` (or, for `rmst` at its horizons, ``batch_lifetime``); or what
        `firmfate.simulate` returns. Dask-backed counts are computed once.
    f : callable
        An estimator of this package, as it is or by `functools.partial`; or any function of a dataset of counts that
        returns a Dataset with ``estimate``, or a DataArray: ``lambda ds: rmst(ds, tau=520).estimate / rmst(ds,
        tau=1040).estimate``. Counts of resampled datasets are fractions; everything else is as in ``ds``. Where it
        returns a curve over ``week`` with the ``se`` of independent firms, that shapes the variance between the ends
        of the batches' bins. A function of your own is taken to be smooth in the counts, as ``attrs["assumption"]``
        then says; one that calls an estimator that is not is refused the jackknife.
    between : pair of cells, optional
        ``({"execution": 1.0}, {"execution": 0.05})``: f of the first less f of the second, at every point of other
        axes.
    along : str, optional
        An axis: the derivative by it, central differences (one-sided at the ends), at every point.
    interaction : pair of axes, or mapping of two axes to two values each, optional
        The mixed derivative at every point, or the difference of differences (high, high) - (high, low) - (low, high)
        + (low, low) for ``{"execution": (low, high), "misalignment": (low, high)}``.
    level : float
        Confidence level.
    paired : bool, optional
        False for cells whose firms are unrelated (observed groups, or runs with different steps): variances add up. By
        default what the counts say of their firms: unrelated where `counts_from_table` counted independent firms,
        paired otherwise.
    simultaneous : bool or names of dims
        Limits that hold at all points at once: over all dims, or over those named and separately for the others.
        Wants 128 batches (32 cover 92 % of a nominal 95 %).
    resampling : {"jackknife", "means"}, optional
        "means": f of each batch alone, standard error sd/√B; for what is not smooth, as `quantile`, where it is the
        default. Otherwise the jackknife is.
    **options
        Passed to f.

    Returns
    -------
    xarray.Dataset
        ``estimate`` (of all firms, weekly counts), ``se``, ``lower``, ``upper``; with none of between, along and
        interaction, f itself in every cell. Limits are NaN where the batches do not differ at all. ``attrs`` hold
        the number of batches, what the standard error is, and whether it is exact or from bins (see ``batches.py``).

        Of unrelated cells of independent firms, the standard error and the limits are combined of the estimator's own
        (limits as by Zou and Donner 2008, which show no certainty where a group has no events, widened by Student's
        t). Where f has none, they come from each cell's own batches, with the degrees of freedom of Welch (1947), and
        are NaN where a cell has fewer than 8.

    Raises
    ------
    EstimateError
        With fewer than 8 non-empty batches, batches that do not add up to the counts, contrasted cells of a simulation
        whose firms do not pair, unknown cells, or the jackknife of a function that is not smooth.

    Examples
    --------
    >>> from firmfate.survival import contrast, example, rmst
    >>> ds = example()
    >>> slope = contrast(ds, rmst, along="execution", tau=104)
    >>> slope.sel(misalignment=1.0).estimate.values.round(1)
    array([-45.7, -36.6, -27.5])
    >>> slope.sel(misalignment=1.0).se.values.round(1)
    array([2.5, 1.7, 1.4])
    >>> gap = contrast(ds, rmst, between=({"execution": 1.0}, {"execution": 0.0}), tau=104)
    >>> gap.sel(misalignment=0.0).estimate.round(1).item()
    0.0
    """
    check_level(level)
    if resampling not in ("jackknife", "means", None):
        raise EstimateError(f"resampling = {resampling!r}: 'jackknife' or 'means'")
    labels.counts_of(ds)
    unrelated = ds.attrs.get(labels.DEPENDENCE) == labels.INDEPENDENT if paired is None else not paired
    if simultaneous and unrelated:
        raise EstimateError("simultaneous bands of unpaired cells are not available; ask for pointwise limits")
    ds = labels.computed(ds)
    comparison = comparison_of(ds, between=between, along=along, interaction=interaction, paired=not unrelated)
    known = find(f)
    options = {**known.options, **options}
    if unrelated and resampling is None and has_own_errors(ds, known):
        asked = Asked(comparison, f, options, known, None, level)
        found = f(comparison.cells, **{**options, "level": level})
        return _described(asked, found, of_own_errors(asked, found))
    resampling, options = _chosen(known, resampling, options)
    with calls() as called:
        found = f(comparison.cells, **options)
    if resampling == "jackknife" and not known.itself and (rough := [t for t in called if not t.smooth]):
        name = rough[0].function.__name__
        raise EstimateError(
            f"the function calls {name}, which is not smooth: the jackknife is wrong for it; pass {name} itself "
            "(functools.partial holds options), or resampling='means'"
        )
    asked = Asked(comparison, f, options, known, resampling, level)
    if unrelated:
        return _described(asked, found, of_own_batches(asked, found))
    return _described(asked, found, of_common_batches(asked, found, simultaneous))


def _chosen(known: Found, resampling: Resampling | None, options: dict[str, Any]) -> tuple[Resampling, dict[str, Any]]:
    """Return how an estimator is resampled, and its options then."""
    if known.traits is None or known.traits.smooth:
        return resampling or "jackknife", options
    if resampling == "jackknife":
        raise EstimateError(
            f"{known.traits.function.__name__} is not smooth in the counts, and its jackknife is wrong; leave out "
            "resampling=, or pass 'means'"
        )
    return "means", {**options, **known.traits.for_means}


def _described(asked: Asked, found: xr.Dataset | xr.DataArray, result: xr.Dataset) -> xr.Dataset:
    comparison, value = asked.comparison, value_of(found)
    name = value.attrs.get("long_name", getattr(asked.f, "__name__", "estimate"))
    assumed = asked.known.traits is None and asked.resampling == "jackknife"
    return labels.describe(
        result.transpose(*result["estimate"].dims),
        units=comparison.units(value.attrs.get("units", "1")),
        long_name=f"{comparison.words} of the {name}",
        contrast=comparison.words,
        **({"assumption": SMOOTH} if assumed else {}),
    )
