"""Rounds: from the pilot to enough firms, each decided from the counts of the complete round before it.

Decisions are kept in ``rounds.json``, in the run directory. They are made again from the shards whenever the directory
is opened, and compared with it: it is a record, and no source.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmfate import files
from firmfate.dataset.slabs import slabs
from firmfate.dataset.summing import BrokenShards, Counted
from firmfate.design import Cells
from firmfate.errors import IncompleteRunError, RunDirectoryError
from firmfate.precision.allocation import Allowed, following
from firmfate.precision.reached import Reached
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
        self._cells: Cells = study.cells
        self.study = study.grown(study.precision.pilot)
        self.decided: list[dict[str, Any]] = []
        self.reached: tuple[Reached, ...] = ()
        self.expected: tuple[float, ...] = ()
        self._signs: dict[str, NDArray[np.int8]] = {}
        self.finished = ""
        self._decided_study = self.study
        begun = directory.provenance_file.is_file()
        self._held = np.zeros(len(self._cells), np.int64)
        if begun:
            self._held = held_firms(directory.path, directory.read_provenance(), self._cells.keys)
        self._recorded = self._read()
        if begun:
            # What is broken, or set aside meanwhile, is found again when the round is decided.
            with contextlib.suppress(BrokenShards, IncompleteRunError):
                while not self.finished and self._complete():
                    self._decide()
        self._refuse_less()

    def _complete(self) -> bool:
        """Return whether all firms of the round are there."""
        return not self.plan().shards

    def _refuse_less(self) -> None:
        """Refuse to end with fewer firms than there are."""
        held = int(self._held.max(initial=0))
        if held > self.study.replicates and (self.finished or not self._recorded):
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
        firms, before = self.study.firms_by_cell, self._decided_study.firms_by_cell
        growing = int((firms > before).sum())
        cells = f"in {growing:,} of {firms.size:,} cells" if growing < firms.size else "a cell"
        most = f"{'up to ' if np.unique(firms[firms > before]).size > 1 else ''}{int(firms.max()):,}"
        return f"next: {most} firms {cells}"

    def plan(self) -> Plan:
        """Return the plan of what is missing of the round."""
        return self._directory.plan(self.study, self._cells)

    def steps_a_firm(self) -> float:
        """Return the mean steps of a firm in the last complete round."""
        ds = self._counted(self._decided_study).of(("batch_lifetime", "firms"))
        return float(ds["batch_lifetime"].isel(horizon=-1).sum() / ds["firms"].sum())

    def _counted(self, study: Study) -> Counted:
        """Return the counts of a complete round."""
        return Counted(self._directory, study, self._cells)

    def _decide(self) -> None:
        """Look at a complete round."""
        study, cells = self.study, self._cells
        self._decided_study = study
        counted = self._counted(study)
        blocks = (positions.ravel() for _, positions in slabs(cells.shape, counted.bytes_per_cell))
        measured = widths(self._precision, counted.of, blocks, cells=len(cells), signs=self._signs)
        self._signs = signs_of(measured)
        self.reached = tuple(one.reached() for one in measured)
        firms = study.firms_by_cell
        wanted = following(measured, firms, self._allowed, batches=study.batches, alike=study.record_firms)
        # A run of other targets may have left more firms in some cells: they are kept, and looked at with the others.
        if np.array_equal(wanted, firms) and self._held.max(initial=0) <= study.replicates:
            wanted = np.maximum(wanted, self._held)
        targets = [one.table() for one in self.reached]
        entry = {"firms a cell": _in_short(firms), "targets": targets, "next": _in_short(wanted)}
        self._compare(entry)
        self.decided.append(entry)
        self.expected = tuple(one.expected(wanted) for one in measured)
        if (wanted > firms).any():
            self.study = study.grown(wanted)
        else:
            self.finished = REACHED if all(one.enough for one in self.reached) else AT_MOST

    def _compare(self, entry: dict[str, Any]) -> None:
        """Refuse a decision that is not the one on record."""
        place = len(self.decided)
        if place >= len(self._recorded) or not self._recorded[place]:
            return
        for name in ("firms a cell", "next"):
            if self._recorded[place].get(name) != entry[name]:
                raise RunDirectoryError(
                    f"{self._directory.rounds_file}: round {place + 1} has {name} = "
                    f"{self._recorded[place].get(name)}, the shards say {entry[name]}; remove the file if it was "
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
