"""Between granian's event loop and Django's threads: a thread is held while a request is worked on, never while somebody
else's line is waited for.

A body has arrived before its request gets a thread. An answer leaves as one piece, or as a stretch of a file that granian
sends itself. What has to be sent or read piece by piece (large statements, parts of uploads) keeps its thread, but each
piece has a time to come or go in. Docs: docs/deploying.md.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from tempfile import SpooledTemporaryFile
from typing import Any

import structlog

from mutoscope.web.guard import PART_OF_AN_UPLOAD, body_bytes_max

log = structlog.get_logger(__name__)

# A body has this long, and longer by its length at the slowest rate.
BODY_S = 20
SLOWEST_BYTES_PER_S = 32 * 1024
# Larger bodies wait on disk, and only so many at once.
BODY_IN_MEMORY_BYTES = 64 * 1024
LARGE_BODIES_AT_ONCE = 16
# The time for a piece of an upload to come; for one of an answer to be taken, it is longer by the piece's length at the slowest rate.
PIECE_S = 30
PIECE_BYTES = 256 * 1024
# A shorter file is read here, which is quicker than to have granian open it again.
FILE_BYTES_MIN = 64 * 1024
AGAIN_IN_S = 5

# Where parts of uploads go. Only half of the threads wait for them, and for nobody who is not signed in (platform/videos/upload).
UPLOADS = "/uploads/"

VARIABLES = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}

Application = Callable[..., Any]
Headers = list[tuple[str, str]]


class Gateway:
    """One process's site, as granian's RSGI interface calls it. `application` is WSGI."""

    def __init__(self, application: Application, threads: int) -> None:
        self.application = application
        self.threads = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self.large_bodies = 0

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        try:
            environ = environ_of(scope)
        except UnicodeError:
            refuse(protocol, HTTPStatus.BAD_REQUEST, "The address is not UTF-8.")
            return
        kind = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
        length = declared(environ)
        # Elsewhere that type is one like any other: whoever reads a body there means to have it whole.
        is_upload = kind == PART_OF_AN_UPLOAD and environ["PATH_INFO"].startswith(UPLOADS)
        loop = asyncio.get_running_loop()
        if not 0 < length <= body_bytes_max(kind if is_upload or kind != PART_OF_AN_UPLOAD else ""):
            # Nothing to read, or what the guard refuses unread.
            environ["wsgi.input"] = io.BytesIO()
            await loop.run_in_executor(self.threads, self.answer, environ, protocol, loop)
        elif is_upload:
            environ["wsgi.input"] = Arriving(protocol, loop)
            await loop.run_in_executor(self.threads, self.answer, environ, protocol, loop)
        elif length <= BODY_IN_MEMORY_BYTES:
            await self.with_body(environ, protocol, length, loop)
        elif self.large_bodies >= LARGE_BODIES_AT_ONCE:
            again = "Many large forms are coming in. Nothing is wrong with yours: try again in a moment."
            refuse(protocol, HTTPStatus.SERVICE_UNAVAILABLE, again, [("retry-after", str(AGAIN_IN_S))])
        else:
            self.large_bodies += 1
            try:
                await self.with_body(environ, protocol, length, loop)
            finally:
                self.large_bodies -= 1

    async def with_body(
        self, environ: dict[str, Any], protocol: Any, length: int, loop: asyncio.AbstractEventLoop
    ) -> None:
        with SpooledTemporaryFile(max_size=BODY_IN_MEMORY_BYTES) as body:
            try:
                async with asyncio.timeout(BODY_S + length / SLOWEST_BYTES_PER_S):
                    async for chunk in protocol:
                        body.write(chunk)
            except TimeoutError:
                refuse(protocol, HTTPStatus.REQUEST_TIMEOUT, "The request's body took too long to arrive.")
                return
            except Exception as error:
                log.debug("body cut short", action="receive", error=type(error).__name__)
            if body.tell() < length:
                # Half a form must not be taken for a whole one. Nobody is there to read this.
                refuse(protocol, HTTPStatus.BAD_REQUEST, "The request's body did not arrive whole.")
                return
            body.seek(0)
            environ["wsgi.input"] = body
            await loop.run_in_executor(self.threads, self.answer, environ, protocol, loop)

    def answer(self, environ: dict[str, Any], protocol: Any, loop: asyncio.AbstractEventLoop) -> None:
        """Runs in a thread: the whole of one request, from Django's first middleware to the close of its answer."""
        begun = Begun()
        try:
            result = self.application(environ, begun)
            try:
                send(protocol, begun, result, loop)
            finally:
                if hasattr(result, "close"):
                    result.close()
        except Exception:
            log.exception("request failed outside Django", action="answer")
            if not begun.is_sent:
                refuse(protocol, HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong here.")


class Begun:
    """WSGI's start_response; remembers what it was told."""

    def __init__(self) -> None:
        self.status, self.is_sent = 200, False
        self.headers: Headers = []

    def __call__(self, status: str, headers: Headers, exc_info: Any = None) -> None:
        self.status, self.headers = int(status.split(" ", 1)[0]), headers

    def length(self) -> int | None:
        """The Content-Length that the answer has, if it has one."""
        found = [value for name, value in self.headers if name.lower() == "content-length"]
        return int(found[0]) if found else None


class FileOfAnswer:
    """WSGI's file_wrapper: what Django gives a server that may send files itself."""

    def __init__(self, file: Any, block_size: int = PIECE_BYTES) -> None:
        self.file, self.block_size = file, block_size

    def stretch(self, length: int | None) -> tuple[str, int, int] | None:
        """Path, first byte and the byte after the last, of a plain file on this machine; None for whatever else it is."""
        if length is None or length < FILE_BYTES_MIN:
            return None
        # What an endpoint gives may say by itself where it lies and where it begins (platform/videos/watch/files).
        path, begins = getattr(self.file, "path", None), getattr(self.file, "first", 0)
        if path is None and isinstance(self.file, io.BufferedReader):
            path, begins = self.file.name, self.file.tell()
        return (path, begins, begins + length) if isinstance(path, str) else None

    def __iter__(self) -> Iterable[bytes]:
        while block := self.file.read(self.block_size):
            yield block

    def close(self) -> None:
        self.file.close()


class Arriving(io.RawIOBase):
    """A body that is read while it comes: block by block, each in time. Raises OSError where one does not come."""

    def __init__(self, protocol: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.chunks: AsyncIterator[bytes] = aiter(protocol)
        self.loop = loop
        self.left, self.is_over = b"", False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        wanted = sys.maxsize if size < 0 else size
        while len(self.left) < min(wanted, PIECE_BYTES) and not self.is_over:
            self._fetch(min(wanted, PIECE_BYTES) - len(self.left))
            if wanted != sys.maxsize:
                break
        taken, self.left = self.left[:wanted], self.left[wanted:]
        return taken

    def _fetch(self, wanted: int) -> None:
        coming = asyncio.run_coroutine_threadsafe(self._come(wanted), self.loop)
        try:
            came = coming.result(PIECE_S)
        except TimeoutError:
            coming.cancel()
            raise OSError("a part of the body did not come in time") from None
        except Exception as error:
            raise OSError("the client went away") from error
        self.left += came

    async def _come(self, wanted: int) -> bytes:
        """What came since, up to a piece: one way to the loop and back for many packets."""
        found: list[bytes] = []
        while sum(map(len, found)) < wanted:
            try:
                found.append(await anext(self.chunks))
            except StopAsyncIteration:
                self.is_over = True
                break
        return b"".join(found)


def send(protocol: Any, begun: Begun, result: Iterable[bytes], loop: asyncio.AbstractEventLoop) -> None:
    """One piece or one stretch of a file leaves by itself; more pieces leave one after another."""
    if isinstance(result, FileOfAnswer) and (stretch := result.stretch(begun.length())):
        begun.is_sent = True
        protocol.response_file_range(begun.status, begun.headers, *stretch)
        return
    if isinstance(result, list) or not getattr(result, "streaming", isinstance(result, FileOfAnswer)):
        begun.is_sent = True
        protocol.response_bytes(begun.status, begun.headers, b"".join(result))
        return
    pieces = iter(result)
    first, second = next(pieces, b""), next(pieces, b"")
    begun.is_sent = True
    if not second:
        protocol.response_bytes(begun.status, begun.headers, first)
        return
    transport = protocol.response_stream(begun.status, begun.headers)
    for piece in _and_then(first, second, pieces):
        leaving = asyncio.run_coroutine_threadsafe(_leave(transport, piece), loop)
        try:
            leaving.result(PIECE_S + len(piece) / SLOWEST_BYTES_PER_S)
        except Exception as error:
            leaving.cancel()
            log.info("answer not taken", action="answer", error=type(error).__name__)
            return


def _and_then(first: bytes, second: bytes, others: Iterable[bytes]) -> Iterable[bytes]:
    yield first
    yield second
    yield from others


async def _leave(transport: Any, piece: bytes) -> None:
    await transport.send_bytes(piece)


def refuse(protocol: Any, status: HTTPStatus, sentence: str, headers: Headers | None = None) -> None:
    """An answer without Django, for what does not get to it."""
    plain = [("content-type", "text/plain; charset=utf-8"), ("connection", "close"), *(headers or [])]
    protocol.response_bytes(int(status), plain, f"{sentence}\n".encode())


def declared(environ: dict[str, Any]) -> int:
    """The length that the request's body is said to have; 0 for none, and for what the guard refuses."""
    text = environ.get("CONTENT_LENGTH", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 12 else 0


def environ_of(scope: Any) -> dict[str, Any]:
    """WSGI's environment (PEP 3333) without its input. Raises UnicodeError."""
    address, _, _ = scope.client.rpartition(":")
    host, _, port = scope.server.rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        # WSGI keeps bytes in texts of Latin-1.
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": address.strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.file_wrapper": FileOfAnswer,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    # What was sent twice comes twice here.
    for name, value in scope.headers.items():
        variable = VARIABLES.get(name) or f"HTTP_{name.upper().replace('-', '_')}"
        before = environ.get(variable)
        between = "; " if name == "cookie" else ","
        environ[variable] = f"{before}{between}{value}" if before else value
    # The guard's to refuse. HTTP/1.1 may name the host in the request line instead.
    environ.setdefault("HTTP_HOST", scope.authority or "")
    return environ
