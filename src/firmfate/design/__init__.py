"""The design room: what varies in a study. Between cells, by a design; among the firms of one cell, by a population.

A design is one class in one file; ``base.py`` is its interface, ``register.py`` lists all of them. Each file begins
with an example from TOML to survival: ``grid``, ``listed``, ``latin_hypercube``, ``sobol``, ``saltelli``,
``coalitions``, and ``population``, which composes with all of them.

This room knows no `Study`: a study reads its tables by the classes here, and lays its cells out with them.
"""

from firmfate.design.axes import Axis
from firmfate.design.base import Design
from firmfate.design.cells import Cells
from firmfate.design.population import Population
from firmfate.design.register import DESIGNS, read_design

__all__ = ["DESIGNS", "Axis", "Cells", "Design", "Population", "read_design"]
