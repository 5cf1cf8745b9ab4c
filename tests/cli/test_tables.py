"""No part starts on a database that is not this release's, and each says so in a sentence."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from mutoscope.engines.postgres.embedded import EmbeddedServer
from tests.cli.house import free_port
from tests.databases import scratch_database
from tests.web.test_environment import SAFE

PARTS = (["web"], ["worker", "--queues", "films"], ["watcher", "--once"], ["signer"])
SECRET = "Zk3v9Qw7Lr2Xt5Yb8Nc1Md4Fg6Hj0Ks-Pa_Se3Ru7Ti9Ow2Ve5Ly"
CONFIGURATION = """
rpc = ["http://127.0.0.1:9"]
genesis = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"
key_encryption_keys = ["file:{kek}"]
state = "{state}"
[[token]]
name = "SOL"
sweep_to = "4zvwRjXUKGfvwnParsHAS3HuSVzV5cA4McphgmoCtajS"
"""


def mutoscope(home: Path, url: str, *arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
    ours = {
        **SAFE,
        "MUTOSCOPE_SECRET_KEY": SECRET,
        "MUTOSCOPE_HOME": str(home),
        "MUTOSCOPE_PORT": str(free_port()),
        "DATABASE_URL": url,
        **changed,
    }
    return subprocess.run(
        [sys.executable, "-m", "mutoscope.cli", *arguments],
        env={**os.environ, **ours}, capture_output=True, text=True, check=False, timeout=600, cwd=home,
    )  # fmt: skip


@pytest.fixture
def database(postgres_server: EmbeddedServer) -> Iterator[str]:
    with scratch_database(postgres_server, "tables") as name:
        yield postgres_server.url(name)


@pytest.fixture(scope="module")
def migrated(postgres_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database with this release's tables. Whoever changes its history does so in `history`."""
    with scratch_database(postgres_server, "tables") as name:
        url = postgres_server.url(name)
        done = mutoscope(tmp_path_factory.mktemp("migrated"), url, "manage", "migrate", "-v", "0")
        assert done.returncode == 0, done.stderr
        yield url


@contextlib.contextmanager
def history(url: str, statement: str) -> Iterator[None]:
    """The database with another history, for the length of the block."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS TABLE django_migrations")
        connection.execute(statement.encode())
    try:
        yield
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("TRUNCATE django_migrations; INSERT INTO django_migrations TABLE kept; DROP TABLE kept")


def test_an_empty_database_starts_no_part_and_is_named(tmp_path: Path, database: str) -> None:
    for part in PARTS:
        done = mutoscope(tmp_path, database, *part)
        assert done.returncode == 1, (part, done.stderr)
        assert "has no tables yet" in done.stderr, part
        assert "systemctl start mutoscope-migrate" in done.stderr, part
        assert database.rpartition("/")[2] in done.stderr, part


def test_migrate_says_which_database_it_changes(tmp_path: Path, database: str) -> None:
    done = mutoscope(tmp_path, database, "manage", "migrate", "--plan")
    assert f"Changing the database {database.rpartition('/')[2]} at " in done.stderr
    assert done.returncode == 0


def test_a_database_of_another_release_starts_no_part_and_is_not_called_newer(tmp_path: Path, migrated: str) -> None:
    ahead = "INSERT INTO django_migrations (app, name, applied) VALUES ('accounts', '0002_of_another_line', now())"
    with history(migrated, ahead):
        for part in (*PARTS, ["manage", "migrate"]):
            done = mutoscope(tmp_path, migrated, *part)
            assert done.returncode == 1, (part, done.stderr)
            assert "another release's: it has accounts.0002_of_another_line" in done.stderr, part


def test_a_history_that_contradicts_itself_is_a_sentence(tmp_path: Path, migrated: str) -> None:
    """What Django calls InconsistentMigrationHistory: something was done before what it builds on."""
    with history(migrated, "DELETE FROM django_migrations WHERE app = 'accounts' AND name LIKE '0001%'"):
        for part in (["web"], ["manage", "migrate"]):
            done = mutoscope(tmp_path, migrated, *part)
            assert done.returncode == 1, done.stderr
            assert "another release's" in done.stderr
            assert "Traceback" not in done.stderr


def test_a_part_that_lacks_one_change_names_it(tmp_path: Path, migrated: str) -> None:
    with history(migrated, "DELETE FROM django_migrations WHERE app = 'web' AND name = '0001_cache_table'"):
        done = mutoscope(tmp_path, migrated, "worker", "--queues", "films")
        assert done.returncode == 1
        assert "lacks web.0001_cache_table" in done.stderr
        assert "Run `systemctl start mutoscope-migrate`" in done.stderr
        assert mutoscope(tmp_path, migrated, "worker", "--help").returncode == 0


def test_the_signer_starts_with_the_four_variables_that_its_page_names(tmp_path: Path, migrated: str) -> None:
    """And without the site's key of films, which it must not have."""
    configuration = tmp_path / "signer.toml"
    configuration.write_text(CONFIGURATION.format(kek=tmp_path / "kek", state=tmp_path / "state"))
    configuration.chmod(0o600)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MUTOSCOPE", "DATABASE"))}
    environment |= {
        "DATABASE_URL": migrated,
        "MUTOSCOPE_SIGNER_CONFIG": str(configuration),
        "MUTOSCOPE_MODE": "production",
        "MUTOSCOPE_SECRET_KEY": SECRET,
    }

    def signer(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mutoscope.cli", "signer", *arguments]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=600, cwd=tmp_path
        )

    failed = signer("init")
    assert failed.returncode == 1
    assert "kek" in failed.stderr
    assert not (tmp_path / "state").exists(), "a failed init leaves nothing behind"
    assert signer("new-key", str(tmp_path / "kek")).returncode == 0
    done = signer("init")
    assert done.returncode == 0, done.stderr
    assert "Fee account" in done.stdout
