"""A disk in which every call may fail, tear, or be the moment of a crash, and which knows what a crash leaves.

What processes see are real files in a folder in memory, so that netCDF's library writes to them as well. Beside them is
kept what has been flushed: the content of every file when it was last flushed, and the names that folders had when they
were. A crash of the machine leaves that, and of what was not flushed any part, in any order: names that were given or
taken, or not; content that is old, empty, torn, zeroed from a place on, or complete.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import random
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from firmfate.disk import Disk

FAILURES = {
    "read": (errno.EIO, errno.EACCES),
    "names": (errno.EIO, errno.EACCES),
    "create": (errno.ENOSPC, errno.EIO, errno.EACCES),
    "write": (errno.ENOSPC, errno.EIO, errno.EDQUOT),
    "flush": (errno.ENOSPC, errno.EIO),
    "rename": (errno.ENOSPC, errno.EIO, errno.EACCES),
    "remove": (errno.EIO, errno.EACCES),
    "make_folder": (errno.ENOSPC, errno.EIO, errno.EACCES),
    "lock": (errno.EIO, errno.EACCES),
    "reserve": (errno.ENOSPC, errno.EDQUOT),
}

NAMED = ("names", "create", "rename", "remove", "make_folder")
"""Calls whose errors carry the name of the file; those on open files do not."""


class Dead(BaseException):
    """Ends a simulated process; nothing that it does afterwards reaches the disk."""


@dataclass(eq=False)
class File:
    """A file or folder, whatever names it has.

    Attributes
    ----------
    flushed : bytes or None
        Its content as it was last flushed; None of a folder.
    changed : bool
        Whether it may have been written to since.
    """

    flushed: bytes | None = b""
    changed: bool = True


@dataclass(frozen=True)
class Change:
    """Names that were given and taken, in folders that have not all been flushed since."""

    folders: frozenset[Path]
    given: tuple[tuple[Path, File], ...] = ()
    taken: tuple[Path, ...] = ()

    def apply(self, names: dict[Path, File]) -> None:
        """Give and take them."""
        for path in self.taken:
            names.pop(path, None)
        names.update(self.given)


@dataclass
class Faults:
    """What goes wrong in one step of a schedule.

    Attributes
    ----------
    kind : str
        ``none``, ``fail`` (calls fail), ``kill`` (a process is killed) or ``crash`` (of the machine).
    first, last : int
        Calls that fail, the first of them the moment of a kill or a crash; counted from 0 within the step.
    """

    kind: str = "none"
    first: int = 0
    last: int = 0


@dataclass(eq=False)
class SimulatedDisk(Disk):
    """A disk below a folder.

    Parameters
    ----------
    root : Path
        An empty folder, which survives everything.
    draw : random.Random
    """

    root: Path
    draw: random.Random
    faults: Faults = field(default_factory=Faults)
    calls: int = 0
    happened: list[str] = field(default_factory=list)
    now: dict[Path, File] = field(default_factory=dict)
    kept: dict[Path, File] = field(default_factory=dict)
    waiting: list[Change] = field(default_factory=list)
    locked: int = 0
    alive: set[int] = field(default_factory=set)
    turns: dict[int, threading.Semaphore] = field(default_factory=dict)
    local: threading.local = field(default_factory=threading.local)

    # processes

    def begin(self, process: int) -> None:
        """Be this process, in this thread."""
        self.local.process = process
        if process in self.turns:
            self.turns[process].acquire()

    def process(self) -> int:
        return int(self.local.process)

    def runs(self, process: int) -> bool:
        return process in self.alive

    def pass_on(self) -> None:
        """Let some process go on: this one or another."""
        if self.turns:
            self.turns[self.draw.choice(sorted(self.turns))].release()

    def end(self, process: int) -> None:
        """Be no process any more."""
        self.alive.discard(process)
        if self.turns.pop(process, None):
            self.pass_on()

    # moments

    def _call(self, call: str, path: Path, *more: Any) -> Any:
        """Make a call, which may fail, before it has done anything or after, or be the moment of a crash."""
        own, do = self.process(), getattr(self, f"_{call}")
        if own not in self.alive:
            raise Dead
        if len(self.turns) > 1:
            self.pass_on()
            self.turns[own].acquire()
            if own not in self.alive:  # the machine has crashed meanwhile
                raise Dead
        place, self.calls = self.calls, self.calls + 1
        if self.faults.kind == "none" or not self.faults.first <= place <= self.faults.last:
            return do(path, *more)
        if call == "write" and self.draw.random() < 0.5:
            more = (more[0][: self.draw.randint(0, len(more[0]))],)
        if self.draw.random() < 0.5:
            with contextlib.suppress(OSError):
                do(path, *more)
        if self.faults.kind == "fail":
            number = self.draw.choice(FAILURES[call])
            self.happened.append(f"{errno.errorcode[number]} at {call} {path.name}")
            raise OSError(number, os.strerror(number), *([str(path)] if call in NAMED else []))
        self.happened.append(f"{self.faults.kind} at {call} {path.name}")
        self.alive -= {own} if self.faults.kind == "kill" else set(self.alive)
        raise Dead

    # calls

    def open(self, path: Path) -> BinaryIO:
        return io.BytesIO(self.read(path))

    def read(self, path: Path) -> bytes:
        return self._call("read", path)

    def names(self, folder: Path) -> list[str]:
        return self._call("names", folder)

    def create(self, path: Path) -> None:
        self._call("create", path)

    def write(self, path: Path, content: bytes | memoryview) -> None:
        self._call("write", path, content)

    def flush(self, path: Path) -> None:
        self._call("flush", path)

    def rename(self, old: Path, new: Path) -> None:
        self._call("rename", old, new)

    def remove(self, path: Path) -> None:
        self._call("remove", path)

    def make_folder(self, path: Path) -> None:
        self._call("make_folder", path)

    def reserve(self, folder: Path, size: int) -> None:
        self._call("reserve", folder)

    @contextlib.contextmanager
    def lock(self, folder: Path) -> Iterator[None]:
        self._call("lock", folder)
        try:
            yield
        finally:
            if self.locked == self.process():
                self.locked = 0

    def wait(self, seconds: float) -> None:
        if len(self.turns) > 1:
            self.pass_on()
            self.turns[self.process()].acquire()

    # what they do

    def _lock(self, folder: Path) -> None:
        if self.locked in self.alive and self.locked != self.process():
            raise BlockingIOError(errno.EAGAIN, "locked")
        self.locked = self.process()

    def _read(self, path: Path) -> bytes:
        return path.read_bytes()

    def _names(self, folder: Path) -> list[str]:
        return sorted(os.listdir(folder))

    def _create(self, path: Path) -> None:
        path.touch()
        self._note(given=((path, File()),), folders={path.parent})

    def _write(self, path: Path, content: bytes | memoryview) -> None:
        path.write_bytes(content)
        self.now[path].changed = True

    def _flush(self, path: Path) -> None:
        if path.is_dir():
            still = []
            for change in self.waiting:
                if path in change.folders:
                    change.apply(self.kept)
                else:
                    still.append(change)
            self.waiting = still
        else:
            self.now[path].flushed, self.now[path].changed = path.read_bytes(), False

    def _rename(self, old: Path, new: Path) -> None:
        old.replace(new)
        self._note(given=((new, self.now[old]),), taken=(old,), folders={old.parent, new.parent})

    def _remove(self, path: Path) -> None:
        path.unlink()
        self._note(taken=(path,), folders={path.parent})

    def _make_folder(self, path: Path) -> None:
        path.mkdir()
        self._note(given=((path, File(None, changed=False)),), folders={path.parent})

    def _reserve(self, folder: Path) -> None:
        return

    def _note(
        self, *, folders: set[Path], given: tuple[tuple[Path, File], ...] = (), taken: tuple[Path, ...] = ()
    ) -> None:
        change = Change(frozenset(folders), given, taken)
        change.apply(self.now)
        self.waiting.append(change)

    # crashes and decay

    def crash(self) -> None:
        """Leave on the disk what a crash of the machine may leave."""
        names = dict(self.kept)
        for change in self.waiting:
            if self.draw.random() < 0.5:
                change.apply(names)
        here = {path: file for path, file in names.items() if self._reached(path, names)}
        content = {path: self._left(path, file) for path, file in here.items() if file.flushed is not None}
        for path in self.root.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        self.now, self.waiting = {}, []
        for path in sorted(here):
            if here[path].flushed is None:
                path.mkdir()
                self.now[path] = File(None, changed=False)
            else:
                path.write_bytes(content[path])
                self.now[path] = File(content[path], changed=False)
        self.kept = dict(self.now)

    def _reached(self, path: Path, names: dict[Path, File]) -> bool:
        """Return whether all folders that a path is in are there."""
        return path.parent == self.root or (path.parent in names and self._reached(path.parent, names))

    def _left(self, path: Path, file: File) -> bytes:
        assert file.flushed is not None
        if not file.changed:
            return file.flushed
        seen = next((name for name, other in self.now.items() if other is file), None)
        full = seen.read_bytes() if seen is not None else b""
        cut = self.draw.randint(0, len(full))
        return self.draw.choice([file.flushed, b"", full, full[:cut], full[:cut] + bytes(len(full) - cut)])

    def decay(self, path: Path) -> str:
        """Damage a file, as a defective disk does; return how."""
        data = bytearray(path.read_bytes())
        how = self.draw.choice(["flipped", "cut", "emptied"] if data else ["emptied"])
        if how == "flipped":
            data[self.draw.randrange(len(data))] ^= 1 << self.draw.randrange(8)
        else:
            del data[self.draw.randrange(len(data)) if how == "cut" else 0 :]
        path.write_bytes(data)
        self.now[path].flushed, self.now[path].changed = bytes(data), False
        return how

    @contextlib.contextmanager
    def step(self, faults: Faults) -> Iterator[None]:
        """Have these faults happen until the block ends; where the machine has crashed, it starts again."""
        self.faults, self.calls = faults, 0
        before = len(self.happened)
        try:
            yield
        finally:
            self.faults = Faults()
            if faults.kind == "crash" and len(self.happened) > before:
                self.crash()
