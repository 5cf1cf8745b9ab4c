"""What Django loads by `ENGINE = "mutoscope.engines.postgres.backend"`."""

from __future__ import annotations

import time
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool

# A connection that was lent within this time is lent again without a question: that would be one round trip of a request's
# five. A server that went away since then costs one request an error, as it does when it goes right after the answer.
TRUSTED_FOR_S = 1.0

_LENT_AT: WeakKeyDictionary[psycopg.Connection[Any], float] = WeakKeyDictionary()


def check_when_idle(connection: psycopg.Connection[Any]) -> None:
    """Ask the server, unless the connection was lent a moment ago. Raises psycopg.OperationalError when it is gone."""
    now = time.monotonic()
    lent_at = _LENT_AT.get(connection)
    if lent_at is None or now - lent_at > TRUSTED_FOR_S:
        ConnectionPool.check_connection(connection)
    _LENT_AT[connection] = now


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, but for the pool's check, which Django leaves no setting for."""

    @property
    def pool(self) -> ConnectionPool[Any] | None:
        """The pool of this alias in this process, made when it is first asked for; None without `OPTIONS["pool"]`."""
        options = self.settings_dict["OPTIONS"].get("pool")
        if self.alias == NO_DB_ALIAS or not options:
            return None
        # Django's own, whose types do not tell of them.
        django: Any = self
        pools: dict[str, ConnectionPool[Any]] = django._connection_pools
        if self.alias not in pools:
            pool: ConnectionPool[Any] = ConnectionPool(
                kwargs={**self.get_connection_params(), "autocommit": True},
                open=False,
                configure=django._configure_connection,
                check=check_when_idle,
                **options,
            )
            # Of two threads that made one, the first is right; neither is open yet.
            pools.setdefault(self.alias, pool)
        return pools[self.alias]
