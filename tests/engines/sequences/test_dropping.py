"""Numbers leave no connection behind, or no project could drop its test database."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connections

from mutoscope.engines.postgres.conninfo import database_settings
from mutoscope.engines.postgres.embedded import EmbeddedServer
from mutoscope.engines.sequences import LeasedSequence
from mutoscope.engines.sequences.models import LeasedState
from tests.databases import scratch_database

ALIAS = "numbered"


def test_a_database_that_numbers_were_taken_from_can_be_dropped(
    postgres_server: EmbeddedServer, django_db_blocker: pytest.FixtureRequest
) -> None:
    # The end of the block drops it as well, by force, where this failed.
    with scratch_database(postgres_server, "numbered") as database:
        settings = database_settings(postgres_server.url(database))
        connections.settings[ALIAS] = connections.configure_settings({**connections.settings, ALIAS: settings})[ALIAS]
        with django_db_blocker.unblock():  # type: ignore[attr-defined]
            try:
                with connections[ALIAS].schema_editor() as editor:
                    editor.create_model(LeasedState)
                sequence = LeasedSequence("orders", using=ALIAS, block=10)
                assert sequence.take(25) == list(range(1, 26))
                connections[ALIAS].close()
                with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as owner:
                    owner.execute(f"ALTER DATABASE {database} RENAME TO {database}_unused".encode())
                    owner.execute(f"ALTER DATABASE {database}_unused RENAME TO {database}".encode())
                assert sequence.take(5) == list(range(26, 31))
            finally:
                connections[ALIAS].close()
                del connections[ALIAS]
                del connections.settings[ALIAS]
