"""A server that is stopped between a statement's rows and its commit: what was answered does not hold, and nobody may think so."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import pq

from mutoscope.engines.postgres import prepared
from mutoscope.engines.postgres.embedded import EmbeddedServer

HEADER_BYTES = 5


class Cutting:
    """Stands before a server and passes everything on, until it is told to cut: then nothing after the next CommandComplete."""

    def __init__(self, folder: Path, server: EmbeddedServer) -> None:
        self.cuts = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen()
        self._server = socket.socket(socket.AF_UNIX)
        self._server.connect(str(server.socket_directory() / ".s.PGSQL.5432"))
        self._threads = [threading.Thread(target=self._run, daemon=True)]
        self._threads[0].start()

    def _run(self) -> None:
        client, _ = self._listener.accept()
        self._threads.append(threading.Thread(target=self._requests, args=(client,), daemon=True))
        self._threads[1].start()
        with contextlib.suppress(OSError), client, self._server, self._server.makefile("rb") as said:
            while len(header := said.read(HEADER_BYTES)) == HEADER_BYTES:
                body = said.read(int.from_bytes(header[1:], "big") - 4)
                client.sendall(header + body)
                if header[:1] == b"C" and self.cuts.is_set():
                    client.shutdown(socket.SHUT_RDWR)
                    return

    def _requests(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                self._server.sendall(data)

    def close(self) -> None:
        for thread in self._threads:
            thread.join(10)
        self._listener.close()
        self._server.close()


@pytest.fixture
def cutting(tmp_path: Path, postgres_server: EmbeddedServer) -> Iterator[Cutting]:
    stands = Cutting(tmp_path, postgres_server)
    yield stands
    stands.close()


@pytest.mark.parametrize("wait", [prepared._at_once, prepared._hearing_signals], ids=["at once", "hearing signals"])
def test_rows_before_a_commit_that_never_came_are_an_error(
    cutting: Cutting,
    tmp_path: Path,
    postgres_server: EmbeddedServer,
    wait: Callable[[pq.abc.PGconn, bytes, object], pq.abc.PGresult],
) -> None:
    there = psycopg.conninfo.conninfo_to_dict(postgres_server.url())
    there.update(host=str(tmp_path), port="5432", gssencmode="disable", sslmode="disable")
    connection = psycopg.connect(**there, autocommit=True)  # type: ignore[arg-type]
    assert prepared._execute(connection, "SELECT %s::int", (1,), wait) == [(1,)]
    cutting.cuts.set()
    with pytest.raises(psycopg.OperationalError):
        prepared._execute(connection, "SELECT %s::int", (2,), wait)
    connection.close()
