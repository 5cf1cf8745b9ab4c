"""A sandbox chain's nodes for httpx, without a socket: for tests that ask by the thousand and have no use for a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from mutoscope.engines.solana.chain import dispatch

if TYPE_CHECKING:
    from mutoscope.engines.solana.chain.sandbox import SandboxChain


class InProcess(httpx.BaseTransport):
    """Answers in the asking thread what the chain's server would: `httpx.Client(transport=InProcess(chain))`.

    A fault that keeps callers waiting raises httpx.ReadTimeout at once.
    """

    def __init__(self, chain: SandboxChain) -> None:
        self._chain = chain

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.rstrip("/") or "/"
        node = next((node for node in self._chain.nodes() if node.path == path), None)
        if node is None:
            return httpx.Response(404, request=request)
        answer = dispatch.answer(node, request.read())
        if answer.hold_s:
            raise httpx.ReadTimeout("the node keeps its caller waiting", request=request)
        headers = {} if answer.retry_after_s is None else {"retry-after": str(max(1, round(answer.retry_after_s)))}
        return httpx.Response(answer.status, headers=headers, content=(answer.text or "").encode(), request=request)
