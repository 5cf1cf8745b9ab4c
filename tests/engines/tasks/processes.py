"""Scratch databases on the suite's server, and worker processes of the minimal project on them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg

from mutoscope.engines.postgres.embedded import EmbeddedServer
from tests import databases

ROOT = Path(__file__).resolve().parents[3]
QUICK = {"BEAT_S": 0.3, "STALE_S": 1.5, "POLL_S": 0.2, "GRACE_S": 3.0}


class Project:
    """The minimal project on one database: run its commands, start its workers, ask its tables."""

    def __init__(self, url: str, options: dict[str, Any] | None = None, **environment: str) -> None:
        self.url = url
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MUTOSCOPE_")},
            "DJANGO_SETTINGS_MODULE": "tests.engines.tasks.project.settings",
            "PROJECT_DATABASE_URL": url,
            "PROJECT_TASKS_OPTIONS": json.dumps(QUICK if options is None else options),
            "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
            **environment,
        }
        self.workers: list[subprocess.Popen[bytes]] = []

    def manage(self, *arguments: str, text: str | None = None) -> str:
        """Run one of Django's commands; what it printed."""
        command = [sys.executable, "-W", "error", "-m", "django", *arguments]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60, cwd=ROOT, input=text, check=False
        )
        assert done.returncode == 0, f"{arguments} failed:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def python(self, code: str) -> str:
        """Run a little program in the project; what it printed."""
        return self.manage("shell", "--no-imports", "--command", code)

    def start_worker(self, *arguments: str, log: Path | None = None) -> subprocess.Popen[bytes]:
        with (log or Path(os.devnull)).open("ab") as sink:
            worker = subprocess.Popen(
                [sys.executable, "-m", "django", "worker", *arguments],
                env=self.environment,
                cwd=ROOT,
                stdout=sink,
                stderr=sink,
            )
        self.workers.append(worker)
        return worker

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

    def value(self, query: str, *parameters: Any) -> Any:
        return self.rows(query, *parameters)[0][0]

    def eventually(self, query: str, wanted: Any = True, patience_s: float = 60.0) -> None:
        """Wait until the query's value is the wanted one."""
        deadline = time.monotonic() + patience_s
        seen: Any = None
        while time.monotonic() < deadline:
            with contextlib.suppress(psycopg.OperationalError):
                seen = self.value(query)
                if seen == wanted:
                    return
            time.sleep(0.05)
        raise AssertionError(f"{query} is {seen!r}, not {wanted!r}, after {patience_s:.0f} s")

    def end(self) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGKILL)
            worker.wait(60)


@contextlib.contextmanager
def scratch_database(server: EmbeddedServer) -> Iterator[str]:
    """The URL of a new database, gone after the block."""
    with databases.scratch_database(server, "tasks") as name:
        yield server.url(name)


def wait_for(condition: Callable[[], Any], what: str, patience_s: float = 60.0) -> Any:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen within {patience_s:.0f} s")
