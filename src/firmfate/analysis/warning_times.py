"""Warning time: weeks from the alarm to the event of firms that had one; and how many had no alarm."""

from __future__ import annotations

import numpy as np
import xarray as xr

from firmfate.analysis.green_kpis import ALARMS
from firmfate.errors import EstimateError
from firmfate.survival.batches import FEWEST_BATCHES
from firmfate.survival.core.limits import normal_quantile, wilson
from firmfate.survival.jackknife import Spread, limits, sums_without
from firmfate.survival.labels import describe


def warning_time(ds: xr.Dataset, *, level: float = 0.95) -> xr.Dataset:
    """Estimate the mean weeks from the alarm to the event, over alarmed firms that died.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts with ``alarms``, ``warning_steps_sum`` and their early ones.
    level : float
        Confidence level.

    Returns
    -------
    xarray.Dataset
        Over the axes and ``alarm_kind`` ("any", "early": in the first 13 weeks, "later"): ``estimate`` (weeks),
        ``se`` (jackknife over batches; where fewer than 8 have such firms, sd/√n for any alarm and NaN otherwise),
        ``lower``, ``upper``, ``firms``. NaN where no alarmed firm died.

    Raises
    ------
    EstimateError
        Where the dataset counts no alarms.

    Examples
    --------
    The alarm of `car` is the notice of its driver:

    >>> import firmfate
    >>> study = firmfate.Study(name="cars", model="car", replicates=200, grid={"misalignment": [0, 1]})
    >>> ds = firmfate.run(study, into="runs/alarms", progress=False)
    >>> found = warning_time(ds).sel(misalignment=1, alarm_kind="any")
    >>> round(found.estimate.item()), round(found.se.item()), int(found.firms)
    (309, 36, 31)
    >>> none = alarm_shares(ds).sel(misalignment=1, alarm_kind="none")
    >>> round(none.estimate.item(), 3), round(none.se.item(), 3), int(none.firms)
    (0.777, 0.035, 139)
    """
    if "alarms" not in ds or "warning_steps_sum" not in ds:
        raise EstimateError("the dataset counts no alarms; warning times need `alarms` and `warning_steps_sum`")
    per_week = float(ds.attrs.get("steps_per_week", 1))
    firms = _by_alarm(ds, "alarms")
    weeks = _by_alarm(ds, "warning_steps_sum") / per_week
    total = firms.sum("batch")
    mean = weeks.sum("batch") / total.where(total > 0)
    se, batches = _jackknife(firms, weeks)
    squares = _of_dead(ds["warning_steps_sumsq"]).sum("batch") / per_week**2
    alarmed, average = total.sel(alarm_kind="any", drop=True), mean.sel(alarm_kind="any", drop=True)
    spread = (squares - alarmed * average**2).clip(0)
    alone = (spread / (alarmed - 1).where(alarmed > 1) / alarmed.where(alarmed > 0)) ** 0.5
    few = batches < FEWEST_BATCHES
    se = se.where(~few, alone.where(mean["alarm_kind"] == "any")).transpose(*mean.dims)
    by_normal = normal_quantile(level) * se.where(se > 0)
    lower, upper = (
        limit.where(~few, by_alone).transpose(*mean.dims)
        for limit, by_alone in zip(limits(mean, se, batches, level), (mean - by_normal, mean + by_normal), strict=True)
    )
    found = xr.Dataset({"estimate": mean, "se": se, "lower": lower.clip(0), "upper": upper, "firms": total})
    words = "mean weeks from the alarm to the event, over alarmed firms that died"
    found = describe(found, units="week", long_name=words)
    found["firms"].attrs = {"units": "1", "long_name": "alarmed firms that died"}
    return found.transpose(..., "alarm_kind").assign_attrs(level=level)


def alarm_shares(ds: xr.Dataset, *, level: float = 0.95) -> xr.Dataset:
    """Estimate which share of the firms that died had an early alarm, a later one, or none.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts with ``alarms`` and ``early_alarms``.
    level : float
        Confidence level of Wilson's limits.

    Returns
    -------
    xarray.Dataset
        Over the axes and ``alarm_kind`` ("none", "early": in the first 13 weeks, "later"): ``estimate``, ``se``,
        ``lower``, ``upper``, and ``firms``, those that died.

    Examples
    --------
    See `warning_time`.
    """
    if "alarms" not in ds or "early_alarms" not in ds:
        raise EstimateError("the dataset counts no alarms; shares need `alarms` and `early_alarms`")
    firms = _by_alarm(ds, "alarms").sum("batch")
    died = ds["events"].sum(["cause", "week"]).astype(np.float64).compute()
    parts = [
        died - firms.sel(alarm_kind="any", drop=True),
        *(firms.sel(alarm_kind=kind, drop=True) for kind in ("early", "later")),
    ]
    parted = xr.concat(parts, dim="alarm_kind").assign_coords(alarm_kind=["none", "early", "later"])
    share = parted / died.where(died > 0)
    lower, upper = wilson(
        share.values, died.broadcast_like(share).transpose(*share.dims).values, normal_quantile(level)
    )
    se = (share * (1 - share) / died.where(died > 0)) ** 0.5
    found = xr.Dataset(
        {"estimate": share, "se": se, "lower": (share.dims, lower), "upper": (share.dims, upper), "firms": died}
    ).transpose(..., "alarm_kind")
    return describe(found, units="1", long_name="share of the firms that died, by their alarm", level=level)


def _of_dead(counted: xr.DataArray) -> xr.DataArray:
    """Sum over the firms that died, by any cause, as floats: their differences may be negative."""
    dead = [end for end in counted["end"].values if end != "censored"]
    died: xr.DataArray = counted.sel(end=dead).sum("end").astype(np.float64).compute()
    return died


def _by_alarm(ds: xr.Dataset, name: str) -> xr.DataArray:
    """Return counts or sums of all, early and later alarms of firms that died, (alarm_kind, axes..., batch)."""
    every, early = _of_dead(ds[name]), _of_dead(ds[f"early_{name}"])
    return xr.concat([every, early, every - early], dim="alarm_kind").assign_coords(alarm_kind=list(ALARMS))


def _jackknife(firms: xr.DataArray, weeks: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Standard error of a ratio of sums, from leaving out each batch that has firms; and how many batches have."""
    rest = sums_without(firms)
    left = sums_without(weeks) / rest.where(rest > 0)
    spread = Spread()
    for batch in range(firms.sizes["batch"]):
        spread.add(left.isel(batch=batch), where=(firms > 0).isel(batch=batch))
    return spread.jackknife() ** 0.5, spread.batches
