"""Rare events: the probability of one by fixed-effort multilevel splitting.

probability  rare_event_probability: independent runs
rare_event   what they have found: their mean, its error and the cost
runs         one run, the copying of firms at a level, and the pilot that sets levels
importance   how near a firm is to the event, as a program
function     firms from a state to a level, in LLVM's language
compiled     the same as machine code of this processor
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmfate.lazy import importer

_WHERE = {
    "RareEvent": "firmfate.splitting.rare_event",
    "rare_event_probability": "firmfate.splitting.probability",
}

__all__ = list(_WHERE)

if TYPE_CHECKING:
    from firmfate.splitting.probability import rare_event_probability as rare_event_probability
    from firmfate.splitting.rare_event import RareEvent as RareEvent


__getattr__ = importer(__name__, _WHERE)


def __dir__() -> list[str]:
    return sorted(__all__)
