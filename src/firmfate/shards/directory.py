"""A run directory: what it holds, which study it belongs to, and which of its shards count.

    runs/paradox/ study.toml  provenance.json  shards/*.nc  result.nc  [firms.nc]  lives.nc  report.html

Everything is computed from the shards that exist. Another study is refused, with the difference told key by key; more
cells, more replicates, another name or question are not another study.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from firmfate import provenance
from firmfate.design import Cells
from firmfate.errors import BrokenShardError, RunDirectoryError
from firmfate.kernel import compiler
from firmfate.kernel.sources import Sources
from firmfate.shards import file as shard_file
from firmfate.shards.file import ShardFile
from firmfate.shards.plan import Plan, Range, block_digest, plan
from firmfate.study import Study


def fingerprint_table(study: Study) -> dict[str, Any]:
    """Return everything that a shard's counts depend on, apart from cells and replicates."""
    return {
        "model": study.model.name,
        "model source": Sources.of(study.model).fingerprint[:16],
        "kernel": compiler.VERSION,
        "instruction set": compiler.instruction_set(),
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
        Shards of cells that the study does not ask for, or of replicates beyond it.
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
    """A run directory by its path."""

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
    def lives(self) -> Path:
        """Full paths of a few firms."""
        return self.path / "lives.nc"

    @property
    def report(self) -> Path:
        """The report."""
        return self.path / "report.html"

    @property
    def study_file(self) -> Path:
        """The study's text as it was given."""
        return self.path / "study.toml"

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """What `claim` wrote."""
        try:
            return json.loads((self.path / "provenance.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]
        except FileNotFoundError:
            raise RunDirectoryError(f"{self.path} is no run directory: it holds no provenance.json") from None
        except (OSError, ValueError) as fault:
            raise RunDirectoryError(f"{self.path / 'provenance.json'} cannot be read: {fault}") from fault

    def study(self) -> Study:
        """Return the study that this directory belongs to."""
        if not self.study_file.is_file():
            raise RunDirectoryError(f"{self.path} is no run directory: it holds no study.toml")
        return Study.read(self.study_file)

    def claim(self, study: Study) -> str:
        """Make the directory one of this study, or see that it is; return the study's fingerprint.

        Raises
        ------
        RunDirectoryError
            Where it holds another study, other files, or cannot be written. Nothing is overwritten then.
        StudyError
            Where the study's cells cannot be laid out; nothing is written then.
        """
        self.refuse_other(study)
        if not self.study_file.is_file() or self.study_file.read_text(encoding="utf-8") != study.text:
            _ = study.cells  # a cell that cannot start is refused before anything is written
        table = fingerprint_table(study)
        wanted = provenance.fingerprint(table)
        try:
            self.shards.mkdir(parents=True, exist_ok=True)
            self._write("study.toml", study.text)
            for name, source in study.files.items():
                target = self.path / name
                if source.resolve() != target.resolve():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    self._write(name, source.read_text(encoding="utf-8"))
            if not (self.path / "provenance.json").exists():
                record = provenance.record(**{"study": study.name, "fingerprint": wanted, "fingerprint table": table})
                self._write("provenance.json", json.dumps(record, indent=1) + "\n")
        except OSError as fault:
            raise RunDirectoryError(f"{self.path} cannot be written: {fault.strerror}") from fault
        return wanted

    def refuse_other(self, study: Study) -> None:
        """See that the directory is free or holds runs of this study; nothing is written.

        Raises
        ------
        RunDirectoryError
            Where it holds another study, another version's run, or other files.
        """
        if self.path.exists() and not self.path.is_dir():
            raise RunDirectoryError(f"{self.path} is a file; name a directory for the run")
        if (self.path / "provenance.json").exists():
            held = self.provenance.get("fingerprint table", {})
            differing = provenance.differences(held, json.loads(json.dumps(fingerprint_table(study))))
            if differing:
                raise RunDirectoryError(
                    f"{self.path} holds another study ('{self.provenance.get('study', '?')}'); "
                    "choose another directory. What differs:\n  " + "\n  ".join(differing)
                )
        elif self.files():
            raise RunDirectoryError(
                f"{self.path} holds a run without its provenance.json, which tells what its shards are of; "
                "bring that file back, or choose a new directory"
            )
        elif self.path.is_dir() and not self._begun(study):
            raise RunDirectoryError(f"{self.path} is not empty and holds no run; choose a new directory")

    def _begun(self, study: Study) -> bool:
        """Return whether the directory holds no more than a claim of this study that was cut short; or nothing."""
        ours = {"study.toml", "shards", *(Path(name).parts[0] for name in study.files)}
        held = {path.name for path in self.path.iterdir() if not (path.name[0] == "." and path.suffix == ".part")}
        same = not self.study_file.is_file() or self.study_file.read_text(encoding="utf-8") == study.text
        return held <= ours and same

    def _write(self, name: str, text: str) -> None:
        path = self.path / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            return
        aside = path.with_name(f".{path.name}.{os.getpid()}.part")
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)

    def files(self) -> list[ShardFile]:
        """Return the shards' files, by name."""
        if not self.shards.is_dir():
            return []
        found = (ShardFile.parse(path) for path in sorted(self.shards.iterdir()))
        return [shard for shard in found if shard is not None]

    def holdings(self, study: Study, cells: Cells, *, without: Collection[Path] = ()) -> Holdings:
        """Return which shards count: names are read, and one file for every block of cells that the plan lacks.

        Files in `without` do not count.
        """
        known = {
            shard.block: tuple(cells.keys[cell] for cell in shard.cells) for shard in plan(study, cells=cells).shards
        }
        wanted = set(cells.keys)
        used, duplicates, foreign, broken = [], [], [], []
        covered: dict[str, list[Range]] = defaultdict(list)
        for shard in sorted(self.files(), key=lambda s: (s.first, -s.replicates, s.path.name)):
            if shard.path in without:
                continue
            try:
                keys = known.get(shard.block) or shard_file.read_keys(shard.path)
            except BrokenShardError:
                broken.append(shard)
                continue
            if shard.block not in known:
                if block_digest(keys) != shard.block:
                    broken.append(shard)
                    continue
                known[shard.block] = keys
            keys = tuple(key for key in keys if key in wanted)
            if not keys or shard.first + shard.replicates > study.replicates:
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
        folder = self.path / "broken"
        folder.mkdir(exist_ok=True)
        target = folder / shard.path.name
        shard.path.replace(target)
        return target
