"""Fragmented MP4, as far as segments need it: cut a growing file at its fragments, set their time, take out first frames.

Source: ISO/IEC 14496-12 (moof, traf, tfhd, tfdt, trun), RFC 6381 (codecs).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

BOX_BYTES_MAX = 512 * 1024 * 1024
DATA_OFFSET, FIRST_FLAGS = 0x1, 0x4
DURATION, SIZE, FLAGS, COMPOSITION = 0x100, 0x200, 0x400, 0x800
DEFAULT_BASE_IS_MOOF = 0x020000
SYNC_SAMPLE = 0x02000000


class Malformed(Exception):
    """What ffmpeg wrote is not what it was asked for."""


@dataclass(frozen=True)
class Fragment:
    """One moof with its mdat. Times in ticks; `start` is that of the first frame to be shown."""

    data: bytes
    start: int
    duration: int
    samples: int


class Tail:
    """Reads a file of fragments while it is still being written: each whole fragment once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.position = 0
        self.init: bytes | None = None
        self._head = b""

    def new_fragments(self) -> Iterator[Fragment]:
        """The fragments that have become whole since the last call."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            size = file.seek(0, 2)
            while True:
                box = _box_at(file, self.position, size)
                if box is None:
                    return
                kind, length = box
                if kind == b"moof":
                    data = _box_at(file, self.position + length, size)
                    if data is None:
                        return
                    if data[0] != b"mdat":
                        raise Malformed(f"{self.path.name}: {data[0]!r} after moof")
                    file.seek(self.position)
                    whole = file.read(length + data[1])
                    self.position += length + data[1]
                    yield parse_fragment(whole)
                else:
                    file.seek(self.position)
                    self._take_head(kind, file.read(length))
                    self.position += length

    def _take_head(self, kind: bytes, data: bytes) -> None:
        if self.init is None and kind in (b"ftyp", b"moov"):
            self._head += data
            if kind == b"moov":
                self.init = self._head


def _box_at(file: IO[bytes], position: int, size: int) -> tuple[bytes, int] | None:
    """Kind and length of the box there, None while it is not whole."""
    if position + 8 > size:
        return None
    file.seek(position)
    length, kind = struct.unpack(">I4s", file.read(8))
    if length < 8 or length > BOX_BYTES_MAX:
        raise Malformed(f"a box {kind!r} of {length} bytes")
    return (kind, length) if position + length <= size else None


def find(data: bytes, *path: bytes) -> tuple[int, int]:
    """Offset and length of the content of a box by the kinds that lead to it. Raises Malformed."""
    start, end = 0, len(data)
    for kind in path:
        while start + 8 <= end:
            length, found = struct.unpack(">I4s", data[start : start + 8])
            if found == kind:
                start, end = start + 8, start + length
                break
            start += max(8, length)
        else:
            raise Malformed(f"no box {kind!r}")
    return start, end - start


def parse_fragment(data: bytes) -> Fragment:
    """What a fragment says of itself."""
    start, _ = find(data, b"moof", b"traf", b"tfdt")
    decode = _time(data, start)
    rows = list(_samples(data))
    first_composition = rows[0][2] if rows else 0
    return Fragment(data, decode + first_composition, sum(row[0] for row in rows), len(rows))


def _time(data: bytes, start: int) -> int:
    form = ">Q" if data[start] else ">I"
    return int(struct.unpack_from(form, data, start + 4)[0])


def _samples(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(duration, bytes, composition offset) of each sample."""
    head, _ = find(data, b"moof", b"traf", b"tfhd")
    flags = struct.unpack_from(">I", data, head)[0] & 0xFFFFFF
    place = head + 8
    default_duration = default_size = 0
    for bit, length in ((0x1, 8), (0x2, 4), (0x8, 4), (0x10, 4), (0x20, 4)):
        if flags & bit:
            if bit == 0x8:
                default_duration = struct.unpack_from(">I", data, place)[0]
            if bit == 0x10:
                default_size = struct.unpack_from(">I", data, place)[0]
            place += length
    run, _ = find(data, b"moof", b"traf", b"trun")
    version = data[run]
    run_flags = struct.unpack_from(">I", data, run)[0] & 0xFFFFFF
    count = struct.unpack_from(">I", data, run + 4)[0]
    place = run + 8 + (4 if run_flags & DATA_OFFSET else 0) + (4 if run_flags & FIRST_FLAGS else 0)
    for _ in range(count):
        duration, size, composition = default_duration, default_size, 0
        if run_flags & DURATION:
            duration = struct.unpack_from(">I", data, place)[0]
            place += 4
        if run_flags & SIZE:
            size = struct.unpack_from(">I", data, place)[0]
            place += 4
        if run_flags & FLAGS:
            place += 4
        if run_flags & COMPOSITION:
            composition = struct.unpack_from(">i" if version else ">I", data, place)[0]
            place += 4
        yield duration, size, composition


def shifted(data: bytes, ticks: int) -> bytes:
    """A fragment moved in time."""
    start, _ = find(data, b"moof", b"traf", b"tfdt")
    moved = bytearray(data)
    struct.pack_into(">Q" if data[start] else ">I", moved, start + 4, _time(data, start) + ticks)
    return bytes(moved)


def first_frame(data: bytes, duration: int, number: int) -> bytes:
    """A fragment of the first frame alone, shown for `duration` ticks: what an I-frame playlist points at."""
    start, _ = find(data, b"moof", b"traf", b"tfdt")
    head, _ = find(data, b"moof", b"traf", b"tfhd")
    track = struct.unpack_from(">I", data, head + 4)[0]
    _, size, composition = next(_samples(data))
    begin, _ = find(data, b"mdat")
    frame = data[begin : begin + size]
    moment = _time(data, start) + composition
    sequence = _box(b"mfhd", struct.pack(">II", 0, number + 1))
    traf_head = _box(b"tfhd", struct.pack(">II", DEFAULT_BASE_IS_MOOF, track))
    time = _box(b"tfdt", struct.pack(">IQ", 1 << 24, moment))
    run_flags = DATA_OFFSET | DURATION | SIZE | FLAGS

    def moof(offset: int) -> bytes:
        run = _box(
            b"trun", struct.pack(">IIi", run_flags, 1, offset) + struct.pack(">III", duration, size, SYNC_SAMPLE)
        )
        return _box(b"moof", sequence + _box(b"traf", traf_head + time + run))

    return moof(len(moof(0)) + 8) + _box(b"mdat", frame)


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content


def timescale(init: bytes) -> int:
    """Ticks a second of the first track."""
    start, _ = find(init, b"moov", b"trak", b"mdia", b"mdhd")
    return int(struct.unpack_from(">I", init, start + (20 if init[start] else 12))[0])


def codecs(init: bytes) -> str:
    """The stream's codec as a playlist names it."""
    place = init.find(b"avcC")
    if place >= 0:
        profile, compatible, level = init[place + 5], init[place + 6], init[place + 7]
        return f"avc1.{profile:02x}{compatible:02x}{level:02x}"
    place = init.find(b"av1C")
    if place >= 0:
        # Profile and level; tier; bits a sample. Source: the AV1 codec's ISO media file format binding, 2.3 and 5.
        packed, flags = init[place + 5], init[place + 6]
        depth = 12 if flags & 0x20 else 10 if flags & 0x40 else 8
        return f"av01.{packed >> 5}.{packed & 0x1F:02d}{'H' if flags & 0x80 else 'M'}.{depth:02d}"
    if b"mp4a" in init:
        return "mp4a.40.2"
    raise Malformed("neither H.264 nor AV1 nor AAC")
