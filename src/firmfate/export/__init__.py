"""The export room: a run as tidy tables for R, pandas or a spreadsheet, with a dictionary of the columns."""

from firmfate.export.counts import export_counts
from firmfate.export.firms import export_firms, recorded
from firmfate.export.tables import Column, Exported

__all__ = ["Column", "Exported", "export_counts", "export_firms", "recorded"]
