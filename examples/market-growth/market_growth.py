"""Market growth as influenced by capital investment (Forrester 1968, Industrial Management Review 9(2), 83-105).

Names, equations, tables and values are Forrester's (27 equations; their numbers stand at the lines), his months too.
Three loops: salesmen book the orders that pay for salesmen; a long delivery delay makes orders harder to get; and
capacity is ordered when the delay exceeds its goal. With a goal that follows tradition the firm grows, stagnates and
shrinks, in a market without limits.

Added here: a disturbance of orders, off by default, and an end: a product that no longer pays for `fewest` salesmen.
"""

from math import exp, sqrt

import firmfate
from firmfate import NOT_NEGATIVE, POSITIVE, SHARE, Auxiliary, Cause, Model, Normal, Parameter, Stock

MONTH = 52 / 12  # weeks
HALVES = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0]
PCF = [0.0, 0.25, 0.5, 0.67, 0.8, 0.87, 0.93, 0.95, 0.97, 0.98, 1.0]  # production capacity fraction
SEDM = [1.0, 0.97, 0.87, 0.73, 0.53, 0.38, 0.25, 0.15, 0.08, 0.03, 0.02]  # sales effectiveness from delay multiplier
CEF = [-0.07, -0.02, 0.0, 0.02, 0.07, 0.15]  # capacity expansion fraction, per month

FORRESTER = "Forrester (1968)"
PARAMETERS = (
    Parameter("sat", 20, "month", POSITIVE, "salesmen adjustment time", FORRESTER),
    Parameter("ss", 2000, "$/man-month", POSITIVE, "salesman salary", FORRESTER),
    Parameter("rs", 12, "$/unit", POSITIVE, "revenue to sales: what a unit delivered leaves for selling", FORRESTER),
    Parameter("sem", 400, "unit/man-month", POSITIVE, "sales effectiveness maximum", FORRESTER),
    Parameter("drat", 1, "month", POSITIVE, "delivery rate averaging time", FORRESTER),
    Parameter("tddrc", 4, "month", POSITIVE, "time for delivery delay recognition by company", FORRESTER),
    Parameter("tddrm", 6, "month", POSITIVE, "time for delivery delay recognition by market", FORRESTER),
    Parameter("tddt", 12, "month", POSITIVE, "time for delivery delay tradition", FORRESTER),
    Parameter("ddmg", 2, "month", POSITIVE, "delivery delay management goal", FORRESTER),
    Parameter("ddw", 1, "share", SHARE, "delivery delay weighting: 1 tradition, 0 the management's goal", FORRESTER),
    Parameter("ddb", 0.3, "1", NOT_NEGATIVE, "delivery delay bias", FORRESTER),
    Parameter("expansion", 1, "1", NOT_NEGATIVE, "0 keeps capacity constant (CEFSW, equation 23)", FORRESTER),
    Parameter("pcrd", 12, "month", POSITIVE, "production capacity receiving delay", FORRESTER),
    Parameter("noise", 0, "1", NOT_NEGATIVE, "standard deviation of log orders", "added here", assumption=True),
    Parameter("noise_time", 3, "month", POSITIVE, "correlation time of the noise", "added here", assumption=True),
    Parameter("fewest", 5, "man", NOT_NEGATIVE, "salesmen without whom the product is given up", "added here",
              assumption=True),
)  # fmt: skip
STOCKS = (
    Stock("s", "man", "salesmen"),
    Stock("bl", "unit", "backlog"),
    Stock("dra", "unit/month", "delivery rate average"),
    Stock("ddrc", "month", "delivery delay recognized by company"),
    Stock("ddrm", "month", "delivery delay recognized by market"),
    Stock("ddt", "month", "delivery delay traditional"),
    Stock("pcoo", "unit/month", "production capacity on order", parts=3),
    Stock("pc", "unit/month", "production capacity"),
    Stock("market", "1", "disturbance of log orders"),
)


def delivery(bl, pc):
    return pc * firmfate.table(
        bl / pc, HALVES, PCF
    )  # 8-10: what of the capacity a backlog of so many months of it occupies


def capacity_ordering(pc, ddrc, ddt, p):
    ddog = ddt * p.ddw + p.ddmg * (1 - p.ddw)  # 20: operating goal
    ddc = ddrc / ddog - p.ddb  # 21: delivery delay condition
    return p.expansion * pc * firmfate.table(ddc, HALVES[:6], CEF)  # 22-24


def start(p, draw):
    s, bl, pc = 10.0, 8000.0, 12000.0
    dr = delivery(bl, pc)
    dd = bl / dr
    pcoo = firmfate.delay_start(capacity_ordering(pc, dd, dd, p), p.pcrd, 3)
    return dict(s=s, bl=bl, dra=dr, ddrc=dd, ddrm=dd, ddt=dd, pcoo=pcoo, pc=pc, market=0.0)


def step(s, p, draw, shock, week):
    dt = p.dt / MONTH
    kept = exp(-dt / p.noise_time)
    market = kept * s.market + p.noise * sqrt(1 - kept * kept) * shock.market
    ob = s.s * p.sem * firmfate.table(s.ddrm, range(11), SEDM) * exp(s.market)  # 3, 15-18: orders booked
    sh = (s.dra * p.rs / p.ss - s.s) / p.sat  # 4-6: salesmen hired, from the budget of deliveries
    dr = delivery(s.bl, s.pc)
    ddi = s.bl / s.dra  # 12: delivery delay indicated
    pco = capacity_ordering(s.pc, s.ddrc, s.ddt, p)
    salesmen = s.s + dt * sh  # 1
    return dict(
        s=salesmen,
        bl=s.bl + dt * (ob - dr),  # 7
        dra=s.dra + dt * (dr - s.dra) / p.drat,  # 11
        ddrc=s.ddrc + dt * (ddi - s.ddrc) / p.tddrc,  # 13
        ddrm=s.ddrm + dt * (s.ddrc - s.ddrm) / p.tddrm,  # 14
        ddt=s.ddt + dt * (s.ddrc - s.ddt) / p.tddt,  # 19
        pcoo=firmfate.delay_step(s.pcoo, pco, p.pcrd, dt),  # 26
        pc=s.pc + dt * firmfate.delay_outflow(s.pcoo, p.pcrd),  # 25, 27
        market=market,
        given_up=salesmen < p.fewest,
    )


def observe(s, p, draw, shock, week):
    orders = s.s * p.sem * firmfate.table(s.ddrm, range(11), SEDM) * exp(s.market)
    return dict(orders=orders, deliveries=delivery(s.bl, s.pc))


MARKET_GROWTH = Model(
    "market_growth", "Forrester's market growth: a firm that its own delivery delay stops.", start, step,
    stocks=STOCKS, parameters=PARAMETERS, shocks=[Normal("market")], observe=observe,
    auxiliaries=[Auxiliary("orders", "unit/month", "orders booked"),
                 Auxiliary("deliveries", "unit/month", "delivery rate")],
    causes=[Cause("given_up", "the product no longer pays for its salesmen")],
)  # fmt: skip
