"""The dashboard: five local KPIs, smoothed, each green while it is at least as good as at the start."""

from firmfate.models.declarations import WEEK_OR_LONGER, Parameter, Stock
from firmfate.models.firm.practices import DIVISIONS
from firmfate.models.firm.production import quiet_starts
from firmfate.models.firm.quality import quiet_leak

PARAMETERS = (
    Parameter("kpi_time", 13, "week", WEEK_OR_LONGER, "smoothing time of the KPIs", "KPIs are reported over a quarter",
              assumption=True),
)  # fmt: skip

STOCKS = (
    Stock("kpi", "weeks of demand a week (sales), share of output (quality), share of price (the others)",
          "smoothed KPI: bookings, cost per unit, defects that leave the plant, overheads per unit, freight per unit",
          parts=DIVISIONS),
)  # fmt: skip

TOLERANCE = 1e-9
"""Relative slack of green: ties count as green."""

SLOW = 0.05
"""Floor of starts where a cost per unit is a cost divided by them, in weeks of demand a week."""


def overhead_per_unit(overheads, starts):
    """Return overheads per unit started: the KPI of Finance."""
    return overheads / max(starts, SLOW)


def kpis(p, bookings, setups, overhead_per_unit, leak, freight):
    """Return this week's five KPIs, in the order of the divisions."""
    return [bookings, p.unit_cost + p.setup_cost * setups + overhead_per_unit, leak, overhead_per_unit, freight]


def quiet_kpis(p):
    """Return the KPIs of the quiet state."""
    overheads = p.overhead / quiet_starts(p)
    return kpis(p, bookings=1, setups=1, overhead_per_unit=overheads, leak=quiet_leak(p), freight=p.freight_cost)


def next_kpi(s, p, kpis):
    """Return the smoothed KPIs one step later."""
    return [kpi + p.dt * (now - kpi) / p.kpi_time for kpi, now in zip(s.kpi, kpis, strict=True)]


def green_kpis(s, p):
    """Return how many of the five KPIs are green: higher is better for Sales, lower for the others."""
    bookings, *costs = zip(s.kpi, quiet_kpis(p), strict=True)
    green = [bookings[0] >= bookings[1] * (1 - TOLERANCE), *(now <= first * (1 + TOLERANCE) for now, first in costs)]
    return sum(green)


def start(p, draw):
    """Return the stocks at the start."""
    return {"kpi": quiet_kpis(p)}
