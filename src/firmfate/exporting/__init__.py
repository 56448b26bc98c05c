"""The exporting room: a run as tidy tables for R, pandas or a spreadsheet, with a dictionary of the columns."""

from firmfate.exporting.command import export
from firmfate.exporting.firms import recorded
from firmfate.exporting.tables import Exported

__all__ = ["Exported", "export", "recorded"]
