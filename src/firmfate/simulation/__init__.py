"""Firms without counting them: many at once, one in full, or one of a run again.

many_firms     simulate: what is recorded of each of many firms, without a study
one_firm       simulate_path: one firm week by week, without a study
replaying      replay: one firm of a run week by week, by the machine code that ran it
typical_firms  trajectories of a few firms of a run, kept for its report
given_values   values of parameters given in a call, by cell and by firm
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from firmfate.lazy import importer

_WHERE = {
    "Replayer": "firmfate.simulation.replaying",
    "replay": "firmfate.simulation.replaying",
    "simulate": "firmfate.simulation.many_firms",
    "simulate_path": "firmfate.simulation.one_firm",
}

__all__ = list(_WHERE)

if TYPE_CHECKING:
    from firmfate.simulation.many_firms import simulate as simulate
    from firmfate.simulation.one_firm import simulate_path as simulate_path
    from firmfate.simulation.replaying import Replayer as Replayer
    from firmfate.simulation.replaying import replay as replay


__getattr__ = importer(__name__, _WHERE)


def __dir__() -> list[str]:
    return sorted(__all__)


importlib.import_module("firmfate.accessor")  # by name: it stands above this room, and imports it when it is used
