"""Comparing: two runs, two versions of a model, or a run and observed survival, cell by cell, with errors.

`compare` gives the differences as a dataset, `finding` puts them into words, and `write_page` makes one HTML file of
both.
"""

from firmfate.comparing.differences import compare
from firmfate.comparing.page import write_page
from firmfate.comparing.words import finding

__all__ = ["compare", "finding", "write_page"]
