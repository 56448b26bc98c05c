"""firmfate: Monte Carlo studies of what happens to firms over time.

The rooms, in the order in which a study flows through them::

    study/         a TOML file becomes a validated Study, its design becomes cells
    design/        what varies between cells, and among the firms of one: designs and populations
    tables/        typed readers of TOML and CSV that name what is wrong
    program/       a model's equations become a program of exact operations; exp, log, and random numbers of firms
    models/        what a firm is: `firm` (five divisions) and `car` (the metaphor, exactly solvable)
    kernel/        programs as machine code, and the engine that steps many firms
    targets/       programs for other processors: WebAssembly, objects for a linker, PTX
    devices/       the engine on this machine's processor or on a GPU
    shards/        a plan of work, each piece a file
    execute/       the same shards on threads, on Dask, on Slurm, or by index
    slurm/         profiles of clusters, batch scripts, submission
    progress.py    a bar, or lines, of how a run or a simulation goes on
    dataset/       finished shards become one xarray dataset
    simulation/    many firms or one without a study, and the trajectory of any one firm of a run
    splitting/     the probability of a rare event, by fixed-effort multilevel splitting
    survival/      estimators on counts
    precision/     rounds of firms until the limits that a study asks for are narrow enough
    analysis/      what a run shows: phase map, turning point, effects, alarms, the finding in words
    sensitivity/   screens, Sobol indices, Shapley values
    calibration/   a population of firms fitted to observed survival
    plots/         one figure a function
    laboratory/    a model in one HTML file, whose firms are simulated in a browser
    exploring/     what the report's page holds of a run, from which a browser compares cells
    reporting/     the report
    comparing/     two runs, or a run and observed survival, side by side
    exporting/     tables for R, pandas or a spreadsheet
    accessor.py    all of it from a dataset: ``ds.firmfate``
    cli/           one command a stage

Importing the package compiles nothing and imports nothing heavy.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from firmfate.lazy import importer

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
    "calibrate": "firmfate.calibration",
    "compare": "firmfate.comparing",
    "calibrate_posterior": "firmfate.calibration",
    "simulate": "firmfate.simulation",
    "simulate_path": "firmfate.simulation",
    "rare_event_probability": "firmfate.splitting",
    "replay": "firmfate.simulation",
    "write_report": "firmfate.reporting",
    "lab": "firmfate.laboratory",
    "show": "firmfate.laboratory",
    "Model": "firmfate.models.model",
    **dict.fromkeys(
        (
            "Auxiliary",
            "Cause",
            "Exponential",
            "Interval",
            "Mark",
            "Normal",
            "Parameter",
            "Stock",
            "Uniform",
            "ANY",
            "BELOW_ONE",
            "NOT_NEGATIVE",
            "POSITIVE",
            "SHARE",
            "WEEK_OR_LONGER",
        ),
        "firmfate.models.declarations",
    ),
    **dict.fromkeys(
        (
            "bernoulli",
            "delay_outflow",
            "delay_start",
            "delay_step",
            "erlang",
            "gamma",
            "lognormal",
            "poisson",
            "table",
            "triangular",
        ),
        "firmfate.models.functions",
    ),
}
_ROOMS = (
    "analysis",
    "calibration",
    "errors",
    "execute",
    "models",
    "plots",
    "sensitivity",
    "survival",
    "targets",
    "counts",
)

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
    from firmfate import targets as targets
    from firmfate.calibration import calibrate as calibrate
    from firmfate.calibration import calibrate_posterior as calibrate_posterior
    from firmfate.comparing import compare as compare
    from firmfate.dataset import gather as gather
    from firmfate.dataset import open_run as open_run
    from firmfate.execute import run as run
    from firmfate.exporting import export as export
    from firmfate.laboratory import lab as lab
    from firmfate.laboratory import show as show
    from firmfate.models.declarations import ANY as ANY
    from firmfate.models.declarations import BELOW_ONE as BELOW_ONE
    from firmfate.models.declarations import NOT_NEGATIVE as NOT_NEGATIVE
    from firmfate.models.declarations import POSITIVE as POSITIVE
    from firmfate.models.declarations import SHARE as SHARE
    from firmfate.models.declarations import WEEK_OR_LONGER as WEEK_OR_LONGER
    from firmfate.models.declarations import Auxiliary as Auxiliary
    from firmfate.models.declarations import Cause as Cause
    from firmfate.models.declarations import Exponential as Exponential
    from firmfate.models.declarations import Interval as Interval
    from firmfate.models.declarations import Mark as Mark
    from firmfate.models.declarations import Normal as Normal
    from firmfate.models.declarations import Parameter as Parameter
    from firmfate.models.declarations import Stock as Stock
    from firmfate.models.declarations import Uniform as Uniform
    from firmfate.models.functions import bernoulli as bernoulli
    from firmfate.models.functions import delay_outflow as delay_outflow
    from firmfate.models.functions import delay_start as delay_start
    from firmfate.models.functions import delay_step as delay_step
    from firmfate.models.functions import erlang as erlang
    from firmfate.models.functions import gamma as gamma
    from firmfate.models.functions import lognormal as lognormal
    from firmfate.models.functions import poisson as poisson
    from firmfate.models.functions import table as table
    from firmfate.models.functions import triangular as triangular
    from firmfate.models.model import Model as Model
    from firmfate.reporting import write_report as write_report
    from firmfate.shards import plan as plan  # type: ignore[no-redef]
    from firmfate.shards import status as status  # type: ignore[no-redef]
    from firmfate.simulation import replay as replay
    from firmfate.simulation import simulate as simulate
    from firmfate.simulation import simulate_path as simulate_path
    from firmfate.slurm import submit as submit
    from firmfate.splitting import rare_event_probability as rare_event_probability
    from firmfate.study import Study as Study


__getattr__ = importer(__name__, _WHERE | {room: f"firmfate.{room}" for room in _ROOMS})


def __dir__() -> list[str]:
    return sorted(__all__)


if "xarray" in sys.modules:  # rooms that make datasets register it otherwise
    importlib.import_module("firmfate.accessor")
