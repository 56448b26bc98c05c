"""The exporting room: a run as tidy tables for R, pandas or a spreadsheet, with a dictionary of the columns."""

from firmfate.exporting.command import export
from firmfate.exporting.counts import export_counts
from firmfate.exporting.firms import export_firms, recorded
from firmfate.exporting.tables import Column, Exported

__all__ = ["Column", "Exported", "export", "export_counts", "export_firms", "recorded"]
