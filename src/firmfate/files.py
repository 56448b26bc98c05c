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
import time
from collections.abc import Iterator
from pathlib import Path

from firmfate.disk import Disk
from firmfate.errors import RunDirectoryError

disk = Disk()
"""What all files of run directories are read and written through; netCDF's library alone writes by itself, to files
that were created here and are flushed and renamed here."""

UNFINISHED = re.compile(r"\.(?P<name>.+)\.(?P<host>[0-9a-f]{8})-(?P<pid>[1-9]\d{0,8})-\d+\.part")

ABANDONED = 86_400.0
"""Seconds without a change after which another machine's unfinished file is taken for a dead process's."""

PATIENCE = 60.0
"""Seconds to wait for a folder that another process has locked; it is for a moment."""
PAUSE = 0.05

NO_LOCKS = {errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL, errno.EBADF}
"""What file systems answer that have no locks, or none on folders."""

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

    Where `path` is a link, what it names is replaced; where it is a pipe or a device, it is given itself. Those of
    another user than this one and root are replaced themselves: who may write to a folder shall not choose other files.

    Raises
    ------
    RunDirectoryError
        Where it cannot be written, flushed or renamed: names `path` and the reason.
    """
    place, is_stream = _place(path)
    if is_stream:
        try:
            yield place
        except OSError as fault:
            raise refusal(path, fault) from fault
        return
    unfinished = place.with_name(f".{place.name}.{host()}-{disk.process()}-{next(_count)}.part")
    try:
        disk.create(unfinished)
        yield unfinished
        disk.flush(unfinished)
        disk.rename(unfinished, place)
        flush_folder(place.parent)
    except OSError as fault:
        raise refusal(path, fault) from fault
    finally:
        with contextlib.suppress(OSError):
            disk.remove(unfinished)


def _place(path: Path) -> tuple[Path, bool]:
    """Return what is replaced, or written to, under a name, and whether it is a pipe or a device."""
    try:
        owner = path.lstat().st_uid
    except OSError:
        return path, False
    if owner not in (0, getattr(os, "geteuid", int)()):
        return path, False
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        return path, True
    return Path(os.path.realpath(path)) if path.is_symlink() else path, False


def write(path: Path, content: bytes | memoryview | str) -> Path:
    """Write a file of bytes, or of text in UTF-8; return its path.

    Raises
    ------
    RunDirectoryError
        As `replacing`.
    """
    with replacing(path) as unfinished:
        disk.write(unfinished, content.encode() if isinstance(content, str) else content)
    return path


def write_if_new(path: Path, content: bytes | str) -> None:
    """Write a file of bytes, or of text in UTF-8, where its content is another, or there is none.

    Raises
    ------
    RunDirectoryError
        As `replacing`, and where the file that is there cannot be read.
    """
    content = content.encode() if isinstance(content, str) else content
    if not (path.is_file() and read(path) == content):
        write(path, content)


def refuse_name(path: Path) -> None:
    """Refuse a name that the netCDF library opens no file by: it takes UTF-8 alone, and a backslash for a slash.

    Raises
    ------
    RunDirectoryError
        Where it does not.
    """
    if (os.sep == "/" and "\\" in str(path)) or any("\ud800" <= letter <= "\udfff" for letter in str(path)):
        raise RunDirectoryError(
            f"{path}: the netCDF library cannot open files by this name; choose one in UTF-8, without a backslash"
        )


def read(path: Path) -> bytes:
    """Return what is in a file.

    Raises
    ------
    RunDirectoryError
        Where it cannot be read: names it and the reason.
    """
    try:
        return disk.read(path)
    except OSError as fault:
        raise RunDirectoryError(f"{path} cannot be read: {reason(fault)}") from fault


def names(folder: Path) -> list[str]:
    """Return the names in a folder, sorted; none where there is no such folder.

    Raises
    ------
    RunDirectoryError
        Where it cannot be read: names it and the reason.
    """
    try:
        return disk.names(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as fault:
        raise RunDirectoryError(f"{folder} cannot be read: {reason(fault)}") from fault


def make_folder(path: Path) -> None:
    """Make a folder and those that it is in, where they are missing.

    Raises
    ------
    RunDirectoryError
        Where one cannot be made: names it and the reason.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.is_dir()]
    for folder in reversed(missing):
        try:
            disk.make_folder(folder)
        except FileExistsError:  # by another process, meanwhile
            if not folder.is_dir():
                raise RunDirectoryError(f"{folder} is a file, or a link to nothing; name a directory") from None
        except OSError as fault:
            raise refusal(folder, fault) from fault


def remove(path: Path) -> None:
    """Remove a file, where there is one.

    Raises
    ------
    RunDirectoryError
        Where it cannot be removed: names it and the reason.
    """
    try:
        disk.remove(path)
    except FileNotFoundError:
        return
    except OSError as fault:
        raise RunDirectoryError(f"{path} cannot be removed: {reason(fault)}") from fault


def refusal(path: Path, fault: OSError) -> RunDirectoryError:
    """Return the error for a file that cannot be written, with its name and the reason."""
    if fault.errno in (errno.ENOSPC, errno.EDQUOT):
        return RunDirectoryError(f"no space is left for {path}; make room and run the same command again")
    return RunDirectoryError(f"{path} cannot be written: {reason(fault)}")


def reason(fault: OSError) -> str:
    """Return why the system refused, without the name of a file."""
    return os.strerror(fault.errno) if fault.errno else str(fault)


def reserve(folder: Path, size: int) -> None:
    """See that so many bytes can be written into a folder, quotas included: they are allocated, and given back.

    Raises
    ------
    OSError
        Where there is not so much space.
    """
    disk.reserve(folder, size)


def flush_folder(folder: Path) -> None:
    """Flush a folder's names to disk, so that those given and taken survive a crash of the machine.

    Raises
    ------
    OSError
        Where that fails.
    """
    try:
        disk.flush(folder)
    except OSError as fault:
        if fault.errno != errno.EINVAL:  # file systems that cannot flush folders refuse it, and have nothing to flush
            raise


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a lock on a folder among all processes that ask for it; file systems without locks are no reason to stop.

    Raises
    ------
    RunDirectoryError
        Where another process holds it for a minute, or it fails: names the folder and the reason.
    """
    with contextlib.ExitStack() as held:
        for _ in range(round(PATIENCE / PAUSE)):
            try:
                held.enter_context(disk.lock(folder))
                break
            except BlockingIOError:
                disk.wait(PAUSE)
            except OSError as fault:
                if fault.errno not in NO_LOCKS:
                    raise RunDirectoryError(f"{folder} cannot be locked: {reason(fault)}") from fault
                break
        else:
            raise RunDirectoryError(
                f"{folder} is held by another process for {PATIENCE:g} s; see whether one hangs there, end it, and run "
                "the same command again"
            )
        yield


def settle(folder: Path) -> None:
    """Flush the names in a folder, and those of the folder and of all that it is in, as far as this user can write.

    What was found there may have been written by a process that was killed before it came to this.

    Raises
    ------
    RunDirectoryError
        Where one cannot be flushed: names it and the reason.
    """
    for each in (folder, *folder.absolute().parents):
        if not os.access(each, os.W_OK):  # so its names were not given by this user, nor are they being given
            return
        try:
            flush_folder(each)
        except OSError as fault:
            raise refusal(each, fault) from fault
        if each.is_mount():
            return


def remove_leftovers(folder: Path, name: str | None = None) -> list[Path]:
    """Remove what dead processes left unfinished in a folder, or there under one name; return what was removed.

    A file of this machine goes when its process is gone. Whether a process of another machine still runs cannot be
    seen: its file goes when it has not changed for a day.
    """
    removed = []
    with contextlib.suppress(OSError):
        for held in disk.names(folder):
            match = UNFINISHED.fullmatch(held)
            if match is None or (name is not None and match["name"] != name):
                continue
            path = folder / held
            with contextlib.suppress(OSError):
                if match["host"] == host():
                    dead = not disk.runs(int(match["pid"]))
                else:
                    dead = time.time() - path.stat().st_mtime > ABANDONED
                if dead:
                    disk.remove(path)
                    removed.append(path)
    return removed
