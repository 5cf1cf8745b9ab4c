"""Writing what arrives, block by block.

Each block is one short transaction under the upload's row lock: check that this request is still the writer, write, flush
to the disk, advance the offset. So the offset is never ahead of the disk, nothing is held open while a slow client is
waited for, and a client that comes back after its connection froze takes over at once: the number `writer` fences off
whatever the frozen request may still write.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Protocol

from django.conf import settings
from django.db import connection, transaction

from mutoscope.platform.videos.models import Upload
from mutoscope.platform.videos.statements import fetch
from mutoscope.platform.videos.upload import files
from mutoscope.platform.videos.upload.failures import DiskFull, Ended, TooMuch, WrongChecksum, WrongOffset
from mutoscope.platform.videos.upload.protocol import Checksum

BLOCK_BYTES = 1024 * 1024
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Body(Protocol):
    """What a request's bytes are read from."""

    def read(self, size: int, /) -> bytes: ...


@dataclass
class Writing:
    """One request that adds to an upload."""

    upload: Upload
    writer: int
    offset: int


def take_over(upload: Upload, offset: int) -> Writing:
    """Become the writer of an upload at this offset. Raises Ended, WrongOffset."""
    rows = fetch("upload", "take_over", {"id": upload.pk})
    if not rows:
        raise Ended
    writer, expected = rows[0]
    if offset != expected:
        raise WrongOffset(expected=expected)
    return Writing(upload, writer, offset)


def append(writing: Writing, body: Body, checksum: Checksum | None) -> int:
    """Everything that the body holds; the new offset.

    What arrived before a body broke off is kept, except under a checksum, where it is all or nothing. Raises TooMuch,
    WrongChecksum, DiskFull, Ended, WrongOffset when another request took over, and OSError when the client went away.
    """
    digest = checksum.new() if checksum else None
    end = writing.offset
    while block := body.read(BLOCK_BYTES):
        if end + len(block) > writing.upload.length_bytes:
            raise TooMuch
        if digest is not None:
            digest.update(block)
        _write(writing, end, block, advance=digest is None)
        end += len(block)
        _release_connection()
    if digest is not None and checksum is not None:
        if digest.digest() != checksum.digest:
            raise WrongChecksum
        with transaction.atomic():
            _check_writer(writing)
            _advance(writing, end)
    return end


def _write(writing: Writing, offset: int, block: bytes, *, advance: bool) -> None:
    with transaction.atomic():
        _check_writer(writing)
        try:
            files.write(writing.upload.token, offset, block)
        except FileNotFoundError:
            raise Ended from None
        except OSError as error:
            if error.errno in FULL:
                raise DiskFull from error
            raise
        if advance:
            _advance(writing, offset + len(block))


def _check_writer(writing: Writing) -> None:
    rows = fetch("upload", "lock_upload", {"id": writing.upload.pk})
    if not rows or rows[0][0] != Upload.State.OPEN:
        raise Ended
    _, offset, _, writer = rows[0]
    if writer != writing.writer:
        raise WrongOffset(expected=offset)


def _advance(writing: Writing, offset: int) -> None:
    parameters = {
        "id": writing.upload.pk,
        "offset": offset,
        "writer": writing.writer,
        "lifetime_s": settings.UPLOAD_LIFETIME_S,
    }
    if not fetch("upload", "advance", parameters):
        raise Ended


def _release_connection() -> None:
    """Give the connection back to the pool while the next block is waited for: a client may take its time over it."""
    if not connection.in_atomic_block and connection.settings_dict["OPTIONS"].get("pool"):
        connection.close()
