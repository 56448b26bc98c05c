"""Logistics: judged by freight cost. Full truckloads are cheap, and wait (Higginson & Bookbinder 1994)."""

from firmfate.models.declarations import NOT_NEGATIVE, POSITIVE, SHARE, Parameter, Stock

CONSOLIDATION = "waiting to fill a truck: Higginson & Bookbinder 1994"

PARAMETERS = (
    Parameter("fill_time", 1, "week", POSITIVE, "time to fill an order from stock", CONSOLIDATION, assumption=True),
    Parameter("pick_time", 1, "week", POSITIVE, "time in which all finished goods could be picked", CONSOLIDATION,
              assumption=True),
    Parameter("transit_time", 1, "week", POSITIVE, "shipping time at the start", CONSOLIDATION, assumption=True),
    Parameter("consolidation", 2, "1", NOT_NEGATIVE, "growth of shipping time at full practice", CONSOLIDATION,
              assumption=True),
    Parameter("freight_cost", 0.05, "share of price", NOT_NEGATIVE, "freight per unit at the start", CONSOLIDATION,
              assumption=True),
    Parameter("freight_saving", 0.45, "share", SHARE, "freight saved at full practice", CONSOLIDATION, assumption=True),
)  # fmt: skip

STOCKS = (
    Stock("order_backlog", "weeks of demand", "units ordered and not shipped"),
    Stock("in_transit", "weeks of demand", "units shipped and not delivered"),
)


def shipments(s, p):
    """Return units shipped, a week."""
    return min(s.order_backlog / p.fill_time, s.finished_goods / p.pick_time)


def shipping_time(s, p):
    """Return the time from plant to customer, Ls, in weeks."""
    return p.transit_time * (1 + p.consolidation * s.practice.logistics)


def deliveries(s, shipping_time):
    """Return units delivered, a week."""
    return s.in_transit / shipping_time


def freight(s, p):
    """Return freight per unit shipped: the KPI of Logistics."""
    return p.freight_cost * (1 - p.freight_saving * s.practice.logistics)


def next_order_backlog(s, p, orders, shipments):
    """Return the order backlog B one step later."""
    return s.order_backlog + p.dt * (orders - shipments)


def next_in_transit(s, p, shipments, deliveries):
    """Return units in transit, S, one step later."""
    return s.in_transit + p.dt * (shipments - deliveries)


def start(p, draw):
    """Return the stocks at the start."""
    return {"order_backlog": p.fill_time, "in_transit": p.transit_time}
