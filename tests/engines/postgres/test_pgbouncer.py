"""The two connections with a real PgBouncer in transaction mode in front of one of them."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from mutoscope.engines.postgres.embedded import EmbeddedServer

pytestmark = pytest.mark.pgbouncer


@dataclass
class Pooler:
    """A PgBouncer in front of the suite's server, with a scratch database behind it."""

    process: subprocess.Popen[bytes]
    port: int
    server: EmbeddedServer
    database: str

    def url(self) -> str:
        return f"postgresql://mutoscope@127.0.0.1:{self.port}/{self.database}"

    def direct_url(self) -> str:
        return self.server.url(self.database)

    def fallback_url(self) -> str:
        """The pooler first, the server itself second."""
        directory = self.server.socket_directory()
        return f"postgresql://mutoscope@/{self.database}?host=127.0.0.1,{directory}&port={self.port},5432"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def pooler(postgres_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pooler]:
    folder = tmp_path_factory.mktemp("pgbouncer")
    database = f"pooled_{os.getpid()}_{time.monotonic_ns()}"
    with psycopg.connect(postgres_server.url("postgres", "postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{database}" OWNER mutoscope')
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "users.txt").write_text('"mutoscope" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n{database} = host={postgres_server.socket_directory()} port=5432 user=mutoscope\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\npool_mode = transaction\n"
        f"auth_type = trust\nauth_file = {folder}/users.txt\ndefault_pool_size = 5\nlogfile =\n"
    )
    command = [shutil.which("pgbouncer") or "pgbouncer", "-q", str(folder / "pgbouncer.ini")]
    if os.geteuid() == 0:
        # PgBouncer refuses to run as root, as PostgreSQL does; the server knows this user by peer authentication.
        owner = postgres_server.data.owner()
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, owner)
        for parent in folder.parents:
            if parent.is_relative_to("/tmp") and parent != Path("/tmp"):
                parent.chmod(parent.stat().st_mode | 0o011)
        command[1:1] = ["-u", owner]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        made = Pooler(process, port, postgres_server, database)
        wait_for(made)
        yield made
    finally:
        process.kill()
        process.wait()
        with psycopg.connect(postgres_server.url("postgres", "postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{database}" WITH (FORCE)')


def wait_for(pooler: Pooler) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(pooler.url()).close()
            return
        except psycopg.OperationalError:
            assert pooler.process.poll() is None, f"PgBouncer ended; it runs as {getpass.getuser()}"
            assert time.monotonic() < deadline, "PgBouncer does not answer"
            time.sleep(0.05)


def mutoscope(*arguments: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mutoscope.cli", *arguments],
        env={**os.environ, "MUTOSCOPE_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def findings(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    return {finding["check"]: finding for finding in json.loads(done.stdout)}


def test_migrations_go_to_the_server_and_the_pooled_connection_reads_what_they_made(
    pooler: Pooler, tmp_path: Path
) -> None:
    urls = {"DATABASE_URL": pooler.url(), "DATABASE_DIRECT_URL": pooler.direct_url()}
    done = mutoscope("manage", "migrate", home=tmp_path, **urls)
    assert done.returncode == 0, done.stderr
    counted = (
        "from django.contrib.auth import get_user_model as g; print('people:', g().objects.using('default').count())"
    )
    done = mutoscope("manage", "shell", "-v", "0", "-c", counted, home=tmp_path, **urls)
    assert "people:" in done.stdout, done.stderr


def test_doctor_finds_both_connections_good_and_notifications_on_the_direct_one(pooler: Pooler, tmp_path: Path) -> None:
    done = mutoscope(
        "doctor", "--json", home=tmp_path, DATABASE_URL=pooler.url(), DATABASE_DIRECT_URL=pooler.direct_url()
    )
    found = findings(done)
    for check in ("database default", "database direct", "connections", "notifications"):
        assert found[check]["health"] == "ok", found[check]


def test_doctor_notices_a_direct_connection_that_is_not_direct(pooler: Pooler, tmp_path: Path) -> None:
    done = mutoscope("doctor", "--json", home=tmp_path, DATABASE_URL=pooler.url())
    assert done.returncode == 1
    assert findings(done)["notifications"]["health"] == "fail"
    assert "DATABASE_DIRECT_URL" in findings(done)["notifications"]["fix"]


def test_a_dead_pooler_is_passed_over_for_the_server_itself(pooler: Pooler, tmp_path: Path) -> None:
    script = "from django.db import connection as c; k = c.cursor(); k.execute('SELECT inet_server_port()'); print('by', k.fetchone())"
    urls = {"DATABASE_URL": pooler.fallback_url(), "DATABASE_DIRECT_URL": pooler.direct_url()}
    pooler.kill()
    done = mutoscope("manage", "shell", "-v", "0", "-c", script, home=tmp_path, **urls)
    assert "by" in done.stdout, done.stderr


def test_a_hung_pooler_is_passed_over_for_the_server_itself(pooler: Pooler, tmp_path: Path) -> None:
    urls = {"DATABASE_URL": pooler.fallback_url(), "DATABASE_DIRECT_URL": pooler.direct_url()}
    script = (
        "from django.db import connection as c; k = c.cursor(); k.execute('SELECT 1'); print('answer', k.fetchone())"
    )
    pooler.process.send_signal(signal.SIGSTOP)
    try:
        done = mutoscope("manage", "shell", "-v", "0", "-c", script, home=tmp_path, **urls)
    finally:
        pooler.process.send_signal(signal.SIGCONT)
    assert "answer (1,)" in done.stdout, done.stderr
