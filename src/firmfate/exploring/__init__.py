"""Exploring a run in its report: every cell's estimates, two cells compared, other horizons, from counts in the page.

page     part: the section as a part of a page
content  what the page is given of a run
batches  counts of batches at the horizons, from which it computes standard errors of differences
packing  integers as compressed text
alarms   what is printed of alarms in each cell
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmfate.lazy import importer

_WHERE = {
    "ended_by_batch": "firmfate.exploring.batches",
    "part": "firmfate.exploring.page",
}

__all__ = list(_WHERE)

if TYPE_CHECKING:
    from firmfate.exploring.batches import ended_by_batch as ended_by_batch
    from firmfate.exploring.page import part as part

__getattr__ = importer(__name__, _WHERE)
