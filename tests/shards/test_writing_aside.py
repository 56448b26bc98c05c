"""Writing aside: complete or not there, one error that names file and reason, and nothing left of dead processes."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from firmfate import files
from firmfate.errors import RunDirectoryError
from firmfate.exporting.tables import Column, Table


def names(folder: Path) -> set[str]:
    """Return the names in a folder."""
    return {path.name for path in folder.iterdir()}


def failing(number: int, calls: list[str], name: str):
    """Return a function that notes its call and fails."""

    def fail(*_: object, **__: object) -> None:
        calls.append(name)
        raise OSError(number, os.strerror(number))

    return fail


def test_a_file_takes_its_place_when_it_is_complete_and_flushed(tmp_path: Path, monkeypatch) -> None:
    path, calls = tmp_path / "a.txt", []
    path.write_text("old")
    flush, replace = os.fsync, Path.replace

    def flushed(descriptor: int) -> None:
        calls.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        flush(descriptor)

    def replaced(self: Path, to: Path) -> Path:
        calls.append("rename")
        return replace(self, to)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(Path, "replace", replaced)
    with files.replacing(path) as unfinished:
        unfinished.write_text("new")
        assert path.read_text() == "old"
        assert unfinished.parent == tmp_path
    assert path.read_text() == "new"
    assert names(tmp_path) == {"a.txt"}
    assert calls == [str(unfinished), "rename", str(tmp_path)]


def test_a_link_is_followed_and_a_pipe_is_written_to(tmp_path: Path) -> None:
    kept, link, pipe = tmp_path / "kept.txt", tmp_path / "link.txt", tmp_path / "pipe.txt"
    link.symlink_to("kept.txt")
    for text in ("new", "newer"):  # the first follows a link to nothing
        files.write(link, text)
        assert link.is_symlink()
        assert kept.read_text() == text
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    files.write(pipe, "through")
    assert os.read(reading, 100) == b"through"
    os.close(reading)
    assert pipe.is_fifo()
    assert names(tmp_path) == {"kept.txt", "link.txt", "pipe.txt"}


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a link to another user takes root")
def test_another_users_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    mine, link = tmp_path / "mine.txt", tmp_path / "link.txt"
    mine.write_text("mine")
    link.symlink_to("mine.txt")
    os.chown(link, 65_534, 65_534, follow_symlinks=False)
    files.write(link, "new")
    assert (mine.read_text(), link.read_text(), link.is_symlink()) == ("mine", "new", False)


@pytest.mark.parametrize("content", [b"\x00\xff", memoryview(b"\x00\xff"), "Größe\n"])
def test_bytes_and_text_are_written_as_they_are(tmp_path: Path, content: bytes | memoryview | str) -> None:
    assert files.write(tmp_path / "a", content) == tmp_path / "a"
    assert (tmp_path / "a").read_bytes() == (content.encode() if isinstance(content, str) else bytes(content))


REASONS = {
    errno.ENOSPC: "no space is left for {path}; make room and run the same command again",
    errno.EDQUOT: "no space is left for {path}; make room and run the same command again",
    errno.EIO: "{path} cannot be written: Input/output error",
    errno.EROFS: "{path} cannot be written: Read-only file system",
}


@pytest.mark.parametrize("number", REASONS)
@pytest.mark.parametrize("what", ["write", "flush", "rename"])
def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch, number: int, what: str) -> None:
    path, calls = tmp_path / "a.txt", []
    path.write_text("old")
    owner, name = {"write": (Path, "write_bytes"), "flush": (os, "fsync"), "rename": (Path, "replace")}[what]
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, failing(number, calls, what))
        with pytest.raises(RunDirectoryError) as refusal:
            files.write(path, "new")
    assert str(refusal.value) == REASONS[number].format(path=path)
    assert calls == [what]
    assert path.read_text() == "old"
    assert names(tmp_path) == {"a.txt"}


@pytest.mark.parametrize("fault", [KeyboardInterrupt, ValueError])
def test_what_ends_the_writing_leaves_nothing_and_goes_on(tmp_path: Path, fault: type[BaseException]) -> None:
    def fail(unfinished: Path) -> None:
        unfinished.write_text("half")
        raise fault

    with pytest.raises(fault), files.replacing(tmp_path / "a") as unfinished:
        fail(unfinished)
    assert names(tmp_path) == set()


def test_a_file_system_that_cannot_flush_folders_is_no_failure(tmp_path: Path, monkeypatch) -> None:
    flush = os.fsync

    def only_files(descriptor: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", only_files)
    files.write(tmp_path / "a", "x")
    assert names(tmp_path) == {"a"}


WRITER = """
import sys, time
from pathlib import Path
from firmfate import files
with files.replacing(Path(sys.argv[1])) as unfinished:
    unfinished.write_text("half")
    print(unfinished, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def writing(tmp_path: Path):
    """A process in the middle of writing `a`, and its unfinished file."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, tmp_path / "a"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    unfinished = Path(process.stdout.readline().strip())
    yield process, unfinished
    process.kill()
    process.communicate()


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(writing, tmp_path: Path) -> None:
    process, unfinished = writing
    assert unfinished.is_file()
    assert files.remove_leftovers(tmp_path) == []
    process.kill()
    process.wait()
    (tmp_path / "mine.part").write_text("")
    (tmp_path / ".a.part").write_text("")
    assert files.remove_leftovers(tmp_path, "b") == []
    assert files.remove_leftovers(tmp_path, "a") == [unfinished]
    assert names(tmp_path) == {"mine.part", ".a.part"}


def test_another_machines_file_is_removed_when_it_has_not_changed_for_a_day(tmp_path: Path) -> None:
    theirs = tmp_path / f".a.{'0' * 8}-1-0.part"  # a process of this number runs here, and nobody knows about there
    theirs.write_text("half")
    assert files.host() != "0" * 8
    day = time.time() - files.ABANDONED
    os.utime(theirs, (day + 600, day + 600))
    assert files.remove_leftovers(tmp_path) == []
    os.utime(theirs, (day - 1, day - 1))
    assert files.remove_leftovers(tmp_path) == [theirs]


def test_a_process_of_another_user_is_taken_for_running(tmp_path: Path, monkeypatch) -> None:
    theirs = tmp_path / f".a.{files.host()}-1-0.part"
    theirs.write_text("half")
    monkeypatch.setattr(os, "kill", failing(errno.EPERM, [], ""))
    assert files.remove_leftovers(tmp_path) == []
    monkeypatch.setattr(os, "kill", failing(errno.ESRCH, [], ""))
    assert files.remove_leftovers(tmp_path) == [theirs]


def test_a_folder_that_is_not_there_has_no_leftovers(tmp_path: Path) -> None:
    assert files.remove_leftovers(tmp_path / "none") == []


def test_room_is_asked_for_and_given_back(tmp_path: Path, monkeypatch) -> None:
    before = os.statvfs(tmp_path).f_bfree
    files.reserve(tmp_path, 1 << 20)
    assert names(tmp_path) == set()
    assert os.statvfs(tmp_path).f_bfree > before - 100
    monkeypatch.setattr(os, "posix_fallocate", failing(errno.EDQUOT, [], ""))
    with pytest.raises(OSError, match="quota"):
        files.reserve(tmp_path, 1)


def test_an_export_removes_what_a_killed_one_of_its_name_left(writing, tmp_path: Path) -> None:
    process, unfinished = writing
    process.kill()
    process.wait()
    left = unfinished.rename(tmp_path / unfinished.name.replace(".a.", ".x.csv."))
    with Table(tmp_path / "x.csv", [Column("n", "integer", "1", "a number")]):
        assert not left.exists()
    assert names(tmp_path) == {"x.csv", "x.dictionary.csv"}


LOCKER = """
import sys
from pathlib import Path
from firmfate import files
with files.locked(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_a_locked_folder_is_waited_for_and_goes_with_the_process_that_holds_it(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(files, "PATIENCE", 0.3)
    words = [sys.executable, "-c", LOCKER, tmp_path]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(RunDirectoryError, match=f"{tmp_path} is held by another process"), files.locked(tmp_path):
            pass
        holder.kill()
    with files.locked(tmp_path):
        pass


@pytest.mark.parametrize(("number", "stops"), [(errno.ENOSYS, False), (errno.ENOLCK, False), (errno.EIO, True)])
def test_file_systems_without_locks_are_no_failure(tmp_path: Path, monkeypatch, number: int, stops: bool) -> None:
    monkeypatch.setattr("fcntl.flock", failing(number, [], ""))
    with contextlib.ExitStack() as stack:
        if stops:
            stack.enter_context(pytest.raises(RunDirectoryError, match=f"{tmp_path} cannot be locked: Input/output"))
        stack.enter_context(files.locked(tmp_path))


def test_names_are_flushed_up_to_where_the_user_may_not_write(tmp_path: Path, monkeypatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: calls.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    monkeypatch.setattr(os, "access", lambda path, _: Path(path).is_relative_to(tmp_path))
    files.make_folder(tmp_path / "a" / "b")
    files.settle(tmp_path / "a" / "b")
    assert calls == [str(tmp_path / "a" / "b"), str(tmp_path / "a"), str(tmp_path)]
