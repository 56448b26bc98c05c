"""Green dashboards: how many KPIs were green at the alarm, in firms that then died."""

from __future__ import annotations

import numpy as np
import xarray as xr

from firmfate.errors import EstimateError
from firmfate.survival.core.limits import normal_quantile, score_limits
from firmfate.survival.labels import describe

ALARMS = ("any", "early", "later")
"""All alarms; those in a firm's first 13 weeks, which its initial condition causes; and the others."""


def marks_of(ds: xr.Dataset) -> tuple[str, ...]:
    """Return the variables that count firms by a mark at the alarm (``green_kpi_count`` of the model firm)."""
    names = map(str, ds.data_vars)
    return tuple(name[len("early_") :] for name in names if name.startswith("early_") and name.endswith("_count"))


def green_dashboards(ds: xr.Dataset, *, counted: str | None = None, level: float = 0.95) -> xr.Dataset:
    """Estimate the mean number of green KPIs at the alarm, over alarmed firms that died.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts with ``green_kpi_count`` and ``early_green_kpi_count``, or another mark's.
    counted : str, optional
        The variable that counts firms by the mark; the first there is by default.
    level : float
        Confidence level: Wilson's limits on the share of the largest number.

    Returns
    -------
    xarray.Dataset
        Over the axes and ``alarm_kind`` ("any", "early": in the first 13 weeks, "later"): ``estimate``, ``se``
        (sd/√n), ``lower``, ``upper``, ``firms``; and ``share`` of the firms by number of green KPIs. NaN where no
        alarmed firm died.

    Raises
    ------
    EstimateError
        Where the dataset counts no mark.

    Examples
    --------
    >>> import firmfate
    >>> study = firmfate.Study(name="kpis", years=8, replicates=64, cells=[{"execution": 1, "misalignment": 1}])
    >>> ds = firmfate.run(study, into="runs/kpis", progress=False)
    >>> found = green_dashboards(ds).sel(alarm_kind="later").squeeze()
    >>> round(found.estimate.item(), 2), round(found.se.item(), 2), int(found.firms)
    (4.41, 0.13, 54)
    """
    found = marks_of(ds)
    if not found or (counted is not None and counted not in found):
        raise EstimateError(f"the dataset counts no {counted or 'mark'} at the alarm; it holds {list(found) or 'none'}")
    counted = counted or found[0]
    (mark,) = (str(dim) for dim in ds[counted].dims if dim != "end" and dim not in ds["firms"].dims)
    dead = [end for end in ds["end"].values if end != "censored"]
    every = ds[counted].sel(end=dead).sum("end").astype(np.float64).compute()
    early = ds[f"early_{counted}"].sel(end=dead).sum("end").astype(np.float64).compute()
    firms_by = xr.concat([every, early, every - early], dim="alarm_kind").assign_coords(alarm_kind=list(ALARMS))
    firms = firms_by.sum(mark)
    known = firms.where(firms > 0)
    number = ds[mark].astype(np.float64)
    share = firms_by / known
    mean = (share * number).sum(mark, skipna=False)
    spread = (share * (number - mean) ** 2).sum(mark, skipna=False)
    se = (spread / (firms - 1).where(firms > 1)) ** 0.5
    top = float(number.max())
    z = normal_quantile(level)
    lower, upper = score_limits((mean / top).values, np.nan_to_num((se / top).values), known.values, z)
    result = xr.Dataset(
        {
            "estimate": mean, "se": se, "lower": (mean.dims, top * lower), "upper": (mean.dims, top * upper),
            "firms": firms, "share": share,
        }
    ).transpose(..., "alarm_kind", mark)  # fmt: skip
    words = f"mean number ({mark}) at the alarm, over alarmed firms that died"
    result = describe(result, units="1", long_name=words)
    result["firms"].attrs = {"units": "1", "long_name": "alarmed firms that died"}
    result.attrs = {"mark": mark, "level": level, "most": int(top)}
    return result
