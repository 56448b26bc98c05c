"""How the incidence of a cause depends on the axes, labelled: `fine_gray`."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from firmfate.survival import labels
from firmfate.survival.coefficients import Estimate, scaled, table_of, with_errors
from firmfate.survival.core import grouped_hazards, subdistribution
from firmfate.survival.designs import Design, design_of
from firmfate.survival.ranks import refuse_delayed_entry
from firmfate.survival.traits import takes_counts


@takes_counts
def fine_gray(ds: xr.Dataset, formula: str, *, cause: Any, level: float = 0.95) -> xr.Dataset:
    """Regress the subdistribution hazard of a cause on the coordinates of the cells (Fine and Gray 1999).

    A term with a positive coefficient raises the cumulative incidence of the cause, whatever it does to other causes;
    `proportional_hazards` with a cause asks instead what it does to the hazard among those still alive.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts, as for `kaplan_meier`, without delayed entry.
    formula : str
        Right-hand side (formulaic), such as ``"execution * misalignment"``, of coordinates.
    cause
        The cause.
    level : float
        Confidence level.

    Returns
    -------
    xarray.Dataset
        Along ``term``: ``estimate`` (log subdistribution hazard ratio per unit), ``se``, ``lower``, ``upper``;
        ``hazard_ratio`` (of the subdistribution) with ``hazard_ratio_lower``, ``hazard_ratio_upper``; ``statistic`` =
        estimate/se, ``p_value``; and ``independent_se``, Fine and Gray's sandwich. ``se`` is that, or from batches
        where firms depend on each other, as for `proportional_hazards`.

        Ties are Breslow's, and one distribution of censorings serves all cells, weighted by its value just before the
        week: R's ``crr``.

    Raises
    ------
    EstimateError
        Where firms enter late, a name or formula is wrong, there are no events, terms are collinear, or the fit
        diverges.

    Examples
    --------
    >>> from firmfate.survival import example, fine_gray
    >>> fit = fine_gray(example(), "execution:misalignment", cause="insolvency")
    >>> fit.hazard_ratio.values.round(2), fit.se.values.round(3), fit.independent_se.values.round(3)
    (array([8.04]), array([0.1]), array([0.088]))
    """
    refuse_delayed_entry(ds, "Fine and Gray's regression")
    labels.counts_of(ds)
    ds = labels.computed(ds)
    design, scale = scaled(design_of(labels.counts_of(ds).firms, formula))
    counts = _competing(ds, design, cause)
    weeks = (counts.ended + counts.others + counts.censored).any(axis=0)

    def fit(part: xr.Dataset, start: grouped_hazards.Fit | None) -> Estimate:
        counts = _competing(part, design, cause)
        sets = subdistribution.risk_sets(counts)
        counts = subdistribution.Competing(*(counted[:, weeks] for counted in counts))
        sets = subdistribution.RiskSets(sets.weight[:, weeks], sets.observed[weeks])
        data = grouped_hazards.grouped(counts.ended, sets.weight, design.values, design.stratum)
        found = grouped_hazards.fit_breslow(data, start)
        if start is None:
            spread = subdistribution.sandwich(counts, sets, design.values, found.coefficients[0], found.information)
        else:
            spread = np.full_like(found.information, np.nan)  # of fits without a batch, coefficients alone are used
        return Estimate(found.coefficients, spread, found)

    fitted = with_errors(ds, design, scale, fit, float(counts.ended.sum()))
    table = table_of(fitted, level, {"part": [0]}, ratio="subdistribution hazard ratio").isel(part=0, drop=True)
    return table.assign_attrs(formula=formula, ties="breslow", cause=str(cause))


def _competing(ds: xr.Dataset, design: Design, cause: Any) -> subdistribution.Competing:
    """Return the counts of the cells with firms, those that reach the horizon among the censored."""
    counts = labels.counts_of(ds)
    position = labels.position_of(counts.events, "cause", cause)
    arrays, table = counts.table(design.cells)
    ended = np.minimum(arrays.events[:, position].astype(np.float64), table.at_risk)
    others = np.minimum(table.events - arrays.events[:, position], table.at_risk)
    censored = np.zeros_like(ended) if arrays.censored is None else arrays.censored.astype(np.float64)
    censored[:, -1] = np.maximum(table.at_risk[:, -1] - table.events[:, -1], 0.0)
    return subdistribution.Competing(ended, others, censored, table.at_risk)
