"""Writing a whole database to a file and bringing it back, with PostgreSQL's own programs."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from mutoscope.engines.postgres import binaries
from mutoscope.engines.postgres.conninfo import connection_parts

LOOK_EVERY_S = 0.1

# How libpq's programs take a connection from the environment. An argument would show a password to every user of the
# machine.
VARIABLES = {
    "dbname": "PGDATABASE",
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}

# One transaction: either the database holds what the dump holds afterwards, or it holds what it held before.
EMPTY_THE_DATABASE = """
SET client_min_messages = warning;
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', name);
    END LOOP;
END $$;
CREATE SCHEMA public AUTHORIZATION pg_database_owner;
GRANT USAGE ON SCHEMA public TO PUBLIC;
"""

Progress = Callable[[int], None]


class DumpError(Exception):
    """PostgreSQL's program failed; the message holds its own words."""


def dump(url: str, target: Path, progress: Progress = lambda _: None) -> None:
    """Write the database to `target` in pg_dump's custom format: one consistent moment, while others go on writing.

    `progress` is told the bytes written so far. Raises DumpError.
    """
    command = [_program("pg_dump", url), "--format=custom", "--no-owner", f"--file={target}"]
    process = subprocess.Popen(command, env=_environment(url), stderr=subprocess.PIPE, text=True)
    while process.poll() is None:
        progress(target.stat().st_size if target.exists() else 0)
        time.sleep(LOOK_EVERY_S)
    _, said = process.communicate()
    if process.returncode != 0:
        target.unlink(missing_ok=True)
        raise DumpError(said.strip())
    progress(target.stat().st_size)


def restore(url: str, source: Path) -> None:
    """Replace all that the database holds by what `source` holds, in one transaction. Raises DumpError."""
    reading = subprocess.Popen(
        [_program("pg_restore", url), "--no-owner", "--file=-", str(source)],
        env=_environment(url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    writing = subprocess.Popen(
        [_program("psql", url), "--no-psqlrc", "--quiet", "--output=/dev/null", "--set=ON_ERROR_STOP=1", "--file=-"],
        env=_environment(url),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert reading.stdout is not None
    assert writing.stdin is not None
    # psql's own --single-transaction would commit at the end of its input, and a dump that breaks off in the middle ends
    # there, too. So the commit is sent by us, after pg_restore has said that it read everything.
    with contextlib.suppress(BrokenPipeError), reading.stdout as script, writing.stdin as session:
        session.write(b"BEGIN;" + EMPTY_THE_DATABASE.encode())
        shutil.copyfileobj(script, session)
        if reading.wait() == 0:
            session.write(b"\nCOMMIT;\n")
    said = []
    for process in (writing, reading):
        assert process.stderr is not None
        with process.stderr as errors:
            said.append(errors.read().decode(errors="replace"))
        process.wait()
    if writing.returncode != 0 or reading.returncode != 0:
        raise DumpError("".join(said).strip())


def size_bytes(url: str) -> int:
    """How large the database is on disk: more than its dump will be."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return 0 if row is None else int(row[0])


def table_count(url: str) -> int:
    """How many tables the database holds."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchone()
    return 0 if row is None else int(row[0])


def _program(name: str, url: str) -> str:
    """The machine's own program where it is new enough for the server, else the wheel's.

    The machine's is preferred for a remote server because the wheel's is built without TLS.
    """
    own = shutil.which(name)
    if own is not None and "/" not in str(connection_parts(url).get("host", "/")):
        said = subprocess.run([own, "--version"], capture_output=True, text=True, check=False).stdout
        found = re.search(r"(\d+)", said)
        with psycopg.connect(url) as connection:
            if found and int(found[1]) >= connection.info.server_version // 10_000:
                return own
    return str(binaries.program(name))


def _environment(url: str) -> dict[str, str]:
    parts = connection_parts(url)
    given = {VARIABLES[key]: str(value) for key, value in parts.items() if key in VARIABLES}
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    return {**inherited, **given, "PGCLIENTENCODING": "UTF8", "PGAPPNAME": "mutoscope"}
