"""Finance: judged by spend per unit. Cuts in overheads erode what the firm is capable of (Repenning & Sterman 2002)."""

from firmfate.models.declarations import NOT_NEGATIVE, SHARE, WEEK_OR_LONGER, Parameter, Stock

TRAP = "capability trap (Repenning & Sterman 2002); erosion over 1-3 years"

PARAMETERS = (
    Parameter("overhead", 0.29, "weeks of revenue a week", NOT_NEGATIVE, "overheads at the start", TRAP,
              assumption=True),
    Parameter("overhead_cut", 0.10, "share", SHARE, "overheads cut at full practice", TRAP, assumption=True),
    Parameter("capability_loss", 0.25, "share", SHARE, "capability lost to cuts at full practice", TRAP,
              assumption=True),
    Parameter("capability_time", 78, "week", WEEK_OR_LONGER, "time in which capability erodes or recovers", TRAP,
              assumption=True),
)  # fmt: skip

STOCKS = (Stock("capability", "share", "what the firm is capable of, relative to the start"),)


def overheads(s, p):
    """Return overheads a week, O."""
    return p.overhead * (1 - p.overhead_cut * s.practice.finance)


def next_capability(s, p):
    """Return capability A one step later."""
    return s.capability + p.dt * (1 - p.capability_loss * s.practice.finance - s.capability) / p.capability_time


def start(p, draw):
    """Return the stocks at the start."""
    return {"capability": 1}
