"""What is measured of a panel of firms (`panel.py`), of any selection of them: a number, or for a share zeros and
ones, whose mean is the share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import gamma, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Panel = Mapping[str, Any]
"""By name: (firm, year) or (firm, quarter), NaN where a firm did not live through it; ``cause`` and ``event_week``
(firm)."""

FEWEST_QUARTERS = 20
"""Quarters that a firm must have lived for its variability to be measured."""

LEAD = 5
"""Years before failure at which failing firms are distinguished from sound ones."""

RECOVERY = 3
"""Years in which a distressed firm may recover."""

FAILED = ("insolvency", "customer_collapse", "gridlock")


def pooled(values: Floats) -> Floats:
    """Return the firm-years that were lived."""
    found: Floats = values[np.isfinite(values)]
    return found


def trimmed(values: Floats) -> Floats:
    """Return firm-years with the outermost hundredth on either side set to its limit, as is usual for ratios."""
    low, high = np.quantile(pooled(values), (0.01, 0.99))
    found: Floats = np.clip(values, low, high)
    return found


def growth(panel: Panel) -> Floats:
    """Return the growth of annual sales, in logarithms."""
    return pooled(np.diff(np.log(panel["sales"]), axis=1))


def shape(values: Floats) -> float:
    """Return the exponent of a Subbotin distribution (1 Laplace, 2 Gauss) that has the values' mean absolute deviation
    over standard deviation."""
    from scipy.optimize import brentq

    ratio = np.abs(values - np.median(values)).mean() / values.std()

    def above(b: float) -> float:
        return float(gamma(2 / b) / sqrt(gamma(1 / b) * gamma(3 / b)) - ratio)

    return float(brentq(above, 0.2, 50.0)) if above(0.2) < 0 < above(50.0) else np.nan


def kurtosis(values: Floats) -> float:
    """Return the excess kurtosis."""
    centred = values - values.mean()
    return float((centred**4).mean() / (centred**2).mean() ** 2 - 3)


def bullwhips(panel: Panel, *, apart: int = 1) -> Floats:
    """Return, firm by firm, how much more quarterly purchases vary than quarterly sales: the ratio of the standard
    deviations of their changes over so many quarters (of their levels, if 0), less 1."""
    bought, sold = (panel[name] for name in ("bought", "sold"))
    long = np.isfinite(sold).sum(axis=1) >= FEWEST_QUARTERS
    if apart:
        bought, sold = (values[:, apart:] - values[:, :-apart] for values in (bought, sold))
    found: Floats = np.nanstd(bought[long], axis=1) / np.nanstd(sold[long], axis=1) - 1
    return found


def autocorrelation(values: Floats) -> float:
    """Return the coefficient of a regression of a firm's year on its year before, all firms pooled."""
    before, after = values[:, :-1], values[:, 1:]
    both = np.isfinite(before) & np.isfinite(after)
    return float(np.corrcoef(before[both], after[both])[0, 1] * after[both].std() / before[both].std())


def size_growth(panel: Panel, age: int) -> float:
    """Return by how much the mean size (billed in the last quarter) of those alive grows from an age to the next."""
    sizes = [np.nanmean(panel["billed"][:, 4 * years - 1]) for years in (age, age + 1)]
    return float(sizes[1] / sizes[0] - 1)


def lead_and_cash(panel: Panel) -> float:
    """Return the correlation of a quarter's lead time with the cash flow of the next four, within firms."""
    flow, lead = panel["cash_flow"], panel["lead_time"]
    ahead = sum(flow[:, 1 + k : flow.shape[1] - 3 + k] for k in range(4))
    lead = np.where(np.isfinite(ahead), lead[:, : flow.shape[1] - 4], np.nan)
    several = np.isfinite(lead).sum(axis=1) >= 2
    within = [x[several] - np.nanmean(x[several], axis=1, keepdims=True) for x in (lead, np.asarray(ahead))]
    return float(np.corrcoef(pooled(within[0]), pooled(within[1]))[0, 1])


def recovery(panel: Panel) -> Floats:
    """Return, of every firm with two years of losses in a row, whether two years of profits in a row follow within
    three years of the first two. Those whose three years reach beyond the horizon are left out."""
    loss, gain = panel["margin"] < 0, panel["margin"] > 0
    found = []
    for losses, gains in zip(loss[:, :-1] & loss[:, 1:], gain[:, :-1] & gain[:, 1:], strict=True):
        first = int(losses.argmax())
        if losses[first] and first + 1 + RECOVERY <= loss.shape[1] - 1:
            found.append(gains[first + 2 : first + 1 + RECOVERY].any())
    return np.array(found, dtype=np.float64)


def misjudged(panel: Panel) -> float:
    """Return the share of firms that the best cut of the margin puts on the wrong side, five years before failure:
    firms that failed against those alive at the horizon, in the same year of their lives."""
    years = np.isfinite(panel["margin"]).sum(axis=1)
    sound = panel["margin"][years == panel["margin"].shape[1]]
    failing = np.flatnonzero(np.isin(panel["cause"], FAILED) & (years > LEAD))
    if not len(failing) or not len(sound):
        return np.nan
    at = years[failing] - LEAD
    bad, good = panel["margin"][failing, at], sound[:, at]
    cuts = np.quantile(np.concatenate([bad, good.ravel()]), np.linspace(0.005, 0.995, 199))
    wrong = [((bad > cut).mean() + (good <= cut).mean()) / 2 for cut in cuts]
    return float(min(wrong))


OF_PANEL: dict[str, Callable[[Panel], float | Floats]] = {
    "inventory_days": lambda panel: float(np.median(pooled(panel["inventory_days"]))),
    "bullwhip_share": lambda panel: (bullwhips(panel) > 0).astype(np.float64),
    "bullwhip_median": lambda panel: float(np.median(bullwhips(panel))),
    "growth_sd": lambda panel: float(growth(panel).std()),
    "growth_shape": lambda panel: shape(growth(panel)),
    "growth_kurtosis": lambda panel: kurtosis(growth(panel)),
    "size_growth_1": lambda panel: size_growth(panel, 1),
    "size_growth_5": lambda panel: size_growth(panel, 5),
    "margin_mean": lambda panel: float(pooled(trimmed(panel["margin"])).mean()),
    "margin_sd": lambda panel: float(pooled(trimmed(panel["margin"])).std()),
    "margin_ar": lambda panel: autocorrelation(trimmed(panel["margin"])),
    "cash_days": lambda panel: float(np.median(pooled(panel["cash_days"]))),
    "utilisation": lambda panel: float(pooled(panel["utilisation"]).mean()),
    "misjudged": misjudged,
    "recovery": recovery,
    "lead_cash": lead_and_cash,
}
"""Fact -> its measure."""

OTHERWISE: dict[str, tuple[str, Callable[[Panel], float | Floats]]] = {
    "bullwhip_median_levels": (
        "bullwhip, median, by levels",
        lambda panel: float(np.median(bullwhips(panel, apart=0))),
    ),
    "bullwhip_median_yearly": (
        "bullwhip, median, by changes over a year",
        lambda panel: float(np.median(bullwhips(panel, apart=4))),
    ),
    "utilisation_low": (
        "output as a share of capacity, 5 % of firm-years below",
        lambda panel: float(np.quantile(pooled(panel["utilisation"]), 0.05)),
    ),
    "inventory_year_1": (
        "days of inventory in the first year, median",
        lambda panel: float(np.nanmedian(panel["inventory_days"][:, 0])),
    ),
    "lead_time_median": ("lead time, weeks, median", lambda panel: float(np.median(pooled(panel["lead_time"])))),
    "margin_median": ("annual margin, median", lambda panel: float(np.median(pooled(panel["margin"])))),
}
"""Name -> what it is, and another measure beside those of the facts."""
