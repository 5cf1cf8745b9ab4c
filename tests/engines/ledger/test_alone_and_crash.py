"""The ledger in a project that has nothing else, and the ledger when the server or a client dies."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from mutoscope.engines.postgres.embedded import EmbeddedServer
from tests.engines.ledger.own import own_database

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"

SETTINGS = """
SECRET_KEY = "alone"
INSTALLED_APPS = ["mutoscope.engines.ledger"]
USE_TZ = True
from mutoscope.engines.postgres.conninfo import database_settings
DATABASES = {{"default": database_settings({url!r})}}
"""


def in_a_project(folder: Path, url: str, script: str) -> subprocess.Popen[str]:
    """Start a script in a fresh Django project with the ledger alone. Its database is at `url`, and migrated."""
    (folder / "alone_settings.py").write_text(SETTINGS.format(url=url))
    (folder / "alone_script.py").write_text("import django\ndjango.setup()\n" + script)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "alone_settings", "PYTHONPATH": f"{folder}:{ROOT / 'src'}"}
    migrated = subprocess.run(
        [sys.executable, "-m", "django", "migrate", "--verbosity", "0"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert migrated.returncode == 0, migrated.stderr
    return subprocess.Popen(
        [sys.executable, folder / "alone_script.py"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_example_in_the_documentation_runs_in_a_project_with_the_ledger_alone(
    tmp_path: Path, postgres_server: EmbeddedServer
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "ledger.md").read_text(), re.DOTALL)
    with own_database(postgres_server) as url:
        process = in_a_project(tmp_path, url, "\n".join(blocks))
        printed, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors + printed


# One client: posts, holds, batches and reversals for ever. Prints a key once the database said that it is there.
CLIENT = """
import random
from django.db import transaction
from mutoscope.engines.ledger import Ledger, Transfer, credit, debit
from mutoscope.engines.services import Failure
ledger = Ledger()
source = ledger.open_account("bank", "source", "PTS", may_go_negative=True)
accounts = [ledger.open_account("bank", f"kind {n}", "PTS") for n in range(4)]
chance, number = random.Random(), 0
while True:
    number += 1
    key = f"{chance.getrandbits(64)}:{number}"
    a, b = chance.sample([*accounts, source], 2)
    legs = (debit(a, 5), credit(b, 5))
    try:
        way = chance.randrange(4)
        if way == 0:
            ledger.post(Transfer(key, legs))
        elif way == 1:
            with transaction.atomic():
                hold = ledger.hold(Transfer(key, legs))
                (ledger.post_hold if chance.random() < 0.5 else ledger.void_hold)(hold.transfer_id, key + ":end")
        elif way == 2:
            ledger.post_linked(Transfer(key, legs), Transfer(key + ":2", (debit(b, 5), credit(a, 5))))
        else:
            ledger.reverse(ledger.post(Transfer(key, legs)).transfer_id, key + ":back")
    except Failure:
        continue
    print(key, flush=True)
"""


def run_clients(folder: Path, url: str, count: int) -> list[subprocess.Popen[str]]:
    clients = []
    for number in range(count):
        own = folder / f"client{number}"
        own.mkdir(exist_ok=True)
        clients.append(in_a_project(own, url, CLIENT))
    return clients


def follow(client: subprocess.Popen[str], acknowledged: set[str]) -> threading.Thread:
    def read() -> None:
        assert client.stdout is not None
        for line in client.stdout:
            if line.endswith("\n"):
                acknowledged.add(line.strip())

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


def end(client: subprocess.Popen[str], reader: threading.Thread) -> None:
    """Wait until a client has ended and everything it printed was read."""
    client.wait(60)
    reader.join(60)
    for pipe in (client.stdout, client.stderr):
        assert pipe is not None
        pipe.close()


def verify_report(folder: Path, url: str) -> str:
    script = (
        "from mutoscope.engines.ledger.sealing import seal\nfrom mutoscope.engines.ledger.verification import verify\n"
        "seal()\nreport = verify()\nprint('sound' if report.is_sound() else report.as_dict())\n"
    )
    own = folder / "verify"
    own.mkdir(exist_ok=True)
    printed, errors = in_a_project(own, url, script).communicate(timeout=600)
    return printed.strip() or errors


def missing(url: str, acknowledged: set[str]) -> set[str]:
    with psycopg.connect(url) as connection:
        there = {key for (key,) in connection.execute("SELECT key FROM ledger_transfer").fetchall()}
    return acknowledged - there


def immediate_stops(home: Path, cycles: int) -> None:
    """Kill the server under load with everything durable; nothing that was acknowledged may be missing afterwards."""
    server = EmbeddedServer(home)
    acknowledged: set[str] = set()
    try:
        for cycle in range(cycles):
            server.start()
            clients = run_clients(home.parent, server.url(), 2)
            readers = [follow(client, acknowledged) for client in clients]
            time.sleep(random.uniform(0.8, 2.0))
            pid = server.pid()
            assert pid is not None
            os.kill(pid, signal.SIGQUIT)  # what `pg_ctl stop -m immediate` sends
            for client, reader in zip(clients, readers, strict=True):
                end(client, reader)
            server.stop()
            server.start()
            assert missing(server.url(), acknowledged) == set(), (
                f"an acknowledged transfer is missing after cycle {cycle}"
            )
            assert verify_report(home.parent, server.url()) == "sound"
            server.stop()
        assert acknowledged
    finally:
        server.stop()


def killed_clients(folder: Path, url: str, kills: int) -> None:
    """SIGKILL a client at a random moment, so between any two statements; every invariant holds whenever one looks."""
    acknowledged: set[str] = set()
    for kill in range(kills):
        client = run_clients(folder, url, 1)[0]
        reader = follow(client, acknowledged)
        assert client.stdout is not None
        deadline = time.monotonic() + 30
        known = len(acknowledged)
        while len(acknowledged) == known and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(random.uniform(0, 0.02))
        client.send_signal(signal.SIGKILL)
        end(client, reader)
        if kill % 100 == 99 or kill == kills - 1:
            assert verify_report(folder, url) == "sound"
    assert missing(url, acknowledged) == set()


def test_nothing_acknowledged_is_missing_after_an_immediate_stop(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    immediate_stops(tmp_path / "home", cycles=1)


def test_a_killed_client_leaves_a_sound_ledger(tmp_path: Path, postgres_server: EmbeddedServer) -> None:
    with own_database(postgres_server) as url:
        killed_clients(tmp_path, url, kills=3)


@pytest.mark.crash
def test_nothing_acknowledged_is_missing_after_a_hundred_immediate_stops(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    immediate_stops(tmp_path / "home", cycles=100)


@pytest.mark.crash
def test_a_thousand_killed_clients_leave_a_sound_ledger(tmp_path: Path, postgres_server: EmbeddedServer) -> None:
    with own_database(postgres_server) as url:
        killed_clients(tmp_path, url, kills=1000)
