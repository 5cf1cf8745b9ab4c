"""A worker through a restart of PostgreSQL, behind PgBouncer, and in a project that has nothing else of ours."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from mutoscope.engines.postgres.embedded import EmbeddedServer
from tests.engines.tasks.processes import Project, scratch_database, wait_for

ENQUEUE_MANY = (
    "from mutoscope.engines.tasks.queue.backend import backend_of\n"
    "from tests.engines.tasks.project import tasks\n"
    "backend_of().enqueue_many(tasks.add, [((n,), {{}}) for n in range({})])"
)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """A durable server of the test's own, that it may restart."""
    server = EmbeddedServer(tmp_path / "postgres", sync_on_creation=False)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def test_a_project_with_nothing_else_of_ours_can_use_the_queue(project: Project) -> None:
    printed = project.python(
        "from tests.engines.tasks.project import tasks; from django.conf import settings;"
        "print(settings.INSTALLED_APPS, tasks.add.enqueue(20, b=22).id)"
    )
    assert "['mutoscope.engines.tasks', 'tests.engines.tasks.project']" in printed
    project.start_worker()
    project.eventually("SELECT max(result) FROM tasks_finished", "42")
    assert "System check identified no issues" in project.manage("check")
    assert "No changes detected" in project.manage("makemigrations", "--check", "--dry-run")


def test_a_worker_survives_a_restart_of_postgresql_under_load(own_server: EmbeddedServer, tmp_path: Path) -> None:
    project = Project(own_server.url(), {"BEAT_S": 1, "STALE_S": 5})
    project.manage("migrate", "--verbosity", "0")
    log = tmp_path / "worker.log"
    worker = project.start_worker(log=log)
    try:
        project.python(ENQUEUE_MANY.format(20_000))
        for _ in range(2):
            wait_for(lambda: project.value("SELECT count(*) FROM tasks_finished"), "the first results")
            pid = own_server.pid()
            assert pid is not None
            # Immediate shutdown: what a crash leaves behind.
            os.kill(pid, signal.SIGQUIT)
            wait_for(lambda: own_server.exit_code() is not None, "the server's end")
            own_server.stop()
            own_server.start()
        project.eventually("SELECT count(*) FROM tasks_task", 0, patience_s=60)
        assert worker.poll() is None, log.read_text()
        total, distinct = project.rows("SELECT count(*), count(DISTINCT id) FROM tasks_finished WHERE status = 1")[0]
        assert (total, distinct) == (20_000, 20_000)
    finally:
        project.end()


@contextlib.contextmanager
def pooler(server: EmbeddedServer, database: str, folder: Path) -> Iterator[str]:
    """PgBouncer in transaction mode in front of the server; its URL. Runs as a user that the server knows."""
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    folder.chmod(0o755)
    sockets = folder / "pooler"
    sockets.mkdir(mode=0o777)
    configuration = folder / "pgbouncer.ini"
    (folder / "users.txt").write_text('"mutoscope" ""\n')
    configuration.write_text(
        f"""[databases]
* = host={server.socket_directory()} user=mutoscope
[pgbouncer]
unix_socket_dir = {sockets}
listen_addr =
listen_port = 6432
auth_type = any
auth_file = {folder / "users.txt"}
pool_mode = transaction
default_pool_size = 10
max_client_conn = 100
ignore_startup_parameters = extra_float_digits
"""
    )
    if os.geteuid() == 0:
        owner = pwd.getpwnam(user)
        for path in (folder, sockets, configuration, folder / "users.txt"):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    command = ["pgbouncer", str(configuration)] + (["-u", user] if os.geteuid() == 0 else [])
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"postgresql://mutoscope@{str(sockets).replace('/', '%2F')}:6432/{database}"

    def answers() -> bool:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url, connect_timeout=2):
            return True
        return False

    try:
        wait_for(answers, "PgBouncer's start")
        yield url
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder that PgBouncer's own user may enter, with a path short enough for a socket."""
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="pgb"))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.pgbouncer
@pytest.mark.parametrize("has_direct", [True, False])
def test_everything_works_behind_pgbouncer(
    postgres_server: EmbeddedServer, short_folder: Path, has_direct: bool
) -> None:
    with scratch_database(postgres_server) as direct:
        database = direct.rsplit("/", 1)[1]
        Project(direct).manage("migrate", "--verbosity", "0")
        with pooler(postgres_server, database, short_folder) as pooled:
            extra = {"PROJECT_DIRECT_URL": direct} if has_direct else {}
            project = Project(pooled, **extra)
            project.rows = Project(direct).rows  # type: ignore[method-assign]
            try:
                log = short_folder / "worker.log"
                project.start_worker(log=log)
                project.start_worker(log=log)
                project.python(ENQUEUE_MANY.format(2_000))
                project.python(
                    "from tests.engines.tasks.project import tasks\n"
                    "[tasks.echo.using(limit_key='k', limit_max=1).enqueue(n) for n in range(5)]\n"
                    "from django.db import transaction\n"
                    "with transaction.atomic(): [tasks.unique.enqueue('same') for _ in range(5)]\n"
                    "tasks.aecho.enqueue(1)"
                )
                project.eventually("SELECT count(*) FROM tasks_task", 0)
                assert project.value("SELECT count(*) FROM tasks_finished WHERE status = 1") == 2_007
                assert "Traceback" not in log.read_text()
            finally:
                project.end()


def test_a_frozen_network_costs_no_result(own_server: EmbeddedServer, tmp_path: Path) -> None:
    """The worker stands still for longer than its leases last, and comes back as a zombie."""
    project = Project(own_server.url(), {"BEAT_S": 0.3, "STALE_S": 1.0})
    project.manage("migrate", "--verbosity", "0")
    log = tmp_path / "worker.log"
    try:
        frozen = project.start_worker("--threads", "2", log=log)
        project.python(ENQUEUE_MANY.format(10_000))
        wait_for(lambda: project.value("SELECT count(*) FROM tasks_finished"), "the first results")
        frozen.send_signal(signal.SIGSTOP)
        other = project.start_worker(log=log)
        project.eventually("SELECT count(*) FROM tasks_finished", 10_000)
        frozen.send_signal(signal.SIGCONT)
        time.sleep(1.0)
        assert frozen.poll() is None
        assert other.poll() is None
        total, distinct = project.rows("SELECT count(*), count(DISTINCT id) FROM tasks_finished")[0]
        assert (total, distinct) == (10_000, 10_000)
        project.eventually("SELECT count(*) FROM tasks_worker WHERE ended_at IS NULL", 2)
    finally:
        project.end()
