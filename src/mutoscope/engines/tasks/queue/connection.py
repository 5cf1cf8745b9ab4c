"""A connection of one's own, beside Django's: a worker needs to know when it breaks, and to listen on it."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import psycopg
from django.db import connections
from psycopg import sql

from mutoscope.engines.postgres.prepared import Value, execute_prepared

R = TypeVar("R")

# Every statement of a worker is an index lookup on a table whose size changes a thousandfold between two looks of the
# planner. A plan made while the table was empty must not be a scan of a million rows a moment later.
PLANNER = "enable_seqscan=off enable_nestloop=off enable_mergejoin=off enable_bitmapscan=off jit=off"
# A server that was demoted to a standby answers that it is read-only: as good as away.
BROKEN = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.ReadOnlySqlTransaction)
CONNECT_TIMEOUT_S = 5
RETRY_FIRST_S = 0.05
RETRY_MAX_S = 1.0

logger = logging.getLogger("mutoscope.tasks")


class Stopped(Exception):
    """The connection was given up, because the one who wanted it is stopping."""


def open_connection(alias: str, name: str) -> tuple[psycopg.Connection[tuple[Any, ...]], bool]:
    """A new autocommit connection to the database of that alias, and whether it goes through a pooler.

    Through a pooler, nothing is prepared, no session setting is made, and listening hears nothing.
    """
    parameters: dict[str, Any] = dict(connections[alias].get_connection_params())
    for django_only in ("cursor_factory", "prepare_threshold", "context"):
        parameters.pop(django_only, None)
    parameters["connect_timeout"] = parameters.get("connect_timeout") or CONNECT_TIMEOUT_S
    # A peer that vanished without a word is noticed in 10 s rather than in two hours.
    parameters |= {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}
    parameters["application_name"] = name
    connection = psycopg.connect(**parameters, autocommit=True, prepare_threshold=None)
    try:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        # A pooler invents the process id that it tells its clients.
        pooled = row is None or row[0] != connection.info.backend_pid
        if not pooled:
            connection.prepare_threshold = 0
            for setting in PLANNER.split():
                key, value = setting.split("=")
                connection.execute("SELECT set_config(%s, %s, false)", [key, value])
    except BaseException:
        connection.close()
        raise
    return connection, pooled


class Line:
    """A connection that is made again when it breaks. For one thread at a time."""

    def __init__(self, alias: str, name: str, stopped: threading.Event) -> None:
        self.alias = alias
        self.name = name
        self.stopped = stopped
        self.pooled = False
        self.connected_at: float | None = None
        self.reconnections = 0
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._channel: str | None = None
        self._heard: list[str] = []

    def connection(self) -> psycopg.Connection[tuple[Any, ...]]:
        """The open connection; makes it first when there is none. Raises psycopg.OperationalError."""
        if self._connection is None or self._connection.closed:
            self._connection, self.pooled = open_connection(self.alias, self.name)
            if self.connected_at is not None:
                self.reconnections += 1
            self.connected_at = time.monotonic()
            # What psycopg comes across while it waits for an answer. The rest is asked for.
            self._connection.add_notify_handler(self._overhear)
            self._listen(self._connection)
        return self._connection

    def execute(self, statement: str, parameters: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """One statement in a transaction of its own; its rows. Raises psycopg.Error."""
        cursor = self.connection().execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []

    def call(self, statement: str, parameters: Mapping[str, Value]) -> list[tuple[Any, ...]]:
        """As execute, in a fifth of the time; for statements that wait for nobody, with texts and numbers only."""
        connection = self.connection()
        if self.pooled:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []
        return execute_prepared(connection, statement, parameters)

    # Being spoken to

    def listen(self, channel: str) -> None:
        """Hear what is said on this channel and no other, after reconnections too. Through a pooler nothing is heard."""
        self._channel = channel
        self._listen(self.connection())

    def _listen(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        if self._channel is None:
            return
        if self.pooled:
            logger.info("Behind a pooler nothing can be heard: polling", extra={"action": "polling"})
            return
        connection.execute("UNLISTEN *")
        connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._channel)))

    def _overhear(self, notice: psycopg.Notify) -> None:
        self._heard.append(notice.payload)

    def notices(self) -> list[str]:
        """What was said since the last call. Waits for nothing; closes the connection when it finds it broken."""
        connection = self._connection
        if connection is not None and self._channel is not None:
            try:
                connection.pgconn.consume_input()
                while notice := connection.pgconn.notifies():
                    self._heard.append(notice.extra.decode())
            except psycopg.OperationalError:
                self.close()
        heard, self._heard = self._heard, []
        return heard

    def fileno(self) -> int | None:
        """The file number that can be read when something was said; None without a connection."""
        connection = self._connection
        return None if connection is None or connection.closed else connection.pgconn.socket

    def is_broken(self) -> bool:
        """Whether it has to connect again."""
        return self.connected_at is not None and self._connection is None

    def persist(self, work: Callable[[], R], lost: Callable[[Exception], None] | None = None) -> R:
        """Do the work, again and again through broken connections. It must be safe to repeat. Raises Stopped."""
        delay_s = RETRY_FIRST_S
        while True:
            try:
                return work()
            except BROKEN as error:
                self.close()
                if lost is not None:
                    lost(error)
                if self.stopped.wait(delay_s * random.uniform(0.5, 1.0)):  # noqa: S311 - spreads reconnections
                    raise Stopped from error
                delay_s = min(delay_s * 2, RETRY_MAX_S)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
