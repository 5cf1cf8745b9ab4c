"""A part says that it is up, and whoever supervises it hears that one and no other."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mutoscope.cli.notify import ADDRESS_VARIABLE, Ear, say_ready
from mutoscope.cli.service import Service

SPEAK = "from mutoscope.cli.notify import say_ready; say_ready()"


@pytest.fixture
def ear() -> Iterator[Ear]:
    made = Ear()
    yield made
    made.close()


def test_a_process_that_says_so_is_ready_and_one_that_says_nothing_is_not(ear: Ear) -> None:
    assert not ear.is_ready()
    subprocess.run([sys.executable, "-c", SPEAK], env={ADDRESS_VARIABLE: ear.address}, check=True)
    assert ear.is_ready()
    assert ear.is_ready()


def test_what_an_earlier_process_said_does_not_count_for_the_next(tmp_path: Path) -> None:
    service = Service("chain", ["chain", "--help"], tmp_path / "chain.log")
    service.start()
    try:
        assert service.ear is not None
        first = service.ear.address
        subprocess.run([sys.executable, "-c", SPEAK], env={ADDRESS_VARIABLE: first}, check=True)
        assert service.is_ready()
        assert service.process is not None
        service.process.wait(60)
        service.plan_restart()
        service.start()
        subprocess.run([sys.executable, "-c", SPEAK], env={ADDRESS_VARIABLE: first}, check=True)
        assert not service.is_ready()
    finally:
        service.stop()


def test_systemd_may_listen_at_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(10)
        monkeypatch.setenv(ADDRESS_VARIABLE, str(path))
        say_ready()
        assert listener.recv(100) == b"READY=1"


def test_nobody_listening_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ADDRESS_VARIABLE, str(tmp_path / "gone"))
    say_ready()
    monkeypatch.delenv(ADDRESS_VARIABLE)
    say_ready()


def test_a_service_is_ready_when_it_said_so_and_is_well(tmp_path: Path) -> None:
    well = False
    service = Service("doctor", ["doctor", "--help"], tmp_path / "log" / "doctor.log", lambda: well)
    service.start()
    try:
        assert service.process is not None
        service.process.wait(60)
        assert not service.is_ready()
        assert service.ear is not None
        subprocess.run([sys.executable, "-c", SPEAK], env={ADDRESS_VARIABLE: service.ear.address}, check=True)
        assert not service.is_ready()
        well = True
        assert service.is_ready()
    finally:
        service.stop()


def test_up_hears_its_parts_rather_than_guessing(tmp_path: Path) -> None:
    """The sandbox chain, a real part: not ready at once, ready when it answers."""
    from tests.cli.house import House

    house = House(tmp_path / "home")
    service = Service("chain", ["chain", "--port", str(house.chain_port)], tmp_path / "chain.log")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in house.environment().items():
            patch.setenv(name, value)
        service.start()
        try:
            deadline = time.monotonic() + 60
            while not service.is_ready():
                assert service.exit_code() is None, service.last_words()
                assert time.monotonic() < deadline, service.last_words()
                time.sleep(0.02)
            with socket.create_connection(("127.0.0.1", house.chain_port), timeout=5):
                pass
        finally:
            service.stop()
