"""Production: judged by unit cost. Large lots save setups, idle capacity looks like waste, and work in process queues.

The queue is a stock. Output is the rate at which Kingman's formula holds exactly the work that is there, so that it
never falls when load rises, and needs no limit of utilisation (a clearing function: Karmarkar 1989; Missbauer & Uzsoy
2020).
"""

from math import sqrt

from firmfate.models.declarations import BELOW_ONE, NOT_NEGATIVE, POSITIVE, SHARE, WEEK_OR_LONGER, Parameter, Stock
from firmfate.models.firm.practices import mean_execution

LOTS = "lot size and lead time: Karmarkar 1987; overproduction under absorption costing"
QUEUE = "Kingman's formula"
BETTER = "sign from management surveys (Bloom & Van Reenen 2007)"

PARAMETERS = (
    Parameter("capacity", 1.35, "weeks of demand a week", POSITIVE, "output at full capability and normal lots", LOTS,
              assumption=True),
    Parameter("setup_share", 0.03, "share", BELOW_ONE, "share of capacity that setups take at normal lots", LOTS,
              assumption=True),
    Parameter("lot_size", 1, "weeks of demand", POSITIVE, "normal lot", LOTS, assumption=True),
    Parameter("lot_growth", 6, "1", NOT_NEGATIVE, "growth of the lot at full practice", LOTS, assumption=True),
    Parameter("utilisation_push", 0.6, "share", SHARE,
              "starts driven by free capacity instead of need, at full practice", LOTS, assumption=True),
    Parameter("process_time", 1.5, "week", POSITIVE, "lead time without lots or queues", LOTS, assumption=True),
    Parameter("adjust_time", 8, "week", WEEK_OR_LONGER, "time in which gaps of stock and backlog are closed",
              "stock adjustment 0.26 a month in experiments (Sterman 1989)"),
    Parameter("stock_cover", 4, "week", NOT_NEGATIVE, "finished goods wanted, in weeks of forecast",
              "days of inventory about 55 in large US firms (FY2022), work in process included"),
    Parameter("queue_time", 0.35, "week", NOT_NEGATIVE, "queueing time v at ρ = 1/2", QUEUE, assumption=True),
    Parameter("variability_gain", 0.3, "share", BELOW_ONE, "queueing time saved at full execution", BETTER,
              assumption=True),
)  # fmt: skip

STOCKS = (
    Stock("work_in_process", "weeks of demand", "units being made"),
    Stock("finished_goods", "weeks of demand", "units in stock"),
)

LEAST_CAPACITY = 0.001
"""Floor of what rework leaves of capacity, in weeks of demand a week: a flow through which no work could leave at
all."""


def lot(s, p):
    """Return the lot Q."""
    return p.lot_size * (1 + p.lot_growth * s.practice.production)


def setups(p, lot):
    """Return setups per unit, relative to normal lots."""
    return p.lot_size / lot


def capacity(s, p, setups):
    """Return the capacity κ that setups leave, a week."""
    return p.capacity * s.capability * (1 - p.setup_share * setups) / (1 - p.setup_share)


def available(capacity, reworking):
    """Return the capacity that rework leaves, a week."""
    return max(capacity - reworking, LEAST_CAPACITY)


def wanted(s, p, scrapped):
    """Return the starts that forecast and stocks ask for, a week (stock management of Sterman 1989)."""
    gap = (
        p.stock_cover * s.forecast - s.finished_goods
        + s.order_backlog - p.fill_time * s.forecast
        + quiet_work_in_process(p) * s.forecast - s.work_in_process
    )  # fmt: skip
    return max(0, s.forecast + scrapped + gap / p.adjust_time)


def starts(s, p, wanted, available):
    """Return starts a week: need, pushed toward whatever capacity is free."""
    push = p.utilisation_push * s.practice.production
    return min(available, wanted + push * (available - wanted))


def fixed_time(p, lot):
    """Return the lead time without a queue, T: process, and half a lot."""
    return p.process_time + lot / 2


def queue_time(p):
    """Return the queueing time v of a half-utilised line, which better execution shortens."""
    return p.queue_time * (1 - p.variability_gain * mean_execution(p))


def cleared(W, available, T, v):
    """Return output and the production lead time Lp of work in process W, by the clearing function.

    Output is ρ available, with Kingman's W = output (T + v ρ/(1-ρ)), and Lp = W/output. Solved for Lp with the load w =
    W/available, it is Lp = (T + w + √((T-w)² + 4 v w))/2; here both are multiplied by `available`, which spares a
    division on the way to output.
    """
    busy = T * available
    longer = (busy + W + sqrt((busy - W) ** 2 + 4 * v * W * available)) / 2
    return W * available / longer, longer / available


def output(s, available, fixed_time, queue_time):
    """Return units made, a week, defective ones included."""
    return cleared(s.work_in_process, available, fixed_time, queue_time)[0]


def production_lead_time(s, available, fixed_time, queue_time):
    """Return the production lead time Lp, in weeks."""
    return cleared(s.work_in_process, available, fixed_time, queue_time)[1]


def scrapped(s, p):
    """Return finished goods that become worthless, a week."""
    return p.obsolescence * s.finished_goods


def next_work_in_process(s, p, starts, output):
    """Return work in process W one step later."""
    return s.work_in_process + p.dt * (starts - output)


def next_finished_goods(s, p, output, caught, reworking, shipments, scrapped):
    """Return finished goods G one step later."""
    return s.finished_goods + p.dt * (output - caught + reworking - shipments - scrapped)


def quiet_starts(p):
    """Return starts a week in the quiet state, s0: one unit shipped, and what obsolescence takes."""
    return 1 + p.obsolescence * p.stock_cover


def quiet_utilisation(p):
    """Return utilisation in the quiet state, ρ0, of the capacity that rework leaves."""
    return quiet_starts(p) / (p.capacity - quiet_starts(p) * p.defect_rate * p.inspection)


def quiet_lead_time(p):
    """Return the production lead time of the quiet state, Lp0, in weeks."""
    utilisation = quiet_utilisation(p)
    return fixed_time(p, p.lot_size) + p.queue_time * utilisation / (1 - utilisation)


def quiet_work_in_process(p):
    """Return work in process of the quiet state, W0."""
    return quiet_starts(p) * quiet_lead_time(p)


def start(p, draw):
    """Return the stocks at the start."""
    return {"work_in_process": quiet_work_in_process(p), "finished_goods": p.stock_cover}
