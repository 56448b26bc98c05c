"""Sensitivity: on which parameters an estimate depends, and how it is shared out among the divisions of a firm.

====================== ===============================================================================================
`morris_design`        cells for a screen of many parameters, to be listed in a study
`elementary_effects`   what that screen shows: the size and the spread of every parameter's effect (needs SALib)
`sobol_indices`        shares of the variance of a design ``[saltelli]`` (needs SALib)
`noise_free_indices`   the same without the noise of replicates, with errors of points and of firms
`shapley`              lost lifetime shared out over the players of a design ``[coalitions]``, or of a grid
`interactions`         how far each pair of players makes each other worse
`whole_and_parts`      what all players cost together, and the sum of what each costs alone
`independent_harms`    what all players would cost if their harms were independent
`shapley_shares`       Shapley values in a table of mean lifetimes, for functions of one's own (`analysis.Lifetimes`)
====================== ===============================================================================================

The first four take any estimator of `firmfate.survival`, or any function of a dataset of counts.
"""

from firmfate.parameter_range import ParameterRange
from firmfate.sensitivity.joint_losses import independent_harms, whole_and_parts
from firmfate.sensitivity.noise_free import noise_free_indices
from firmfate.sensitivity.screening import MorrisDesign, elementary_effects, morris_design
from firmfate.sensitivity.shapley_values import interactions, shapley, shapley_shares
from firmfate.sensitivity.variance_shares import sobol_indices

__all__ = [
    "MorrisDesign",
    "ParameterRange",
    "elementary_effects",
    "independent_harms",
    "interactions",
    "morris_design",
    "noise_free_indices",
    "shapley",
    "shapley_shares",
    "sobol_indices",
    "whole_and_parts",
]
