"""Where blocks come from: a connection of its own, never the caller's, so that no rollback can give a block back."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connections

from mutoscope.engines.sequences.errors import (
    RestoredDatabase,
    SequenceDiffers,
    SequenceExhausted,
    SequenceUnavailable,
)
from mutoscope.engines.sequences.queries import query

# Of Django's connection parameters, those that are not libpq's or that a block's connection has no use for.
_NOT_OURS = frozenset({"cursor_factory", "context", "prepare_threshold", "autocommit", "pool"})


@dataclass(frozen=True)
class Lender:
    """One sequence's name, shape and database."""

    name: str
    using: str
    start: int
    increment: int
    maximum: int


class Lease:
    """Leases blocks over one connection that it keeps. Not thread-safe; the sequence calls it under a lock."""

    def __init__(self, lender: Lender) -> None:
        self.lender = lender
        self._connection: psycopg.Connection[Any] | None = None
        self._identity = ""

    def block(self, count: int) -> range:
        """A block of up to `count` numbers, committed to disk. Raises any of this engine's errors."""
        lender = self.lender
        was_open = self._connection is not None
        try:
            row = self._lease(count)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            self.close()
            if was_open:
                # The kept connection may have died long ago. A block that was leased and never arrived is a gap, no more.
                return self.block(count)
            raise SequenceUnavailable(f"no block for {lender.name!r}: {str(error).strip()}") from error
        first, granted, increment, maximum, identity = row
        if identity != self._identity:
            raise RestoredDatabase(
                f"{lender.name!r} was last leased from {identity}, and this is {self._identity}. {RestoredDatabase.__doc__}"
            )
        if (increment, maximum) != (lender.increment, lender.maximum):
            raise SequenceDiffers(
                f"{lender.name!r} has increment {increment} and upper bound {maximum} in the database"
            )
        if granted == 0:
            raise SequenceExhausted(f"{lender.name!r} has reached {maximum}")
        return range(first, first + granted * increment, increment)

    def close(self) -> None:
        """Let the connection go."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error):
                connection.close()

    def forget(self) -> None:
        """After a fork: the connection is the parent's, and not ours to close."""
        self._connection = None

    def _lease(self, count: int) -> tuple[Any, ...]:
        if self._connection is None or self._connection.closed:
            self._connection = own_connection(self.lender.using)
            row = self._connection.execute(query("identity")).fetchone()
            self._identity = str(row[0]) if row else ""
        asked = {
            "name": self.lender.name,
            "count": count,
            "start": self.lender.start,
            "increment": self.lender.increment,
            "maximum": self.lender.maximum,
            "identity": self._identity,
        }
        for _ in range(2):
            # A block that is in use and not on disk would be handed out again after a crash.
            with self._connection.transaction():
                self._connection.execute("SET LOCAL synchronous_commit = on")
                row = self._connection.execute(query("lease"), asked).fetchone()
                if row is None:
                    self._connection.execute(query("create"), asked)
            if row is not None:
                return tuple(row)
        raise SequenceUnavailable(f"the row of {self.lender.name!r} vanished")


def own_connection(using: str) -> psycopg.Connection[Any]:
    """A new connection to the database of one of Django's aliases, in autocommit."""
    parameters = {
        key: value for key, value in connections[using].get_connection_params().items() if key not in _NOT_OURS
    }
    return psycopg.connect(**parameters, autocommit=True, prepare_threshold=None)
