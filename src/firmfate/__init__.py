"""firmfate: Monte Carlo studies of what happens to firms over time.

The rooms, in the order in which a study flows through them::

    study/         a TOML file becomes a validated Study, its design becomes cells
    design/        what varies between cells, and among the firms of one: designs and populations
    tables/        typed readers of TOML and CSV that name what is wrong
    models/        what a firm is: `firm` (five divisions) and `car` (the metaphor, exactly solvable)
    kernel/        random numbers by counter, and the compiled engine that steps many firms
    simulation.py  many firms without a study
    shards/        a plan of work, each piece a file
    execute/       the same shards on threads, on Dask, on Slurm, or by index
    slurm/         profiles of clusters, batch scripts, submission
    lives.py       the complete path of any one firm
    dataset/       finished shards become one xarray dataset
    survival/      estimators on counts
    analysis/      what a run shows: phase map, turning point, effects, alarms, the finding in words
    sensitivity/   screens, Sobol indices, Shapley values
    calibration/   a population of firms fitted to observed survival
    plots/         one figure a function
    reporting/     the report
    exporting/     tables for R, pandas or a spreadsheet
    cli/           one command a stage

Importing the package compiles nothing and imports nothing heavy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_WHERE = {
    "Study": "firmfate.study",
    "plan": "firmfate.shards",
    "run": "firmfate.execute",
    "gather": "firmfate.dataset",
    "open_run": "firmfate.dataset",
    "status": "firmfate.shards",
    "submit": "firmfate.slurm",
    "export": "firmfate.exporting",
    "simulate": "firmfate.simulation",
    "simulate_path": "firmfate.simulation",
    "replay": "firmfate.lives",
    "write_report": "firmfate.reporting",
}
_ROOMS = ("analysis", "calibration", "errors", "execute", "models", "plots", "sensitivity", "survival", "counts")

__all__ = ["__version__", *_WHERE, *_ROOMS]

if TYPE_CHECKING:
    from firmfate import analysis as analysis
    from firmfate import calibration as calibration
    from firmfate import counts as counts
    from firmfate import errors as errors
    from firmfate import execute as execute
    from firmfate import models as models
    from firmfate import plots as plots
    from firmfate import sensitivity as sensitivity
    from firmfate import survival as survival
    from firmfate.dataset import gather as gather
    from firmfate.dataset import open_run as open_run
    from firmfate.execute import run as run
    from firmfate.exporting import export as export
    from firmfate.lives import replay as replay
    from firmfate.reporting import write_report as write_report
    from firmfate.shards import plan as plan  # type: ignore[no-redef]
    from firmfate.shards import status as status  # type: ignore[no-redef]
    from firmfate.simulation import simulate as simulate
    from firmfate.simulation import simulate_path as simulate_path
    from firmfate.slurm import submit as submit
    from firmfate.study import Study as Study


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        value = getattr(importlib.import_module(_WHERE[name]), name)
    elif name in _ROOMS:
        value = importlib.import_module(f"firmfate.{name}")
    else:
        raise AttributeError(f"module 'firmfate' has no attribute '{name}'")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
