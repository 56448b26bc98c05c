"""Rounds: from the pilot to enough firms, each decided from the counts of the complete round before it.

Decisions are kept in ``rounds.json``, in the run directory. They are made again from the shards whenever the directory
is opened, and compared with it: it is a record, and no source.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmfate import files
from firmfate.dataset.slabs import slabs
from firmfate.dataset.summing import BrokenShards, Counted
from firmfate.errors import IncompleteRunError, RunDirectoryError
from firmfate.precision.allocation import Allowed, following
from firmfate.precision.reached import Reached
from firmfate.precision.refinement import missing, refined, refinement
from firmfate.precision.widths import signs_of, widths
from firmfate.precision.words import sentences
from firmfate.shards.directory import RunDirectory
from firmfate.shards.growth import held_firms
from firmfate.shards.plan import Plan
from firmfate.study import Study

REACHED, AT_MOST = "reached", "at most"
"""Why rounds end."""


class Rounds:
    """The rounds of a study in a run directory.

    Parameters
    ----------
    directory : RunDirectory
        Need not exist yet.
    study : Study
        With [precision].

    Attributes
    ----------
    study : Study
        With the firms of the round that is to be run, or was the last.
    decided : list of dict
        One entry a round that is complete, as in ``rounds.json``.
    expected : tuple of float
        For every target, the largest half-width to expect after the next round.
    finished : str
        Why there are no more rounds; empty while there are.

    Raises
    ------
    StudyError
        Where the pilot is more than what is allowed.
    RunDirectoryError
        Where the directory holds more firms than the rounds of the study come to, or ``rounds.json`` says otherwise.

    Examples
    --------
    >>> import firmfate
    >>> from firmfate.precision import Rounds
    >>> from firmfate.shards import RunDirectory
    >>> study = firmfate.Study(name="cars", model="car", years=5, replicates=1024, precision={"rmst": "0.1 years"})
    >>> firmfate.run(study, into="runs/cars", progress=False).close()
    >>> rounds = Rounds(RunDirectory.of(study, "runs/cars"), study)
    >>> [entry["firms a cell"] for entry in rounds.decided], rounds.finished
    ([1024, 1536], 'reached')
    """

    def __init__(self, directory: RunDirectory, study: Study) -> None:
        if study.precision is None:
            raise TypeError(f"study '{study.name}' has no [precision]")
        self._directory, self._precision = directory, study.precision
        self._allowed = Allowed.of(study)
        written = study.refined(())
        assert len(written.cells)  # laid out once, for all rounds before it is refined
        self.study = written.grown(study.precision.pilot)
        self.decided: list[dict[str, Any]] = []
        self.reached: tuple[Reached, ...] = ()
        self.expected: tuple[float, ...] = ()
        self._signs: dict[str, NDArray[np.int8]] = {}
        self.finished = ""
        self._decided_study = self.study
        begun = directory.provenance_file.is_file()
        self._record = directory.read_provenance() if begun else None
        self._recorded = self._read()
        if begun:
            # What is broken, or set aside meanwhile, is found again when the round is decided.
            with contextlib.suppress(BrokenShards, IncompleteRunError):
                while not self.finished and self._complete():
                    self._decide()
        self._refuse_less()

    def _held(self) -> NDArray[np.int64]:
        """Return the firms that the directory was claimed for, in the cells of the round."""
        if self._record is None:
            return np.zeros(len(self.study.cells), np.int64)
        return held_firms(self._directory.path, self._record, self.study.cells.keys)

    def _complete(self) -> bool:
        """Return whether all firms of the round are there."""
        return not self.plan().shards

    def _refuse_less(self) -> None:
        """Refuse to end with fewer firms than there are."""
        held = int(self._held().max(initial=0))
        if held > self.study.replicates and (self.finished or not self._recorded):
            if not self.finished:
                raise RunDirectoryError(
                    f"{self._directory.path} holds a run of {held:,} replicates a cell, shards of whose first "
                    f"{self.study.replicates:,} are missing, and no {self._directory.rounds_file.name}: put either "
                    f"back, set study.replicates = {held:,} as the pilot, or choose a new directory; a run may grow, "
                    "but not shrink"
                )
            raise RunDirectoryError(
                f"{self._directory.path} holds a run of {held:,} replicates a cell, [precision] comes to "
                f"{self.study.replicates:,}: a run may grow, but not shrink; ask for more precision, set "
                f"study.replicates = {held:,} as the pilot, or choose a new directory"
            )

    def _read(self) -> list[dict[str, Any]]:
        """Return the rounds on record, where they are of this [precision]."""
        text = self._directory.read_rounds()
        if not text:
            return []
        try:
            held = json.loads(text)
            rounds = list(held["rounds"])
            same = held["precision"] == self._precision.described()
        except (ValueError, TypeError, KeyError) as fault:
            raise RunDirectoryError(
                f"{self._directory.rounds_file} is damaged ({type(fault).__name__}); remove it, and its rounds are "
                "decided again from the shards"
            ) from None
        return rounds if same or not rounds else [{}]

    def decide(self, say: Callable[[str], None] = lambda _: None) -> bool:
        """Look at a round that is complete, and keep what follows; return whether there is another one to run.

        Raises
        ------
        IncompleteRunError
            Where firms of the round are missing.
        BrokenShardError
            Where shards are not what their names say.
        """
        if not self.finished:
            if not self._complete():
                raise IncompleteRunError(f"{self._directory.path} lacks firms of the round; run it again to go on")
            self._decide()
            self._refuse_less()
        self.keep()
        if not self.finished:
            for line in (*sentences(self.reached), self.next_words):
                say(line)
        return not self.finished

    @property
    def next_words(self) -> str:
        """What the next round brings, in words."""
        before = self._decided_study
        added = sorted({*self.study.refinement} - {*before.refinement})
        firms, held = self.study.firms_by_cell, before.refined(self.study.refinement).firms_by_cell
        words = []
        if added:
            new = firms.size - before.firms_by_cell.size
            words.append(f"{new:,} new cells at misalignment {', '.join(f'{value:g}' for value in added)}")
        if growing := int((firms > held).sum()):
            cells = f"in {growing:,} of {firms.size:,} cells" if growing < firms.size else "a cell"
            most = f"{'up to ' if np.unique(firms[firms > held]).size > 1 else ''}{int(firms.max()):,}"
            words.append(f"{most} firms {cells}")
        return f"next: {', '.join(words)}"

    def plan(self) -> Plan:
        """Return the plan of what is missing of the round."""
        return self._directory.plan(self.study, self.study.cells)

    def steps_a_firm(self) -> float:
        """Return the mean steps of a firm in the last complete round."""
        ds = self._counted(self._decided_study).of(("batch_lifetime", "firms"))
        return float(ds["batch_lifetime"].isel(horizon=-1).sum() / ds["firms"].sum())

    def _counted(self, study: Study) -> Counted:
        """Return the counts of a complete round."""
        return Counted(self._directory, study, study.cells)

    def _decide(self) -> None:
        """Look at a complete round."""
        study, cells = self.study, self.study.cells
        self._decided_study = study
        counted = self._counted(study)
        blocks = (positions.ravel() for _, positions in slabs(cells.shape, counted.bytes_per_cell))
        measured = widths(self._precision, counted.of, blocks, cells=len(cells), signs=self._signs)
        self._signs = signs_of(measured)
        self.reached = tuple(one.reached() for one in measured)
        firms = study.firms_by_cell
        added = refinement(self._precision.refine, measured)
        if too_many := added and not self._allowed.holds(refined(study, added).firms_by_cell):
            self.reached = tuple(
                replace(one, answers=(*one.answers, missing(added))) if now.around else one
                for one, now in zip(self.reached, measured, strict=True)
            )
            added = ()
        # Where the grid is to be finer, which cells m* needs is seen there.
        growing = [one for one in measured if not (added and one.around)]
        wanted = following(growing, firms, self._allowed, batches=study.batches, alike=study.record_firms)
        # A run of other targets may have left more firms in some cells: they are kept, and looked at with the others.
        held = self._held()
        if not added and np.array_equal(wanted, firms) and held.max(initial=0) <= study.replicates:
            wanted = np.maximum(wanted, held)
        self.expected = tuple(one.expected(wanted) for one in measured)
        later = study.grown(wanted)
        if added:
            self._signs = {}  # they are of the coarser grid; limits that hold at all looks hold at the next one too
            later = refined(later, added)
        targets = [one.table() for one in self.reached]
        entry: dict[str, Any] = {
            "firms a cell": _in_short(firms),
            "targets": targets,
            "next": _in_short(later.firms_by_cell),
        }
        if added:
            entry["new misalignments"] = list(added)
        self._compare(entry)
        self.decided.append(entry)
        if added or (wanted > firms).any():
            self.study = later
        else:
            self.finished = REACHED if not too_many and all(one.enough for one in self.reached) else AT_MOST

    def _compare(self, entry: dict[str, Any]) -> None:
        """Refuse a decision that is not the one on record."""
        place = len(self.decided)
        if place >= len(self._recorded) or not self._recorded[place]:
            return
        for name in ("firms a cell", "next", "new misalignments"):
            if self._recorded[place].get(name) != entry.get(name):
                raise RunDirectoryError(
                    f"{self._directory.rounds_file}: round {place + 1} has {name} = "
                    f"{self._recorded[place].get(name)}, the shards say {entry.get(name)}; remove the file if it was "
                    "edited, or go on with the version of firmfate that wrote it"
                )

    def keep(self) -> None:
        """Write ``rounds.json``."""
        text = json.dumps(
            {"precision": self._precision.described(), "rounds": self.decided, "finished": self.finished}, indent=1
        )
        if self._directory.read_rounds() != text + "\n":
            files.write(self._directory.rounds_file, text + "\n")


def _in_short(firms: NDArray[np.int64]) -> int | dict[str, int]:
    """Return firms of cells as they are recorded: one number where all have the same."""
    least, most = int(firms.min()), int(firms.max())
    return most if least == most else {"least": least, "most": most, "in all": int(firms.sum())}


def recorded(text: str) -> tuple[tuple[Reached, ...], str]:
    """Return how far the targets were in the last round on record, and why rounds ended; from the text of a record.

    ``result.nc`` holds it as its attribute ``precision``. Nothing, where it is no such text.

    Examples
    --------
    >>> import firmfate
    >>> from firmfate.precision import recorded
    >>> study = firmfate.Study(name="cars", model="car", years=5, replicates=1024, precision={"rmst": "0.1 years"})
    >>> with firmfate.run(study, into="runs/cars", progress=False) as ds:
    ...     reached, why = recorded(ds.attrs["precision"])
    >>> reached[0].target, reached[0].firms, why
    ('rmst', 1536, 'reached')
    """
    try:
        held = json.loads(text)
        return tuple(map(Reached.of_table, held["rounds"][-1]["targets"])), str(held["finished"])
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return (), ""
