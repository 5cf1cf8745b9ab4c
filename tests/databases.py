"""A database of a test's own on the suite's server."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator

import psycopg
from psycopg import sql

from mutoscope.engines.postgres.embedded import SUPERUSER, EmbeddedServer


@contextlib.contextmanager
def scratch_database(server: EmbeddedServer, prefix: str) -> Iterator[str]:
    """The name of a new, empty database, gone after the block."""
    name = f"{prefix}_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield name
    finally:
        # As the superuser: only one may end an autovacuum worker that is in the database just then.
        with psycopg.connect(server.url("postgres", SUPERUSER), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
