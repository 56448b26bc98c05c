"""Replay: the whole life of any one firm of a run, from (study, cell, replicate), by the same machine code that ran
it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firmfate.dataset.netcdf import created, open_dataset
from firmfate.design import Cells
from firmfate.errors import FirmfateError, RunDirectoryError, command, did_you_mean, is_finite, whole
from firmfate.kernel.engine import Trace
from firmfate.shards.directory import RunDirectory, fingerprint_of
from firmfate.shards.work import Worker
from firmfate.trajectories import random_numbers, trajectory

if TYPE_CHECKING:
    import xarray as xr

CANDIDATES = 2_000
"""Firms of a cell among which a typical life is looked for."""


class Replayer:
    """Replays firms of one run directory.

    Parameters
    ----------
    directory : path
        A run directory.
    """

    def __init__(self, directory: Path | str) -> None:
        self.run = RunDirectory(Path(directory))
        self.study = self.run.study()
        self.worker = Worker(self.study, fingerprint_of(self.study))
        self.run.refuse_other(self.study, self.worker.cells)

    @property
    def cells(self) -> Cells:
        """The run's cells."""
        return self.worker.cells

    def nearest(self, wanted: Mapping[str, float]) -> int:
        """Return the position of the cell nearest to the wanted values of axes, each scaled by its range."""
        axes = {key.replace(".", "_"): key for key in self.cells.axes}
        place = {name: i for i, name in enumerate(self.cells.fields)}
        distance = np.zeros(len(self.cells))
        for name, value in wanted.items():
            if name not in axes:
                allowed = ", ".join(axes)
                raise FirmfateError(f"'{name}' is no axis of this run; allowed: {allowed}{did_you_mean(name, axes)}")
            if not is_finite(value):
                raise FirmfateError(f"{name} = {value!r}; allowed: a finite number")
            field = self.study.targets[axes[name]][0]
            values = self.cells.parameters[:, place[field]]
            distance += np.abs(values - value) / (np.ptp(values) or 1.0)
        return int(np.argmin(distance))

    def labels(self, cell: int) -> dict[str, float]:
        """Return the values of the axes in a cell."""
        place = {name: i for i, name in enumerate(self.cells.fields)}
        return {
            key.replace(".", "_"): float(self.cells.parameters[cell, place[self.study.targets[key][0]]])
            for key in self.cells.axes
        }

    def trace(self, cell: int, replicate: int) -> Trace:
        """Run one firm of the study again, as the engine runs it."""
        return self.worker.engine.trace(
            self.cells.parameters[cell], key=self.study.seed, cell=int(self.cells.random_words[cell]),
            replicate=replicate, steps=self.study.steps, varying=self.worker.varying(np.array([cell]), replicate, 1),
        )  # fmt: skip

    def life(self, cell: int, replicate: int) -> xr.Dataset:
        """Return the whole life of one firm, as `replay` does."""
        model, trace = self.study.model, self.trace(cell, replicate)
        row = self.cells.parameters[cell].copy()
        varying = self.worker.varying(np.array([cell]), replicate, 1)
        if varying is not None:
            row[varying.fields] = varying.values[0, 0]
        draws, shocks = random_numbers(
            model, key=self.study.seed, cell=int(self.cells.random_words[cell]), replicate=replicate,
            steps=len(trace.stocks),
        )  # fmt: skip
        record = {
            "event_step": int(trace.records.event_step[0, 0]),
            "cause": int(trace.records.cause[0, 0]),
            "alarm_step": int(trace.records.alarm_step[0, 0]),
            "marks": tuple(int(value) for value in trace.records.marks[:, 0, 0]),
        }
        ds = trajectory(model, row, self.study.dt, draws=draws, stocks=trace.stocks, shocks=shocks, record=record)
        ds.attrs |= {"replicate": replicate, "cell_key": self.cells.keys[cell], **self.labels(cell)}
        return ds


def replay(
    directory: Path | str, *, replicate: int | Iterable[int] = 0, variables: Iterable[str] | None = None, **cell: float
) -> xr.Dataset:
    """Replay one firm, or some firms, of a run in full.

    Parameters
    ----------
    directory : path
        A run directory.
    replicate : int or iterable of int
        Which firm or firms.
    variables : iterable of str, optional
        Keep only these columns.
    **cell : float
        Values of axes (``execution=0.9, misalignment=0.8``; one division's with an underscore,
        ``misalignment_sales=1``). The nearest cell is taken, and named in the attributes.

    Returns
    -------
    xarray.Dataset
        Over ``step`` for one firm, over (``life``, ``step``) for several (NaN after a firm's end): stocks at the start
        of every step, shocks, auxiliaries. How the firm ended equals the run's record of it exactly.

    Raises
    ------
    FirmfateError
        Where the directory is no run, an axis is unknown, or a column is.
    """
    replayer = Replayer(directory)
    position = replayer.nearest(cell)
    if not isinstance(replicate, Iterable):
        return _keep(replayer.life(position, _replicate(replicate)), variables)
    lives = [_keep(replayer.life(position, _replicate(number)), variables) for number in replicate]
    if not lives:
        raise FirmfateError("replicate is empty; name at least one firm")
    return together(lives)


def _replicate(number: Any) -> int:
    return whole("replicate", number, most=2**63 - 1)


def _keep(ds: xr.Dataset, variables: Iterable[str] | None) -> xr.Dataset:
    if variables is None:
        return ds
    wanted = list(variables)
    for name in wanted:
        if name not in ds:
            allowed = [str(column) for column in ds.data_vars]
            hint = did_you_mean(name, allowed) or f"; allowed: {', '.join(allowed)}"
            raise FirmfateError(f"a life has no column '{name}'{hint}")
    return ds[wanted]


def together(lives: list[xr.Dataset]) -> xr.Dataset:
    """Return several lives as one dataset over (life, step), their ends as variables over life."""
    import xarray as xr

    longest = max(ds.sizes["step"] for ds in lives)
    week = lives[int(np.argmax([ds.sizes["step"] for ds in lives]))]["week"]
    padded = [
        ds.drop_vars("week").pad(step=(0, longest - ds.sizes["step"])).assign_coords(step=np.arange(longest))
        for ds in lives
    ]
    ds = xr.concat(padded, dim="life", combine_attrs="override", join="outer")
    for name in lives[0].attrs:
        values = [one.attrs[name] for one in lives]
        if name != "model":
            ds = ds.assign_coords({f"life_{name}" if name in ds else name: ("life", np.array(values))})
    ds.attrs = {"model": lives[0].attrs["model"]}
    return ds.assign_coords(life=np.arange(len(lives)), week=("step", week.values, week.attrs))


def typical(replayer: Replayer, cell: int) -> dict[str, int]:
    """Return replicates of a cell that stand for it: of its most frequent end the median life; and the shortest and
    longest."""
    count = min(CANDIDATES, replayer.study.replicates)
    records = replayer.worker.records(np.array([cell]), 0, count)
    weeks: NDArray[Any] = records.event_step[0]
    ends = np.bincount(records.cause[0])
    members = np.flatnonzero(records.cause[0] == ends.argmax())
    ordered = members[np.argsort(weeks[members], kind="stable")]
    by_length = np.argsort(weeks, kind="stable")
    return {"typical": int(ordered[len(ordered) // 2]), "shortest": int(by_length[0]), "longest": int(by_length[-1])}


def story_cells(replayer: Replayer) -> dict[str, int]:
    """Return the cells whose lives tell the study: strong and weak misaligned firms, or the ends of the first axis."""
    axes = {key.replace(".", "_") for key in replayer.cells.axes}
    if {"execution", "misalignment"} <= axes:
        return {
            "strong misaligned": replayer.nearest({"execution": 1.0, "misalignment": 1.0}),
            "weak misaligned": replayer.nearest({"execution": 0.05, "misalignment": 1.0}),
            "strong aligned": replayer.nearest({"execution": 1.0, "misalignment": 0.0}),
        }
    if "execution" in axes:
        return {"strong": replayer.nearest({"execution": 1.0}), "weak": replayer.nearest({"execution": 0.05})}
    return {"first cell": 0, "last cell": len(replayer.cells) - 1}


def write_lives(directory: Path | str) -> Path:
    """Write ``lives.nc``: full paths of a few typical and extreme firms, for the report.

    Parameters
    ----------
    directory : path
        A run directory.

    Returns
    -------
    Path
        Of the file: variables over (life, step), and over life who each firm is (``role``, ``kind``) and how it ended.
    """
    from xarray.backends import NetCDF4DataStore

    replayer = Replayer(directory)
    lives, roles, kinds = [], [], []
    for role, cell in story_cells(replayer).items():
        for kind, replicate in typical(replayer, cell).items():
            lives.append(replayer.life(cell, replicate))
            roles.append(role)
            kinds.append(kind)
    ds = together(lives).assign_coords(role=("life", roles), kind=("life", kinds))
    ds.attrs["candidates"] = min(CANDIDATES, replayer.study.replicates)
    for name in ds.data_vars:
        ds[name].encoding = {"zlib": True, "complevel": 1, "shuffle": True, "fletcher32": True, "dtype": "f4"}
    with created(replayer.run.lives) as output, output.block(ds.nbytes) as file:
        ds.dump_to_store(NetCDF4DataStore(file))  # type: ignore[no-untyped-call]
    return replayer.run.lives


def read_lives(directory: Path | str) -> xr.Dataset | None:
    """Return what `write_lives` wrote, in memory; None where it wrote nothing.

    Raises
    ------
    RunDirectoryError
        Where the file is damaged.
    """
    path = RunDirectory(Path(directory)).lives
    if not path.is_file():
        return None
    try:
        return open_dataset(path, load=True)
    except RunDirectoryError as fault:
        raise RunDirectoryError(f"{fault}; gather the run again: {command('gather', directory)}") from fault
