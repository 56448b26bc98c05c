"""netCDF files: written where there is room, so that the library meets no full disk; opened where they are possible.

The library does not recover from a write that fails: it may crash when the file is closed, or when another is opened.
So before it writes a block, as much space is allocated and given back. In memory it would meet no disk at all, but
files made there lose the order of their variables and attributes, and take as much memory as disk.
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
from firmfate.errors import RunDirectoryError, command

if TYPE_CHECKING:
    import xarray as xr

LOCK = threading.Lock()
"""The netCDF library is not safe in threads: one at a time inside a process."""

HEADER_BYTES = 1 << 20
"""Of a file beside its data, at most."""

DEFLATED = 1100
"""Bytes that a byte of a file can be unpacked to, at most: deflate gives 1032."""


@dataclass(frozen=True)
class Output:
    """A netCDF file that is being made, under the name `path`."""

    file: Any
    path: Path

    @contextlib.contextmanager
    def block(self, size: int) -> Iterator[Any]:
        """Give the ``netCDF4.Dataset``, to this thread alone, to write so many bytes to.

        Raises
        ------
        RunDirectoryError
            Where the disk has no room for them, or does not take them.
        """
        reserve(self.path, size + HEADER_BYTES)
        with LOCK, _refusing(self.path):
            yield self.file
            self.file.sync()


def reserve(path: Path, size: int) -> None:
    """See that there is room for a file, whose folder may be made later; name the file where there is not."""
    try:
        files.reserve(next(folder for folder in path.parents if folder.exists()), size)
    except OSError as fault:
        raise files.refusal(path, fault) from fault


@contextlib.contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Name the file in what the library raises."""
    try:
        yield
    except (RuntimeError, OSError) as fault:
        raise RunDirectoryError(f"{path} cannot be written: {fault.args[-1] if fault.args else fault}") from fault


@contextlib.contextmanager
def _unfinished(path: Path, size: int) -> Iterator[Path]:
    """Give the path of an unfinished file with room for so many bytes, which takes the place of `path` at the end."""
    files.refuse_name(path)
    with files.replacing(path) as unfinished:
        reserve(path, size)
        yield unfinished


@contextlib.contextmanager
def created(path: Path) -> Iterator[Output]:
    """Make a netCDF file, which appears when the block ends.

    Raises
    ------
    RunDirectoryError
        Where it cannot be written: names the file and the reason.
    """
    import netCDF4

    with _unfinished(path, HEADER_BYTES) as unfinished:
        with LOCK, _refusing(path):
            file = netCDF4.Dataset(unfinished, "w", format="NETCDF4")
        try:
            yield Output(file, path)
        except BaseException:
            with LOCK, contextlib.suppress(RuntimeError, OSError):
                file.close()
            raise
        with LOCK, _refusing(path):
            file.close()


def write_dataset(ds: xr.Dataset | xr.DataTree, path: Path) -> None:
    """Write a dataset, or several in groups, to a file, which appears complete or not at all.

    Raises
    ------
    RunDirectoryError
        Where it cannot be written: names the file and the reason.
    """
    with _unfinished(path, int(ds.nbytes) + HEADER_BYTES) as unfinished, LOCK, _refusing(path):
        ds.to_netcdf(unfinished, engine="netcdf4")


def refuse_impossible(path: Path) -> None:
    """Refuse a file that declares more numbers than its bytes can hold, before anything makes room for them.

    Raises
    ------
    RunDirectoryError
        Where it does, or is no netCDF file.
    """
    import netCDF4

    files.refuse_name(path)
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


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Name the file in what the library raises where stored numbers are damaged.

    Raises
    ------
    RunDirectoryError
        Where they are.
    """
    try:
        yield
    except RuntimeError as fault:
        if "NetCDF" not in str(fault):
            raise
        raise _damaged(path, fault) from fault


def _damaged(path: Path, how: object) -> RunDirectoryError:
    return RunDirectoryError(f"{path} is damaged ({how}); gather the run again: {command('gather', path.parent)}")


def loaded(ds: xr.Dataset, path: Path) -> xr.Dataset:
    """Return counts of a file in memory.

    Where the file's index has lost a part of a variable, the library takes it for one that was never written and fills
    it up: gathering writes every number, and none that it would fill up with.

    Raises
    ------
    RunDirectoryError
        Where stored numbers are damaged, or lost.
    """
    import netCDF4

    with reading(path):
        ds = ds.load()
    for name, held in ds.variables.items():
        if held.dtype.kind in "iuf" and (held == netCDF4.default_fillvals[held.dtype.str[1:]]).any():
            raise _damaged(path, f"parts of '{name}' are lost")
    return ds


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
