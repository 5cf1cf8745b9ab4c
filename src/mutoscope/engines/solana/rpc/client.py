"""One client for all nodes: keeps its connections, asks the next node where one fails, holds every node's limit.

There are no JSON-RPC batches: nodes count each entry of one against the same limit, several public ones refuse them, and
one slow entry holds up the others. Kept-alive connections and a few threads do better.
"""

from __future__ import annotations

import logging
import os
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
from django.core.signals import setting_changed

from mutoscope.engines.solana.conf import Endpoint, configuration, is_right_network
from mutoscope.engines.solana.rpc.errors import NotAgreed, RpcRefused, RpcUnavailable, WrongNetwork
from mutoscope.engines.solana.rpc.limits import Purse, SharedPurse
from mutoscope.engines.solana.rpc.node import Node, NodeFailed, keep_out_of_logs

log = logging.getLogger(__name__)

PATIENCE_S = 30.0


@cache
def _certificates() -> ssl.SSLContext:
    """The authorities that are trusted, read once a process: reading them takes longer than a hundred questions."""
    return httpx.create_ssl_context()


@dataclass(frozen=True)
class Answer:
    """What a node said, and which one."""

    value: Any
    node: Node


class Rpc:
    """Asks the chain. Thread-safe. Keep one for a process, and close it or leave it to the end."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        genesis_hash: str,
        *,
        purse: Callable[[Endpoint], Purse] = lambda endpoint: SharedPurse(endpoint.url, endpoint.calls_per_10_s),
        patience_s: float = PATIENCE_S,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`purse` says where permits come from; `patience_s`, how long one question may wait for permits and nodes;
        `transport`, how nodes are reached, where that is not by a socket (`chain/transport.py`).
        """
        # Redirects would hand questions, and answers to them, to whoever a node names.
        self._client = httpx.Client(
            follow_redirects=False,
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=32),
            verify=_certificates(),
            transport=transport,
        )
        for endpoint in endpoints:
            keep_out_of_logs(endpoint.url)
        self.nodes = [Node(endpoint, purse(endpoint), self._client) for endpoint in endpoints]
        self.genesis_hash = genesis_hash
        self.calls: Counter[str] = Counter()
        self._patience_s = patience_s
        self._checking = threading.Lock()

    def call(self, method: str, *params: Any, once: bool = False) -> Any:
        """The answer to a question. Raises RpcRefused, or RpcUnavailable when no node answers within the patience.

        `once` asks one node one time, for what must not be sent twice unawares.
        """
        return self.ask(method, *params, once=once).value

    def ask(self, method: str, *params: Any, once: bool = False, but: Sequence[Node] = ()) -> Answer:
        """The same, saying who answered; `but` leaves nodes out."""
        until = time.monotonic() + self._patience_s
        reasons: dict[str, str] = {}
        while True:
            soonest_s = self._patience_s
            for node in self.nodes:
                if node.is_banned or node in but:
                    continue
                wait_s = max(node.paused_until - time.monotonic(), 0.0) or self._permit(node)
                if wait_s:
                    soonest_s = min(soonest_s, wait_s)
                    reasons.setdefault(node.name, node.trouble or f"{node.name}: its limit is reached")
                    continue
                try:
                    self.calls[method] += 1
                    return Answer(node.ask(method, params), node)
                except NodeFailed as failure:
                    reasons[node.name] = str(failure)
                    soonest_s = min(soonest_s, max(node.paused_until - time.monotonic(), 0.0))
                    if once:
                        raise RpcUnavailable(f"{method}: {failure}") from failure
            if not [node for node in self.nodes if not node.is_banned and node not in but]:
                raise RpcUnavailable(f"{method}: {self._why_none_is_left()}")
            if time.monotonic() + soonest_s > until:
                raise RpcUnavailable(f"{method}: " + "; ".join(reasons.values()))
            time.sleep(max(soonest_s, 0.001))

    def second_opinion(self, first: Answer, same: Callable[[Any], Any], method: str, *params: Any) -> None:
        """Ask another node the same. Raises NotAgreed unless `same` makes equal things of both answers."""
        try:
            second = self.ask(method, *params, but=[first.node])
            agreed = bool(same(second.value) == same(first.value))
        except (RpcUnavailable, RpcRefused, ValueError) as error:
            raise NotAgreed(f"{method}: no second node could say: {error}") from error
        if not agreed:
            log.error(
                "the nodes %s and %s disagree on %s",
                first.node.name,
                second.node.name,
                method,
                extra={"action": "rpc_disagreement", "method": method, "nodes": [first.node.name, second.node.name]},
            )
            raise NotAgreed(f"{method}: {first.node.name} and {second.node.name} disagree")

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def _why_none_is_left(self) -> str:
        if not self.nodes:
            return 'no node is configured: see MUTOSCOPE_SOLANA["RPC"]'
        return "; ".join(["no node is left to ask", *(node.trouble for node in self.nodes if node.is_banned)])

    def _permit(self, node: Node) -> float:
        """Take a permit for one call, after finding out once whether the node is on the right network. 0, or seconds."""
        if not node.is_checked:
            with self._checking:
                # Another thread may have found out meanwhile: _check asks again.
                if wait_s := self._check(node):
                    return wait_s
        return node.permits.take()

    def _check(self, node: Node) -> float:
        if node.is_checked:
            return 0.0
        if wait_s := node.permits.take():
            return wait_s
        try:
            self.calls["getGenesisHash"] += 1
            found = node.ask("getGenesisHash", [])
        except (NodeFailed, RpcRefused) as error:
            node.trouble = str(error) if isinstance(error, NodeFailed) else f"{node.name}: {error}"
            return max(node.paused_until - time.monotonic(), 1.0)
        node.is_checked = True
        if not is_right_network(self.genesis_hash, found):
            node.is_banned = True
            problem = WrongNetwork(f"{node.name} is on network {found}, not {self.genesis_hash}")
            node.trouble = str(problem)
            log.error("%s: it is not asked again", problem, extra={"action": "rpc_wrong_network", "node": node.name})
            # Never 0, which would permit the question, whatever the patience.
            return max(self._patience_s, 1.0)
        return 0.0


@cache
def default_rpc() -> Rpc:
    """The process's client for the configured nodes. Made at its first use, so after any fork of a worker."""
    configured = configuration()
    return Rpc(configured.rpc, configured.genesis_hash())


os.register_at_fork(after_in_child=default_rpc.cache_clear)


def forget_default_rpc(*, setting: str = "MUTOSCOPE_SOLANA", **_: Any) -> None:
    """Close the process's client; the next use makes another. Settings change in tests, and with them the nodes."""
    if setting == "MUTOSCOPE_SOLANA" and default_rpc.cache_info().currsize:
        default_rpc().close()
        default_rpc.cache_clear()


setting_changed.connect(forget_default_rpc, dispatch_uid="mutoscope_solana.rpc")
