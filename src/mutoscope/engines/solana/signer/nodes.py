"""Nodes by HTTP, as small as the signer needs them: one kept-alive client, no retries, since every turn of the signer is one."""

from __future__ import annotations

import contextlib
import itertools
import logging
from collections.abc import Iterator, Sequence
from typing import Any

import httpx

TIMEOUT_S = 15.0


class NodeRefused(Exception):
    """The node answered with an error, or with nothing that is an answer."""


class HttpNode:
    """One node. Its address may hold a secret, so no message of ours shows it."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        self._url = url
        self._client = client
        self._numbers = itertools.count(1)

    def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The result of one call. Raises NodeRefused, httpx.HTTPError."""
        number = next(self._numbers)
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
        try:
            response = self._client.post(self._url, json=request)
        except httpx.HTTPError as error:
            raise NodeRefused(f"{method}: {type(error).__name__}") from None
        if response.status_code != httpx.codes.OK:
            raise NodeRefused(f"{method}: HTTP {response.status_code}")
        answer = response.json()
        if answer.get("id") != number or "result" not in answer:
            told = answer.get("error") or {}
            raise NodeRefused(f"{method}: {told.get('code')} {told.get('message')}")
        return answer["result"]


@contextlib.contextmanager
def open_nodes(urls: Sequence[str]) -> Iterator[list[HttpNode]]:
    """Nodes at these addresses, for the length of the block."""
    # It would log every address whole, with the key that many providers put into it.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with httpx.Client(timeout=TIMEOUT_S) as client:
        yield [HttpNode(url, client) for url in urls]
