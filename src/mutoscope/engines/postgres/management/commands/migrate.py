"""`migrate`, on the direct connection and with a bound on how long it may wait for a lock."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import connections

# A migration that waits for a lock blocks every later query on that table. Better to fail and be run again.
LOCK_TIMEOUT_S = 10


class Command(migrate.Command):
    """Django's own command. Only the default database differs: a transaction pooler breaks migrations."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        if "direct" in connections.settings:
            parser.set_defaults(database="direct")

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{LOCK_TIMEOUT_S}s"])
        super().handle(*args, **options)
