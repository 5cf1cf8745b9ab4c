"""The three things an ASGI application is called with, and answers of plain HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

# As large as a real node takes.
BODY_BYTES_MAX = 50 * 1024


async def read_body(receive: Receive, bytes_max: int = BODY_BYTES_MAX) -> bytes | None:
    """The request's body, or None where it is too large; then no more of it is read."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(parts)
        part = message.get("body", b"")
        size += len(part)
        if size > bytes_max:
            return None
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


async def respond(
    send: Send, status: int, body: bytes, kind: str = "application/json", headers: Headers | None = None
) -> None:
    basic = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*basic, *(headers or [])]})
    await send({"type": "http.response.body", "body": body})


def header(scope: Scope, name: bytes) -> str | None:
    """A request header's value."""
    for key, value in scope["headers"]:
        if key.lower() == name:
            return bytes(value).decode("latin-1")
    return None
