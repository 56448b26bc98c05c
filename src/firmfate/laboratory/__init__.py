"""The laboratory: a model, or the model of a run, in one HTML file, whose firms are simulated in the reader's browser.

page      lab: the file, and what puts its parts together
content   what the page is given of a model: parameters, stocks, causes, modules
of_run    what it is given of a run
ranges    between which values a slider moves
stories   settings to begin with, in plain words
notebook  show: the same in a notebook
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmfate.lazy import importer

_WHERE = {
    "lab": "firmfate.laboratory.page",
    "show": "firmfate.laboratory.notebook",
    "Shown": "firmfate.laboratory.notebook",
}

__all__ = list(_WHERE)

if TYPE_CHECKING:
    from firmfate.laboratory.notebook import Shown as Shown
    from firmfate.laboratory.notebook import show as show
    from firmfate.laboratory.page import lab as lab

__getattr__ = importer(__name__, _WHERE)
