"""The real thing beside the simulator: processes that are killed, disks that are full or read-only, flipped bytes."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.faults.children import Children, Ended
from tests.faults.conftest import SMALL_SHARDS, Undisturbed, shards
from tests.faults.counted import Outcomes, record
from tests.faults.promises import gathered

Record = Callable[[str, object], None]
GOES_ON = "nothing lost, the same command goes on"
KILLED_RUN = ("kill -9 of run", GOES_ON)


def judged(ended: Ended, place: Path) -> str:
    """See that a command ended in a way that has a name, in one message that names a file; return which."""
    assert "Traceback" not in ended.said, ended
    assert "internal error" not in ended.said, ended
    if ended.code == 0:
        return "ended well"
    assert ended.code in (2, 3), ended
    assert str(place) in ended.said, ended
    if ended.code == 2 or not ended.said.startswith("study "):  # the table of `status` is its message
        assert sum(line.startswith("firmfate: ") for line in ended.said.splitlines()) == 1, ended
    return "refused, naming the file" if ended.code == 2 else "reported as incomplete"


def commands(undisturbed: Undisturbed, run: Path) -> list[tuple[object, ...]]:
    """Return the commands that are killed, in their order."""
    return [
        ("run", undisturbed.study, "--into", run, *SMALL_SHARDS),
        ("gather", run, "--quiet"),
        ("export", run, "--into", run.parent / "counts.csv", "--quiet"),
        ("status", run),
    ]


def seconds_of(children: Children, words: list[tuple[object, ...]]) -> list[float]:
    """Return how long each command takes on this machine."""
    taken = []
    for command in words:
        begin = time.monotonic()
        assert children.run(*command).code == 0
        taken.append(time.monotonic() - begin)
    return taken


def kill_often(children: Children, undisturbed: Undisturbed, folder: Path, count: int, seed: int) -> Outcomes:
    """Kill a run at random moments until it is complete, and its commands after it; then another; so many times.

    It goes on until a run was killed three times at least, since on a quick machine most kills may come too late.
    """
    draw, outcomes = random.Random(seed), Counter[tuple[str, str]]()
    run, finished, place, tries = folder / "run", frozenset[str](), 0, 0
    words = commands(undisturbed, run)
    longest = seconds_of(children, commands(undisturbed, folder / "timed"))
    while sum(outcomes.values()) < count or outcomes[KILLED_RUN] < 3:
        assert tries < 20 * count, outcomes
        tries += 1
        ended = children.killed(draw.uniform(0.0, 1.2 * longest[place]), *words[place])
        name = str(words[place][0])
        if ended.code == -9:
            outcomes[f"kill -9 of {name}", GOES_ON] += 1
        else:
            assert ended.code == 0, ended
            place += 1
        held = shards(run)
        assert finished <= held <= undisturbed.shards
        finished = held
        if (run / "result.nc").exists():
            assert gathered(run / "result.nc") == undisturbed.bits
        if place == len(words):
            assert held == undisturbed.shards
            assert children.run(*words[0]).code == 0
            assert not list(run.rglob("*.part"))
            shutil.rmtree(run)
            finished, place = frozenset(), 0
    if run.exists():
        assert children.run(*words[0]).code == 0
        assert gathered(run / "result.nc") == undisturbed.bits
        assert not list(run.rglob("*.part"))
    return outcomes


@pytest.mark.slow
def test_twenty_kills_lose_nothing(children: Children, undisturbed: Undisturbed, tmp_path: Path) -> None:
    outcomes = kill_often(children, undisturbed, tmp_path, 20, seed=1)
    assert sum(outcomes.values()) >= 20


@pytest.mark.evidence
def test_two_hundred_kills_lose_nothing(
    children: Children, undisturbed: Undisturbed, tmp_path: Path, record_property: Record
) -> None:
    record(record_property, kill_often(children, undisturbed, tmp_path, 200, seed=2))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("mounting a small file system takes root; the simulator's disk is full without")
    unmounting = subprocess.Popen(  # when its input ends: with the test, or where this process is killed
        ["sh", "-c", 'read -r _; umount --lazy "$0"', folder], stdin=subprocess.PIPE, start_new_session=True
    )
    yield folder
    unmounting.communicate()
    assert unmounting.returncode == 0


def fill_often(
    children: Children, undisturbed: Undisturbed, disk: Path, sizes: list[int], words: list[tuple[object, ...]]
) -> Outcomes:
    """Run commands on a disk of so many bytes, make room, and run them again; each size begins with nothing."""
    outcomes = Counter[tuple[str, str]]()
    for size in sizes:
        subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)
        for command in words:
            ended = children.run(*command, checks_space=False)
            outcomes[f"disk full in {command[0]}", judged(ended, disk)] += 1
            if ended.code:
                break
        assert not list(disk.rglob("*.part"))
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        for command in words:
            assert children.run(*command).code == 0
        assert gathered(disk / "run" / "result.nc") == undisturbed.bits
        for path in disk.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return outcomes


def filling(undisturbed: Undisturbed, disk: Path) -> list[tuple[object, ...]]:
    """Return what is run on a disk that fills up."""
    return [
        ("run", undisturbed.study, "--into", disk / "run", *SMALL_SHARDS),
        ("export", disk / "run", "--into", disk / "counts.csv", "--quiet"),
    ]


@pytest.mark.slow
def test_full_disks_are_refused_and_the_same_command_goes_on(
    children: Children, undisturbed: Undisturbed, disk: Path
) -> None:
    outcomes = fill_often(
        children, undisturbed, disk, [16_384, 65_536, 131_072, 1_200_000, 2_500_000], filling(undisturbed, disk)
    )
    assert {outcome for _, outcome in outcomes} == {"refused, naming the file", "ended well"}


@pytest.mark.evidence
def test_disks_of_many_sizes_are_full(
    children: Children, undisturbed: Undisturbed, disk: Path, record_property: Record
) -> None:
    sizes = [4096 * pages for pages in (*range(2, 60, 2), *range(60, 1_000, 40))]
    record(record_property, fill_often(children, undisturbed, disk, sizes, filling(undisturbed, disk)))


def everything(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def read_only_often(
    children: Children, undisturbed: Undisturbed, disk: Path, folder: Path, moments: list[float | None]
) -> Outcomes:
    """Make a disk read-only with a run that was killed after such shares of its time, or not; run commands; go on."""
    outcomes, run = Counter[tuple[str, str]](), disk / "run"
    goes_on = ("run", undisturbed.study, "--into", run, *SMALL_SHARDS)
    (longest,) = seconds_of(children, [("run", undisturbed.study, "--into", folder / "timed", *SMALL_SHARDS)])
    words: list[tuple[object, ...]] = [
        ("status", run),
        ("replay", run),
        ("export", run, "--into", folder / "x.csv"),
        ("export", run, "--into", disk / "x.csv"),
        goes_on,
        ("run", undisturbed.study, "--into", disk / "new"),
        ("gather", run),
        ("report", run),
    ]
    for moment in moments:
        if moment is None:
            assert children.run(*goes_on).code == 0
        else:
            children.killed(moment * longest, *goes_on)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        try:
            before = everything(disk)
            for command in words:
                outcomes[f"read-only disk in {command[0]}", judged(children.run(*command), disk)] += 1
                assert everything(disk) == before
        finally:
            subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        assert children.run(*goes_on).code == 0
        assert gathered(run / "result.nc") == undisturbed.bits
        assert not list(run.rglob("*.part"))
        shutil.rmtree(run)
    return outcomes


@pytest.mark.slow
def test_what_is_read_only_can_be_read_and_is_not_touched(
    children: Children, undisturbed: Undisturbed, disk: Path, tmp_path: Path
) -> None:
    outcomes = read_only_often(children, undisturbed, disk, tmp_path, [None])
    ended_well = {what.split()[-1] for what, outcome in outcomes if outcome == "ended well"}
    assert ended_well == {"status", "replay", "export"}
    assert outcomes["read-only disk in run", "refused, naming the file"] == 2
    assert outcomes["read-only disk in export", "refused, naming the file"] == 1
    assert outcomes["read-only disk in gather", "refused, naming the file"] == 1
    assert outcomes["read-only disk in report", "refused, naming the file"] == 1


@pytest.mark.evidence
def test_disks_are_read_only_at_many_moments_of_a_run(
    children: Children, undisturbed: Undisturbed, disk: Path, tmp_path: Path, record_property: Record
) -> None:
    moments = [None, 0.08, 0.15, 0.22, 0.3]
    record(record_property, read_only_often(children, undisturbed, disk, tmp_path, moments))


def damage_often(children: Children, undisturbed: Undisturbed, folder: Path, count: int, seed: int) -> Outcomes:
    """Flip a byte of a file of a run, or cut it, and run a command; so many times, each file in turn."""
    draw, outcomes = random.Random(seed), Counter[tuple[str, str]]()
    run, words = folder / "run", {
        "run": ("run", undisturbed.study, "--into", folder / "run", *SMALL_SHARDS),
        "gather": ("gather", folder / "run", "--quiet"),
        "status": ("status", folder / "run"),
        "export": ("export", folder / "run", "--into", folder / "x.csv", "--quiet"),
        "replay": ("replay", folder / "run"),
    }  # fmt: skip
    originals = everything(undisturbed.run)
    shutil.copytree(undisturbed.run, run)
    assert children.run(*words["export"]).code == 0
    exported = (folder / "x.csv").read_bytes()
    kinds = sorted({Path(name).suffix if name.startswith("shards") else name for name in originals})
    for place in range(count):
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(undisturbed.run, run)
        kind = kinds[place % len(kinds)]
        path = run / draw.choice([name for name in originals if name.endswith(kind)])
        data = bytearray(path.read_bytes())
        how = draw.choice(["flipped", "flipped", "flipped", "cut", "emptied"])
        if how == "flipped":
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        else:
            del data[draw.randrange(len(data)) if how == "cut" else 0 :]
        path.write_bytes(data)
        name = draw.choice(list(words))
        ended = children.run(*words[name])
        try:
            outcomes[f"{kind} {how}", judged(ended, run)] += 1
            if name in ("run", "gather") and ended.code == 0:
                assert gathered(run / "result.nc") == undisturbed.bits, "other bits"
            if name == "export" and ended.code == 0:
                assert (folder / "x.csv").read_bytes() == exported, "other rows"
        except AssertionError as fault:
            raise AssertionError(f"{name} after {path.name} was {how}, {place}: {fault}") from fault
    return outcomes


@pytest.mark.slow
def test_flipped_bytes_of_every_file_are_refused_or_made_good(
    children: Children, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    outcomes = damage_often(children, undisturbed, tmp_path, 40, seed=3)
    assert len({what.split()[0] for what, _ in outcomes}) >= 5


@pytest.mark.evidence
def test_a_thousand_damages_are_refused_or_made_good(
    children: Children, undisturbed: Undisturbed, tmp_path: Path, record_property: Record
) -> None:
    record(record_property, damage_often(children, undisturbed, tmp_path, 1_000, seed=4))


@pytest.mark.slow
def test_the_process_that_forks_reports_kills_and_refusals(children: Children, tmp_path: Path) -> None:
    assert children.run("status", tmp_path / "none").code == 2
    assert children.killed(0.0, "status", tmp_path).code in (-9, 2)
    assert os.getpid() != children.begin("status", tmp_path)
