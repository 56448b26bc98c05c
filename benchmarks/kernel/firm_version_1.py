"""`firm`, version 1, as a user's model: the equations that the peers of `benchmarks.kernel` implement.

Time in weeks, goods in weeks of normal demand, money in weeks of normal revenue, as in version 2 (`firmfate.models`).
"""

from math import exp, inf, log, sqrt

from firmfate import Cause, Mark, Model, Normal, Parameter, Stock, Uniform
from firmfate.models.declarations import NOT_NEGATIVE, POSITIVE, SHARE

DIVISIONS = ("sales", "production", "quality", "finance", "logistics")


def quiet(p):
    """Return starts, utilisation, production time, lead time and KPIs of the quiet balanced state."""
    starts = 1 + p.obsolescence * p.stock_cover
    load = min(starts * (1 + p.defect_rate * p.inspection) / p.capacity, p.utilisation_cap)
    production_time = p.process_time + p.lot_size / 2 + p.queue_time * load / (1 - load)
    made = production_time + p.defect_rate * p.inspection * p.rework_time
    spread = p.overhead / starts
    kpis = (1, p.unit_cost + p.setup_cost + spread, p.defect_rate * (1 - p.inspection), spread, p.freight_cost)
    return starts, load, production_time, p.order_share * made + p.fill_time + p.transit_time, kpis


def first_cash(p, draw):
    return p.cash_buffer * exp(p.buffer_sd * draw.buffer - 0.5 * p.buffer_sd**2)


def start(p, draw):
    starts, load, production_time, lead_time, kpis = quiet(p)
    return {
        "practice": [0, 0, 0, 0, 0], "pursuit": 1, "customers": 1, "perceived_lead_time": lead_time, "forecast": 1,
        "work_in_process": starts * production_time, "finished_goods": p.stock_cover,
        "rework": p.rework_time * starts * p.defect_rate * p.inspection, "order_backlog": p.fill_time,
        "in_transit": p.transit_time, "receivables": p.collection_time, "cash": first_cash(p, draw), "capability": 1,
        "process_quality": 1, "demand_shock": 0, "cost_shock": 0, "distress": 0, "trailing_sales": 1,
        "credit_line": p.credit_weeks, "utilisation": load, "urgency": 1 / lead_time, "kpi": kpis}  # fmt: skip


def autoregression(x, sd, time, normal, dt):
    kept = exp(-dt / time)
    return kept * x + sd * sqrt(1 - kept**2) * normal


def toward(stock, target, time, dt):
    return stock + dt * (target - stock) / time


def step(s, p, draw, shock, week):
    dt, x, mean_execution = p.dt, s.practice, sum(p.execution) / 5
    quiet_starts, _, quiet_time, _, first = quiet(p)
    z = autoregression(s.demand_shock, p.demand_sd, p.demand_time, shock.demand, dt)
    y = autoregression(s.cost_shock, p.cost_sd, p.cost_time, shock.cost, dt)
    # sales
    demand = s.customers * exp(z - p.demand_sd**2 / 2) * max(0, 1 + p.weekly_sd * shock.weekly / sqrt(dt))
    orders = demand * (1 + p.promotion_lift * x.sales)
    bookings = orders * (1 + p.soft_orders * x.sales)
    signal = orders * (1 + p.soft_orders * x.sales * (1 - p.communication))
    # production
    setups = 1 / (1 + p.lot_growth * x.production)
    capacity = p.capacity * s.capability * (1 - p.setup_share * setups) / (1 - p.setup_share)
    reworking = min(p.rework_capacity * s.capability, s.rework / p.rework_time)
    available = max(capacity - reworking, 0)
    wanted_stocks = (p.stock_cover + quiet_starts * quiet_time) * s.forecast
    gap = wanted_stocks - s.finished_goods - s.work_in_process + s.order_backlog - p.fill_time * s.forecast
    obsolete = p.obsolescence * s.finished_goods
    wanted = max(0, s.forecast + obsolete + gap / p.adjust_time)
    starts = min(available, wanted + p.utilisation_push * x.production * (available - wanted))
    queue = p.queue_time * (1 - p.variability_gain * mean_execution)
    in_queue = queue / (1 - min(s.utilisation, p.utilisation_cap)) - queue
    production_time = p.process_time + p.lot_size * (1 + p.lot_growth * x.production) / 2 + in_queue
    output = min(s.work_in_process / production_time, available)
    # quality
    decay = (1 + p.defect_growth * (1 - s.process_quality)) * (1 + (1 - s.capability) / 2)
    defects = min(0.6, p.defect_rate * decay)
    caught_share = defects * (p.inspection + (p.inspection_max - p.inspection) * x.quality)
    leak, caught = defects - caught_share, output * caught_share
    # finance and logistics
    overheads = p.overhead * (1 - p.overhead_cut * x.finance)
    overhead_per_unit = overheads / max(starts, 0.05)
    shipments = min(s.order_backlog / p.fill_time, s.finished_goods / p.pick_time)
    shipping_time = p.transit_time * (1 + p.consolidation * x.logistics)
    deliveries = s.in_transit / shipping_time
    freight = p.freight_cost * (1 - p.freight_saving * x.logistics)
    # customers
    made = production_time + p.inspection_delay * x.quality + caught_share * s.rework / max(reworking, 0.001)
    lead_time = p.order_share * made + s.order_backlog / max(shipments, 0.001) + shipping_time
    excess = max(0, s.perceived_lead_time * s.urgency - 1)
    faulty = max(0, leak / (p.defect_rate * (1 - p.inspection)) - 1)
    annoyed = p.lead_sensitivity * excess + p.defect_sensitivity * faulty
    appeal = exp(-annoyed) * (1 - p.capability_sensitivity * (1 - s.capability))
    customers = toward(s.customers, appeal, p.loss_time if appeal < s.customers else p.gain_time, dt)
    # cash
    sale = deliveries * (1 - p.discount * x.sales) * (1 - leak)
    unit_cost = (p.unit_cost - p.cost_gain * mean_execution + p.margin_sd * draw.margin) * exp(y)
    goods = s.work_in_process + s.rework + s.finished_goods + s.in_transit
    inspecting = p.inspection_cost * (1 + p.inspection_growth * x.quality) * output
    making = (unit_cost + p.setup_cost * setups) * starts + overheads
    spend = making + p.carrying_cost * goods + inspecting + p.rework_cost * reworking + freight * shipments
    collected = s.receivables / p.collection_time
    payout = max(0, s.cash - first_cash(p, draw)) / p.payout_time
    cash = s.cash + dt * (collected - spend - p.interest * max(-s.cash, 0) - payout)
    trailing_sales = toward(s.trailing_sales, sale, p.sales_memory, dt)
    credit_line = p.credit_weeks * trailing_sales * min(1, customers)
    perceived_lead_time = toward(s.perceived_lead_time, lead_time, p.perception_time, dt)
    # governance and its dashboard
    reserve = (s.cash + s.credit_line) / (first_cash(p, draw) + p.credit_weeks)
    health = min(1, reserve, 1 - p.customer_voice * (1 - s.customers))
    green = (s.kpi[0] >= first[0] * (1 - 1e-9)) + sum(s.kpi[i] <= first[i] * (1 + 1e-9) for i in range(1, 5))
    felt = max(0, 1 - health / p.alarm) * (1 - p.blindness / 5 * green)
    correcting = s.distress * s.pursuit * (1 - p.steering_coupling + 2 * p.steering_coupling * mean_execution)
    relapsing = (1 - s.pursuit) * (1 - s.distress) / p.relapse_time
    kept = 1 - p.shared_metrics
    kpi = (bookings, p.unit_cost + p.setup_cost * setups + overhead_per_unit, leak, overhead_per_unit, freight)
    exit_week = -log(1 - draw.exit) * 52 / p.background_exit if p.background_exit > 0 else inf
    return {
        "practice": [
            a + dt * (e * (kept * m * s.pursuit - a) / p.adopt_time - p.lapse_share * (1 - e) * a / p.lapse_time)
            for a, e, m in zip(x, p.execution, p.misalignment, strict=True)
        ],
        "pursuit": min(1, max(0, s.pursuit + dt * (relapsing - correcting / p.correct_time))),
        "customers": customers, "perceived_lead_time": perceived_lead_time,
        "forecast": toward(s.forecast, signal, p.forecast_time, dt),
        "work_in_process": s.work_in_process + dt * (starts - output), "rework": s.rework + dt * (caught - reworking),
        "finished_goods": s.finished_goods + dt * (output - caught + reworking - shipments - obsolete),
        "order_backlog": s.order_backlog + dt * (orders - shipments),
        "in_transit": s.in_transit + dt * (shipments - deliveries),
        "receivables": s.receivables + dt * (sale - collected), "cash": cash,
        "capability": toward(s.capability, 1 - p.capability_loss * x.finance, p.capability_time, dt),
        "process_quality": toward(s.process_quality, 1 - p.prevention_loss * x.quality, p.prevention_time, dt),
        "demand_shock": z, "cost_shock": y, "distress": toward(s.distress, felt, p.observe_time, dt),
        "trailing_sales": trailing_sales, "credit_line": credit_line,
        "utilisation": toward(s.utilisation, min(1, (starts + reworking) / capacity), p.utilisation_time, dt),
        "urgency": s.urgency * exp(p.impatience * dt / 52),
        "kpi": [toward(k, now, p.kpi_time, dt) for k, now in zip(s.kpi, kpi, strict=True)],
        "insolvency": cash < -credit_line, "customer_collapse": customers < p.customer_floor,
        "gridlock": perceived_lead_time > p.lead_time_limit, "background_exit": week + dt >= exit_week,
        "alarm": health < p.alarm, "green_kpis": green}  # fmt: skip


def table(unit, allowed, **rows):
    return tuple(Parameter(name, default, unit, allowed, meaning) for name, (default, meaning) in rows.items())


WEEKS = table(
    "week", POSITIVE, adopt_time=(26, "to adopt a practice"), lapse_time=(52, "to drop one"),
    forecast_time=(8, "to smooth the forecast"), process_time=(1.5, "in the plant, without lots and queues"),
    adjust_time=(8, "to close gaps of stock"), utilisation_time=(8, "to smooth utilisation"),
    prevention_time=(52, "for the process to decay"), rework_time=(1, "to rework"),
    capability_time=(78, "for capability to decay"), fill_time=(1, "to fill an order"), pick_time=(1, "to pick"),
    transit_time=(1, "on the road"), perception_time=(8, "for customers to notice lead times"),
    loss_time=(26, "to lose customers"), gain_time=(104, "to gain them"), lead_time_limit=(16, "gridlock beyond"),
    collection_time=(6, "to be paid"), payout_time=(26, "to pay out surplus cash"),
    sales_memory=(26, "of the bank"), observe_time=(26, "to believe in distress"), correct_time=(52, "to correct"),
    relapse_time=(156, "to relapse"), kpi_time=(13, "to smooth KPIs"), demand_time=(52, "memory of demand shocks"),
    cost_time=(52, "memory of cost shocks"))  # fmt: skip
SHARES = table(
    "share", SHARE, lapse_share=(1, "of practices that lapse"), shared_metrics=(0, "of pursuit that is common"),
    discount=(0.08, "of price, by Sales"), promotion_lift=(0.1, "of demand, by Sales"),
    soft_orders=(0.6, "of orders, cancelled"), communication=(0, "of soft orders that the plant knows"),
    setup_share=(0.03, "of capacity, for setups"), utilisation_push=(0.6, "of free capacity, filled"),
    variability_gain=(0.3, "of queueing saved by execution"), utilisation_cap=(0.97, "guard of the queue formula"),
    defect_rate=(0.05, "of output"), inspection=(0.7, "of defects found"), inspection_max=(0.97, "found at most"),
    prevention_loss=(0.4, "by Quality's practice"), overhead_cut=(0.1, "by Finance"),
    capability_loss=(0.25, "by Finance"), freight_saving=(0.45, "by Logistics"),
    order_share=(0.7, "of orders that wait for the plant"), capability_sensitivity=(0.4, "of appeal"),
    customer_floor=(0.6, "collapse below"), alarm=(0.7, "health that rings"), customer_voice=(0.2, "in health"),
    blindness=(0.5, "by green KPIs"), steering_coupling=(0, "of correction to execution"))  # fmt: skip
NUMBERS = table(
    "1", NOT_NEGATIVE, capacity=(1.35, "of demand"), lot_size=(1, "weeks of demand"), lot_growth=(6, "of lots"),
    stock_cover=(4, "weeks of forecast"), queue_time=(0.35, "weeks at half load"), defect_growth=(2, "of defects"),
    rework_capacity=(0.07, "of demand"), inspection_delay=(0.5, "weeks"), overhead=(0.29, "of revenue"),
    consolidation=(2, "growth of shipping time"), freight_cost=(0.05, "of price"), lead_sensitivity=(0.4, "of appeal"),
    defect_sensitivity=(0.05, "of appeal"), unit_cost=(0.57, "of price"), cost_gain=(0.05, "by execution"),
    margin_sd=(0.04, "between firms"), setup_cost=(0.005, "of price"), inspection_cost=(0.005, "of price"),
    inspection_growth=(3, "of its cost"), rework_cost=(0.35, "of price"), carrying_cost=(0.002, "a week"),
    cash_buffer=(10, "weeks of revenue"), buffer_sd=(0.7, "between firms"), credit_weeks=(8, "of revenue"),
    demand_sd=(0.16, "of the log"), weekly_sd=(0.1, "of a week"), cost_sd=(0.05, "of the log"),
    obsolescence=(0.003, "of goods a week"), interest=(0.002, "a week"), impatience=(0.01, "a year"),
    background_exit=(0, "a year"))  # fmt: skip
STOCKS = (
    "pursuit", "customers", "perceived_lead_time", "forecast", "work_in_process", "rework", "finished_goods",
    "order_backlog", "in_transit", "receivables", "cash", "capability", "process_quality", "demand_shock", "cost_shock",
    "distress", "trailing_sales", "credit_line", "utilisation", "urgency")  # fmt: skip
MODEL = Model(
    name="firm_version_1", start=start, step=step,
    summary="A firm of five divisions; its queue is a formula of the steady state, with a cap on utilisation.",
    parameters=(
        Parameter("execution", 0.5, "share", SHARE, "how well decisions are carried out", parts=DIVISIONS),
        Parameter("misalignment", 0.5, "share", SHARE, "how far the local KPI is pursued", parts=DIVISIONS),
        *WEEKS, *SHARES, *NUMBERS,
    ),
    stocks=(Stock("practice", parts=DIVISIONS), *map(Stock, STOCKS), Stock("kpi", parts=DIVISIONS)),
    shocks=(Normal("demand"), Normal("cost"), Normal("weekly")),
    draws=(Normal("buffer"), Normal("margin"), Uniform("exit")),
    causes=tuple(map(Cause, ("insolvency", "customer_collapse", "gridlock", "background_exit"))),
    marks=(Mark("green_kpis", 5, "green KPIs at the alarm", dim="green"),),
    alarm="health at the start of the step is below `alarm`",
)  # fmt: skip
