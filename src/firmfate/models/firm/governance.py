"""Governance: the driver. Distress is seen late, hidden by green dashboards, and then brings the KPIs back in line,
slowly."""

from firmfate.models.declarations import POSITIVE, SHARE, WEEK_OR_LONGER, Parameter, Stock
from firmfate.models.firm.practices import mean_execution

TURNAROUND = "books close in 6 days, but a turnaround takes 1-5 years"

PARAMETERS = (
    Parameter("observe_time", 26, "week", WEEK_OR_LONGER, "time until distress is believed", TURNAROUND + "; decisive",
              assumption=True),
    Parameter("correct_time", 52, "week", WEEK_OR_LONGER, "time in which full distress realigns the KPIs",
              TURNAROUND + "; decisive", assumption=True),
    Parameter("relapse_time", 156, "week", WEEK_OR_LONGER, "time in which a firm at ease falls back to local KPIs",
              TURNAROUND, assumption=True),
    Parameter("alarm", 0.7, "share", POSITIVE, "health below which distress begins", TURNAROUND + "; decisive",
              assumption=True),
    Parameter("customer_voice", 0.2, "share", SHARE, "how much governance hears of lost customers",
              "no measurement known", assumption=True),
    Parameter("blindness", 0.5, "share", SHARE, "distress hidden by five green KPIs", "no measurement known",
              assumption=True),
    Parameter("misdiagnosis", 0, "share", SHARE, "share of the reaction to distress that is to chase the KPIs harder",
              "off by default", assumption=True),
    Parameter("steering_coupling", 0, "share", SHARE,
              "how far correction is as strong as execution (the sceptic's coupling)", "off by default",
              assumption=True),
)  # fmt: skip

STOCKS = (
    Stock("pursuit", "share", "share of the original misalignment still in force"),
    Stock("distress", "share", "distress as governance believes it"),
)


def health(s, p, start_cash):
    """Return the firm's health: cash and credit relative to the start, and customers; at most 1."""
    reserve = (s.cash + s.credit_line) / (start_cash + p.credit_weeks)
    return min(1, reserve, 1 - p.customer_voice * (1 - s.customers))


def alarm(p, health):
    """Return whether distress begins."""
    return health < p.alarm


def next_distress(s, p, health, green_kpis):
    """Return believed distress h one step later."""
    felt = max(0, 1 - health / p.alarm) * (1 - p.blindness * green_kpis / 5)
    return s.distress + p.dt * (felt - s.distress) / p.observe_time


def next_pursuit(s, p):
    """Return pursuit c one step later: distress corrects it, as fast as execution where steering is coupled to it; ease
    lets it relapse."""
    haste = (1 - p.steering_coupling) + 2 * p.steering_coupling * mean_execution(p)
    corrected = (1 - p.misdiagnosis) * s.pursuit - p.misdiagnosis * (1 - s.pursuit)
    relapsed = (1 - s.pursuit) * (1 - s.distress)
    moved = s.pursuit + p.dt * (relapsed / p.relapse_time - s.distress * corrected * haste / p.correct_time)
    return min(1, max(0, moved))


def start(p, draw):
    """Return the stocks at the start."""
    return {"pursuit": 1, "distress": 0}
