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


def environment(folder: Path, url: str) -> dict[str, str]:
    """What a process needs to be a Django project with the ledger alone, whose database is at `url`."""
    (folder / "alone_settings.py").write_text(SETTINGS.format(url=url))
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "alone_settings", "PYTHONPATH": f"{folder}:{ROOT / 'src'}"}


def migrate(folder: Path, url: str) -> None:
    command = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]
    migrated = subprocess.run(command, env=environment(folder, url), capture_output=True, text=True, check=False)
    assert migrated.returncode == 0, migrated.stderr


def in_a_project(folder: Path, url: str, script: str) -> subprocess.Popen[str]:
    """Start a script in a project of its own, on a database that is migrated already."""
    folder.mkdir(exist_ok=True)
    (folder / "alone_script.py").write_text("import django\ndjango.setup()\n" + script)
    return subprocess.Popen(
        [sys.executable, folder / "alone_script.py"],
        env=environment(folder, url),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_example_in_the_documentation_runs_in_a_project_with_the_ledger_alone(
    tmp_path: Path, postgres_server: EmbeddedServer
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "ledger.md").read_text(), re.DOTALL)
    with own_database(postgres_server) as url:
        migrate(tmp_path, url)
        process = in_a_project(tmp_path, url, "\n".join(blocks))
        printed, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors + printed


# A nursery: for each line it is told, a client is born ready, which spares each the start of Python and Django. A client posts,
# holds, batches and reverses for ever, and prints a key once the database said that it is there.
NURSERY = """
import os, random, sys
from django.db import transaction
from mutoscope.engines.ledger import Ledger, Transfer, credit, debit
from mutoscope.engines.services import Failure

def client():
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
        os.write(1, f"{key}\\n".encode())  # at once, so that the clients' lines do not mix

for _ in sys.stdin:
    child = os.fork()
    if child == 0:
        try:
            client()
        finally:
            os._exit(1)
    os.write(1, f"born {child}\\n".encode())
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
"""


class Nursery:
    """Clients on one database: what they said is there, and their process ids."""

    def __init__(self, folder: Path, url: str) -> None:
        self.acknowledged: set[str] = set()
        self.born: list[int] = []
        self._process = in_a_project(folder / "nursery", url, NURSERY)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("born "):
                self.born.append(int(line.split()[1]))
            elif line.endswith("\n"):
                self.acknowledged.add(line.strip())

    def bear(self) -> int:
        """A new client's process id, once something it did is acknowledged."""
        assert self._process.stdin is not None
        children, known = len(self.born), len(self.acknowledged)
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        deadline = time.monotonic() + 60
        while len(self.born) == children or len(self.acknowledged) == known:
            assert time.monotonic() < deadline, "the client did nothing"
            time.sleep(0.001)
        return self.born[-1]

    def close(self) -> None:
        """Wait until every client has ended by itself or was killed, and everything they said was read."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._reader.join(60)
        for pipe in (self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()


def verify_report(folder: Path, url: str) -> str:
    script = (
        "from mutoscope.engines.ledger.sealing import seal\nfrom mutoscope.engines.ledger.verification import verify\n"
        "seal()\nreport = verify()\nprint('sound' if report.is_sound() else report.as_dict())\n"
    )
    printed, errors = in_a_project(folder / "verify", url, script).communicate(timeout=600)
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
        server.start()
        migrate(home.parent, server.url())
        for cycle in range(cycles):
            nursery = Nursery(home.parent, server.url())
            for _ in range(3):
                nursery.bear()
            time.sleep(random.uniform(0, 0.5))
            pid = server.pid()
            assert pid is not None
            os.kill(pid, signal.SIGQUIT)  # what `pg_ctl stop -m immediate` sends
            nursery.close()
            acknowledged |= nursery.acknowledged
            server.stop()
            server.start()
            lost = missing(server.url(), acknowledged)
            assert lost == set(), f"an acknowledged transfer is missing after cycle {cycle}"
            report = verify_report(home.parent, server.url())
            assert report == "sound", report
    finally:
        server.stop()


def killed_clients(folder: Path, url: str, kills: int) -> None:
    """SIGKILL a client at a random moment, so between any two statements; every invariant holds whenever one looks."""
    migrate(folder, url)
    nursery = Nursery(folder, url)
    for kill in range(kills):
        client = nursery.bear()
        time.sleep(random.uniform(0, 0.02))
        os.kill(client, signal.SIGKILL)
        if kill % 100 == 99:
            assert verify_report(folder, url) == "sound"
    nursery.close()
    assert verify_report(folder, url) == "sound"
    assert missing(url, nursery.acknowledged) == set()


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
