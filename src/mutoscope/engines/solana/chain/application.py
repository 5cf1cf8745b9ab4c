"""The chain as an ASGI application: JSON-RPC by POST."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from mutoscope.engines.solana.chain import dispatch

if TYPE_CHECKING:
    from mutoscope.engines.solana.chain.sandbox import SandboxChain

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# As large as a real node takes.
BODY_BYTES_MAX = 50 * 1024


class Application:
    def __init__(self, chain: SandboxChain) -> None:
        self._chain = chain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["method"] != "POST":
            await respond(send, 405, b"Used HTTP Method is not allowed. POST is required", b"text/plain")
            return
        body = await read_body(receive)
        if body is None:
            await respond(send, 413, b"Request entity too large", b"text/plain")
            return
        text = dispatch.answer(self._chain, body)
        await respond(send, 200, (text or "").encode())


async def read_body(receive: Receive, bytes_max: int = BODY_BYTES_MAX) -> bytes | None:
    """The request's body, or None where it is too large."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size <= bytes_max:
            parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts) if size <= bytes_max else None


async def respond(send: Send, status: int, body: bytes, kind: bytes = b"application/json") -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
