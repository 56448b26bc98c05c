"""Files that appear complete or not at all: written under another name, flushed to disk, renamed.

Until then a file is called ``.NAME.HOST-PID-COUNT.part``, so that processes, threads and machines do not meet, and so
that what a killed process left behind is not mistaken for what a running one is writing.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import itertools
import os
import platform
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from firmfate.errors import RunDirectoryError

UNFINISHED = re.compile(r"\.(?P<name>.+)\.(?P<host>[0-9a-f]{8})-(?P<pid>[1-9]\d{0,8})-\d+\.part")

ABANDONED = 86_400.0
"""Seconds without a change after which another machine's unfinished file is taken for a dead process's."""

_count = itertools.count()


@functools.cache
def host() -> str:
    """Return 8 hexadecimal digits of this machine since it started, and of the container: where a PID has a meaning."""
    parts = [platform.node()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
    with contextlib.suppress(OSError):
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the path of an unfinished file, which takes the place of `path` when the block ends, or goes if it fails.

    Raises
    ------
    RunDirectoryError
        Where it cannot be written, flushed or renamed: names `path` and the reason.
    """
    unfinished = path.with_name(f".{path.name}.{host()}-{os.getpid()}-{next(_count)}.part")
    try:
        unfinished.touch()
        yield unfinished
        _flush(unfinished)
        unfinished.replace(path)
        _flush_folder(path.parent)
    except OSError as fault:
        raise refusal(path, fault) from fault
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink()


def write(path: Path, content: bytes | memoryview | str) -> Path:
    """Write a file of bytes, or of text in UTF-8; return its path.

    Raises
    ------
    RunDirectoryError
        As `replacing`.
    """
    with replacing(path) as unfinished:
        unfinished.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refusal(path: Path, fault: OSError) -> RunDirectoryError:
    """Return the error for a file that cannot be written, with its name and the reason."""
    if fault.errno in (errno.ENOSPC, errno.EDQUOT):
        return RunDirectoryError(f"no space is left for {path}; make room and run the same command again")
    reason = os.strerror(fault.errno) if fault.errno else str(fault)
    return RunDirectoryError(f"{path} cannot be written: {reason}")


def reserve(folder: Path, size: int) -> None:
    """See that so many bytes can be written into a folder, quotas included: they are allocated, and given back.

    Raises
    ------
    OSError
        Where there is not so much space.
    """
    with tempfile.TemporaryFile(dir=folder) as file:
        os.posix_fallocate(file.fileno(), 0, size)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    """Flush a folder's entries to disk, so that a rename survives a crash of the machine."""
    try:
        _flush(folder)
    except OSError as fault:
        if fault.errno != errno.EINVAL:  # file systems that cannot flush folders refuse it, and have nothing to flush
            raise


def remove_leftovers(folder: Path, name: str | None = None) -> list[Path]:
    """Remove what dead processes left unfinished in a folder, or there under one name; return what was removed.

    A file of this machine goes when its process is gone. Whether a process of another machine still runs cannot be
    seen: its file goes when it has not changed for a day.
    """
    removed = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = UNFINISHED.fullmatch(entry.name)
            if match is None or (name is not None and match["name"] != name):
                continue
            with contextlib.suppress(OSError):
                if match["host"] == host():
                    dead = not _runs(int(match["pid"]))
                else:
                    dead = time.time() - entry.stat().st_mtime > ABANDONED
                if dead:
                    Path(entry.path).unlink()
                    removed.append(Path(entry.path))
    return removed


def _runs(pid: int) -> bool:
    """Return whether there is a process of this number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it belongs to another user
        return True
    return True
