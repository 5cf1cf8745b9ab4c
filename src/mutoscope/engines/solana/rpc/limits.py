"""How often a node may be asked. A limit counts for all processes together, since a node counts by address, not by process."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import psycopg
from django.db import DEFAULT_DB_ALIAS, OperationalError

from mutoscope.engines.sequences.lender import own_connection

WINDOW_S = 10.0
# What a process drew from the shared bucket and did not use within this time is forgotten.
KEPT_S = 1.0


class Purse(Protocol):
    """Where permits come from. A node's limit of N calls in any ten seconds is a bucket of N/2 permits that fills with
    N/2 in eleven: emptied at the worst moment, and with permits used a second late, that is still N."""

    def draw(self, wanted: int) -> tuple[int, float]:
        """Up to `wanted` permits, at once; and if there are none, the seconds until there is one."""
        ...


def bucket_of(calls_per_10_s: int) -> tuple[float, float]:
    """Size and permits a second of the bucket for a limit."""
    size = max(1.0, calls_per_10_s / 2)
    return size, max(calls_per_10_s - size, calls_per_10_s / 4) / (WINDOW_S + KEPT_S)


class OwnPurse:
    """A bucket for this process alone: for tests, tools, and whoever is alone."""

    def __init__(self, calls_per_10_s: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.size, self.rate = bucket_of(calls_per_10_s)
        self._clock = clock
        self._permits, self._at = self.size, clock()
        self._lock = threading.Lock()

    def draw(self, wanted: int) -> tuple[int, float]:
        with self._lock:
            now = self._clock()
            self._permits = min(self.size, self._permits + (now - self._at) * self.rate)
            self._at = now
            granted = min(wanted, int(self._permits))
            self._permits -= granted
            return granted, 0.0 if granted else (1 - self._permits) / self.rate


class SharedPurse:
    """A bucket in the database, one row for each node. The node's address is hashed: it may carry an access key.

    On a connection of its own: a caller's rollback must not give used permits back, and threads that ask nodes need none. It is closed
    at once: one that was kept would keep a test database from being dropped and a pooler's place taken, for a draw that comes
    about once a second.
    """

    def __init__(self, url: str, calls_per_10_s: int, using: str = DEFAULT_DB_ALIAS) -> None:
        self.node = hashlib.sha256(url.encode()).hexdigest()[:32]
        self.size, self.rate = bucket_of(calls_per_10_s)
        self.using = using

    def draw(self, wanted: int) -> tuple[int, float]:
        parameters = {"node": self.node, "size": self.size, "rate": self.rate, "wanted": wanted}
        try:
            with contextlib.closing(own_connection(self.using)) as connection:
                row = self._draw(connection, parameters)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            # As Django's, which whoever asks a node knows already.
            raise OperationalError(str(error)) from error
        granted = int(row[0])
        return granted, 0.0 if granted else (1 - float(row[1])) / self.rate

    def _draw(self, connection: psycopg.Connection[Any], parameters: dict[str, Any]) -> tuple[Any, ...]:
        for _ in range(2):
            row = connection.execute(_DRAW, parameters).fetchone()
            if row is not None:
                return tuple(row)
            connection.execute(_OPEN, parameters)
        raise RuntimeError("the row of an RPC node's limit vanished")


# Locks: the node's row for the statement's length. The database's clock, so that all machines mean the same moment.
# Expected row count: none (first use) or one.
_DRAW = """
WITH now_full AS MATERIALIZED (
    SELECT node, least(%(size)s, permits + greatest(0, extract(epoch FROM clock_timestamp() - filled_at)) * %(rate)s) AS full_now
    FROM mutoscope_solana_rpcallowance WHERE node = %(node)s FOR NO KEY UPDATE
)
UPDATE mutoscope_solana_rpcallowance a
SET permits = full_now - least(%(wanted)s, floor(full_now)), filled_at = clock_timestamp()
FROM now_full WHERE a.node = now_full.node
RETURNING least(%(wanted)s, floor(full_now))::int, permits
"""
_OPEN = """
INSERT INTO mutoscope_solana_rpcallowance (node, permits, filled_at) VALUES (%(node)s, %(size)s, clock_timestamp())
ON CONFLICT (node) DO NOTHING
"""


class Permits:
    """One process's supply of permits for one node: draws a few at a time, so that not each call costs a query."""

    def __init__(self, purse: Purse, at_once: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._purse = purse
        self._at_once = max(1, at_once)
        self._clock = clock
        self._left = 0
        self._drawn_at = 0.0
        # Until then the bucket is known to be empty: nobody who waits asks the database again.
        self._empty_until = float("-inf")
        self._lock = threading.Lock()

    def take(self) -> float:
        """Take one permit. Returns 0, or the seconds after which to try again."""
        with self._lock:
            if self._left and self._clock() - self._drawn_at > KEPT_S:
                self._left = 0
            if not self._left:
                if (still_s := self._empty_until - self._clock()) > 0:
                    return still_s
                self._left, wait_s = self._purse.draw(self._at_once)
                self._drawn_at = self._clock()
                if not self._left:
                    wait_s = max(wait_s, 0.001)
                    self._empty_until = self._drawn_at + wait_s
                    return wait_s
            self._left -= 1
            return 0.0
