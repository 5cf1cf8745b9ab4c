"""The web server as a stranger with a raw socket meets it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.house import House


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, settled: Path) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("web") / "home")
    made.settle(settled)
    made.up()
    yield made
    made.stop()


def answer(house: House, request: bytes) -> bytes:
    """The first bytes that come back; nothing when the server hangs up without a word."""
    with socket.create_connection(("127.0.0.1", house.port), timeout=20) as connection:
        try:
            connection.sendall(request)
            return connection.recv(4096)
        except ConnectionError:
            return b""


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Big: " + b"a" * 200_000 + b"\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(5000)) + b"\r\n",
        b"GET /" + b"a" * 300_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n\r\n",
        b"GET /live\0z HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["big-header", "many-headers", "long-path", "negative", "two-lengths", "huge", "host", "no-host", "nul", "%00", "tls"],
)  # fmt: skip
def test_a_malformed_request_is_refused_and_the_server_goes_on(house: House, request_bytes: bytes) -> None:
    said = answer(house, request_bytes)
    assert said == b"" or said.split(b" ")[1][:1] == b"4", said[:200]
    assert answer(house, b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").startswith(
        b"HTTP/1.1 200"
    )


def test_a_second_server_at_the_same_port_is_refused(house: House) -> None:
    done = house.run("web")
    assert done.returncode == 1
    assert f"port {house.port} is taken by" in done.stderr
    assert f"MUTOSCOPE_PORT={house.port + 1} mutoscope web" in done.stderr


def test_nothing_that_was_sent_lands_in_the_log(house: House) -> None:
    query = b"token=hunter2&password=hunter2"
    answer(house, b"GET /nowhere?" + query + b" HTTP/1.1\r\nHost: localhost\r\nCookie: sessionid=hunter2\r\n\r\n")
    answer(house, b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer hunter2hunter2\r\n\r\n")
    log = (house.home / "log" / "web.log").read_text()
    assert "nowhere" in log
    assert "hunter2" not in log


def test_counters_of_all_processes_are_added_up(house: House) -> None:
    for _ in range(20):
        answer(house, b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    with socket.create_connection(("127.0.0.1", house.port), timeout=20) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        said = b"".join(iter(lambda: connection.recv(65536), b""))
    (line,) = [
        line for line in said.splitlines()
        if line.startswith(b"mutoscope_http_requests_total") and b'view="livez"' in line and b'status="200"' in line
    ]  # fmt: skip
    assert float(line.split()[-1]) >= 20
