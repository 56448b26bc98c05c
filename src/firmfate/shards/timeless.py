"""Take the clock out of an HDF5 file: the same content is the same bytes, whenever it was written.

The netCDF library lets HDF5 keep four times in the header of the root group, and offers no way to turn that off.
They are set to zero here, and the header's checksum is made to fit again.

HDF5 File Format Specification 3.0, sections II.C (superblock version 2 and 3) and IV.A.1.b (object header version
2); the checksum is Bob Jenkins' lookup3, ``hashlittle``.
"""

from __future__ import annotations

import struct

SIGNATURE = b"\x89HDF\r\n\x1a\n"
HAS_TIMES, HAS_PHASES, SIZE_OF_CHUNK = 0x20, 0x10, 0x03
MASK = 0xFFFFFFFF


def without_times(data: bytes) -> bytes:
    """Return the bytes of an HDF5 file, the times of its root group set to zero.

    Parameters
    ----------
    data : bytes
        A file with a superblock of version 2 or 3, as the netCDF library writes.

    Raises
    ------
    ValueError
        Where it is no such file.
    """
    if data[:8] != SIGNATURE or data[8] not in (2, 3) or data[9] != 8:
        raise ValueError("no HDF5 file with a superblock of version 2 or 3 and offsets of 8 bytes")
    (root,) = struct.unpack_from("<Q", data, 36)
    if data[root : root + 5] != b"OHDR\x02":
        raise ValueError("the root group has no object header of version 2")
    flags = data[root + 5]
    if not flags & HAS_TIMES:
        return data
    written = bytearray(data)
    written[root + 6 : root + 22] = bytes(16)
    place = root + 22 + (4 if flags & HAS_PHASES else 0)
    width = 1 << (flags & SIZE_OF_CHUNK)
    end = place + width + int.from_bytes(data[place : place + width], "little")
    if struct.unpack_from("<I", data, end)[0] != lookup3(data[root:end]):
        raise ValueError("the checksum of the root group's header is wrong")
    struct.pack_into("<I", written, end, lookup3(bytes(written[root:end])))
    return bytes(written)


def _rotate(value: int, by: int) -> int:
    return (value << by | value >> (32 - by)) & MASK


def lookup3(key: bytes) -> int:
    """Return Jenkins' lookup3 hash of some bytes, 32 bits, with the initial value 0.

    Examples
    --------
    >>> hex(lookup3(b"")), hex(lookup3(b"Four score and seven years ago"))
    ('0xdeadbeef', '0x17770551')
    """
    a = b = c = (0xDEADBEEF + len(key)) & MASK
    if not key:
        return c
    words = struct.unpack(f"<{-(-len(key) // 12) * 3}I", key.ljust(-(-len(key) // 12) * 12, b"\0"))
    for place in range(0, len(words), 3):
        a, b, c = (a + words[place]) & MASK, (b + words[place + 1]) & MASK, (c + words[place + 2]) & MASK
        if place + 3 < len(words):
            a = (a - c & MASK) ^ _rotate(c, 4)
            c = (c + b) & MASK
            b = (b - a & MASK) ^ _rotate(a, 6)
            a = (a + c) & MASK
            c = (c - b & MASK) ^ _rotate(b, 8)
            b = (b + a) & MASK
            a = (a - c & MASK) ^ _rotate(c, 16)
            c = (c + b) & MASK
            b = (b - a & MASK) ^ _rotate(a, 19)
            a = (a + c) & MASK
            c = (c - b & MASK) ^ _rotate(b, 4)
            b = (b + a) & MASK
    c = ((c ^ b) - _rotate(b, 14)) & MASK
    a = ((a ^ c) - _rotate(c, 11)) & MASK
    b = ((b ^ a) - _rotate(a, 25)) & MASK
    c = ((c ^ b) - _rotate(b, 16)) & MASK
    a = ((a ^ c) - _rotate(c, 4)) & MASK
    b = ((b ^ a) - _rotate(a, 14)) & MASK
    return ((c ^ b) - _rotate(b, 24)) & MASK
