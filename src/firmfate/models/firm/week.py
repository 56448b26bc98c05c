"""One step of the whole firm: the shocks move, every division acts on the stocks it finds, all stocks move together.

Explicit Euler: every auxiliary is computed from the stocks at the start of the step, then all stocks move by their
rates.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

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
from firmfate.models.firm.birth import Constants, Traits
from firmfate.models.firm.shocks import Shocks
from firmfate.models.firm.stocks import GOODS, Stocks

FLOW = "weeks of demand a week"
MONEY_FLOW = "weeks of revenue a week"


class Week(NamedTuple):
    """What happens in one step, computed from the stocks at its start."""

    demand_shock: Annotated[float, "1", "log deviation of demand, after this step's shock"]
    cost_shock: Annotated[float, "1", "log deviation of unit cost, after this step's shock"]
    orders: Annotated[float, FLOW, "units ordered"]
    bookings: Annotated[float, FLOW, "units ordered as Sales books them, soft orders included"]
    signal: Annotated[float, FLOW, "units ordered as production hears of them"]
    price: Annotated[float, "1", "price after discounts"]
    setups: Annotated[float, "1", "setups per unit, relative to the start"]
    capacity: Annotated[float, FLOW, "capacity that setups leave"]
    reworking: Annotated[float, FLOW, "units reworked"]
    starts: Annotated[float, FLOW, "units started"]
    production_lead_time: Annotated[float, "week", "lead time of production"]
    output: Annotated[float, FLOW, "units made, defective ones included"]
    defects: Annotated[float, "share of output", "output that is defective"]
    caught: Annotated[float, FLOW, "defective units found"]
    leak: Annotated[float, "share of output", "defective output that leaves the plant"]
    overheads: Annotated[float, MONEY_FLOW, "overheads"]
    overhead_per_unit: Annotated[float, "share of price", "overheads per unit started"]
    shipments: Annotated[float, FLOW, "units shipped"]
    deliveries: Annotated[float, FLOW, "units delivered"]
    freight: Annotated[float, "share of price", "freight per unit shipped"]
    scrapped: Annotated[float, FLOW, "finished goods become worthless"]
    goods: Annotated[float, GOODS, "all units held: in process, in rework, finished, in transit"]
    lead_time: Annotated[float, "week", "lead time of an order of this week"]
    appeal: Annotated[float, "share", "customers that the firm as it is would keep"]
    sale: Annotated[float, MONEY_FLOW, "billed"]
    collected: Annotated[float, MONEY_FLOW, "paid by customers"]
    spend: Annotated[float, MONEY_FLOW, "spent"]
    interest: Annotated[float, MONEY_FLOW, "interest on overdrawn cash"]
    payout: Annotated[float, MONEY_FLOW, "paid to owners"]
    cash_flow: Annotated[float, MONEY_FLOW, "collected less spent"]
    health: Annotated[float, "share", "health as governance would see it at once"]
    green_kpis: Annotated[float, "1", "KPIs of five that are green"]


def observe(s: Stocks, shock: Shocks, k: Constants, firm: Traits, week: float) -> Week:
    """Return what happens in the step that starts at `week`."""
    demand = shocks.demand_shock(k.market, s.demand_shock, shock.demand)
    cost = shocks.cost_shock(k.market, s.cost_shock, shock.cost)

    orders = sales.orders(k.sales, k.market, s.customers, demand, shock.weekly, s.practice_sales)
    price = sales.price(k.sales, s.practice_sales)

    setups = production.setups(k.production, s.practice_production)
    capacity = production.capacity(k.production, s.capability, setups)
    reworking = quality.reworking(k.quality, s.capability, s.rework)
    available = max(capacity - reworking, 0.0)
    wanted = production.wanted(k.production, s.forecast, s.work_in_process, s.finished_goods, s.order_backlog)
    starts = production.starts(k.production, wanted, available, s.practice_production)
    production_lead_time = production.lead_time(k.production, s.utilisation, s.practice_production)
    output = min(s.work_in_process / production_lead_time, available)

    defects = quality.defects(k.quality, s.process_quality, s.capability)
    caught_share = defects * quality.found(k.quality, s.practice_quality)
    leak = defects - caught_share

    overheads = finance.overheads(k.finance, s.practice_finance)
    overhead_per_unit = overheads / max(starts, dashboard.SLOW)

    shipments = logistics.shipments(k.logistics, s.order_backlog, s.finished_goods)
    shipping_time = logistics.shipping_time(k.logistics, s.practice_logistics)
    deliveries = s.in_transit / shipping_time
    freight = logistics.freight(k.logistics, s.practice_logistics)

    lead_time = customers.lead_time(
        k.customers, production_lead_time + k.quality.inspection_delay * s.practice_quality, caught_share, s.rework,
        reworking, s.order_backlog, shipments, shipping_time,
    )  # fmt: skip
    excess = customers.excess(s.perceived_lead_time, s.urgency)
    appeal = customers.appeal(k.customers, excess, leak, s.capability)

    goods = s.work_in_process + s.rework + s.finished_goods + s.in_transit
    unit_cost = cash.unit_cost(firm.base_cost, cost)
    spend = cash.spend(
        k.cash, unit_cost, starts, setups, overheads, goods, s.practice_quality, output, reworking, freight, shipments
    )
    collected = k.cash.collection * s.receivables

    return Week(
        demand_shock=demand,
        cost_shock=cost,
        orders=orders,
        bookings=sales.bookings(k.sales, orders, s.practice_sales),
        signal=sales.signal(k.sales, orders, s.practice_sales),
        price=price,
        setups=setups,
        capacity=capacity,
        reworking=reworking,
        starts=starts,
        production_lead_time=production_lead_time,
        output=output,
        defects=defects,
        caught=output * caught_share,
        leak=leak,
        overheads=overheads,
        overhead_per_unit=overhead_per_unit,
        shipments=shipments,
        deliveries=deliveries,
        freight=freight,
        scrapped=k.production.obsolescence * s.finished_goods,
        goods=goods,
        lead_time=lead_time,
        appeal=appeal,
        sale=cash.sale(deliveries, price, leak),
        collected=collected,
        spend=spend,
        interest=k.cash.interest * max(-s.cash, 0.0),
        payout=k.cash.payout * max(0.0, s.cash - firm.start_cash),
        cash_flow=collected - spend,
        health=governance.health(k.governance, (s.cash + s.credit_line) * firm.per_reserve, s.customers),
        green_kpis=dashboard.green(
            k.dashboard, s.kpi_sales, s.kpi_production, s.kpi_quality, s.kpi_finance, s.kpi_logistics
        ),
    )


def move(s: Stocks, w: Week, k: Constants) -> Stocks:
    """Return the stocks one step later."""
    load = (w.starts + w.reworking) / w.capacity
    remaining = customers.drawn(k.customers, s.customers, w.appeal)
    trailing_sales = s.trailing_sales + k.cash.memory * (w.sale - s.trailing_sales)
    return Stocks(
        practice_sales=practices.follow(k.sales.practice, s.practice_sales, s.pursuit),
        practice_production=practices.follow(k.production.practice, s.practice_production, s.pursuit),
        practice_quality=practices.follow(k.quality.practice, s.practice_quality, s.pursuit),
        practice_finance=practices.follow(k.finance.practice, s.practice_finance, s.pursuit),
        practice_logistics=practices.follow(k.logistics.practice, s.practice_logistics, s.pursuit),
        pursuit=governance.pursuit(k.governance, s.pursuit, s.distress),
        customers=remaining,
        perceived_lead_time=s.perceived_lead_time + k.customers.perception * (w.lead_time - s.perceived_lead_time),
        forecast=s.forecast + k.sales.forecast * (w.signal - s.forecast),
        work_in_process=s.work_in_process + k.dt * (w.starts - w.output),
        rework=s.rework + k.dt * (w.caught - w.reworking),
        finished_goods=s.finished_goods + k.dt * (w.output - w.caught + w.reworking - w.shipments - w.scrapped),
        order_backlog=s.order_backlog + k.dt * (w.orders - w.shipments),
        in_transit=s.in_transit + k.dt * (w.shipments - w.deliveries),
        receivables=s.receivables + k.dt * (w.sale - w.collected),
        cash=s.cash + k.dt * (w.cash_flow - w.interest - w.payout),
        capability=finance.capability(k.finance, s.capability, s.practice_finance),
        process_quality=quality.process_quality(k.quality, s.process_quality, s.practice_quality),
        demand_shock=w.demand_shock,
        cost_shock=w.cost_shock,
        distress=governance.distress(k.governance, s.distress, w.health, w.green_kpis),
        trailing_sales=trailing_sales,
        credit_line=cash.credit_line(k.cash, trailing_sales, remaining),
        utilisation=s.utilisation + k.production.utilisation * (min(1.0, load) - s.utilisation),
        urgency=customers.urgency(k.customers, s.urgency),
        kpi_sales=dashboard.smooth(k.dashboard, s.kpi_sales, w.bookings),
        kpi_production=dashboard.smooth(
            k.dashboard, s.kpi_production, k.cash.unit_cost + k.cash.setup_cost * w.setups + w.overhead_per_unit
        ),
        kpi_quality=dashboard.smooth(k.dashboard, s.kpi_quality, w.leak),
        kpi_finance=dashboard.smooth(k.dashboard, s.kpi_finance, w.overhead_per_unit),
        kpi_logistics=dashboard.smooth(k.dashboard, s.kpi_logistics, w.freight),
    )


def end(s: Stocks, k: Constants, firm: Traits, week: float) -> int:
    """Return the cause of the end at `week`, judged from the stocks after they have moved; 0 where the firm lives
    on."""
    if s.cash < -s.credit_line:
        return 1
    if s.customers < k.customers.floor:
        return 2
    if s.perceived_lead_time > k.customers.lead_time_limit:
        return 3
    if week >= firm.exit_week:
        return 4
    return 0


def step(s: Stocks, shock: Shocks, k: Constants, firm: Traits, week: float) -> tuple[Stocks, int, bool, tuple[float]]:
    """Return the stocks one step later, the cause of the end, whether the alarm rings, and the green KPIs."""
    w = observe(s, shock, k, firm, week)
    moved = move(s, w, k)
    return moved, end(moved, k, firm, week + k.dt), w.health < k.governance.alarm, (w.green_kpis,)
