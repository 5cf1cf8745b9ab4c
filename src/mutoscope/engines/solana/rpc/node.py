"""One node: asking it once, and remembering how it behaved."""

from __future__ import annotations

import itertools
import json
import logging
import time
from collections.abc import Sequence
from typing import Any

import httpx

from mutoscope.engines.solana.conf import Endpoint, node_name
from mutoscope.engines.solana.rpc.errors import RpcRefused
from mutoscope.engines.solana.rpc.limits import Permits, Purse

log = logging.getLogger(__name__)

ANSWER_BYTES_MAX = 64 * 1024 * 1024
# A whole answer takes at most so many timeouts: a node that sends a byte now and then is never late with the next one.
TIMEOUTS_AN_ANSWER = 3
PAUSE_FIRST_S = 1.0
PAUSE_MAX_S = 60.0
# Answers that say something about the node and not about the question. Source: https://github.com/anza-xyz/agave, rpc-client-api
NODE_IS_AT_FAULT = frozenset({-32004, -32005, -32007, -32009, -32014, -32016, -32603})
TOO_MANY = (429, -32429)


class NodeFailed(Exception):
    """This node did not answer this time; another may."""


class Node:
    """One endpoint with its permits and its health. Thread-safe as far as it matters: counts may be off by one."""

    def __init__(self, endpoint: Endpoint, purse: Purse, client: httpx.Client) -> None:
        self.endpoint = endpoint
        self.name = node_name(endpoint.url)
        self.purse = purse
        self.permits = Permits(purse, at_once=min(25, endpoint.calls_per_10_s // 8))
        self.is_checked = False
        self.is_banned = False
        self.failures = 0
        self.paused_until = 0.0
        # Why it rests or is left out; empty for a node that answers.
        self.trouble = ""
        self._client = client
        self._ids = itertools.count(1)

    def ask(self, method: str, params: Sequence[Any]) -> Any:
        """One call. Raises NodeFailed, after which the node rests for a while, or RpcRefused."""
        try:
            status, retry_after, body = self._post(method, params)
        except httpx.HTTPError as error:
            raise self._failed(f"{type(error).__name__}") from error
        if status == 429:
            raise self._failed("asked too often (429)", pause_s=_seconds(retry_after))
        # Some nodes send an error object with a status of its own.
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            raise self._failed(f"HTTP {status} without JSON") from None
        if not isinstance(answer, dict) or ("result" in answer) == ("error" in answer):
            raise self._failed("an answer that is none")
        if "error" in answer:
            raise self._error(answer["error"])
        self.failures = 0
        self.trouble = ""
        return answer["result"]

    def _post(self, method: str, params: Sequence[Any]) -> tuple[int, str | None, bytes]:
        question = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)}
        until = time.monotonic() + TIMEOUTS_AN_ANSWER * self.endpoint.timeout_s
        with self._client.stream("POST", self.endpoint.url, json=question, timeout=self.endpoint.timeout_s) as response:
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > ANSWER_BYTES_MAX:
                    raise httpx.DecodingError("an answer beyond all bounds")
                if time.monotonic() > until:
                    raise httpx.ReadTimeout("an answer that does not end")
            return response.status_code, response.headers.get("retry-after"), bytes(body)

    def _error(self, error: Any) -> Exception:
        code = error.get("code") if isinstance(error, dict) else None
        message = str(error.get("message", "")) if isinstance(error, dict) else ""
        if not isinstance(code, int):
            return self._failed("an error that is none")
        if code in TOO_MANY:
            return self._failed("asked too often")
        if code in NODE_IS_AT_FAULT:
            return self._failed(f"{message[:200]} ({code})")
        self.failures = 0
        self.trouble = ""
        return RpcRefused(code, message, error.get("data"))

    def _failed(self, why: str, pause_s: float | None = None) -> NodeFailed:
        self.failures += 1
        backoff_s = min(PAUSE_FIRST_S * 2 ** (self.failures - 1), PAUSE_MAX_S)
        self.paused_until = time.monotonic() + (backoff_s if pause_s is None else min(pause_s, PAUSE_MAX_S))
        log.warning(
            "RPC node %s failed: %s", self.name, why, extra={"action": "rpc_node_failed", "node": self.name, "why": why}
        )
        self.trouble = f"{self.name}: {why}"
        return NodeFailed(self.trouble)


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() else None


class _NoAddresses(logging.Filter):
    """httpx logs each address it asks; ours may carry an access key."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not any(isinstance(argument, httpx.URL) and str(argument) in _ours for argument in record.args or ())


_ours: set[str] = set()
logging.getLogger("httpx").addFilter(_NoAddresses())


def keep_out_of_logs(url: str) -> None:
    """Let no log line of the HTTP library name this address."""
    _ours.add(str(httpx.URL(url)))
