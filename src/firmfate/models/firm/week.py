"""One step of the whole firm: the shocks move, every division acts on the stocks it finds, all stocks move together.

Explicit Euler: every auxiliary is computed from the stocks at the start of the step, then all stocks move by their
rates.
"""

from __future__ import annotations

from typing import Any

from firmfate.models.declarations import Auxiliary
from firmfate.models.firm import (
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
)  # fmt: skip

FLOW = "weeks of demand a week"
MONEY_FLOW = "weeks of revenue a week"

AUXILIARIES = (
    Auxiliary("demand_shock", "1", "log deviation of demand, after this step's shock"),
    Auxiliary("cost_shock", "1", "log deviation of unit cost, after this step's shock"),
    Auxiliary("orders", FLOW, "units ordered"),
    Auxiliary("bookings", FLOW, "units ordered as Sales books them, soft orders included"),
    Auxiliary("signal", FLOW, "units ordered as Production hears of them"),
    Auxiliary("price", "1", "price after discounts"),
    Auxiliary("lot", "weeks of demand", "lot"),
    Auxiliary("setups", "1", "setups per unit, relative to normal lots"),
    Auxiliary("capacity", FLOW, "capacity that setups leave"),
    Auxiliary("reworking", FLOW, "units reworked"),
    Auxiliary("available", FLOW, "capacity that rework leaves"),
    Auxiliary("starts", FLOW, "units started"),
    Auxiliary("production_lead_time", "week", "lead time of production"),
    Auxiliary("output", FLOW, "units made, defective ones included"),
    Auxiliary("defects", "share of output", "output that is defective"),
    Auxiliary("caught", FLOW, "defective units found"),
    Auxiliary("leak", "share of output", "defective output that leaves the plant"),
    Auxiliary("overheads", MONEY_FLOW, "overheads"),
    Auxiliary("overhead_per_unit", "share of price", "overheads per unit started"),
    Auxiliary("shipments", FLOW, "units shipped"),
    Auxiliary("deliveries", FLOW, "units delivered"),
    Auxiliary("freight", "share of price", "freight per unit shipped"),
    Auxiliary("scrapped", FLOW, "finished goods that become worthless"),
    Auxiliary("lead_time", "week", "lead time of an order of this week"),
    Auxiliary("appeal", "share", "customers that the firm as it is would keep"),
    Auxiliary("sale", MONEY_FLOW, "billed"),
    Auxiliary("collected", MONEY_FLOW, "paid by customers"),
    Auxiliary("spend", MONEY_FLOW, "spent"),
    Auxiliary("interest", MONEY_FLOW, "interest on overdrawn cash"),
    Auxiliary("payout", MONEY_FLOW, "paid to owners"),
    Auxiliary("raised", MONEY_FLOW, "put in by owners"),
    Auxiliary("cash_flow", MONEY_FLOW, "collected less spent"),
    Auxiliary("health", "share", "health as governance would see it at once"),
    Auxiliary("green_kpis", "1", "KPIs of five that are green"),
)


def observe(s: Any, p: Any, draw: Any, shock: Any, week: Any) -> dict[str, Any]:
    """Return what happens in the step that starts at `week`, computed from the stocks at its start."""
    z, y = shocks.next_demand_shock(s, p, shock), shocks.next_cost_shock(s, p, shock)

    orders = sales.orders(s, p, z, shock.weekly)
    price = sales.price(s, p)

    lot = production.lot(s, p)
    setups = p.lot_size / lot
    capacity = production.capacity(s, p, setups)
    reworking = quality.reworking(s, p)
    available = max(capacity - reworking, production.LEAST_CAPACITY)
    starts = production.starts(s, p, production.wanted(s, p), available)
    output, production_lead_time = production.cleared(
        s.work_in_process, available, production.fixed_time(p, lot), production.queue_time(p)
    )

    defects = quality.defects(s, p)
    caught_share = defects * quality.found(s, p)
    caught, leak = output * caught_share, defects - caught_share

    overheads = finance.overheads(s, p)

    shipments = logistics.shipments(s, p)
    shipping_time = logistics.shipping_time(s, p)
    deliveries = s.in_transit / shipping_time
    freight = logistics.freight(s, p)

    lead_time = customers.lead_time(s, p, production_lead_time, caught_share, reworking, shipments, shipping_time)

    collected = s.receivables / p.collection_time
    spend = cash.spend(
        s, p, unit_cost=cash.unit_cost(p, draw, y), starts=starts, setups=setups, overheads=overheads, output=output,
        reworking=reworking, freight=freight, shipments=shipments,
    )  # fmt: skip

    return {
        "demand_shock": z,
        "cost_shock": y,
        "orders": orders,
        "bookings": sales.bookings(s, p, orders),
        "signal": sales.signal(s, p, orders),
        "price": price,
        "lot": lot,
        "setups": setups,
        "capacity": capacity,
        "reworking": reworking,
        "available": available,
        "starts": starts,
        "production_lead_time": production_lead_time,
        "output": output,
        "defects": defects,
        "caught": caught,
        "leak": leak,
        "overheads": overheads,
        "overhead_per_unit": dashboard.overhead_per_unit(overheads, starts),
        "shipments": shipments,
        "deliveries": deliveries,
        "freight": freight,
        "scrapped": p.obsolescence * s.finished_goods,
        "lead_time": lead_time,
        "appeal": customers.appeal(s, p, leak),
        "sale": cash.sale(deliveries, price, leak),
        "collected": collected,
        "spend": spend,
        "interest": p.interest * max(-s.cash, 0),
        "payout": cash.payout(s, p, draw),
        "raised": cash.raised(s, p),
        "cash_flow": collected - spend,
        "health": governance.health(s, p, cash.start_cash(p, draw)),
        "green_kpis": dashboard.green_kpis(s, p),
    }


def step(s: Any, p: Any, draw: Any, shock: Any, week: Any) -> dict[str, Any]:
    """Return the stocks one step later, the causes of the end, whether the alarm rings, and the green KPIs."""
    w = observe(s, p, draw, shock, week)
    remaining = customers.next_customers(s, p, w["appeal"])
    perceived = customers.next_perceived_lead_time(s, p, w["lead_time"])
    trailing = cash.next_trailing_sales(s, p, w["sale"])
    credit_line = cash.next_credit_line(p, trailing, remaining)
    left = cash.next_cash(
        s, p, collected=w["collected"], spend=w["spend"], interest=w["interest"], payout=w["payout"],
        raised=w["raised"],
    )  # fmt: skip
    kpis = dashboard.kpis(
        p, bookings=w["bookings"], setups=w["setups"], overhead_per_unit=w["overhead_per_unit"],
        leak=w["leak"], freight=w["freight"],
    )  # fmt: skip
    return {
        "practice": practices.next_practices(s, p, week),
        "pursuit": governance.next_pursuit(s, p),
        "customers": remaining,
        "perceived_lead_time": perceived,
        "forecast": sales.next_forecast(s, p, w["signal"]),
        "work_in_process": production.next_work_in_process(s, p, w["starts"], w["output"]),
        "rework": quality.next_rework(s, p, w["caught"], w["reworking"]),
        "finished_goods": production.next_finished_goods(
            s, p, w["output"], w["caught"], w["reworking"], w["shipments"]
        ),
        "order_backlog": logistics.next_order_backlog(s, p, w["orders"], w["shipments"]),
        "in_transit": logistics.next_in_transit(s, p, w["shipments"], w["deliveries"]),
        "receivables": cash.next_receivables(s, p, w["sale"], w["collected"]),
        "cash": left,
        "capability": finance.next_capability(s, p),
        "process_quality": quality.next_process_quality(s, p),
        "demand_shock": w["demand_shock"],
        "cost_shock": w["cost_shock"],
        "distress": governance.next_distress(s, p, w["health"], w["green_kpis"]),
        "trailing_sales": trailing,
        "credit_line": credit_line,
        "urgency": customers.next_urgency(s, p),
        "kpi": dashboard.next_kpis(s, p, kpis),
        "insolvency": left < -credit_line,
        "customer_collapse": remaining < p.customer_floor,
        "gridlock": perceived > p.lead_time_limit,
        "background_exit": week + p.dt >= cash.exit_week(p, draw),
        "alarm": w["health"] < p.alarm,
        "green_kpis": w["green_kpis"],
    }
