"""A ledger of its own, in a database of its own: for tests that look at a whole ledger, break one, or race on one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connections

from mutoscope.engines.ledger.installation import install_sql
from mutoscope.engines.postgres.conninfo import database_settings
from mutoscope.engines.postgres.embedded import EmbeddedServer
from tests.databases import scratch_database

ALIAS = "own_ledger"


@contextlib.contextmanager
def own_database(server: EmbeddedServer) -> Iterator[str]:
    """A new empty database; its URL. Dropped afterwards."""
    with scratch_database(server, "own") as name:
        yield server.url(name)


@contextlib.contextmanager
def own_ledger(server: EmbeddedServer, blocker: object, sql: str | None = None) -> Iterator[str]:
    """A ledger in a new database, reached by Django as the alias `own_ledger`. `sql` replaces what installs it."""
    with own_database(server) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute((sql or install_sql("public")).encode())
        connections.settings[ALIAS] = connections.configure_settings(
            {**connections.settings, ALIAS: database_settings(url)}
        )[ALIAS]
        with blocker.unblock():  # type: ignore[attr-defined]
            try:
                yield url
            finally:
                connections[ALIAS].close()
                del connections[ALIAS]
                del connections.settings[ALIAS]


@pytest.fixture
def own(postgres_server: EmbeddedServer, django_db_blocker: object) -> Iterator[str]:
    with own_ledger(postgres_server, django_db_blocker) as url:
        yield url
