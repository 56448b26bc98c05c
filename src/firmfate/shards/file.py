"""One shard, one file: named by its content, complete under its name or not there, checked against the study when read.

A file is a line of text that names the format, a digest, and one deflated stream: a header, the versions that wrote it,
and the arrays one after another, each in the smallest type of integers that holds it. The digest is of header and
arrays before compression, so the same shard has the same name whichever zlib wrote it, and running it twice is harmless
without a lock. Nothing that a file declares is believed: names, dims and shapes follow from the study and the number of
cells, and no more is unpacked than these come to.

``python -m benchmarks.shards`` compares it with NumPy's archives and netCDF.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import json
import math
import re
import reprlib
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from firmfate import files, provenance
from firmfate.errors import BrokenShardError, RunDirectoryError
from firmfate.shards.plan import block_digest
from firmfate.shards.schema import Schema

FORMAT = 2
"""Of shards; 1 were netCDF files. A run directory holds shards of one format."""

MAGIC = f"firmfate shard {FORMAT}\n".encode()
SUFFIX = ".shard"
LENGTHS = struct.Struct("<II")
LEVEL = 6
"""Of zlib: 9 saves 5 % for ten times the time, 1 costs 20 %."""

NOT_ITS_FAULT = {errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
"""What the system answers a process that may not read a file, or cannot open another one: the shard may be whole."""

READ_BYTES = 1 << 16
VERSIONS_BYTES = 4096
TYPES = ("u1", "u2", "u4", "i8"), ("i1", "i2", "i4", "i8")
"""Without and with numbers below 0."""

KEY = re.compile(r"[0-9a-f]{16}")
NAME = re.compile(r"(?P<block>[0-9a-f]{12})-(?P<first>\d{12})-(?P<replicates>\d{12})-(?P<digest>[0-9a-f]{16})\.shard")


@dataclass(frozen=True)
class ShardFile:
    """What the name of a shard's file holds.

    Examples
    --------
    >>> from pathlib import Path
    >>> from firmfate.shards import ShardFile
    >>> name = "3f2a9c0d1e4b-000000000000-000000000064-0123456789abcdef.shard"
    >>> file = ShardFile.parse(Path("runs/cars/shards") / name)
    >>> file.block, file.first, file.replicates
    ('3f2a9c0d1e4b', 0, 64)
    >>> ShardFile.parse(Path("result.nc")) is None
    True
    """

    path: Path
    block: str
    first: int
    replicates: int
    digest: str

    @classmethod
    def parse(cls, path: Path) -> ShardFile | None:
        """Return what a path's name holds, or None where it is no shard's."""
        match = NAME.fullmatch(path.name)
        if match is None:
            return None
        return cls(path, match["block"], int(match["first"]), int(match["replicates"]), match["digest"])


@dataclass(frozen=True)
class ShardContent:
    """What a shard holds: firms ``first .. first + replicates - 1`` of the cells of these keys, as named arrays."""

    first: int
    replicates: int
    cell_keys: tuple[str, ...]
    arrays: Mapping[str, NDArray[Any]]


def narrowed(values: NDArray[Any]) -> NDArray[Any]:
    """Return integers in the smallest type that holds them, little-endian."""
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    kind = next(kind for kind in TYPES[low < 0] if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max)
    return np.ascontiguousarray(values, dtype=f"<{kind}")


@functools.cache
def _versions() -> bytes:
    return json.dumps(provenance.versions()).encode()


def encode(content: ShardContent, schema: Schema) -> tuple[str, bytes]:
    """Return the digest of a shard, 64 hexadecimal digits, and the bytes of its file."""
    declared, arrays = [], []
    for name, dims, shape in schema.arrays(len(content.cell_keys), content.replicates):
        values = narrowed(content.arrays[name])
        if values.shape != shape:
            raise ValueError(f"{name} has shape {values.shape}, expected {shape}")
        declared.append([name, dims, values.dtype.str.lstrip("<|"), shape])
        arrays.append(values.tobytes())
    fields = {
        "fingerprint": schema.fingerprint,
        "first": content.first,
        "replicates": content.replicates,
        "cells": content.cell_keys,
        "arrays": declared,
    }
    header = json.dumps(fields, separators=(",", ":")).encode()
    digest = hashlib.sha256(b"".join([header, *arrays]))
    packing = zlib.compressobj(LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL + 1)
    lengths = LENGTHS.pack(len(header), len(_versions()))
    stream = packing.compress(b"".join([lengths, header, _versions(), *arrays])) + packing.flush()
    return digest.hexdigest(), MAGIC + digest.digest() + stream


def write(folder: Path, name: str, content: ShardContent, schema: Schema) -> Path:
    """Put a shard under ``{name}-{digest}.shard``.

    Raises
    ------
    RunDirectoryError
        Where the disk is full or the folder cannot be written.
    """
    digest, data = encode(content, schema)
    return files.write(folder / f"{name}-{digest[:16]}.shard", data)


def read_keys(shard: ShardFile, schema: Schema) -> tuple[str, ...]:
    """Return the keys of the cells that a shard holds: its beginning is read.

    Raises
    ------
    BrokenShardError
        Where it is no shard of the study, or not the one of its name.
    RunDirectoryError
        As `read`.
    """
    return _read(shard, schema, keys_alone=True).cell_keys


def read(shard: ShardFile, schema: Schema) -> ShardContent:
    """Read a shard.

    Returns
    -------
    ShardContent
        Arrays cannot be written to, and have the types of the file.

    Raises
    ------
    BrokenShardError
        Where it is no shard of the study, not the one of its name, or damaged.
    RunDirectoryError
        Where this user may not read it, or the system opens no more files.
    """
    return _read(shard, schema)


class _Broken(Exception):
    """Why a file is no shard."""


def _read(shard: ShardFile, schema: Schema, *, keys_alone: bool = False) -> ShardContent:
    try:
        with files.disk.open(shard.path) as file:
            return _content(shard, schema, file, keys_alone)
    except OSError as fault:
        kind = RunDirectoryError if fault.errno in NOT_ITS_FAULT else BrokenShardError
        raise kind(f"{shard.path} cannot be read: {files.reason(fault)}") from fault
    except _Broken as fault:
        raise BrokenShardError(f"{shard.path} is no shard of this study: {fault}") from fault
    except (zlib.error, UnicodeDecodeError) as fault:
        raise BrokenShardError(f"{shard.path} is damaged: {fault}") from fault


def _content(shard: ShardFile, schema: Schema, file: BinaryIO, keys_alone: bool) -> ShardContent:
    if file.read(len(MAGIC)) != MAGIC:
        raise _Broken(f"it does not begin with {MAGIC.decode()!r}")
    digest = file.read(hashlib.sha256().digest_size)
    if digest.hex()[:16] != shard.digest:
        raise _Broken("its digest is not that of its name")
    stream = _Stream(file)
    length, versions = LENGTHS.unpack(stream.take(LENGTHS.size))
    if length > 4096 + 64 * schema.most_cells or versions > VERSIONS_BYTES:
        raise _Broken(f"its header takes {length:,} bytes")
    header = stream.take(length)
    keys, types = _checked(shard, schema, header)
    if keys_alone:
        return ShardContent(shard.first, shard.replicates, keys, {})
    stream.take(versions)
    total, arrays = hashlib.sha256(header), {}
    for (name, _, shape), kind in zip(schema.arrays(len(keys), shard.replicates), types, strict=True):
        dtype = np.dtype(f"<{kind}")
        data = stream.take(math.prod(shape) * dtype.itemsize)
        total.update(data)
        arrays[name] = np.frombuffer(data, dtype).reshape(shape)
    stream.end()
    if total.digest() != digest:
        raise _Broken("its content has another digest")
    return ShardContent(shard.first, shard.replicates, keys, arrays)


def _checked(shard: ShardFile, schema: Schema, header: bytes) -> tuple[tuple[str, ...], list[str]]:
    """Return the keys of the cells, and the type of every array, of a header that fits the study and the name."""
    try:
        fields = json.loads(header)
        keys, types = tuple(map(str, fields["cells"])), [str(kind) for _, _, kind, _ in fields["arrays"]]
        declared = [(name, tuple(dims), tuple(shape)) for name, dims, _, shape in fields["arrays"]]
        fingerprint, firms = fields["fingerprint"], (fields["first"], fields["replicates"])
    except (ValueError, TypeError, KeyError, RecursionError) as fault:
        raise _Broken(f"its header is not one of a shard ({type(fault).__name__})") from fault
    if fingerprint != schema.fingerprint:
        raise _Broken(f"its fingerprint is {reprlib.repr(fingerprint)}, the study's {schema.fingerprint!r}")
    if firms != (shard.first, shard.replicates) or block_digest(keys) != shard.block:
        raise _Broken("its cells or replicates are not those of its name")
    if not 1 <= len(keys) <= schema.most_cells or any(not KEY.fullmatch(key) for key in keys):
        raise _Broken(f"it holds {len(keys):,} cells; allowed: 1 to {schema.most_cells:,}, each with its key")
    expected = list(schema.arrays(len(keys), shard.replicates))
    if declared != expected:
        found, wanted = next(pair for pair in zip_longest(declared, expected) if pair[0] != pair[1])
        raise _Broken(f"it holds {reprlib.repr(found) if found else 'no array'} in place of {wanted or 'none'}")
    if strange := sorted(set(types) - {kind for kinds in TYPES for kind in kinds}):
        raise _Broken(f"it holds numbers of type {reprlib.repr(strange)}")
    return keys, types


class _Stream:
    """A deflated stream, of which no more is unpacked than is taken."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._inflate, self._waiting = file, zlib.decompressobj(), b""

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        parts, missing = [], count
        while missing:
            part = self._next(missing)
            if not part:
                raise _Broken("it is too short")
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def _next(self, most: int) -> bytes:
        while True:
            self._waiting = self._waiting or self._file.read(READ_BYTES)
            given, part = self._waiting, self._inflate.decompress(self._waiting, most)
            self._waiting = self._inflate.unconsumed_tail
            if part or not given or self._inflate.eof:
                return part

    def end(self) -> None:
        """Check that nothing follows."""
        if self._next(1) or self._inflate.unused_data or self._file.read(1):
            raise _Broken("it is too long")
        if not self._inflate.eof:
            raise _Broken("it is too short")
