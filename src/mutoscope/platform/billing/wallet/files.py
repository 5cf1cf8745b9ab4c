"""Statements as files. One is whole before it is sent: what goes wrong while it is read is an error, not a file that ends too soon,
and no connection to the database waits for a client that takes its time.
"""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from django.conf import settings
from django.db import connection
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from mutoscope.platform.billing.wallet.statement import HEAD, Line, as_row

TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
# What is larger than this waits on disk, and not in memory.
IN_MEMORY_BYTES = 1024 * 1024
# About fifty thousand lines. A file of one piece is left to the server, which needs none of its threads to send it.
PIECE_BYTES = 4 * 1024 * 1024
# A larger file has a thread until its last piece is taken. So only a few are sent at once, and none for longer than this.
SEND_S_MAX = 15 * 60
AGAIN_IN_S = 60
BUSY = "Other large statements are being sent. Nothing is wrong with yours: try again in a minute."


class TooSlow(Exception):
    """Whoever asked for the file takes it too slowly. They see that it is not whole: its length was said."""


class LargeFiles:
    """How many large files this process is sending."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sending = 0

    def begin(self, at_once: int) -> bool:
        """Whether one more may be sent; call `end` when it was."""
        with self._lock:
            may = self._sending < at_once
            self._sending += may
            return may

    def end(self) -> None:
        with self._lock:
            self._sending -= 1


LARGE = LargeFiles()


def sent_as_file(
    parts: Iterable[str], name: str, kind: str, *, piece_bytes: int = PIECE_BYTES, send_s_max: float = SEND_S_MAX
) -> HttpResponseBase:
    """The answer that is saved under this name: every part of it, or 503 where too many large ones are being sent."""
    file: IO[bytes] = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - closed with the answer
    try:
        for part in parts:
            file.write(part.encode())
    except BaseException:
        file.close()
        raise
    # All that is sent is there: the connection goes back, however long the client takes.
    if not connection.in_atomic_block:
        connection.close()
    length = file.tell()
    is_large = length > piece_bytes
    if is_large and not LARGE.begin(settings.LARGE_FILES_AT_ONCE):
        file.close()
        again = {"Retry-After": str(AGAIN_IN_S)}
        return HttpResponse(BUSY, status=HTTPStatus.SERVICE_UNAVAILABLE, content_type="text/plain", headers=again)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"', "Content-Length": str(length)}
    pieces = _Pieces(file, is_large, piece_bytes, send_s_max)
    return StreamingHttpResponse(pieces, content_type=TYPES[kind], headers=headers)


class _Pieces:
    """A file from its beginning, in pieces; gone when the answer is over, however it ends."""

    def __init__(self, file: IO[bytes], is_large: bool, piece_bytes: int, send_s_max: float) -> None:
        self.file, self.is_large, self.piece_bytes, self.send_s_max = file, is_large, piece_bytes, send_s_max

    def __iter__(self) -> Iterator[bytes]:
        until = time.monotonic() + self.send_s_max
        self.file.seek(0)
        while piece := self.file.read(self.piece_bytes):
            yield piece
            if self.is_large and time.monotonic() > until:
                raise TooSlow

    def close(self) -> None:
        if not self.file.closed:
            self.file.close()
            if self.is_large:
                LARGE.end()


def as_csv(pages: Iterable[Sequence[Line]], above: Sequence[Sequence[object]] = ()) -> Iterator[str]:
    """Lines as CSV with their head, page by page; other rows may stand above it."""
    yield _rows([*above, HEAD])
    for page in pages:
        yield _rows([as_row(line) for line in page])


def as_json(document: Mapping[str, Any], pages: Iterable[Sequence[Line]]) -> Iterator[str]:
    """A document whose last member, after those given, is `lines`."""
    opened, _, closed = json.dumps({**document, "lines": []}).rpartition("]")
    yield opened
    between = ""
    for page in pages:
        for_this_page = [json.dumps(line.as_dict()) for line in page]
        if for_this_page:
            yield between + ", ".join(for_this_page)
            between = ", "
    yield f"]{closed}"


def _rows(rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
