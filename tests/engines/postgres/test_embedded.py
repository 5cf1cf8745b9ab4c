"""The embedded server's life, on real servers of its own: made, stopped, killed, recovered, refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from mutoscope.engines.postgres import binaries
from mutoscope.engines.postgres.embedded import SOCKET_PATH_BYTES_MAX, EmbeddedServer
from mutoscope.engines.postgres.errors import DataFromOtherRelease, EmbeddedServerError

MakeServer = Callable[..., EmbeddedServer]


@pytest.fixture
def make_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeServer]:
    """Servers below a temporary folder, all stopped in the end."""
    made: list[EmbeddedServer] = []

    def make(home: Path | None = None) -> EmbeddedServer:
        made.append(EmbeddedServer(home or tmp_path_factory.mktemp("server"), sync_on_creation=False))
        return made[-1]

    yield make
    for server in made:
        server.stop()


def write_row(server: EmbeddedServer) -> None:
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('still here')")


def read_rows(server: EmbeddedServer) -> list[tuple[str]]:
    with psycopg.connect(server.url()) as connection:
        return connection.execute("SELECT word FROM kept").fetchall()


def wait_until(condition: Callable[[], bool], timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_first_start_makes_a_utf8_database_owned_by_an_ordinary_role(make_server: MakeServer) -> None:
    server = make_server()
    server.start()
    with psycopg.connect(server.url()) as connection:
        row = connection.execute(
            "SELECT current_user, rolsuper, rolcreatedb, pg_encoding_to_char(encoding), current_setting('TimeZone'), 'ÄÖÜ' ILIKE 'äöü'"
            " FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()"
        ).fetchone()
    assert row == ("mutoscope", False, False, "UTF8", "UTC", True)


def test_no_port_is_opened_and_the_socket_folder_is_private(make_server: MakeServer) -> None:
    server = make_server()
    server.start()
    assert server.socket_directory().stat().st_mode & 0o777 == 0o700
    with psycopg.connect(server.url()) as connection:
        row = connection.execute("SELECT current_setting('listen_addresses')").fetchone()
    assert row == ("",)


def test_what_was_committed_is_there_after_stop_and_start(make_server: MakeServer) -> None:
    server = make_server()
    server.start()
    write_row(server)
    server.stop()
    assert not server.is_ready()
    server.start()
    assert read_rows(server) == [("still here",)]


def test_a_server_killed_with_all_its_processes_recovers_what_was_committed(make_server: MakeServer) -> None:
    server = make_server()
    server.start()
    write_row(server)
    pid = server.pid()
    assert pid is not None
    os.killpg(pid, signal.SIGKILL)
    wait_until(lambda: server.exit_code() is not None)
    server.stop()
    said: list[str] = []
    server.start(said.append)
    assert read_rows(server) == [("still here",)]


def test_a_server_left_running_by_a_killed_owner_is_stopped_and_replaced(make_server: MakeServer) -> None:
    server = make_server()
    server.start()
    write_row(server)
    orphan = server.pid()
    # As if the owner had gone without a word, and the kernel had not told the server: its lock is free, the server runs.
    server._release_lock()
    successor = make_server(server.home)
    said: list[str] = []
    successor.start(said.append)
    assert "stopping the server that the last run left behind" in said
    assert successor.pid() != orphan
    assert read_rows(successor) == [("still here",)]


def test_a_stale_pid_file_that_names_another_program_does_not_stop_the_start(make_server: MakeServer) -> None:
    server = make_server()
    server.start()
    server.stop()
    server.pid_file.write_text(f"{os.getpid()}\n{server.data}\n0\n5432\n\n\n\n")
    server.start()
    assert server.is_ready()


def test_a_first_start_killed_halfway_leaves_nothing_that_hinders_the_next(make_server: MakeServer) -> None:
    server = make_server()
    half = server.home / "data.making"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    server.start()
    assert server.is_ready()
    assert not half.exists()


def test_data_of_another_release_is_refused_with_the_way_out_and_not_touched(make_server: MakeServer) -> None:
    server = make_server()
    server.start()
    server.stop()
    (server.data / "PG_VERSION").write_text("17\n")
    with pytest.raises(DataFromOtherRelease, match=r"PostgreSQL 17.*mutoscope backup.*mutoscope restore"):
        server.start()
    (server.data / "PG_VERSION").write_text(f"{binaries.major_version()}\n")
    server.start()
    assert server.is_ready()


def test_a_second_owner_of_the_same_folder_is_refused(make_server: MakeServer) -> None:
    first = make_server()
    first.start()
    with pytest.raises(EmbeddedServerError, match="Another process is running the database"):
        make_server(first.home).start()
    assert first.is_ready()


def test_running_uses_the_server_that_runs_and_leaves_it_running(make_server: MakeServer) -> None:
    first = make_server()
    first.start()
    pid = first.pid()
    with make_server(first.home).running():
        assert first.pid() == pid
    assert first.is_ready()


def test_running_starts_a_server_for_the_block_and_stops_it_after(make_server: MakeServer) -> None:
    server = make_server()
    with server.running():
        assert server.is_ready()
    assert not server.is_ready()


def test_a_path_too_long_for_a_socket_gets_a_short_private_folder(make_server: MakeServer, tmp_path: Path) -> None:
    server = make_server(tmp_path / ("a" * 60) / ("b" * 60) / "home")
    server.start()
    assert len(os.fsencode(server.socket_directory())) < SOCKET_PATH_BYTES_MAX
    assert not server.socket_directory().is_relative_to(tmp_path)
    assert server.is_ready()


def test_a_broken_setting_is_reported_with_the_servers_own_words(make_server: MakeServer) -> None:
    server = make_server()
    server.settings = {"shared_buffers": "plenty"}
    with pytest.raises(EmbeddedServerError, match=r"(?s)PostgreSQL did not start.*shared_buffers"):
        server.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to give up root")
def test_started_by_root_it_runs_as_another_user_even_below_a_folder_closed_to_all(
    make_server: MakeServer, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = make_server(closed / "home")
    server.start()
    pid = server.pid()
    assert pid is not None
    assert Path(f"/proc/{pid}").stat().st_uid != 0
    assert closed.stat().st_mode & 0o777 == 0o700, "no permission of a folder above may change"
    write_row(server)
    assert read_rows(server) == [("still here",)]


def test_the_server_stops_when_its_owner_is_killed(make_server: MakeServer) -> None:
    server = make_server()
    program = (
        "import sys, time; from pathlib import Path; from mutoscope.engines.postgres.embedded import EmbeddedServer\n"
        "s = EmbeddedServer(Path(sys.argv[1]), sync_on_creation=False); s.start(); print('up', flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen([sys.executable, "-c", program, str(server.home)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with owner.stdout:
        assert owner.stdout.readline() == "up\n"
        owner.kill()
        owner.wait()
    wait_until(lambda: server.pid() is None)
