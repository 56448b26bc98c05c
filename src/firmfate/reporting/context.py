"""What a report is made from: the counts of a run, its study and model, its trajectories, and what was found."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import xarray as xr

from firmfate.analysis import Finding, finding
from firmfate.analysis.cell_labels import axes_of, labelled
from firmfate.analysis.poles import Poles, poles
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.dataset import open_run
from firmfate.dataset.netcdf import loaded, reading
from firmfate.errors import FirmfateError
from firmfate.exploring import ended_by_batch
from firmfate.models import Model
from firmfate.precision import Reached, recorded
from firmfate.simulation.typical_firms import read_trajectories
from firmfate.study import Study

HEAVY = ("batch_events",)
"""Counts that the report does not read, where lifetimes by batch are there."""


TABLES = ("versions", "machine")
"""Entries of provenance that are tables of text; others that are read here are text."""


@dataclass(frozen=True)
class Context:
    """A run directory, opened.

    Attributes
    ----------
    directory : Path
    ds : Dataset
        The counts, in memory; the axes of the study are coordinates.
    study : Study or None
        None where the study's text cannot be read any more, as that of a model file that has gone.
    trajectories : Dataset or None
    ended : DataArray or None
        Firms of each batch with an event by each horizon, from a count that the report does not read otherwise.
    """

    directory: Path
    ds: xr.Dataset
    study: Study | None
    trajectories: xr.Dataset | None
    ended: xr.DataArray | None

    @classmethod
    def open(cls, directory: Path) -> Context:
        """Open the run in `directory`; RunDirectoryError where there is no result."""
        with open_run(directory) as counts, reading(directory / "result.nc"):
            dropped = [name for name in HEAVY if name in counts and "batch_lifetime" in counts]
            ds = labelled(loaded(counts.drop_vars(dropped), directory / "result.nc"))
            ended = ended_by_batch(counts)
        trajectories = read_trajectories(directory)
        try:
            study = Study.parse(str(ds.attrs.get("study", "")), beside=directory)
            if "misalignment" in ds.dims:  # rounds of [precision] may have added some
                study = study.refined(ds["misalignment"].values.tolist())
        except FirmfateError:
            study = None
        return cls(directory, ds, study, trajectories, ended)

    @property
    def model(self) -> Model | None:
        """The model, where the study can be read."""
        return self.study.model if self.study else None

    @cached_property
    def finding(self) -> Finding:
        """The finding in words."""
        return finding(self.ds)

    @cached_property
    def precision(self) -> tuple[Reached, ...]:
        """How far the targets of [precision] were reached; nothing where the study has none."""
        return recorded(str(self.ds.attrs.get("precision", "")))[0]

    @property
    def pilot(self) -> int:
        """Firms a cell in the first round, where the study has [precision]."""
        return self.study.precision.pilot if self.study and self.study.precision else 0

    @cached_property
    def poles(self) -> Poles | None:
        """Weak, strong, aligned and misaligned, where the study has both axes."""
        return poles(self.ds)

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """Names of the study's axes."""
        return axes_of(self.ds)

    @cached_property
    def others(self) -> tuple[str, ...]:
        """Axes of the grid beside execution and misalignment."""
        return tuple(str(dim) for dim in self.ds["firms"].dims if dim not in ("execution", "misalignment"))

    @cached_property
    def plane(self) -> xr.Dataset:
        """The counts over execution and misalignment, other axes of the grid at their middle value."""
        return self.ds.isel({dim: self.ds.sizes[dim] // 2 for dim in self.others})

    @property
    def years(self) -> float:
        """The horizon."""
        return float(self.ds.sizes["week"] / WEEKS_PER_YEAR)

    @property
    def firms(self) -> int:
        """Firms simulated, in all cells."""
        return int(self.ds["firms"].sum())

    @property
    def cells(self) -> int:
        """How many cells there are."""
        return int(self.ds["firms"].size)

    @property
    def batches(self) -> int:
        """Batches that hold firms."""
        if "batch_firms" not in self.ds:
            return 0
        firms = self.ds["batch_firms"]
        return int((firms.sum([dim for dim in firms.dims if dim != "batch"]) > 0).sum())

    @cached_property
    def gathered(self) -> dict[str, Any]:
        """Provenance of the gathered result."""
        return _json(str(self.ds.attrs.get("provenance", "")))

    @cached_property
    def begun(self) -> dict[str, Any]:
        """Provenance of the run directory."""
        path = self.directory / "provenance.json"
        return _json(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _json(text: str) -> dict[str, Any]:
    """Return a record of provenance; what is of another type than it is written with is left out."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    held = found.items() if isinstance(found, dict) else ()
    return {name: value for name, value in held if isinstance(value, dict if name in TABLES else str)}
