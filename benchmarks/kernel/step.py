"""One step of the firm model straight from its equations, for NumPy arrays, Numba scalars and JAX tracers alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Stocks(NamedTuple):
    """The stocks in the documentation's order of the reference paths; numbers, or arrays over firms."""

    xs: Any
    xp: Any
    xq: Any
    xf: Any
    xl: Any
    pursuit: Any
    customers: Any
    perceived: Any
    forecast: Any
    wip: Any
    rework: Any
    goods: Any
    backlog: Any
    transit: Any
    receivables: Any
    cash: Any
    capability: Any
    prevention: Any
    demand: Any
    cost: Any
    distress: Any
    sales: Any
    utilisation: Any
    kpi_sales: Any
    kpi_production: Any
    kpi_quality: Any
    kpi_finance: Any
    kpi_logistics: Any


class Step(NamedTuple):
    """The stocks after a step, how it ended the firm, whether health was below the alarm, KPIs green at its start."""

    stocks: Stocks
    insolvent: Any
    collapsed: Any
    gridlocked: Any
    alarmed: Any
    green: Any


def make_step(
    exp: Callable[..., Any], maximum: Callable[..., Any], minimum: Callable[..., Any], where: Callable[..., Any]
) -> Callable[..., Any]:
    """Return step(cell, stocks, unit_base, own_cash, eps1, eps2, eps3, haste) built on these four functions.

    `unit_base` is the firm's unit cost before the cost shock, `own_cash` its cash at the start, `haste`
    1 / the tolerated lead time.
    """

    def step(k, s, unit_base, own_cash, eps1, eps2, eps3, haste):  # type: ignore[no-untyped-def]
        p, dt, c, N, A, B, G, W, R, K = (
            k.p,
            k.dt,
            s.pursuit,
            s.customers,
            s.capability,
            s.backlog,
            s.goods,
            s.wip,
            s.rework,
            s.cash,
        )

        z = k.phi_z * s.demand + k.step_z * eps1
        y = k.phi_y * s.cost + k.step_y * eps2

        orders = N * exp(z - k.half_variance) * (1 + p.promotion_lift * s.xs) * maximum(0.0, 1 + k.weekly * eps3)
        bookings = orders * (1 + p.soft_orders * s.xs)
        signal = orders * (1 + p.soft_orders * s.xs * (1 - p.communication))
        price = 1 - p.discount * s.xs

        lot = p.lot_size * (1 + p.lot_growth * s.xp)
        lots = p.lot_size / lot
        kappa = p.capacity * A * (1 - p.setup_share * lots) / (1 - p.setup_share)
        reworking = minimum(p.rework_capacity * A, R / p.rework_time)
        available = maximum(kappa - reworking, 0.0)
        stock_gap = p.stock_cover * s.forecast - G + B - p.fill_time * s.forecast + k.w0 * s.forecast - W
        wanted = maximum(0.0, s.forecast + p.obsolescence * G + stock_gap / p.adjust_time)
        push = p.utilisation_push * s.xp
        starts = minimum(available, (1 - push) * wanted + push * available)
        busy = minimum(1.0, (starts + reworking) / kappa)
        rho = minimum(s.utilisation, p.utilisation_cap)
        production_lead = p.process_time + lot / 2 + k.queue * rho / (1 - rho)
        output = minimum(W / production_lead, available)

        q = minimum(0.6, p.defect_rate * (1 + p.defect_growth * (1 - s.prevention)) * (1 + (1 - A) / 2))
        found = p.inspection + (p.inspection_max - p.inspection) * s.xq
        caught, leak = output * q * found, q * (1 - found)

        overheads = p.overhead * (1 - p.overhead_cut * s.xf)
        overhead_unit = overheads / maximum(starts, 0.05)

        shipments = minimum(B / p.fill_time, G / p.pick_time)
        shipping = p.transit_time * (1 + p.consolidation * s.xl)
        deliveries = s.transit / shipping
        freight = p.freight_cost * (1 - p.freight_saving * s.xl)

        rework_wait = q * found * R / maximum(reworking, 0.001)
        lead = (
            p.order_share * (production_lead + p.inspection_delay * s.xq + rework_wait)
            + B / maximum(shipments, 0.001)
            + shipping
        )
        late, faulty = maximum(0.0, s.perceived * haste - 1), maximum(0.0, leak / k.leak0 - 1)
        appeal = exp(-p.lead_sensitivity * late - p.defect_sensitivity * faulty) * (
            1 - p.capability_sensitivity * (1 - A)
        )
        pull = appeal - N

        credit = p.credit_weeks * s.sales * minimum(1.0, N)
        health = minimum(minimum(1.0, (K + credit) / (own_cash + p.credit_weeks)), 1 - p.customer_voice * (1 - N))
        green = (
            where(s.kpi_sales >= k.worst[0], 1.0, 0.0)
            + where(s.kpi_production <= k.worst[1], 1.0, 0.0)
            + where(s.kpi_quality <= k.worst[2], 1.0, 0.0)
            + where(s.kpi_finance <= k.worst[3], 1.0, 0.0)
            + where(s.kpi_logistics <= k.worst[4], 1.0, 0.0)
        )
        seen = maximum(0.0, 1 - health / p.alarm) * (1 - p.blindness * green / 5)
        h = s.distress
        pursuit = c - k.steering * h * c + dt * (1 - c) * (1 - h) / p.relapse_time

        sale = deliveries * price * (1 - leak)
        spend = (
            (unit_base * exp(y) + p.setup_cost * lots) * starts
            + overheads
            + p.carrying_cost * (W + R + G + s.transit)
            + p.inspection_cost * (1 + p.inspection_growth * s.xq) * output
            + p.rework_cost * reworking
            + freight * shipments
        )
        collected = k.collection_rate * s.receivables
        interest, payout = dt * p.interest * minimum(K, 0.0), k.payout_rate * maximum(0.0, K - own_cash)

        customers = N + pull * where(pull < 0, dt / p.loss_time, dt / p.gain_time)
        perceived = s.perceived + k.perception_rate * (lead - s.perceived)
        sales = s.sales + k.sales_rate * (sale - s.sales)
        cash = K + collected - dt * spend + interest - payout
        unit_kpi = p.unit_cost + p.setup_cost * lots + overhead_unit
        after = Stocks(
            k.keep[0] * s.xs + k.pull[0] * c,
            k.keep[1] * s.xp + k.pull[1] * c,
            k.keep[2] * s.xq + k.pull[2] * c,
            k.keep[3] * s.xf + k.pull[3] * c,
            k.keep[4] * s.xl + k.pull[4] * c,
            minimum(1.0, maximum(0.0, pursuit)),
            customers,
            perceived,
            s.forecast + k.forecast_rate * (signal - s.forecast),
            W + dt * (starts - output),
            R + dt * (caught - reworking),
            G + dt * (output - caught + reworking - shipments - p.obsolescence * G),
            B + dt * (orders - shipments),
            s.transit + dt * (shipments - deliveries),
            s.receivables + dt * sale - collected,
            cash,
            A + k.capability_rate * (1 - p.capability_loss * s.xf - A),
            s.prevention + k.prevention_rate * (1 - p.prevention_loss * s.xq - s.prevention),
            z,
            y,
            h + k.observe_rate * (seen - h),
            sales,
            s.utilisation + k.utilisation_rate * (busy - s.utilisation),
            s.kpi_sales + k.kpi_rate * (bookings - s.kpi_sales),
            s.kpi_production + k.kpi_rate * (unit_kpi - s.kpi_production),
            s.kpi_quality + k.kpi_rate * (leak - s.kpi_quality),
            s.kpi_finance + k.kpi_rate * (overhead_unit - s.kpi_finance),
            s.kpi_logistics + k.kpi_rate * (freight - s.kpi_logistics),
        )
        insolvent = cash < -p.credit_weeks * sales * minimum(1.0, customers)
        return Step(
            after, insolvent, customers < p.customer_floor, perceived > p.lead_time_limit, health < p.alarm, green
        )

    return step
