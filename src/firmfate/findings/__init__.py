"""What the studies ask: the finding in words, the phase map and its zero contour, green dashboards and warning time.

Every function takes a dataset of counts (``result.nc``) and returns years, shares or numbers of KPIs with standard
errors; none of them simulates.
"""

from firmfate.findings.cells import axes_of, labelled, labels_of
from firmfate.findings.dashboards import green_dashboards
from firmfate.findings.effects import axis_effects, extreme_cells
from firmfate.findings.finding import Finding, finding
from firmfate.findings.phase import phase_map
from firmfate.findings.poles import Poles, poles
from firmfate.findings.turning import turning_point
from firmfate.findings.warning import alarm_shares, warning_time

__all__ = [
    "Finding",
    "Poles",
    "alarm_shares",
    "axes_of",
    "axis_effects",
    "extreme_cells",
    "finding",
    "green_dashboards",
    "labelled",
    "labels_of",
    "phase_map",
    "poles",
    "turning_point",
    "warning_time",
]
