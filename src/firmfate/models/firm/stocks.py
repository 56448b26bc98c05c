"""Stocks: everything that a firm carries from one step to the next, in the order in which replayed lives show it."""

from __future__ import annotations

from typing import Annotated, NamedTuple

GOODS = "weeks of demand"
MONEY = "weeks of revenue"


class Stocks(NamedTuple):
    """The 30 stocks of a firm."""

    practice_sales: Annotated[float, "share", "how far Sales has gone toward its local KPI"]
    practice_production: Annotated[float, "share", "how far Production has gone toward its local KPI"]
    practice_quality: Annotated[float, "share", "how far Quality has gone toward its local KPI"]
    practice_finance: Annotated[float, "share", "how far Finance has gone toward its local KPI"]
    practice_logistics: Annotated[float, "share", "how far Logistics has gone toward its local KPI"]
    pursuit: Annotated[float, "share", "share of the original misalignment still in force"]
    customers: Annotated[float, "share", "customers, relative to the start"]
    perceived_lead_time: Annotated[float, "week", "lead time as customers perceive it"]
    forecast: Annotated[float, "weeks of demand a week", "forecast of orders"]
    work_in_process: Annotated[float, GOODS, "units being made"]
    rework: Annotated[float, GOODS, "defective units that wait for rework"]
    finished_goods: Annotated[float, GOODS, "units in stock"]
    order_backlog: Annotated[float, GOODS, "units ordered and not shipped"]
    in_transit: Annotated[float, GOODS, "units shipped and not delivered"]
    receivables: Annotated[float, MONEY, "billed and not yet paid"]
    cash: Annotated[float, MONEY, "cash; negative where the credit line is drawn"]
    capability: Annotated[float, "share", "what the firm is capable of, relative to the start"]
    process_quality: Annotated[float, "share", "quality of the process, relative to the start"]
    demand_shock: Annotated[float, "1", "log deviation of demand"]
    cost_shock: Annotated[float, "1", "log deviation of unit cost"]
    distress: Annotated[float, "share", "distress as governance believes it"]
    trailing_sales: Annotated[float, "weeks of revenue a week", "sales as the bank remembers them"]
    credit_line: Annotated[float, MONEY, "how far cash may be overdrawn"]
    utilisation: Annotated[float, "share", "smoothed utilisation of capacity"]
    urgency: Annotated[float, "1/week", "one over the lead time that customers tolerate"]
    kpi_sales: Annotated[float, "weeks of demand a week", "KPI of Sales: bookings"]
    kpi_production: Annotated[float, "share of price", "KPI of Production: cost per unit"]
    kpi_quality: Annotated[float, "share of output", "KPI of Quality: defects that leave the plant"]
    kpi_finance: Annotated[float, "share of price", "KPI of Finance: overheads per unit"]
    kpi_logistics: Annotated[float, "share of price", "KPI of Logistics: freight per unit"]
