"""Practices: how far each division has gone toward what its local KPI asks.

Execution acts twice, and studies separate the two: on *speed* (strong divisions adopt a practice faster) and on *dose*
(weak divisions let it lapse, so they settle at a milder one). ``lapse_share = 0`` leaves speed alone.
"""

from firmfate.models.declarations import NOT_NEGATIVE, SHARE, WEEK_OR_LONGER, Parameter, Stock

DIVISIONS = ("sales", "production", "quality", "finance", "logistics")

PARAMETERS = (
    Parameter("execution", 0.5, "share", SHARE, "how strongly a division carries out what its KPI asks (the engine)",
              "axis of every study", parts=DIVISIONS),
    Parameter("misalignment", 0.5, "share", SHARE,
              "how far a division's KPI points away from the firm's good (the faulty steering)", "axis of every study",
              parts=DIVISIONS),
    Parameter("adopt_time", 26, "week", WEEK_OR_LONGER, "time to adopt a practice at full execution",
              "half-life of improvement 18 weeks, within 3-22 months (Schneiderman 1988); decisive", assumption=True),
    Parameter("lapse_time", 52, "week", WEEK_OR_LONGER, "time in which a practice lapses at no execution",
              "no measurement known; decisive", assumption=True),
    Parameter("lapse_share", 1, "share", SHARE, "how much of the lapse applies: 1 = speed and dose, 0 = speed alone",
              "no measurement known; decisive", assumption=True),
    Parameter("onset_time", 0, "week", NOT_NEGATIVE, "time in which misalignment creeps in; 0 = there at once",
              "off by default", assumption=True),
    Parameter("shared_metrics", 0, "share", SHARE,
              "share of every KPI that is the firm's result (rescales misalignment)",
              "a remedy that studies try; off by default", assumption=True),
)  # fmt: skip

STOCKS = (Stock("practice", "share", "how far a division has gone toward its local KPI", parts=DIVISIONS),)


def mean_execution(p):
    """Return the mean execution of the five divisions, Ē."""
    return sum(p.execution) / len(DIVISIONS)


def onset(p, week):
    """Return the share of misalignment that has crept in, o."""
    first, rate = (0, 1 / p.onset_time) if p.onset_time > 0 else (1, 0)
    return min(1, first + rate * week)


def next_practice(s, p, onset):
    """Return the five practices x one step later: adopted at full execution, lapsing at none."""
    wanted = s.pursuit * onset * (1 - p.shared_metrics)
    return [
        x + p.dt * (E * (wanted * M - x) / p.adopt_time - p.lapse_share * (1 - E) * x / p.lapse_time)
        for x, E, M in zip(s.practice, p.execution, p.misalignment, strict=True)
    ]


def start(p, draw):
    """Return the stocks at the start: no practice has moved."""
    return {"practice": [0, 0, 0, 0, 0]}
