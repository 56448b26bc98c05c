"""One shard, one file: written under another name, flushed to disk, renamed; named by its content, checked when read.

The content holds no clock, so the same shard is always the same bytes, and running it twice is harmless without a lock.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmfate.errors import BrokenShardError, RunDirectoryError
from firmfate.shards.timeless import without_times

NETCDF_LOCK = threading.Lock()
"""The netCDF library is not safe in threads: one at a time inside a process."""

NAME = re.compile(r"(?P<block>[0-9a-f]{12})-(?P<first>\d{12})-(?P<replicates>\d{12})-(?P<digest>[0-9a-f]{16})\.nc")


@dataclass(frozen=True)
class ShardFile:
    """What the name of a shard's file says."""

    path: Path
    block: str
    first: int
    replicates: int
    digest: str

    @classmethod
    def parse(cls, path: Path) -> ShardFile | None:
        """Return what a path says, or None where it is no shard's."""
        match = NAME.fullmatch(path.name)
        if match is None:
            return None
        return cls(path, match["block"], int(match["first"]), int(match["replicates"]), match["digest"])


@dataclass(frozen=True)
class ShardContent:
    """What a shard's file holds: the fingerprint of its study, the keys of its cells, and counts by variable."""

    fingerprint: str
    cell_keys: tuple[str, ...]
    dims: Mapping[str, tuple[str, ...]]
    counts: Mapping[str, NDArray[np.int64]]


def smallest_type(values: NDArray[np.int64]) -> str:
    """Return the unsigned type that holds the values (signed where one is negative)."""
    if values.size and values.min() < 0:
        return "i8"
    return "u4" if values.size == 0 or values.max() < 2**32 else "u8"


def encode(content: ShardContent, *, first: int, replicates: int) -> bytes:
    """Return the bytes of a shard's file; the same content gives the same bytes."""
    import netCDF4

    sizes: dict[str, int] = {}
    for name, dims in content.dims.items():
        sizes.update(zip(dims, content.counts[name].shape, strict=True))
    with NETCDF_LOCK:
        file = netCDF4.Dataset("shard.nc", "w", format="NETCDF4", memory=1 << 20)
        file.setncatts({"fingerprint": content.fingerprint, "first_replicate": first, "replicates": replicates})
        for dim, size in sorted(sizes.items()):
            file.createDimension(dim, size)
        keys = file.createVariable("cell_key", "u8", ("cell",))
        keys[:] = np.array([int(key, 16) for key in content.cell_keys], dtype=np.uint64)
        for name, values in content.counts.items():
            kind = smallest_type(values)
            variable = file.createVariable(name, kind, content.dims[name], zlib=True, complevel=1, shuffle=True)
            variable[:] = values.astype(kind)
        return without_times(bytes(file.close()))


def write(folder: Path, name: str, data: bytes) -> Path:
    """Put a shard's bytes under ``{name}-{digest}.nc``: whole, or not at all.

    Raises
    ------
    RunDirectoryError
        Where the disk is full or the folder cannot be written.
    """
    digest = hashlib.sha256(data).hexdigest()[:16]
    path = folder / f"{name}-{digest}.nc"
    aside = folder / f".{path.name}.{os.getpid()}-{threading.get_ident()}.part"
    try:
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        flush_folder(folder)
    except OSError as fault:
        aside.unlink(missing_ok=True)
        if fault.errno in (errno.ENOSPC, errno.EDQUOT):
            raise RunDirectoryError(f"no space is left for {path}; make room and run the same command again") from fault
        raise RunDirectoryError(f"{path} cannot be written: {fault.strerror}") from fault
    return path


def flush_folder(folder: Path) -> None:
    """Flush a folder's entries to disk, so that a rename survives a crash of the machine."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open(path: Path, data: bytes) -> Any:
    import netCDF4

    try:
        return netCDF4.Dataset(path.name, "r", memory=data)
    except OSError as fault:
        raise BrokenShardError(f"{path} is no netCDF file: {fault}") from fault


def read_keys(path: Path) -> tuple[str, ...]:
    """Return the keys of the cells that a shard's file holds."""
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise BrokenShardError(f"{path} cannot be read: {fault.strerror}") from fault
    with NETCDF_LOCK:
        file = _open(path, data)
        try:
            return tuple(f"{int(key):016x}" for key in file["cell_key"][:].filled(0))
        finally:
            file.close()


def read(shard: ShardFile) -> ShardContent:
    """Read a shard's file, and check that it holds what its name says.

    Raises
    ------
    BrokenShardError
        Where the bytes are not those of the name.
    """
    try:
        data = shard.path.read_bytes()
    except OSError as fault:
        raise BrokenShardError(f"{shard.path} cannot be read: {fault.strerror}") from fault
    if hashlib.sha256(data).hexdigest()[:16] != shard.digest:
        raise BrokenShardError(f"{shard.path} is not what its name says: {len(data)} bytes with another digest")
    with NETCDF_LOCK:
        file = _open(shard.path, data)
        try:
            file.set_auto_maskandscale(False)
            variables = dict(file.variables)
            keys = tuple(f"{int(key):016x}" for key in variables.pop("cell_key")[...])
            return ShardContent(
                fingerprint=str(file.getncattr("fingerprint")),
                cell_keys=keys,
                dims={name: variable.dimensions for name, variable in variables.items()},
                counts={name: variable[...].astype(np.int64) for name, variable in variables.items()},
            )
        finally:
            file.close()
