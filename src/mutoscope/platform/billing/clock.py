"""What time it is: the database's, which every process shares. Tests move it; nothing else does."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol


class Clock(Protocol):
    """How far this clock goes ahead of the database's. Statements add it to `statement_timestamp()`."""

    def ahead(self) -> timedelta: ...


class DatabaseClock:
    """The database's own time."""

    def ahead(self) -> timedelta:
        return timedelta(0)


class MovedClock:
    """A clock that somebody moved, for tests."""

    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead

    def ahead(self) -> timedelta:
        return self._ahead


SERVER_CLOCK = DatabaseClock()
