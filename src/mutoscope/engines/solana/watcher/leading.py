"""One of many leads: the holder of a row that it renews. When it stops renewing, another takes over.

Nothing depends on there being only one: two leaders ask twice and record once. A session's advisory lock would not do
here, since behind a transaction pooler two clients share a session.
"""

from __future__ import annotations

import os
import secrets
import socket

from django.db import connection

NAME = "watcher"
LEASE_S = 30


class Leadership:
    """A claim to lead. Each process makes one."""

    def __init__(self, name: str = NAME, lease_s: int = LEASE_S) -> None:
        self.name = name
        self.lease_s = lease_s
        self.holder = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"

    def take(self) -> bool:
        """Become or stay leader. False while somebody else leads."""
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, {"name": self.name, "holder": self.holder, "lease_s": self.lease_s})
            return cursor.fetchone() is not None

    def give_up(self) -> None:
        """Let somebody else lead at once."""
        with connection.cursor() as cursor:
            cursor.execute(_GIVE_UP, {"name": self.name, "holder": self.holder})


# By the database's clock. Expected row count: one for the leader, none for everybody else.
_TAKE = """
INSERT INTO mutoscope_solana_lease AS lease (name, holder, until)
VALUES (%(name)s, %(holder)s, clock_timestamp() + make_interval(secs => %(lease_s)s))
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE lease.holder = excluded.holder OR lease.until < clock_timestamp()
RETURNING holder
"""
_GIVE_UP = "DELETE FROM mutoscope_solana_lease WHERE name = %(name)s AND holder = %(holder)s"
