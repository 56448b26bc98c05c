"""The formats that a shard could have: ours, NumPy's archives with and without the smallest types, and netCDF."""

from __future__ import annotations

import io
import statistics
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from firmfate import Study
from firmfate.shards import ShardFile, Worker
from firmfate.shards import file as shard_file
from firmfate.shards.directory import fingerprint_of
from firmfate.shards.file import ShardContent, narrowed, read
from firmfate.shards.plan import Shard, block_digest

AXIS = (0.05, 0.5, 1.0)
Arrays = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A shard, counted, and the worker that counted it."""

    worker: Worker
    shard: Shard
    content: ShardContent


def case(cells: int, firms: int) -> Case:
    """Count a shard of so many cells of `firm` over 20 years."""
    study = Study(
        study={"name": "formats", "replicates": firms, "seed": 20261123},
        grid={"execution": list(AXIS), "misalignment": list(AXIS)},
    )
    worker = Worker(study, fingerprint_of(study))
    keys = worker.cells.keys[:cells]
    shard = Shard(tuple(range(cells)), 0, firms, block_digest(keys))
    return Case(worker, shard, ShardContent(0, firms, keys, dict(worker.counts(shard))))


Way = tuple[Callable[[], bytes], Callable[[bytes], Arrays]]
"""Writes the shard, and reads what was written."""


def ours(one: Case, level: int, folder: Path) -> Way:
    """Return our format, at a level of compression; it is read from a file, as it checks the name of that too."""

    def write() -> bytes:
        held, shard_file.LEVEL = shard_file.LEVEL, level
        try:
            return shard_file.encode(one.content, one.worker.schema)[1]
        finally:
            shard_file.LEVEL = held

    digest, _ = shard_file.encode(one.content, one.worker.schema)
    path = folder / f"{one.shard.name}-{digest[:16]}.shard"
    folder.mkdir()
    path.write_bytes(write())
    found = ShardFile.parse(path)
    assert found is not None
    return write, lambda _: dict(read(found, one.worker.schema).arrays)


def archive(arrays: Arrays, *, level: int = 6) -> bytes:
    """Return arrays as an ``.npz`` of this level of compression."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as target:
        for name, values in arrays.items():
            with target.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, values, allow_pickle=False)
    return written.getvalue()


def unarchived(data: bytes) -> Arrays:
    """Return the arrays of an ``.npz``."""
    with np.load(io.BytesIO(data), allow_pickle=False) as found:
        return {name: found[name] for name in found.files}


def netcdf(one: Case) -> bytes:
    """Return a shard as netCDF, deflated and shuffled, as shards were before format 2."""
    file = netCDF4.Dataset("shard.nc", "w", memory=1 << 20)
    for name, dims, shape in one.worker.schema.arrays(len(one.shard.cells), one.shard.replicates):
        for dim, size in zip(dims, shape, strict=True):
            if dim not in file.dimensions:
                file.createDimension(dim, size)
        values = one.content.arrays[name]
        kind = "i8" if values.size and values.min() < 0 else "u4" if values.max(initial=0) < 2**32 else "u8"
        variable = file.createVariable(name, kind, dims, zlib=True, complevel=1, shuffle=True)
        variable[:] = values.astype(kind)
    return bytes(file.close())


def from_netcdf(data: bytes) -> Arrays:
    """Return the arrays of a netCDF file."""
    with netCDF4.Dataset("shard.nc", memory=data) as file:
        file.set_auto_maskandscale(False)
        return {name: variable[...] for name, variable in file.variables.items()}


def ways(one: Case, folder: Path) -> dict[str, Way]:
    """Return how to write and how to read the shard, by format."""
    wide = dict(one.content.arrays)

    def small() -> Arrays:
        return {name: narrowed(values) for name, values in wide.items()}

    return {
        "netCDF": (lambda: netcdf(one), from_netcdf),
        "npz": (lambda: archive(wide), unarchived),
        "npz, smallest types": (lambda: archive(small()), unarchived),
        "npz, smallest types, level 1": (lambda: archive(small(), level=1), unarchived),
        "npz, smallest types, level 9": (lambda: archive(small(), level=9), unarchived),
        **{f"ours, level {level}": ours(one, level, folder / str(level)) for level in (1, 6, 9)},
    }


def milliseconds(call: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Return the median of some calls, and what the last returned."""
    taken, result = [], None
    for _ in range(repeats):
        begin = time.perf_counter()
        result = call()
        taken.append(1e3 * (time.perf_counter() - begin))
    return statistics.median(taken), result


def table(cells: int, firms: int, repeats: int) -> list[str]:
    """Write and read a shard in every format, see that all return the same counts, and return a table."""
    one = case(cells, firms)
    lines = ["| format | bytes | write, ms | read, ms |", "|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        for name, (write, load) in ways(one, Path(folder)).items():
            writing, data = milliseconds(write, repeats)
            reading, found = milliseconds(lambda load=load, data=data: load(data), repeats)
            for variable, values in one.content.arrays.items():
                assert np.array_equal(found[variable], values), (name, variable)
            lines.append(f"| {name} | {len(data):,} | {writing:.2f} | {reading:.2f} |")
    return lines
