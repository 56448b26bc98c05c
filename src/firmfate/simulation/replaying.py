"""Replay: the trajectory of any one firm of a run, from (study, cell, replicate), by the machine code that ran it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from firmfate.design import Cells
from firmfate.errors import FirmfateError, check_int, did_you_mean, is_finite
from firmfate.kernel.engine import Engine, Trace
from firmfate.shards.directory import RunDirectory, fingerprint_of
from firmfate.shards.work import Worker
from firmfate.simulation.one_firm import random_numbers, trajectory_dataset

if TYPE_CHECKING:
    import xarray as xr


class Replayer:
    """Replays firms of one run directory.

    Parameters
    ----------
    directory : path
        A run directory.

    Examples
    --------
    >>> import firmfate
    >>> from firmfate.simulation import Replayer
    >>> study = firmfate.Study(name="cars", model="car", years=5, replicates=64, grid={"misalignment": [0, 1]})
    >>> firmfate.run(study, into="runs/cars", progress=False).close()
    >>> replayer = Replayer("runs/cars")
    >>> cell = replayer.nearest({"misalignment": 0.9})
    >>> cell, replayer.labels(cell)
    (1, {'misalignment': 1.0})
    >>> replayer.trajectory(cell, replicate=5).attrs["event_week"]
    117.0
    """

    def __init__(self, directory: Path | str) -> None:
        self.run = RunDirectory(Path(directory))
        self.study = self.run.study()
        self.worker = Worker(self.study, fingerprint_of(self.study))
        self.run.refuse_other(self.study, self.worker.cells)

    @cached_property
    def engine(self) -> Engine:
        """The model, compiled for this processor: wherever a firm was stepped, its bits are the same."""
        return Engine(self.study.model, dt=self.study.dt)

    @property
    def cells(self) -> Cells:
        """The run's cells."""
        return self.worker.cells

    def nearest(self, wanted: Mapping[str, float | str]) -> int:
        """Return the position of the cell nearest to the wanted values of axes, each scaled by its range; or of the
        one with the name ``cell``, where cells have names."""
        if "cell" in wanted and "cell" in self.cells.coords:
            return self._named(wanted)
        axes = {key.replace(".", "_"): key for key in self.cells.axes}
        place = {name: i for i, name in enumerate(self.cells.fields)}
        if len({written.replace(".", "_") for written in wanted}) < len(wanted):
            raise FirmfateError(f"an axis is given twice, with '.' and with '_': {', '.join(wanted)}; keep one")
        distance = np.zeros(len(self.cells))
        for written, value in wanted.items():
            name = written.replace(".", "_")
            if name not in axes:
                allowed = ", ".join(axes)
                raise FirmfateError(f"'{name}' is no axis of this run; allowed: {allowed}{did_you_mean(name, axes)}")
            if isinstance(value, str) or not is_finite(value):
                raise FirmfateError(f"{name} = {value!r}; allowed: a finite number")
            field = self.study.targets[axes[name]][0]
            values = self.cells.parameters[:, place[field]]
            distance += np.abs(values - value) / (np.ptp(values) or 1.0)
        return int(np.argmin(distance))

    def _named(self, wanted: Mapping[str, float | str]) -> int:
        names = [str(name) for name in self.cells.coords["cell"][1]]
        name = wanted["cell"]
        if len(wanted) > 1:
            raise FirmfateError(f"cell = {name!r} names a cell: give its name or values of axes, not both")
        if name not in names:
            hint = did_you_mean(str(name), names) or f"; allowed: {', '.join(names)}"
            raise FirmfateError(f"no cell of this run is called {name!r}{hint}")
        return names.index(str(name))

    def labels(self, cell: int) -> dict[str, float]:
        """Return the values of the axes in a cell."""
        place = {name: i for i, name in enumerate(self.cells.fields)}
        return {
            key.replace(".", "_"): float(self.cells.parameters[cell, place[self.study.targets[key][0]]])
            for key in self.cells.axes
        }

    def trace(self, cell: int, replicate: int) -> Trace:
        """Run one firm of the study again, as the engine runs it."""
        return self.engine.trace(
            self.cells.parameters[cell], key=self.study.seed, cell=int(self.cells.random_words[cell]),
            replicate=replicate, steps=self.study.steps, varying=self.worker.varying(np.array([cell]), replicate, 1),
        )  # fmt: skip

    def trajectory(self, cell: int, replicate: int) -> xr.Dataset:
        """Return one firm in full, as `replay` does."""
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
        ds = trajectory_dataset(
            model, row, self.study.dt, draws=draws, stocks=trace.stocks, shocks=shocks, record=record
        )
        ds.attrs |= {"replicate": replicate, "cell_key": self.cells.keys[cell], **self.labels(cell)}
        return ds


def replay(
    directory: Path | str,
    *,
    replicate: int | Iterable[int] = 0,
    variables: Iterable[str] | None = None,
    **cell: float | str,
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
    **cell : float or str
        Values of axes (``execution=0.9, misalignment=0.8``; one division's with an underscore,
        ``misalignment_sales=1``). The nearest cell is taken, and named in the attributes. Where cells have names, one
        of them: ``cell="aligned"``.

    Returns
    -------
    xarray.Dataset
        Over ``step`` for one firm, over (``trajectory``, ``step``) for several (NaN after a firm's event): stocks at
        the start of every step, shocks, auxiliaries. Event week, cause, alarm week and marks
        equal the run's record exactly.

    Raises
    ------
    FirmfateError
        Where the directory is no run, or an axis, a name of a cell, or a column is unknown.

    Examples
    --------
    >>> import firmfate
    >>> study = firmfate.Study(name="cars", model="car", years=5, replicates=64, grid={"misalignment": [0, 1]})
    >>> firmfate.run(study, into="runs/cars", progress=False).close()
    >>> car = firmfate.replay("runs/cars", misalignment=1, replicate=5)
    >>> car.attrs["cause"], car.attrs["event_week"], car.sizes["step"]
    ('crash', 117.0, 9)
    >>> cars = firmfate.replay("runs/cars", misalignment=1, replicate=range(3), variables=["distance"])
    >>> dict(cars.distance.sizes)
    {'trajectory': 3, 'step': 14}
    """
    replayer = Replayer(directory)
    position = replayer.nearest(cell)
    if not isinstance(replicate, Iterable):
        return _keep(replayer.trajectory(position, _replicate(replicate)), variables)
    parts = [_keep(replayer.trajectory(position, _replicate(number)), variables) for number in replicate]
    if not parts:
        raise FirmfateError("replicate is empty; name at least one firm")
    return together(parts)


def _replicate(number: Any) -> int:
    return check_int("replicate", number, most=2**63 - 1)


def _keep(ds: xr.Dataset, variables: Iterable[str] | None) -> xr.Dataset:
    if variables is None:
        return ds
    wanted = list(variables)
    for name in wanted:
        if name not in ds:
            allowed = [str(column) for column in ds.data_vars]
            hint = did_you_mean(name, allowed) or f"; allowed: {', '.join(allowed)}"
            raise FirmfateError(f"a trajectory has no column '{name}'{hint}")
    return ds[wanted]


def together(parts: list[xr.Dataset]) -> xr.Dataset:
    """Return several trajectories as one dataset over (trajectory, step), their attributes as coordinates."""
    import xarray as xr

    longest = max(parts, key=lambda ds: ds.sizes["step"])
    steps, week = longest.sizes["step"], longest["week"]
    padded = [
        ds.drop_vars("week").pad(step=(0, steps - ds.sizes["step"])).assign_coords(step=np.arange(steps))
        for ds in parts
    ]
    ds = xr.concat(padded, dim="trajectory", combine_attrs="override", join="outer")
    for name in parts[0].attrs:
        values = [one.attrs[name] for one in parts]
        if name != "model":
            coordinate = f"trajectory_{name}" if name in ds else name
            ds = ds.assign_coords({coordinate: ("trajectory", np.array(values))})
    ds.attrs = {"model": parts[0].attrs["model"]}
    return ds.assign_coords(trajectory=np.arange(len(parts)), week=("step", week.values, week.attrs))
