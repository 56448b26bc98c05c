"""A shard's file: the same bytes for the same shard; nothing but that shard is read, in no more memory than needed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmfate import Study, files, provenance
from firmfate.errors import BrokenShardError, RunDirectoryError
from firmfate.shards import Worker, plan, schema
from firmfate.shards import file as shard_file
from firmfate.shards.directory import fingerprint_of
from firmfate.shards.file import LENGTHS, MAGIC, ShardContent, ShardFile, encode, narrowed, read, read_keys
from firmfate.shards.plan import Shard, block_digest
from firmfate.shards.schema import Schema

POPULATION = {"execution": {"uniform": [0.0, 1.0]}, "strata": {"execution": 3}}
STUDIES = {
    "car": Study(study={"name": "s", "model": "car", "replicates": 50}, grid={"execution": [0.1, 0.9]}),
    "firm, recorded, in strata": Study(
        study={"name": "s", "years": 2, "replicates": 50}, grid={"misalignment": [0.1, 0.9]}, population=POPULATION,
        record={"firms": True},
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=STUDIES)
def shard(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Worker, ShardFile]:
    """The shard of a study, and its worker."""
    study = STUDIES[request.param]
    worker, folder = Worker(study, fingerprint_of(study)), tmp_path_factory.mktemp("shards")
    (whole,) = plan(study).shards
    worker.run(whole, folder)
    (file,) = (ShardFile.parse(path) for path in folder.iterdir())
    assert file is not None
    return worker, file


@pytest.fixture(scope="module")
def car(tmp_path_factory: pytest.TempPathFactory) -> tuple[Worker, ShardFile]:
    """The shard of the cars, and its worker."""
    study = STUDIES["car"]
    worker, folder = Worker(study, fingerprint_of(study)), tmp_path_factory.mktemp("shards")
    worker.run(plan(study).shards[0], folder)
    (file,) = (ShardFile.parse(path) for path in folder.iterdir())
    assert file is not None
    return worker, file


def parts(data: bytes) -> tuple[dict, bytes, bytes]:
    """Return header, versions and arrays of a shard's bytes."""
    plain = zlib.decompress(data[len(MAGIC) + 32 :])
    header, versions = LENGTHS.unpack_from(plain)
    begin = LENGTHS.size
    return (
        json.loads(plain[begin : begin + header]),
        plain[begin + header :][:versions],
        plain[begin + header + versions :],
    )


def forged(folder: Path, original: ShardFile, header: dict, arrays: bytes, *, behind: bytes = b"") -> ShardFile:
    """Write a shard of that header and these bytes, with a right digest in the file and in its name."""
    text = json.dumps(header, separators=(",", ":")).encode()
    digest = hashlib.sha256(text + arrays)
    path = folder / f"{original.path.name.rpartition('-')[0]}-{digest.hexdigest()[:16]}.shard"
    path.write_bytes(
        MAGIC + digest.digest() + zlib.compress(LENGTHS.pack(len(text), 2) + text + b"{}" + arrays) + behind
    )
    found = ShardFile.parse(path)
    assert found is not None
    return found


def test_what_is_read_is_what_was_counted(shard: tuple[Worker, ShardFile]) -> None:
    worker, file = shard
    (whole,) = plan(worker.study).shards
    content = read(file, worker.schema)
    counts = worker.counts(whole)
    assert content.cell_keys == worker.cells.keys == read_keys(file, worker.schema)
    assert (content.first, content.replicates) == (0, 50)
    for name, values in counts.items():
        assert np.array_equal(content.arrays[name], values), name
        assert not content.arrays[name].flags.writeable
    recorded = {name for name in content.arrays if name not in counts}
    assert recorded == ({f"recorded_{n}" for n in ("event_step", "cause", "alarm_step", "green_kpis")}
                        if worker.study.record_firms else set())  # fmt: skip
    for name in recorded:
        assert content.arrays[name].shape == (2, 50)


def test_the_same_shard_is_the_same_bytes_later_and_the_same_name_under_other_versions(
    shard: tuple[Worker, ShardFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, file = shard
    content = read(file, worker.schema)
    time.sleep(1.1)
    digest, data = encode(content, worker.schema)
    assert data == file.path.read_bytes()
    monkeypatch.setattr(shard_file, "_versions", lambda: b'{"python": "3.99"}')
    monkeypatch.setattr(shard_file, "LEVEL", 1)
    again, other = encode(content, worker.schema)
    assert other != data
    assert again == digest
    (tmp_path / file.path.name).write_bytes(other)
    found = ShardFile.parse(tmp_path / file.path.name)
    assert found is not None
    assert all(
        np.array_equal(read(found, worker.schema).arrays[name], values) for name, values in content.arrays.items()
    )


@pytest.mark.parametrize("cells", [1, 2])
def test_a_shard_of_as_many_cells_as_are_allowed_is_read_and_of_one_more_is_not(
    cells: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = STUDIES["car"]
    worker = Worker(study, fingerprint_of(study))
    keys = worker.cells.keys[:cells]
    worker.run(Shard(tuple(range(cells)), 0, 50, block_digest(keys)), tmp_path)
    (file,) = (ShardFile.parse(path) for path in tmp_path.iterdir())
    assert file is not None
    monkeypatch.setattr(schema, "HELD_BYTES", cells * worker.schema.counters.bytes_while_counting)
    assert read(file, Schema.of(study, worker.fingerprint)).cell_keys == keys
    monkeypatch.setattr(schema, "HELD_BYTES", cells * worker.schema.counters.bytes_while_counting - 1)
    if cells == 1:  # one is always allowed
        assert read(file, Schema.of(study, worker.fingerprint)).cell_keys == keys
    else:
        with pytest.raises(BrokenShardError, match="it holds 2 cells; allowed: 1 to 1"):
            read(file, Schema.of(study, worker.fingerprint))


def test_a_shard_says_what_it_is_of_and_what_made_it(shard: tuple[Worker, ShardFile]) -> None:
    worker, file = shard
    header, versions, arrays = parts(file.path.read_bytes())
    assert file.path.read_bytes().startswith(b"firmfate shard 2\n")
    assert header["fingerprint"] == worker.fingerprint
    assert (header["first"], header["replicates"]) == (0, 50)
    assert tuple(header["cells"]) == worker.cells.keys
    assert json.loads(versions) == provenance.versions()
    declared = {name: (tuple(dims), kind, tuple(shape)) for name, dims, kind, shape in header["arrays"]}
    assert declared["batch_events"][0][-3:] == ("batch", "cause", "bin")
    assert len(arrays) == sum(
        np.dtype(kind).itemsize * np.prod(shape, dtype=int) for _, kind, shape in declared.values()
    )


@pytest.mark.parametrize(
    ("values", "kind"),
    [([], "u1"), ([0, 255], "u1"), ([256], "u2"), ([65_535], "u2"), ([65_536], "u4"), ([2**32 - 1], "u4"),
     ([2**32], "i8"), ([2**63 - 1], "i8"), ([-1, 127], "i1"), ([-1, 128], "i2"), ([-129], "i2"),
     ([-(2**15) - 1], "i4"), ([-1, 2**31], "i8")],
)  # fmt: skip
def test_numbers_are_kept_in_the_smallest_type(values: list[int], kind: str) -> None:
    kept = narrowed(np.array(values, np.int64))
    assert kept.dtype == np.dtype(f"<{kind}")
    assert kept.tolist() == values


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_any_flipped_bit_and_any_truncation_is_seen(car: tuple[Worker, ShardFile], data: st.DataObject) -> None:
    """What names the file stays readable as it is, or is refused by its name; never another number."""
    worker, file = car
    good, content = file.path.read_bytes(), read(file, worker.schema)
    place = data.draw(st.integers(0, len(good) - 1))
    changed = bytearray(good)
    if data.draw(st.booleans()):
        changed[place] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del changed[place:]
    path = file.path.parent / "changed" / file.path.name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(changed)
    found = ShardFile.parse(path)
    assert found is not None
    again, refusal = None, ""
    try:
        again = read(found, worker.schema)
    except BrokenShardError as fault:
        refusal = str(fault)
    if again is None:
        assert str(path) in refusal
    else:
        assert again.cell_keys == content.cell_keys
        assert all(np.array_equal(again.arrays[name], values) for name, values in content.arrays.items())


Change = Callable[[dict, bytes], tuple[dict, bytes]]


def without(name: str) -> Change:
    """Leave an array out, its bytes too."""

    def change(header: dict, arrays: bytes) -> tuple[dict, bytes]:
        place = 0
        for own, _, kind, shape in header["arrays"]:
            size = np.dtype(kind).itemsize * int(np.prod(shape))
            if own == name:
                arrays = arrays[:place] + arrays[place + size :]
            place += size
        return header | {"arrays": [row for row in header["arrays"] if row[0] != name]}, arrays

    return change


def declared(**changes: object) -> Change:
    """Change what the header says of the array `firms`."""

    def change(header: dict, arrays: bytes) -> tuple[dict, bytes]:
        rows = [
            [own, changes.get("dims", dims), changes.get("kind", kind), changes.get("shape", shape)]
            if own == "firms"
            else [own, dims, kind, shape]
            for own, dims, kind, shape in header["arrays"]
        ]
        return header | {"arrays": rows}, arrays

    return change


FORGED: dict[str, tuple[Change, str]] = {
    "another study's": (lambda h, a: (h | {"fingerprint": "0" * 16}, a), "its fingerprint is '0000000000000000'"),
    "a long fingerprint": (lambda h, a: (h | {"fingerprint": "\x1b[2J" * 9999}, a), r"fingerprint is '\\x1b"),
    "no fingerprint": (lambda h, a: ({k: v for k, v in h.items() if k != "fingerprint"}, a), r"a shard \(KeyError\)"),
    "other replicates": (lambda h, a: (h | {"replicates": 51}, a), "not those of its name"),
    "another first replicate": (lambda h, a: (h | {"first": 50}, a), "not those of its name"),
    "other cells": (lambda h, a: (h | {"cells": h["cells"][::-1]}, a), "not those of its name"),
    "no cells": (lambda h, a: (h | {"cells": []}, a), "not those of its name"),
    "cells that are one text": (lambda h, a: (h | {"cells": ["".join(h["cells"])]}, a), "allowed: 1 to"),
    "cells that are a number": (lambda h, a: (h | {"cells": 7}, a), "TypeError"),
    "a variable less": (without("invalid"), "'first_invalid', .* in place of .*'invalid'"),
    "the last variable missing": (without("early_warning_steps_sum"), "no array in place of .*early_warning_steps_sum"),
    "a variable more": (
        lambda h, a: (h | {"arrays": [*h["arrays"], ["x", ["cell"], "u1", [2]]]}, a), "'x', .* in place of none",
    ),
    "huge dims": (declared(shape=[10**12]), r"1000000000000,\)\) in place of"),
    "dims that multiply to the same": (declared(dims=["week"]), r"\('week',\)"),
    "dims below 0": (declared(shape=[-2]), r"-2"),
    "floats": (declared(kind="f8"), r"numbers of type \['f8'\]"),
    "objects": (declared(kind="O"), r"numbers of type \['O'\]"),
    "a wider type": (declared(kind="i8"), "it is too short"),
    "a byte more": (lambda h, a: (h, a + b"\0"), "it is too long"),
    "a byte less": (lambda h, a: (h, a[:-1]), "it is too short"),
    "many zeros more": (lambda h, a: (h, a + bytes(2**28)), "it is too long"),
    "cells of many levels": (
        lambda h, a: (h | {"cells": json.loads("[" * 900 + "]" * 900)}, a),
        "not those of its name",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FORGED)
def test_forged_shards_are_refused(car: tuple[Worker, ShardFile], tmp_path: Path, what: str) -> None:
    """Their digests are right, in the file and in the name: it is the study that they do not fit."""
    worker, file = car
    change, said = FORGED[what]
    header, _, arrays = parts(file.path.read_bytes())
    fake = forged(tmp_path, file, *change(header, arrays))
    with pytest.raises(BrokenShardError, match=said) as refusal:
        read(fake, worker.schema)
    assert str(fake.path) in str(refusal.value)
    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < len(str(fake.path)) + 300


def test_a_shard_of_no_cells_is_refused(car: tuple[Worker, ShardFile], tmp_path: Path) -> None:
    """All else about it fits: its name, its digest, and arrays without a number."""
    worker, _ = car
    arrays = {name: np.empty(shape, np.int64) for name, _, shape in worker.schema.arrays(0, 50)}
    name = f"{block_digest(())}-{0:012d}-{50:012d}"
    found = ShardFile.parse(shard_file.write(tmp_path, name, ShardContent(0, 50, (), arrays), worker.schema))
    assert found is not None
    for reading in (read, read_keys):
        with pytest.raises(BrokenShardError, match="it holds 0 cells; allowed: 1 to"):
            reading(found, worker.schema)


def test_the_forger_writes_what_firmfate_reads(car: tuple[Worker, ShardFile], tmp_path: Path) -> None:
    """The negative control of the test above."""
    worker, file = car
    header, _, arrays = parts(file.path.read_bytes())
    fake = forged(tmp_path, file, header, arrays)
    assert fake.digest == file.digest
    assert read(fake, worker.schema).cell_keys == worker.cells.keys
    with pytest.raises(BrokenShardError, match="it is too long"):
        read(forged(tmp_path, file, header, arrays, behind=b"x"), worker.schema)


FOREIGN = {
    "empty": b"",
    "text": b"not a shard\n" * 100,
    "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(1000),
    "another format": b"firmfate shard 3\n" + bytes(1000),
    "the first line alone": MAGIC,
    "no deflated stream": MAGIC + bytes(1000),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_foreign_files_are_refused_by_name(car: tuple[Worker, ShardFile], tmp_path: Path, what: str) -> None:
    worker, file = car
    path = tmp_path / f"{file.path.name.rpartition('-')[0]}-{'0' * 16}.shard"
    path.write_bytes(FOREIGN[what])
    found = ShardFile.parse(path)
    assert found is not None
    for reading in (read, read_keys):
        with pytest.raises(BrokenShardError, match=path.name):
            reading(found, worker.schema)


@pytest.mark.slow
def test_a_bomb_takes_no_memory(car: tuple[Worker, ShardFile], tmp_path: Path) -> None:
    """Four gibibytes of zeros in four megabytes, behind a header of two million cells: refused, not unpacked."""
    worker, file = car
    header, _, _ = parts(file.path.read_bytes())
    packing = zlib.compressobj(9)
    text = json.dumps(header | {"cells": header["cells"] * 10**6}, separators=(",", ":")).encode()
    stream = packing.compress(LENGTHS.pack(len(text), 2) + text + b"{}")
    for _ in range(64):
        stream += packing.compress(bytes(2**26))
    path = tmp_path / f"{file.path.name.rpartition('-')[0]}-{'0' * 16}.shard"
    path.write_bytes(MAGIC + bytes(32) + stream + packing.flush())
    (tmp_path / "study.toml").write_text(worker.study.text)
    program = (
        "import sys, resource; from pathlib import Path; from firmfate import Study\n"
        "from firmfate.errors import BrokenShardError\n"
        "from firmfate.shards.directory import fingerprint_of\n"
        "from firmfate.shards.file import ShardFile, read\n"
        "from firmfate.shards.schema import Schema\n"
        "study = Study.read(sys.argv[1]); schema = Schema.of(study, fingerprint_of(study))\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: read(ShardFile.parse(Path(sys.argv[2])), schema)\n"
        "except BrokenShardError as fault: print(fault)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "study.toml", path], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    said, kibibytes = done.stdout.splitlines()
    assert path.name in said
    assert int(kibibytes) < 64 * 1024


def test_a_shard_that_cannot_be_read_is_refused(car: tuple[Worker, ShardFile], tmp_path: Path) -> None:
    worker, file = car
    path = tmp_path / file.path.name
    path.mkdir()
    found = ShardFile.parse(path)
    assert found is not None
    with pytest.raises(BrokenShardError, match="cannot be read: Is a directory"):
        read(found, worker.schema)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_pipes_and_devices_are_not_waited_for(car: tuple[Worker, ShardFile], tmp_path: Path) -> None:
    """Commands hung, or filled the memory, where they stood in a run directory."""
    worker, file = car
    path = tmp_path / file.path.name
    os.mkfifo(path)
    found = ShardFile.parse(path)
    assert found is not None
    with pytest.raises(BrokenShardError, match="cannot be read: it is a pipe or a device"):
        read(found, worker.schema)
    for wanted in filter(Path.exists, (path, Path("/dev/zero"))):
        with pytest.raises(RunDirectoryError, match=f"{wanted} cannot be read: it is a pipe or a device"):
            files.read(wanted)


def test_a_shard_is_not_broken_where_the_system_opens_no_more_files(car: tuple[Worker, ShardFile]) -> None:
    """Whole ones were set aside."""
    resource = pytest.importorskip("resource")
    worker, file = car
    held, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    for reading in (read, read_keys):
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, most))
        try:
            with pytest.raises(RunDirectoryError, match=r"\.shard cannot be read: Too many open files"):
                reading(file, worker.schema)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (held, most))
        reading(file, worker.schema)


def test_other_names_are_no_shards() -> None:
    good = f"{'a' * 12}-{0:012d}-{5:012d}-{'0' * 16}"
    assert ShardFile.parse(Path(f"{good}.shard")) is not None
    for name in (f"{good}.nc", f".{good}.shard", f"{good}.shard.part", good.upper() + ".shard", f"x{good}.shard"):
        assert ShardFile.parse(Path(name)) is None, name
