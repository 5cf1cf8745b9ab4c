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
    """One sequence's name, shape and database.

    Each block has a connection to itself, which is closed before a number is used: one that was kept would keep a test database from
    being dropped and a pooler's place taken, for a lease that comes once a second or less.
    """

    name: str
    using: str
    start: int
    increment: int
    maximum: int

    def block(self, count: int) -> range:
        """A block of up to `count` numbers, committed to disk. Raises any of this engine's errors."""
        try:
            with contextlib.closing(own_connection(self.using)) as connection:
                answer = connection.execute(query("identity")).fetchone()
                here = str(answer[0]) if answer else ""
                first, granted, increment, maximum, identity = self._lease(connection, count, here)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise SequenceUnavailable(f"no block for {self.name!r}: {str(error).strip()}") from error
        if identity != here:
            raise RestoredDatabase(
                f"{self.name!r} was last leased from {identity}, and this is {here}. {RestoredDatabase.__doc__}"
            )
        if (increment, maximum) != (self.increment, self.maximum):
            raise SequenceDiffers(f"{self.name!r} has increment {increment} and upper bound {maximum} in the database")
        if granted == 0:
            raise SequenceExhausted(f"{self.name!r} has reached {maximum}")
        return range(first, first + granted * increment, increment)

    def _lease(self, connection: psycopg.Connection[Any], count: int, identity: str) -> tuple[Any, ...]:
        asked = {
            "name": self.name,
            "count": count,
            "start": self.start,
            "increment": self.increment,
            "maximum": self.maximum,
            "identity": identity,
        }
        for _ in range(2):
            # A block that is in use and not on disk would be handed out again after a crash.
            with connection.transaction():
                connection.execute("SET LOCAL synchronous_commit = on")
                row = connection.execute(query("lease"), asked).fetchone()
                if row is None:
                    connection.execute(query("create"), asked)
            if row is not None:
                return tuple(row)
        raise SequenceUnavailable(f"the row of {self.name!r} vanished")


def own_connection(using: str) -> psycopg.Connection[Any]:
    """A new connection to the database of one of Django's aliases, in autocommit."""
    parameters = {
        key: value for key, value in connections[using].get_connection_params().items() if key not in _NOT_OURS
    }
    return psycopg.connect(**parameters, autocommit=True, prepare_threshold=None)
