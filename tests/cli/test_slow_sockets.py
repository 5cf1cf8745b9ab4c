"""Clients that send or read nothing, many at once: the site answers everybody else meanwhile."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.cli.house import House

# More than the threads of both processes, two and a half times.
SOCKETS = 40
FILM = "films/bbbbbbbbbbbb/" + "t" * 22 + "/v0/00001.m4s"
FILM_BYTES = 24 * 1024 * 1024
FORM = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\nlogin=a"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, settled: Path) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("slow") / "home")
    made.settle(settled)
    film = made.home / FILM
    film.parent.mkdir(parents=True)
    film.write_bytes(bytes(range(256)) * (FILM_BYTES // 256))
    made.up()
    yield made
    made.stop()


@contextmanager
def held(house: House, request: bytes, *, until_it_begins: bool = False) -> Iterator[list[socket.socket]]:
    """Sockets that have sent this and do nothing more; with a first byte of each answer seen, where there is one."""
    with ExitStack() as stack:
        opened = []
        for _ in range(SOCKETS):
            one = stack.enter_context(socket.socket())
            # So small that what the kernel keeps for a client is a small part of the answer.
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.settimeout(120)
            one.connect(("127.0.0.1", house.port))
            one.sendall(request)
            opened.append(one)
        if until_it_begins:
            assert [one.recv(12) for one in opened] == [b"HTTP/1.1 200"] * SOCKETS
        yield opened


def ask(house: House, request: bytes) -> bytes:
    """The whole answer; the server closes behind it."""
    with socket.create_connection(("127.0.0.1", house.port), timeout=120) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def everybody_is_answered(house: House) -> None:
    """A page that needs the database, and a form."""
    for _ in range(4):
        assert ask(house, b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 200")
        # Whole, and without a token: it is refused, by Django.
        posted = FORM.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") % (
            b"/account/login/", b"application/x-www-form-urlencoded", 7,
        )  # fmt: skip
        assert ask(house, posted).startswith(b"HTTP/1.1 403")


def test_films_that_nobody_reads(house: House) -> None:
    request = b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % FILM.encode()
    with held(house, request, until_it_begins=True):
        everybody_is_answered(house)


@pytest.mark.parametrize(
    ("kind", "length"),
    [
        (b"application/x-www-form-urlencoded", 1000),
        (b"application/json", 1000),
        (b"multipart/form-data; boundary=x", 1_000_000),
        (b"application/offset+octet-stream", 1_000_000),
    ],
)
def test_bodies_that_never_come(house: House, kind: bytes, length: int) -> None:
    for path in (b"/account/login/", b"/api/billing/payouts"):
        with held(house, FORM % (path, kind, length)):
            everybody_is_answered(house)


def test_all_of_them_together(house: House) -> None:
    film = b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % FILM.encode()
    form = FORM % (b"/account/login/", b"application/x-www-form-urlencoded", 1000)
    files = FORM % (b"/account/login/", b"multipart/form-data; boundary=x", 1_000_000)
    with held(house, film, until_it_begins=True), held(house, form), held(house, files), held(house, film):
        everybody_is_answered(house)


def test_a_film_that_is_read_is_whole(house: House) -> None:
    said = ask(house, b"GET /%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % FILM.encode())
    head, _, body = said.partition(b"\r\n\r\n")
    assert b"content-length: %d" % FILM_BYTES in head.lower()
    assert body == (house.home / FILM).read_bytes()


@pytest.mark.parametrize(("first", "last"), [(0, 0), (5, 260), (100_000, 20_000_000), (FILM_BYTES - 3, FILM_BYTES - 1)])
def test_a_stretch_of_a_film_is_that_stretch(house: House, first: int, last: int) -> None:
    asked = b"GET /%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nRange: bytes=%d-%d\r\n\r\n"
    said = ask(house, asked % (FILM.encode(), first, last))
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 206")
    assert body == (house.home / FILM).read_bytes()[first : last + 1]


def test_half_a_form_is_not_taken_for_a_whole_one(house: House) -> None:
    with socket.create_connection(("127.0.0.1", house.port), timeout=120) as connection:
        connection.sendall(FORM % (b"/account/login/", b"application/x-www-form-urlencoded", 1000))
        connection.shutdown(socket.SHUT_WR)
        said = connection.recv(4096)
    assert said == b"" or said.startswith(b"HTTP/1.1 400")
