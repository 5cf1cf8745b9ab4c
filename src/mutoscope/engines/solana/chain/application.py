"""The chain as an ASGI application: JSON-RPC by POST and by websocket for each node at its own path, and the page.

Anybody may ask what a public node answers, pages of other sites included: it is play money, and browser wallets need it.
Only `Host` has to be this machine, so that no name that is made to point here can be used to read along.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from mutoscope.engines.solana.chain import dispatch
from mutoscope.engines.solana.chain.asgi import Headers, Receive, Scope, Send, header, read_body, respond
from mutoscope.engines.solana.chain.methods.admin import ADMIN_METHODS
from mutoscope.engines.solana.chain.node import Node
from mutoscope.engines.solana.chain.page import routes

if TYPE_CHECKING:
    from mutoscope.engines.solana.chain.sandbox import SandboxChain

LOOPBACK_NAMES = {"127.0.0.1", "localhost", "[::1]"}
OPEN_TO_ALL: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"POST, OPTIONS"),
    (b"access-control-allow-headers", b"*"),
    (b"access-control-max-age", b"86400"),
]


class Application:
    def __init__(self, chain: SandboxChain) -> None:
        self._chain = chain
        # Whom a fault keeps waiting is let go when the server stops.
        self.stopping = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            node = self._node(scope["path"])
            if node is None or not is_loopback(scope):
                await receive()
                await send({"type": "websocket.close", "code": 1008})
                return
            await self._chain.sockets.serve(node, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not is_loopback(scope):
            await respond(send, 421, b"This service answers only to 127.0.0.1 and localhost.", "text/plain")
            return
        if scope["method"] == "GET" and await routes.show(self._chain, scope, send):
            return
        if scope["method"] == "POST" and await routes.act(self._chain, scope, receive, send):
            return
        if scope["path"] == "/admin":
            await self._admin(scope, receive, send)
            return
        node = self._node(scope["path"])
        if node is None:
            await respond(send, 404, b"Not found", "text/plain")
        elif scope["method"] == "OPTIONS":
            await respond(send, 204, b"", headers=OPEN_TO_ALL)
        elif scope["method"] != "POST":
            await respond(send, 405, b"Used HTTP Method is not allowed. POST is required", "text/plain")
        else:
            await self._rpc(node, receive, send)

    async def _rpc(self, node: Node, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        if body is None:
            # What was not read stands in the connection's way: a client that sent its next request there would see it end.
            await respond(
                send, 413, b"Request entity too large", "text/plain", [*OPEN_TO_ALL, (b"connection", b"close")]
            )
            return
        answer = dispatch.answer(node, body)
        if answer.hold_s:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), answer.hold_s)
        headers = list(OPEN_TO_ALL)
        if answer.retry_after_s is not None:
            headers.append((b"retry-after", str(max(1, round(answer.retry_after_s))).encode()))
        await respond(send, answer.status, (answer.text or "").encode(), headers=headers)

    async def _admin(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Orders, from programs only: never from a page, not even our own."""
        if not self._chain.admin:
            await respond(send, 404, b"This chain takes no orders: start it with --faults.", "text/plain")
            return
        problem = routes.foreign(scope)
        if problem is not None or scope["method"] != "POST":
            await respond(send, 403, (problem or "POST is required").encode(), "text/plain")
            return
        body = await read_body(receive)
        answer = dispatch.answer(self._chain.node(), body or b"", ADMIN_METHODS)
        await respond(send, 200, (answer.text or "").encode())

    def _node(self, path: str) -> Node | None:
        return next((node for node in self._chain.nodes() if node.path == (path.rstrip("/") or "/")), None)


def is_loopback(scope: Scope) -> bool:
    """Whether the request was meant for this machine by name."""
    host = header(scope, b"host") or ""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return name.lower() in LOOPBACK_NAMES
