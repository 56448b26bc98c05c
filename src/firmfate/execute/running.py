"""One command does it all: claim the directory, plan what is missing, run it, gather, keep typical trajectories."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from firmfate.dataset import gather, invalid_firms
from firmfate.dataset.summing import BrokenShards
from firmfate.devices import check_device
from firmfate.errors import FirmfateError, IncompleteRunError, InvalidFirmsWarning, RunDirectoryError, is_finite
from firmfate.execute.array_part import ArrayPart
from firmfate.execute.base import MOST_SCALE, Executor, Work
from firmfate.execute.stopping import Stopped, stops_on_signals
from firmfate.execute.threads import Threads
from firmfate.precision import Rounds
from firmfate.progress import Progress
from firmfate.shards import Plan, RunDirectory, Shard, Worker
from firmfate.shards.directory import fingerprint_of
from firmfate.shards.plan import human_bytes
from firmfate.simulation.typical_firms import write_trajectories
from firmfate.study import Study

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr

ATTEMPTS = 3
SPARE_BYTES = 16 * 1024**2


# A type checker sees by its type alone that a part is not gathered; `run` asks the executor.
@overload
def run(  # type: ignore[overload-overlap]
    study: Study | str | Path,
    *,
    on: ArrayPart,
    into: str | Path | None = None,
    device: str = "cpu",
    progress: bool = True,
    shard_scale: float = 1.0,
) -> None: ...


@overload
def run(
    study: Study | str | Path,
    *,
    into: str | Path | None = None,
    on: Executor | None = None,
    device: str = "cpu",
    progress: bool = True,
    shard_scale: float = 1.0,
) -> xr.Dataset: ...


def run(
    study: Study | str | Path,
    *,
    into: str | Path | None = None,
    on: Executor | None = None,
    device: str = "cpu",
    progress: bool = True,
    shard_scale: float = 1.0,
) -> xr.Dataset | None:
    """Run a study into a directory: what is missing there, and only that; then gather.

    Calling it again resumes a run that was killed, and extends one whose study asks for more replicates or cells. The
    result is the same to the bit on every executor, and for any shard sizes and interruptions.

    Parameters
    ----------
    study : Study or path
    into : path, optional
        The run directory; new, empty, or of the same study. ``runs/NAME`` where not given, NAME being the study's.
    on : Executor, optional
        Where to run: an object of `firmfate.execute`. ``Threads(4)``, threads of this process; ``DaskProcesses(2)``,
        Dask processes of this machine; ``DaskClient(client)``; ``DaskScheduler(address, tls=...)``;
        ``SlurmWorkers(profile)``, Dask workers in Slurm jobs; ``ArrayPart(index, parts)``, a part of the study, which
        is not gathered. Threads on all cores where not given.
    device : str
        ``"cpu"``, or ``"cuda"`` for an NVIDIA GPU. Counts are the same to the bit, so a run that was
        begun on one may go on on the other.
    progress : bool
        Print on standard error how the run goes on.
    shard_scale : float
        Multiplies the size of shards.

    Returns
    -------
    xarray.Dataset
        The gathered counts, opened lazily; None of a part.

    Warns
    -----
    InvalidFirmsWarning
        Where the arithmetic of some firms has failed; it names the command that replays the first of them.

    Raises
    ------
    StudyError, RunDirectoryError
        Where the study or the directory cannot be run; nothing is overwritten.
    ExecutorError, SlurmError, DeviceError
        Where what `on` or `device` asks for is not there.
    IncompleteRunError
        Where it was stopped by SIGTERM or SIGUSR1, or its cluster was lost; finished shards are kept.

    Examples
    --------
    >>> import firmfate
    >>> study = firmfate.Study(name="cars", model="car", years=5, replicates=64, grid={"misalignment": [0, 1]})
    >>> ds = firmfate.run(study, into="runs/cars", progress=False)
    >>> ds.firms.values.tolist()
    [64, 64]
    """
    study = study if isinstance(study, Study) else Study.read(study)
    on = Threads() if on is None else on
    if not isinstance(on, Executor):
        raise FirmfateError(
            f"on = {on!r}; allowed: an executor of firmfate.execute, such as Threads(4) or DaskProcesses(2)"
        )
    if not is_finite(shard_scale) or not 0 < shard_scale <= MOST_SCALE:
        raise FirmfateError(f"shard_scale = {shard_scale!r}; allowed: a number above 0 and up to {MOST_SCALE:,.0f}")
    on.check()
    check_device(device, is_here=on.is_here)
    directory = RunDirectory.of(study, into)
    # Parts of one array agree on the round by the directory's record; the job that gathers decides.
    rounds = Rounds(directory, study) if study.precision and on.gathers else None
    attempt = 0
    with stops_on_signals():
        while True:
            worker = _claimed(directory, rounds.study if rounds else directory.as_far(study), device)
            plan = directory.plan(worker.study, worker.cells, shard_scale=shard_scale)
            directory.settle()
            remarks = _simulate(on, worker, plan, on.shards(plan), directory, progress=progress, again=attempt > 0)
            if not on.gathers:
                return None
            try:
                if rounds and rounds.decide(remarks.say):
                    attempt = 0
                    continue
                ds = gather(directory.path)
                _refuse_extended(ds, directory, worker)
            except (BrokenShards, IncompleteRunError) as fault:
                attempt += 1
                if isinstance(fault, Stopped) or attempt == ATTEMPTS:
                    raise
                # Shards may also go missing under our feet, or overlap with those of a run of another layout.
                for shard in fault.shards if isinstance(fault, BrokenShards) else ():
                    aside = directory.set_aside(shard)
                    remarks.say(f"broken shard {shard.path.name}: set aside as {aside}, to be run again")
                continue
            write_trajectories(directory.path)
            if (failed := invalid_firms(ds)) is not None:
                text = f"{failed.sentence()}: {failed.replay(directory.path)}"
                warnings.warn(text, InvalidFirmsWarning, stacklevel=2)
            return ds


def _simulate(
    on: Executor, worker: Worker, plan: Plan, shards: Sequence[Shard], directory: RunDirectory, *, progress: bool,
    again: bool,
) -> Progress:  # fmt: skip
    """Run some shards of a plan; return what printed how it went on."""
    firms = sum(shard.firms for shard in shards)
    # Of a part, progress is that of the part: what the others have done is not known to it.
    total, before = (plan.firms, plan.done) if on.gathers else (firms, 0)
    with Progress(total, before, shown=progress) as shown:

        def done(receipt: Any) -> None:
            shown.advance(receipt.firms, receipt.firm_steps)

        if shards:
            if on.gathers:
                _check_space(directory.path, plan)
            on.run(Work(worker, shards, directory, done, shown.say, shown.begin))
        elif on.gathers and not again:
            shown.say(f"all {plan.firms:,} firms are there already")
    return shown


def _claimed(directory: RunDirectory, study: Study, device: str) -> Worker:
    """Claim a directory for a study, and return the worker that simulates it; cells are laid out once."""
    worker = Worker(study, fingerprint_of(study), device)
    held = directory.as_far(study)
    directory.claim(held, worker.cells if held.refinement == study.refinement else None)
    return worker


def _refuse_extended(ds: xr.Dataset, directory: RunDirectory, worker: Worker) -> None:
    """Refuse to return more than was asked for, where another run has extended the directory and completed it."""
    study, cells = worker.study, worker.cells
    same = tuple(ds.sizes.get(dim) for dim in cells.dims) == cells.shape
    if study.precision is None and not (same and int(ds.attrs["replicates"]) == study.replicates):
        firms = int(ds["firms"].sum())
        ds.close()
        raise RunDirectoryError(
            f"{directory.path} was extended by another run meanwhile: its result.nc holds {firms:,} firms in place of "
            f"{len(cells) * study.replicates:,}; ask for as many, or run this study in a directory of its own"
        )


def _check_space(path: Path, plan: Plan) -> None:
    free = shutil.disk_usage(path).free
    compressed = plan.result_bytes // 5  # counts took a tenth at most
    wanted = SPARE_BYTES + plan.shard_bytes + plan.firms_bytes + compressed
    if free < wanted:
        raise RunDirectoryError(
            f"{path} has {human_bytes(free)} of free space; this run may need {human_bytes(wanted)}: make room, "
            "or choose another disk"
        )
