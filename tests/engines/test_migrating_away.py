"""`migrate APP zero`, and back again: an app that was tried and taken out can be put in once more."""

from __future__ import annotations

import pytest
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from mutoscope.engines.postgres.conninfo import database_settings
from mutoscope.engines.postgres.embedded import EmbeddedServer
from tests.databases import scratch_database

ALIAS = "migrated_away"


@pytest.mark.parametrize("app", ["ledger", "sequences", "tasks", "mutoscope_solana"])
def test_an_engine_is_migrated_away_and_back(
    app: str, postgres_server: EmbeddedServer, django_db_blocker: pytest.FixtureRequest
) -> None:
    with scratch_database(postgres_server, "away") as database:
        settings = database_settings(postgres_server.url(database))
        connections.settings[ALIAS] = connections.configure_settings({**connections.settings, ALIAS: settings})[ALIAS]
        with django_db_blocker.unblock():  # type: ignore[attr-defined]
            try:
                latest = MigrationExecutor(connections[ALIAS]).loader.graph.leaf_nodes(app)
                for target in (latest, [(app, None)], latest):
                    MigrationExecutor(connections[ALIAS]).migrate(target)
            finally:
                connections[ALIAS].close()
                del connections[ALIAS]
                del connections.settings[ALIAS]
