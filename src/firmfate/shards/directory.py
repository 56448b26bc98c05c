"""A run directory: what it holds, which study it belongs to, and which of its shards count.

    runs/paradox/ study.toml  provenance.json  [rounds.json]  shards/*.shard  result.nc  [firms.nc]
                  trajectories.nc  report.html

Everything is computed from the shards that exist. A directory belongs to one study, by its name and by all that its
counts depend on; another is refused, with the difference named key by key. It may grow, by cells and by replicates; it
never shrinks, and its axes stay. ``provenance.json`` records what it belongs to: ``study.toml`` is there for its
reader, who may edit it.
"""

from __future__ import annotations

import functools
import json
import os
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from firmfate import files, provenance
from firmfate.design import Cells
from firmfate.errors import BrokenShardError, RunDirectoryError, command
from firmfate.kernel import compiler
from firmfate.shards import file as shard_file
from firmfate.shards.file import ShardFile
from firmfate.shards.growth import EXTENT, extent, held_firms, held_refinement, refuse_less
from firmfate.shards.plan import Plan, Range, plan
from firmfate.shards.schema import Schema
from firmfate.study import Study


def fingerprint_table(study: Study) -> dict[str, Any]:
    """Return everything that a shard's counts depend on, apart from cells and replicates."""
    return {
        "model": study.model.name,
        "program": study.model.program.digest[:16],
        "kernel": compiler.VERSION,
        "horizon in weeks": study.weeks,
        "steps per week": study.steps_per_week,
        "seed": study.seed,
        "common random numbers": study.common_random_numbers,
        "batches": study.batches,
        "horizons": list(study.horizons),
        "record firms": study.record_firms,
        **{f"population {name}": value for name, value in study.population.described.items()},
        **{f"parameter {name}": value for name, value in study.fixed.items()},
    }


def fingerprint_of(study: Study) -> str:
    """Return 16 hexadecimal digits of everything that a shard's counts depend on, apart from cells and replicates."""
    return provenance.fingerprint(fingerprint_table(study))


@dataclass(frozen=True)
class Holdings:
    """What the shards of a directory amount to for a study.

    Attributes
    ----------
    used : tuple of (ShardFile, cell keys)
        Shards that count, disjoint in their firms, with those of their cells that the study asks for.
    duplicates : tuple of ShardFile
        Shards that repeat firms of others.
    foreign : tuple of ShardFile
        Shards of cells that the study does not ask for, or of replicates beyond theirs.
    broken : tuple of ShardFile
        Shards that cannot be read.
    covered : dict
        Key of a cell -> sorted, disjoint ranges of replicates.
    blocks : dict
        Name of a block -> keys of its cells.
    """

    used: tuple[tuple[ShardFile, tuple[str, ...]], ...]
    duplicates: tuple[ShardFile, ...]
    foreign: tuple[ShardFile, ...]
    broken: tuple[ShardFile, ...]
    covered: dict[str, list[Range]]
    blocks: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class RunDirectory:
    """A run directory by its path.

    Examples
    --------
    >>> import firmfate
    >>> from firmfate.shards import RunDirectory
    >>> study = firmfate.Study(name="cars", model="car", years=5, replicates=64, grid={"misalignment": [0, 1]})
    >>> firmfate.run(study, into="runs/cars", progress=False).close()
    >>> directory = RunDirectory.of(study, "runs/cars")
    >>> directory.plan(study, study.cells).missing
    0
    >>> [(shard.first, shard.replicates, len(keys)) for shard, keys in directory.holdings(study, study.cells).used]
    [(0, 64, 2)]
    """

    path: Path

    @classmethod
    def of(cls, study: Study, into: str | Path | None = None) -> RunDirectory:
        """Return the directory `into`; that of a study for which none is named is ``runs/NAME``."""
        return cls(Path("runs") / study.name if into is None else Path(into))

    @property
    def shards(self) -> Path:
        """Folder of the shards."""
        return self.path / "shards"

    @property
    def result(self) -> Path:
        """The gathered counts."""
        return self.path / "result.nc"

    @property
    def firms(self) -> Path:
        """What is recorded of every firm, where the study asks for it."""
        return self.path / "firms.nc"

    @property
    def trajectories(self) -> Path:
        """Full paths of a few firms."""
        return self.path / "trajectories.nc"

    @property
    def report(self) -> Path:
        """The report."""
        return self.path / "report.html"

    @property
    def study_file(self) -> Path:
        """The study's text as it was given."""
        return self.path / "study.toml"

    @property
    def provenance_file(self) -> Path:
        """What the directory belongs to, and where it comes from."""
        return self.path / "provenance.json"

    @property
    def rounds_file(self) -> Path:
        """How a study with [precision] came to its number of firms."""
        return self.path / "rounds.json"

    def read_rounds(self) -> str:
        """Return the text of ``rounds.json``; empty where there is none."""
        return files.read(self.rounds_file).decode(errors="replace") if self.rounds_file.is_file() else ""

    def read_provenance(self) -> dict[str, Any]:
        """Return what `claim` wrote.

        Raises
        ------
        RunDirectoryError
            Where it is missing or damaged, or of a version whose shards this one does not read.
        """
        try:
            held = json.loads(files.disk.read(self.provenance_file))
        except FileNotFoundError:
            raise RunDirectoryError(f"{self.path} is no run directory: it holds no provenance.json") from None
        except (OSError, ValueError, RecursionError) as fault:
            raise RunDirectoryError(f"{self.provenance_file} cannot be read: {fault}") from fault
        if not isinstance(held, dict):
            raise RunDirectoryError(f"{self.provenance_file} cannot be read: it is not a table")
        if held.get("shard format", 1) != shard_file.FORMAT:
            self._refuse_version(held)
        for name, kind in {"study": str, "fingerprint table": dict, **EXTENT}.items():
            if not isinstance(held.get(name), kind):
                raise RunDirectoryError(
                    f"{self.provenance_file} is damaged: its '{name}' is missing, or of another type; bring the file "
                    "back as it was, or choose a new directory"
                )
        return held

    def _refuse_version(self, held: dict[str, Any]) -> None:
        """Refuse a run whose shards are of another format: what it is, and how to go on."""
        found = held.get("shard format", 1)
        versions = held.get("versions")
        version = versions.get("firmfate", "?") if isinstance(versions, dict) else "?"
        raise RunDirectoryError(
            f"{self.path} holds a run of {'an older' if found == 1 else 'another'} version of firmfate ({version}, "
            f"commit {held.get('commit') or 'unknown'}): its shards are of format {found!r}, this version's of format "
            f"{shard_file.FORMAT}. Its result.nc and report.html can be read as before. To go on, run its study into a "
            f"new directory: {command('run', self.study_file, '--into', f'{self.path}-{shard_file.FORMAT}')}"
        )

    def study(self) -> Study:
        """Return the study that this directory belongs to.

        Raises
        ------
        RunDirectoryError
            Where this is no run directory, or one of another version.
        """
        if not self.study_file.is_file():
            raise RunDirectoryError(f"{self.path} is no run directory: it holds no study.toml")
        return self.as_far(Study.read(self.study_file))

    def as_far(self, study: Study) -> Study:
        """Return a study with [precision] with the cells and firms that its rounds have come to here; others as is.

        Raises
        ------
        RunDirectoryError
            Where ``provenance.json`` is damaged, or of another version.
        """
        if not self.provenance_file.is_file():
            return study
        record = self.read_provenance()
        if study.precision is None:
            return study
        study = study.refined((*study.refinement, *held_refinement(self.path, record)))
        held = held_firms(self.path, record, study.cells.keys)
        return study.grown(np.maximum(held, study.firms_by_cell))

    def claim(self, study: Study, cells: Cells | None = None) -> str:
        """Make the directory one of this study, or see that it is; return the study's fingerprint.

        What dead processes left unfinished is removed.

        Raises
        ------
        RunDirectoryError
            Where it holds another study, more of this one, other files, or cannot be written, or has a name that the
            netCDF library cannot open. Nothing is overwritten then.
        StudyError
            Where the study's cells cannot be laid out; nothing is written then.
        """
        files.refuse_name(self.path)
        cells = study.cells if cells is None else cells
        table = fingerprint_table(study)
        self.refuse_other(study, cells, table)
        files.make_folder(self.shards)
        with files.locked(self.path):
            self.refuse_other(study, cells, table)  # another run may have claimed it meanwhile
            self._record(study, extent(study, cells), table)
        return provenance.fingerprint(table)

    def _record(self, study: Study, wanted: dict[str, Any], table: dict[str, Any]) -> None:
        """Write what the directory belongs to from now on, and remove what dead processes left."""
        for name, source in study.files.items():
            target = self.path / name
            if os.path.realpath(source) != os.path.realpath(target):
                files.make_folder(target.parent)
                files.write_if_new(target, files.read(source))
                files.settle(target.parent)
        for folder in (self.path, self.shards):
            files.remove_leftovers(folder)
        files.write_if_new(self.study_file, study.text)
        # Last: a claim that is cut short before it leaves the directory to whoever had it.
        own = {
            "study": study.name,
            "fingerprint": provenance.fingerprint(table),
            "fingerprint table": table,
            "shard format": shard_file.FORMAT,
        }
        held = self.read_provenance() if self.provenance_file.exists() else None
        if held is None or held != held | wanted:
            record = provenance.record(**own) if held is None else held
            files.write(self.provenance_file, json.dumps(record | wanted, indent=1) + "\n")

    def refuse_other(self, study: Study, cells: Cells | None = None, table: Mapping[str, Any] | None = None) -> None:
        """See that the directory is free, or holds a run of this study and no more than it asks for; write nothing.

        `cells` and `table` are the study's, where they are at hand.

        Raises
        ------
        RunDirectoryError
            Where it holds another study, more of this one, another version's run, or other files.
        """
        if self.path.exists() and not self.path.is_dir():
            raise RunDirectoryError(f"{self.path} is a file; name a directory for the run")
        if self.provenance_file.exists():
            held = self.read_provenance()
            differing = provenance.differences(
                {"name": held["study"], **held["fingerprint table"]},
                {"name": study.name, **json.loads(json.dumps(table or fingerprint_table(study)))},
            )
            if [line.partition(":")[0] for line in differing] == ["program"]:
                raise RunDirectoryError(
                    f"{self.path} holds firms of another version of the model '{study.model.name}': what it computes "
                    f"has changed since. Choose a new directory, or bring the former model back.\n  {differing[0]}"
                )
            if differing:
                raise RunDirectoryError(
                    f"{self.path} holds another study ('{held['study']}'); choose a new directory. What differs:\n  "
                    + "\n  ".join(differing)
                )
            refuse_less(self.path, held, extent(study, study.cells if cells is None else cells))
        elif self.files():
            raise RunDirectoryError(
                f"{self.path} holds a run without its provenance.json, which describes its shards; "
                "bring that file back, or choose a new directory"
            )
        elif self.path.is_dir() and not self._begun(study):
            raise RunDirectoryError(f"{self.path} is not empty and holds no run; choose a new directory")

    def _begun(self, study: Study) -> bool:
        """Return whether the directory holds no more than a claim of this study that was cut short; or nothing."""
        known = {"study.toml", "shards", *(Path(name).parts[0] for name in study.files)}
        held = {name for name in files.names(self.path) if not files.UNFINISHED.fullmatch(name)}
        same = not self.study_file.is_file() or files.read(self.study_file) == study.text.encode()
        return held <= known and same

    def files(self) -> list[ShardFile]:
        """Return the shards' files, sorted by name."""
        found = (ShardFile.parse(self.shards / name) for name in files.names(self.shards))
        return [shard for shard in found if shard is not None]

    def holdings(self, study: Study, cells: Cells, *, without: Collection[Path] = ()) -> Holdings:
        """Return which shards count: names are read, and one file for every block of cells that the plan lacks.

        Files in `without` do not count.
        """
        known = {
            shard.block: tuple(cells.keys[cell] for cell in shard.cells) for shard in plan(study, cells=cells).shards
        }
        schema = functools.cache(lambda: Schema.of(study, fingerprint_of(study)))  # few need it
        wanted = dict(zip(cells.keys, study.firms_by_cell.tolist(), strict=True))
        used, duplicates, foreign, broken = [], [], [], []
        covered: dict[str, list[Range]] = defaultdict(list)
        for shard in sorted(self.files(), key=lambda s: (s.first, -s.replicates, s.path.name)):
            if shard.path in without:
                continue
            try:
                known[shard.block] = known.get(shard.block) or shard_file.read_keys(shard, schema())
            except BrokenShardError:
                broken.append(shard)
                continue
            end = shard.first + shard.replicates
            keys = tuple(key for key in known[shard.block] if end <= wanted.get(key, 0))
            if not keys:
                foreign.append(shard)
                continue
            if any(sum(covered[key][-1]) > shard.first for key in keys if covered[key]):
                duplicates.append(shard)
                continue
            for key in keys:
                covered[key].append((shard.first, shard.replicates))
            used.append((shard, keys))
        return Holdings(tuple(used), tuple(duplicates), tuple(foreign), tuple(broken), dict(covered), known)

    def plan(self, study: Study, cells: Cells, *, shard_scale: float = 1.0) -> Plan:
        """Return the plan of what is missing here."""
        return plan(study, covered=self.holdings(study, cells).covered, shard_scale=shard_scale, cells=cells)

    def set_aside(self, shard: ShardFile) -> Path:
        """Move a broken shard out of the way, so that its firms are run again; return where to."""
        target = self.path / "broken" / shard.path.name
        files.make_folder(target.parent)
        try:
            files.disk.rename(shard.path, target)
        except FileNotFoundError:  # another process has set it aside
            return target
        except OSError as fault:
            raise files.refusal(target, fault) from fault
        files.settle(target.parent)
        self.settle()
        return target

    def settle(self) -> None:
        """Have everything that was found here survive a crash of the machine: to be called before it is relied on.

        Raises
        ------
        RunDirectoryError
            Where that fails.
        """
        files.settle(self.shards)
