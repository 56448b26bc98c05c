"""Calibration: fit free parameters of a population of firms to the observed survival of a cohort.

`calibrate` fits, as the command ``firmfate calibrate`` does; `calibrate_posterior` draws from the posterior, as
``firmfate calibrate --posterior`` does, and `calibrate_posteriors` from those of several cohorts;
`draws_table` makes of one what the design [posterior] of a study takes.
`read_survival_table` reads a cohort (`SurvivalTable`), `establishment_table` makes one of the establishments of the US
by sector and year of opening (`read_establishments`); `calibrated_tables` turns a fit into the tables of a study, and
`SimulatedSurvival` gives the simulated survival at any values of the free parameters.
"""

from firmfate.calibration.establishments import establishment_table, read_establishments
from firmfate.calibration.fitting import calibrate, calibrated_tables
from firmfate.calibration.posterior import calibrate_posterior, calibrate_posteriors
from firmfate.calibration.posterior_draws import draws_table
from firmfate.calibration.simulated_survival import SimulatedSurvival
from firmfate.calibration.survival_tables import SurvivalTable, read_survival_table
from firmfate.parameter_range import ParameterRange

__all__ = [
    "ParameterRange",
    "SimulatedSurvival",
    "SurvivalTable",
    "calibrate",
    "calibrate_posterior",
    "calibrate_posteriors",
    "calibrated_tables",
    "draws_table",
    "establishment_table",
    "read_establishments",
    "read_survival_table",
]
