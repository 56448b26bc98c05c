"""`firm`: five divisions, each with its own KPI, one cash account, and customers who remember.

The folder is the organisation chart: a file a division, then customers, cash, governance and the shocks from outside.
``week.py`` runs one step of all of them; ``birth.py`` starts a firm.

Time in weeks. Goods in units of one week's normal demand, money in units of one week's normal revenue, so that normal
demand and the normal price are 1.
"""

from __future__ import annotations

from firmfate.models.firm import (
    birth,
    cash,
    customers,
    dashboard,
    finance,
    governance,
    logistics,
    practices,
    production,
    quality,
    sales,
    shocks,
    stocks,
    week,
)  # fmt: skip
from firmfate.models.model import Cause, Mark, Model

MODEL = Model(
    name="firm",
    summary="A firm of five divisions, each steered by a KPI of its own.",
    parameters=(
        practices.PARAMETERS + sales.PARAMETERS + production.PARAMETERS + quality.PARAMETERS + finance.PARAMETERS
        + logistics.PARAMETERS + customers.PARAMETERS + cash.PARAMETERS + governance.PARAMETERS + dashboard.PARAMETERS
        + shocks.PARAMETERS
    ),
    stocks=stocks.Stocks,
    causes=(
        Cause("insolvency", "cash is overdrawn beyond the credit line"),
        Cause("customer_collapse", "fewer customers are left than customer_floor"),
        Cause("gridlock", "the perceived lead time exceeds lead_time_limit"),
        Cause("background_exit", "exit for other reasons: merger, the owner's choice"),
    ),
    shocks=shocks.Shocks,
    draws=shocks.Draws,
    settle=birth.settle,
    start=birth.start,
    step=week.step,
    observe=week.observe,
    marks=(Mark("green_kpis", "green", 5, "green KPIs at the start of the step in which the alarm rings"),),
    alarm="health, computed from the stocks at the start of the step, is below `alarm`",
    check=birth.check,
)  # fmt: skip
