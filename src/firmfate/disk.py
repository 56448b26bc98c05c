"""The calls on files that a run directory depends on, as methods of one object: `firmfate.files` makes them through it.

A simulator of faults stands in its place in tests: every method is a moment at which the disk may fail or the machine
may crash.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


def lock(descriptor: int, *, wait: bool) -> None:
    """Lock an open file or folder among processes until it is closed.

    Raises
    ------
    OSError
        BlockingIOError where another process holds it, if it is not to wait; ENOSYS where the system has no such locks.
    """
    try:
        import fcntl
    except ImportError as fault:  # Windows
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS)) from fault
    fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


def _file_alone(path: str, flags: int) -> int:
    """Open what is a file or a folder, which `open` refuses; return its number."""
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        os.close(descriptor)
        raise OSError("it is a pipe or a device, and no file")
    return descriptor


class Disk:
    """The operating system's disk, and the processes that write to it.

    Every method raises OSError where the system refuses.
    """

    def open(self, path: Path) -> BinaryIO:
        """Open a file to read it; pipes, which may wait for ever, and devices, which may have no end, are refused."""
        return open(path, "rb", opener=_file_alone)

    def read(self, path: Path) -> bytes:
        """Return what is in a file, as `open`."""
        with self.open(path) as file:
            return file.read()

    def names(self, folder: Path) -> list[str]:
        """Return the names in a folder, sorted."""
        return sorted(os.listdir(folder))

    def create(self, path: Path) -> None:
        """Make an empty file."""
        path.touch()

    def write(self, path: Path, content: bytes | memoryview) -> None:
        """Write to a file, in place of what is in it."""
        path.write_bytes(content)

    def flush(self, path: Path) -> None:
        """Have the content of a file, or the names in a folder, survive a crash of the machine."""
        if os.name == "nt" and path.is_dir():  # Windows keeps names itself, and opens no folders
            return
        descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, old: Path, new: Path) -> None:
        """Give a file another name, in place of the file that had it."""
        old.replace(new)

    def remove(self, path: Path) -> None:
        """Remove a file."""
        path.unlink()

    def make_folder(self, path: Path) -> None:
        """Make a folder in one that exists."""
        path.mkdir()

    def reserve(self, folder: Path, size: int) -> None:
        """See that so many bytes can be written into a folder, quotas included: allocate them, and give them back."""
        if not hasattr(os, "posix_fallocate"):  # macOS, Windows
            if shutil.disk_usage(folder).free < size:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
            return
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, size)

    @contextlib.contextmanager
    def lock(self, folder: Path) -> Iterator[None]:
        """Hold a lock on a folder, which goes with the process; BlockingIOError where another holds it."""
        if os.name == "nt":
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), str(folder))
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            lock(descriptor, wait=False)
            yield
        finally:
            os.close(descriptor)

    def wait(self, seconds: float) -> None:
        """Let other processes go on."""
        time.sleep(seconds)

    def process(self) -> int:
        """Return the number of this process."""
        return os.getpid()

    def runs(self, process: int) -> bool:
        """Return whether there is a process of this number."""
        import psutil

        return bool(psutil.pid_exists(process))
