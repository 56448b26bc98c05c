"""netCDF files: written where a full disk cannot harm the library, opened where what they declare is possible.

The library crashes where a write fails in its middle. So a file is made in memory, and its bytes are put to disk when
it is complete; only what may take over `IN_MEMORY` is written in place, each block after as much space was allocated
and given back.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from firmfate import files
from firmfate.errors import RunDirectoryError

if TYPE_CHECKING:
    import xarray as xr

LOCK = threading.Lock()
"""The netCDF library is not safe in threads: one at a time inside a process."""

IN_MEMORY = 512 * 1024**2
"""Data before compression, in bytes, of the largest file that is made in memory; counts take a tenth, and the library
up to twice what is compressed."""

HEADER_BYTES = 1 << 20
"""Of a file beside its data, at most."""

DEFLATED = 1100
"""Bytes that a byte of a file can be unpacked to, at most: deflate gives 1032."""


@dataclass(frozen=True)
class Output:
    """A netCDF file that is being made; `folder` is where it grows, None where it grows in memory."""

    file: Any
    folder: Path | None

    @contextlib.contextmanager
    def block(self, size: int) -> Iterator[Any]:
        """Give the ``netCDF4.Dataset``, to this thread alone, to write so many bytes to.

        Raises
        ------
        RunDirectoryError
            Where the disk has no room for them.
        """
        if self.folder is not None:
            files.reserve(self.folder, size + HEADER_BYTES)
        with LOCK:
            yield self.file
            if self.folder is not None:
                self.file.sync()


@contextlib.contextmanager
def created(path: Path, *, size: int) -> Iterator[Output]:
    """Make a netCDF file of `size` bytes of data at most, before compression; it appears when the block ends.

    Raises
    ------
    RunDirectoryError
        Where it cannot be written: names the file and the reason.
    """
    import netCDF4

    with files.replacing(path) as unfinished:
        if size <= IN_MEMORY:
            with LOCK:
                file = netCDF4.Dataset(path.name, "w", format="NETCDF4", memory=HEADER_BYTES)
            made = None
            try:
                yield Output(file, None)
            finally:
                with LOCK:
                    made = file.close()
            unfinished.write_bytes(made)
            return
        files.reserve(path.parent, HEADER_BYTES)
        try:
            with LOCK:
                file = netCDF4.Dataset(unfinished, "w", format="NETCDF4")
            try:
                yield Output(file, path.parent)
            finally:
                with LOCK:
                    file.close()
        except RuntimeError as fault:
            raise RunDirectoryError(f"{path} cannot be written: {fault}") from fault


def refuse_impossible(path: Path) -> None:
    """Refuse a file that declares more numbers than its bytes can hold, before anything makes room for them.

    Raises
    ------
    RunDirectoryError
        Where it does, or is no netCDF file.
    """
    import netCDF4

    try:
        size = path.stat().st_size
        with LOCK, netCDF4.Dataset(path) as file:
            declared = sum(
                math.prod(len(file.dimensions[dim]) for dim in variable.dimensions) * _itemsize(variable.dtype)
                for variable in file.variables.values()
            )
    except FileNotFoundError:
        raise RunDirectoryError(f"{path} does not exist") from None
    except (OSError, RuntimeError, KeyError, AttributeError, UnicodeError) as fault:
        raise RunDirectoryError(f"{path} cannot be opened as netCDF: {fault}") from fault
    if declared > DEFLATED * size:
        raise RunDirectoryError(
            f"{path} declares {declared:,} bytes of data, which no file of {size:,} bytes holds: it is damaged, or was "
            "not written by firmfate"
        )


def _itemsize(dtype: Any) -> int:
    return dtype.itemsize if isinstance(dtype, np.dtype) else 1


def open_dataset(path: Path, *, load: bool = False) -> xr.Dataset:
    """Open a netCDF file lazily, or load it.

    Raises
    ------
    RunDirectoryError
        Where it is missing, damaged, or none.
    """
    import xarray as xr

    refuse_impossible(path)
    try:
        with LOCK:
            if not load:
                return xr.open_dataset(path, engine="netcdf4")
            with xr.open_dataset(path, engine="netcdf4") as found:
                return found.load()
    except Exception as fault:  # whatever the library makes of damaged bytes
        raise RunDirectoryError(f"{path} cannot be opened as netCDF: {fault}") from fault
