"""Rounds: from the pilot to enough firms, each decided from the counts of the complete round before it.

Decisions are kept in ``rounds.json``, in the run directory. They are made again from the shards whenever the directory
is opened, and compared with it: it is a record, and no source.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmfate import files
from firmfate.dataset.slabs import slabs
from firmfate.dataset.summing import BrokenShards, Counted
from firmfate.design import Cells
from firmfate.errors import IncompleteRunError, RunDirectoryError, StudyError
from firmfate.precision.reached import Measured, Reached
from firmfate.precision.rules import next_firms
from firmfate.precision.widths import widths
from firmfate.precision.words import sentences
from firmfate.shards.directory import RunDirectory
from firmfate.shards.plan import Plan, firm_seconds
from firmfate.study import Study

REACHED, AT_MOST = "reached", "at most"
"""Why rounds end."""


def most_firms(study: Study) -> int:
    """Return how many firms a cell a study with [precision] may take at most.

    Raises
    ------
    StudyError
        Where the work allowed is not enough for the pilot.
    """
    precision = study.precision
    if precision is None:
        raise TypeError(f"study '{study.name}' has no [precision]")
    if precision.most_seconds is None:
        return int(precision.most_firms or precision.pilot)
    each = firm_seconds(study)
    most = int(precision.most_seconds / each / study.design.count)
    if most < precision.pilot:
        pilot = precision.pilot * study.design.count * each
        raise StudyError(
            f"precision.at_most = {precision.most_seconds:,.0f} core-seconds is less than the pilot takes: "
            f"{pilot:,.0f}, for {study.design.count:,} cells x {precision.pilot:,} firms (study.replicates)"
        )
    return most


def following(measured: Iterable[Measured], firms: int, batches: int, most: int) -> int:
    """Return how many firms a cell the next round has; those of this one where it was the last.

    All cells get the same number, that of the target and cell that needs most: common random numbers stay common.

    Parameters
    ----------
    measured : iterable of Measured
        After a round of `firms` firms a cell.
    firms, batches, most : int
        As for `next_firms`.
    """
    needed = [float(one.needed[one.open].max()) for one in measured if one.open.any()]
    return next_firms(firms, max(needed), batches, most) if needed else firms


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
    finished : str
        Why there are no more rounds; empty while there are.

    Raises
    ------
    StudyError
        Where the pilot is more than what is allowed.
    RunDirectoryError
        Where the directory holds more firms than the rounds of the study come to, or ``rounds.json`` says otherwise.
    """

    def __init__(self, directory: RunDirectory, study: Study) -> None:
        if study.precision is None:
            raise TypeError(f"study '{study.name}' has no [precision]")
        self._directory, self._precision = directory, study.precision
        self._most = most_firms(study)
        self._cells: Cells = study.cells
        self.study = study.grown(study.precision.pilot)
        self.decided: list[dict[str, Any]] = []
        self.reached: tuple[Reached, ...] = ()
        self._signs: dict[str, NDArray[np.int8]] = {}
        self.finished = ""
        self._decided_study = self.study
        begun = directory.provenance_file.is_file()
        self._held = int(directory.read_provenance()["replicates"]) if begun else 0
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
        at_end = self.study.replicates if self.finished else max(self.study.replicates, self._held)
        unknown = self._held > self.study.replicates and not self._recorded
        if at_end < self._held or unknown:
            raise RunDirectoryError(
                f"{self._directory.path} holds a run of {self._held:,} replicates a cell, [precision] comes to "
                f"{self.study.replicates:,}: a run may grow, but not shrink; ask for more precision, set "
                f"study.replicates = {self._held:,} as the pilot, or choose a new directory"
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
            for line in (*sentences(self.reached), f"next: {self.study.replicates:,} firms a cell"):
                say(line)
        return not self.finished

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
        self._signs = {one.target.key: one.signs for one in measured if one.target.kind == "sign"}
        self.reached = tuple(one.reached() for one in measured)
        wanted = following(measured, study.replicates, study.batches, self._most)
        entry = {"firms a cell": study.replicates, "targets": [one.table() for one in self.reached], "next": wanted}
        self._compare(entry)
        self.decided.append(entry)
        if wanted > study.replicates:
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


def recorded(text: str) -> tuple[tuple[Reached, ...], str]:
    """Return how far the targets were in the last round on record, and why rounds ended; from the text of a record.

    ``result.nc`` holds it as its attribute ``precision``. Nothing, where it is no such text.
    """
    try:
        held = json.loads(text)
        return tuple(map(Reached.of_table, held["rounds"][-1]["targets"])), str(held["finished"])
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return (), ""
