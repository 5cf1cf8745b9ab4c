"""From fragments to stored segments: grouped, set in time, encrypted, kept.

AES-128-CBC with PKCS#7 and an initialisation vector of its own for each segment (RFC 8216, 4.3.2.4).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from mutoscope.platform.videos.process.fragments import Fragment, Malformed, first_frame, shifted
from mutoscope.platform.videos.tokens import letters

FILMS = "films"
BLOCK_BITS = 128
RANDOM_LETTERS = 10


@dataclass(frozen=True)
class Segment:
    """A stored segment, as a row's JSON has it."""

    file: str
    ticks: int
    bytes: int
    iv: str
    sha256: str
    key: int

    def row(self) -> list[Any]:
        return [self.file, self.ticks, self.bytes, self.iv, self.sha256, self.key]

    @classmethod
    def of(cls, row: Sequence[Any]) -> Segment:
        return cls(*row)


@dataclass(frozen=True)
class Shelf:
    """Where an edition's files go, and what they are encrypted under."""

    folder: str
    # By period.
    keys: Mapping[int, bytes]
    key_period_s: int

    def keep(self, stream: str, number: int, clear: bytes, *, start_s: float, ticks: int) -> Segment:
        """Encrypt and store one segment. Raises OSError or the storage's own error when it cannot."""
        period = min(int(start_s // self.key_period_s), max(self.keys))
        iv = secrets.token_bytes(16)
        data = encrypt(clear, self.keys[period], iv)
        file = f"{number:05d}-{letters(RANDOM_LETTERS)}.m4s"
        self.store(f"{stream}/{file}", data)
        return Segment(file, ticks, len(data), iv.hex(), hashlib.sha256(data).hexdigest(), period)

    def keep_init(self, stream: str, data: bytes) -> str:
        """Store an init segment, in the clear; its file's name."""
        # Named by its content: chunks of one rendition make the same, and the playlist needs them to.
        file = f"init-{hashlib.sha256(data).hexdigest()[:16]}.mp4"
        self.store(f"{stream}/{file}", data)
        return file

    def store(self, name: str, data: bytes) -> None:
        storages[FILMS].save(f"{self.folder}/{name}", ContentFile(data))


def encrypt(clear: bytes, key: bytes, iv: bytes) -> bytes:
    """Ciphertext, padded."""
    padder = padding.PKCS7(BLOCK_BITS).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return encryptor.update(padder.update(clear) + padder.finalize()) + encryptor.finalize()


def decrypt(data: bytes, key: bytes, iv: bytes) -> bytes:
    """What was encrypted. Raises ValueError when the key is another."""
    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    unpadder = padding.PKCS7(BLOCK_BITS).unpadder()
    return unpadder.update(decryptor.update(data) + decryptor.finalize()) + unpadder.finalize()


@dataclass
class Binder:
    """Gathers a stream's fragments into segments that begin at given moments.

    `starts` are the ticks at which segments begin, counted from the film's beginning, the first of them that of segment
    `first_number`; `offset` is what the fragments' own time has to be moved by. A segment is ready when its fragments
    reach the next one's beginning, or at the end. Without `starts` each fragment is a segment of its own, as of sound.
    """

    shelf: Shelf
    stream: str
    ticks_per_s: int
    starts: Sequence[int] | None
    first_number: int = 0
    offset: int = 0
    takes_first_frames: bool = False
    ready: list[Segment] = field(default_factory=list)
    first_frames: list[Segment] = field(default_factory=list)
    frames: int = 0
    _held: list[bytes] = field(default_factory=list)
    _held_start: int = 0
    _held_ticks: int = 0
    _number: int = 0

    def add(self, fragment: Fragment) -> None:
        start = fragment.start + self.offset
        if self._held and self._reaches_the_next(start):
            self._close()
        if not self._held:
            self._held_start = start
        self._held.append(shifted(fragment.data, self.offset))
        self._held_ticks += fragment.duration
        self.frames += fragment.samples
        # As soon as it can be known, so that what has been encoded can be watched: a segment earlier than by waiting for
        # the next one's fragment.
        if self._reaches_the_next(self._held_start + self._held_ticks):
            self._close()

    def _reaches_the_next(self, moment: int) -> bool:
        """Whether the following segment begins at this moment, or earlier."""
        if self.starts is None:
            return True
        # Half a frame's grace, in the coarsest rate there is: rounding moves a start by less.
        grace = self.ticks_per_s // 200
        following = self._number + 1
        return following < len(self.starts) and moment >= self.starts[following] - grace

    def finish(self) -> None:
        """Close the last segment. Raises Malformed when segments are missing."""
        if self._held:
            self._close()
        if self.starts is not None and self._number != len(self.starts):
            raise Malformed(f"{self.stream}: {self._number} segments instead of {len(self.starts)}")

    def _close(self) -> None:
        number = self.first_number + self._number
        clear = b"".join(self._held)
        start_s = max(0.0, self._held_start / self.ticks_per_s)
        self.ready.append(self.shelf.keep(self.stream, number, clear, start_s=start_s, ticks=self._held_ticks))
        if self.takes_first_frames:
            alone = first_frame(self._held[0], self._held_ticks, number)
            self.first_frames.append(self.shelf.keep("iframes", number, alone, start_s=start_s, ticks=self._held_ticks))
        self._held.clear()
        self._held_ticks = 0
        self._number += 1
