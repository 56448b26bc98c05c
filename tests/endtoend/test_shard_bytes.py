"""The same shard is the same bytes, whenever and by whomever it is run."""

from __future__ import annotations

import struct
import time

import netCDF4
import numpy as np
import pytest

from firmfate.shards import file as shard_file
from firmfate.shards.file import ShardContent, encode
from firmfate.shards.timeless import without_times

CONTENT = ShardContent(
    "0" * 16, ("00000000000000ab", "00000000000000ff"), {"firms": ("cell",)}, {"firms": np.array([3, 4])}
)


def written_with_a_clock(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Return a shard as the netCDF library writes it."""
    with monkeypatch.context() as patch:
        patch.setattr(shard_file, "without_times", lambda data: data)
        return encode(CONTENT, first=0, replicates=4)


def test_two_executions_in_different_seconds_give_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    first, clocked = encode(CONTENT, first=0, replicates=4), written_with_a_clock(monkeypatch)
    time.sleep(1.1)
    assert encode(CONTENT, first=0, replicates=4) == first
    assert written_with_a_clock(monkeypatch) != clocked  # what would happen otherwise


def test_only_times_and_their_checksum_change(monkeypatch: pytest.MonkeyPatch) -> None:
    clocked = written_with_a_clock(monkeypatch)
    cleared = without_times(clocked)
    changed = [place for place, (old, new) in enumerate(zip(clocked, cleared, strict=True)) if old != new]
    (root,) = struct.unpack_from("<Q", clocked, 36)
    assert set(changed) - set(range(root + 6, root + 22))
    assert len(set(changed) - set(range(root + 6, root + 22))) <= 4
    with netCDF4.Dataset("shard.nc", memory=cleared) as file:  # HDF5 itself checks the checksum
        assert file["firms"][:].tolist() == [3, 4]
    wrong = bytearray(cleared)
    wrong[changed[-1]] ^= 1
    with pytest.raises(OSError, match="HDF error"):
        netCDF4.Dataset("shard.nc", memory=bytes(wrong))


@pytest.mark.parametrize("data", [b"", b"CDF\x05" + bytes(100), b"\x89HDF\r\n\x1a\n\x00" + bytes(100)])
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises((ValueError, IndexError)):
        without_times(data)
