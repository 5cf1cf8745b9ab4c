"""The real signer's process on a counter's database and chain: killed by SIGKILL at a named call to its node, and started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mutoscope.engines.postgres.embedded import EmbeddedServer
from mutoscope.engines.solana.chain import dispatch
from mutoscope.engines.solana.chain.dispatch import Answer
from mutoscope.engines.solana.signer.outbox import tell_jobs
from tests.platform.billing.topup_refunds.counter import Counter, listed

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 120


@dataclass(frozen=True)
class Point:
    """Where it dies: at the call of this name, or at the so-many-th call; before the node did it, or when it has."""

    call: str | int
    is_after: bool


class Mortal:
    """Starts signers, one at a time, and turns the chain's clock while it waits for what they do."""

    def __init__(self, counter: Counter, database_url: str, folder: Path) -> None:
        self.counter = counter
        self.database_url = database_url
        self.folder = folder
        self.point: Point | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self._calls = 0
        self._configuration = folder / "signer.toml"
        self._configure()

    def dies(self, point: Point, ended: Callable[[], bool]) -> bool:
        """Start it and let it die there; whether it did before everything was at its end."""
        self.point, self._calls = point, 0
        process = self._start()
        self._turn_until(lambda: process.poll() is not None or ended())
        self.point = None
        if process.poll() is None:
            self._stop()
            return False
        assert process.returncode == -signal.SIGKILL, (self.folder / "signer.log").read_text()[-4000:]
        return True

    def lives(self, ended: Callable[[], bool]) -> None:
        """Start it and let it work until then."""
        self._start()
        self._turn_until(ended)
        self._stop()

    def answer(self, real: Callable[..., Answer], node: Any, body: bytes, *methods: Any) -> Answer:
        """What the chain's server does with a request; the signer is the only one that asks while it is to die."""
        if self.point is None or self.process is None or not self._strikes(body):
            return real(node, body, *methods)
        answered = real(node, body, *methods) if self.point.is_after else Answer(None, status=503)
        self.point = None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)
        return answered

    def _strikes(self, body: bytes) -> bool:
        assert self.point is not None
        self._calls += 1
        if isinstance(self.point.call, int):
            return self._calls == self.point.call
        return json.loads(body)["method"] == self.point.call

    def _configure(self) -> None:
        house = self.counter.house
        entries = {
            "rpc": [house.chain.url],
            "genesis": house.configuration.genesis,
            "key_encryption_keys": list(house.configuration.key_encryption_keys),
            "state": str(house.configuration.state),
            "pool_target": house.configuration.pool_target,
            "pool_low_water": house.configuration.pool_low_water,
            "poll_s": 0.05,
            "refund_elsewhere": True,
        }
        # A number, a text, a list and a switch are written in JSON as in TOML.
        lines = [f"{name} = {json.dumps(value)}" for name, value in entries.items()]
        for token in listed():
            lines += ["[[token]]", *(f"{name} = {json.dumps(value)}" for name, value in token.items())]
        self._configuration.touch(0o600)
        self._configuration.write_text("\n".join(lines) + "\n")
        # Its journal is the process' now.
        house.signer.close()

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MUTOSCOPE_")},
            "DJANGO_SETTINGS_MODULE": "mutoscope.web.settings",
            "DATABASE_URL": self.database_url,
            "MUTOSCOPE_HOME": str(self.folder),
            "MUTOSCOPE_SIGNER_CONFIG": str(self._configuration),
        }
        with (self.folder / "signer.log").open("ab") as log:
            command = [sys.executable, "-m", "django", "signer"]
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=ROOT)
        return self.process

    def _stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(30) == 0

    def _turn_until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline, (self.folder / "signer.log").read_text()[-4000:]
            self.counter.house.hurry()
            self.counter.house.chain.advance(2)
            tell_jobs()
            time.sleep(0.02)

    def end(self) -> None:
        """Nobody is left behind."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(30)


@contextmanager
def mortal_signer(counter: Counter, server: EmbeddedServer, folder: Path) -> Iterator[Mortal]:
    """For a test that commits: another process sees what it did."""
    from django.db import connection

    made = Mortal(counter, server.url(str(connection.settings_dict["NAME"])), folder)
    real = dispatch.answer
    dispatch.answer = lambda *request: made.answer(real, *request)
    try:
        yield made
    finally:
        dispatch.answer = real
        made.end()
