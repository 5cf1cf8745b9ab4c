"""Nodes by HTTP, as small as the signer needs them: one kept-alive client, no retries, since every turn of the signer is one."""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import time
from collections.abc import Iterator, Sequence
from typing import Any

import httpx

from mutoscope.engines.solana.conf import node_name

TIMEOUT_S = 15.0
# Of a whole answer: a node that sends a byte now and then is never late with the next one.
ANSWER_S = 60.0
ANSWER_BYTES_MAX = 64 * 1024 * 1024


class NodeRefused(Exception):
    """The node answered with an error, or with nothing that is an answer."""


class HttpNode:
    """One node. Its address may hold a secret, so no message of ours shows it."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        self.name = node_name(url)
        self._url = url
        self._client = client
        self._numbers = itertools.count(1)

    def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The result of one call. Raises NodeRefused, httpx.HTTPError."""
        number = next(self._numbers)
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
        try:
            status, body = self._post(request)
        except httpx.HTTPError as error:
            raise NodeRefused(f"{method}: {type(error).__name__}") from None
        if status != httpx.codes.OK:
            raise NodeRefused(f"{method}: HTTP {status}")
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            raise NodeRefused(f"{method}: an answer that is no JSON") from None
        if not isinstance(answer, dict) or answer.get("id") != number:
            raise NodeRefused(f"{method}: an answer to nothing that was asked")
        if "result" not in answer:
            told = answer.get("error")
            why = f"{told.get('code')} {str(told.get('message'))[:200]}" if isinstance(told, dict) else "no result"
            raise NodeRefused(f"{method}: {why}")
        return answer["result"]

    def _post(self, request: dict[str, Any]) -> tuple[int, bytes]:
        until = time.monotonic() + ANSWER_S
        body = bytearray()
        with self._client.stream("POST", self._url, json=request) as response:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > ANSWER_BYTES_MAX:
                    raise httpx.DecodingError("an answer beyond all bounds")
                if time.monotonic() > until:
                    raise httpx.ReadTimeout("an answer that does not end")
            return response.status_code, bytes(body)


@contextlib.contextmanager
def open_nodes(urls: Sequence[str]) -> Iterator[list[HttpNode]]:
    """Nodes at these addresses, for the length of the block."""
    # It would log every address whole, with the key that many providers put into it.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with httpx.Client(timeout=TIMEOUT_S) as client:
        yield [HttpNode(url, client) for url in urls]
