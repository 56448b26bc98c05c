"""Cash: what is delivered is paid later, what is spent is paid now, and the bank lends on trailing sales."""

from __future__ import annotations

from typing import Any, NamedTuple

from firmfate.models.arithmetic import exp
from firmfate.models.model import NOT_NEGATIVE, POSITIVE, WEEK_OR_LONGER, Parameter

MARGIN = "net margin 3-8 % (Damodaran: 4-7 % of US firms)"
POOR_QUALITY = "cost of poor quality 2.5-5 % of sales measured, 10-40 % claimed (Juran Institute)"
HOLDING = "with obsolescence about 35 % a year of cost value (cited: 20-35 %)"
BUFFER = "small firms hold 27 days (JPMorgan Chase Institute 2016), large ones more"

PARAMETERS = (
    Parameter("unit_cost", 0.57, "share of price", POSITIVE, "variable cost of one unit", MARGIN),
    Parameter("cost_gain", 0.05, "share of price", NOT_NEGATIVE, "unit cost saved at full execution",
              "sign from management surveys (Bloom & Van Reenen 2007)", assumption=True),
    Parameter("margin_sd", 0.04, "share of price", NOT_NEGATIVE, "standard deviation of unit cost between firms",
              MARGIN,
              assumption=True),
    Parameter("setup_cost", 0.005, "share of revenue", NOT_NEGATIVE, "cost of setups at normal lots",
              "small, so that large lots are not secretly good", assumption=True),
    Parameter("inspection_cost", 0.005, "share of price", NOT_NEGATIVE, "inspection per unit at the start",
              POOR_QUALITY),
    Parameter("inspection_growth", 3, "1", NOT_NEGATIVE, "growth of inspection cost at full practice", POOR_QUALITY,
              assumption=True),
    Parameter("rework_cost", 0.35, "share of price", NOT_NEGATIVE, "cost of one unit reworked", POOR_QUALITY),
    Parameter("carrying_cost", 0.002, "share of price a week", NOT_NEGATIVE, "cost of holding one unit for a week",
              HOLDING),
    Parameter("obsolescence", 0.003, "1/week", NOT_NEGATIVE, "share of finished goods that becomes worthless, a week",
              HOLDING),
    Parameter("collection_time", 6, "week", WEEK_OR_LONGER, "time until customers pay",
              "days sales outstanding 39 (US, FY2022)"),
    Parameter("interest", 0.002, "1/week", NOT_NEGATIVE, "interest on overdrawn cash, a week", "about 10 % a year",
              assumption=True),
    Parameter("cash_buffer", 10, "weeks of revenue", POSITIVE, "mean cash at the start", BUFFER, assumption=True),
    Parameter("buffer_sd", 0.7, "1", NOT_NEGATIVE, "standard deviation of the log cash buffer between firms",
              "different buffers are what fits real survival", assumption=True),
    Parameter("payout_time", 26, "week", WEEK_OR_LONGER, "time in which cash above the start is paid out",
              "no measurement known",
              assumption=True),
    Parameter("credit_weeks", 8, "weeks of trailing sales", NOT_NEGATIVE, "credit line", BUFFER, assumption=True),
    Parameter("sales_memory", 26, "week", WEEK_OR_LONGER, "memory of the bank", BUFFER, assumption=True),
    Parameter("background_exit", 0, "1/year", NOT_NEGATIVE, "rate of exit for other reasons (merger, owner's choice)",
              "off; about 0.03 a year among US public firms (Daepp et al. 2015; West 2017)", assumption=True),
)  # fmt: skip


class Cash(NamedTuple):
    """Constants of cash."""

    mean_buffer: float
    buffer_sd: float
    margin_sd: float
    unit_cost: float
    base_cost: float
    setup_cost: float
    inspection_cost: float
    inspection_growth: float
    rework_cost: float
    carrying_cost: float
    collection: float
    interest: float
    payout: float
    credit_weeks: float
    memory: float
    background_exit: float


def settle(p: Any, mean_execution: float, dt: float) -> Cash:
    """Return the constants of cash for steps of `dt` weeks."""
    return Cash(
        mean_buffer=p.cash_buffer,
        buffer_sd=p.buffer_sd,
        margin_sd=p.margin_sd,
        unit_cost=p.unit_cost,
        base_cost=p.unit_cost - p.cost_gain * mean_execution,
        setup_cost=p.setup_cost,
        inspection_cost=p.inspection_cost,
        inspection_growth=p.inspection_cost * p.inspection_growth,
        rework_cost=p.rework_cost,
        carrying_cost=p.carrying_cost,
        collection=1.0 / p.collection_time,
        interest=p.interest,
        payout=1.0 / p.payout_time,
        credit_weeks=p.credit_weeks,
        memory=dt / p.sales_memory,
        background_exit=p.background_exit / 52.0,
    )


def sale(deliveries: float, price: float, leak: float) -> float:
    """Return what is billed, a week: defective units are not paid."""
    return deliveries * price * (1.0 - leak)


def unit_cost(base_cost: float, cost_shock: float) -> float:
    """Return the variable cost of one unit this week."""
    return base_cost * exp(cost_shock)


def spend(
    k: Cash, unit_cost: float, starts: float, setups: float, overheads: float, goods: float, inspecting: float,
    output: float, reworking: float, freight: float, shipments: float,
) -> float:  # fmt: skip
    """Return what is spent, a week; `goods` are all units held, `inspecting` is the practice of Quality."""
    making = (unit_cost + k.setup_cost * setups) * starts + overheads
    holding = k.carrying_cost * goods
    checking = (k.inspection_cost + k.inspection_growth * inspecting) * output + k.rework_cost * reworking
    return making + holding + checking + freight * shipments


def credit_line(k: Cash, trailing_sales: float, customers: float) -> float:
    """Return how far cash may be overdrawn: weeks of trailing sales, less where customers have left."""
    return k.credit_weeks * trailing_sales * min(1.0, customers)
