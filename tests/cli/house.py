"""A real `mutoscope up` for tests: a home and a port of its own, and everything stopped in the end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

READY_TIMEOUT_S = 90.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class House:
    """One state directory, the port that its `up` uses, and the `up` that runs on it, if one does."""

    home: Path
    port: int = field(default_factory=free_port)
    chain_port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None

    def settle(self, settled: Path) -> None:
        """Begin where that home is, as after a first start."""
        self.home.parent.mkdir(parents=True, exist_ok=True)
        # With its owners: PostgreSQL's files belong to whom it runs as.
        subprocess.run(["cp", "-a", str(settled), str(self.home)], check=True)

    def environment(self, **more: str) -> dict[str, str]:
        own = {
            "MUTOSCOPE_HOME": str(self.home),
            "MUTOSCOPE_PORT": str(self.port),
            "MUTOSCOPE_CHAIN_PORT": str(self.chain_port),
            # Films take a while: whoever is about them asks for them.
            "MUTOSCOPE_DEMO_FILMS": "0",
        }
        return {**os.environ, **own, **more}

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        command = [sys.executable, "-m", "mutoscope.cli", *arguments]
        return subprocess.run(command, env=self.environment(**more), capture_output=True, text=True, check=False)

    def up(self, **more: str) -> None:
        """Start `mutoscope up` and return when the site is ready."""
        self.start(**more)
        self.wait_until_ready()

    def start(self, **more: str) -> None:
        """Start `mutoscope up`."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home.parent / f"{self.home.name}.up.log").open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mutoscope.cli", "up"],
                env=self.environment(**more),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        self._wait_until(lambda: "Open http" in self.said() and self.answers())

    def wait_until_said(self, words: str, times: int = 1) -> None:
        self._wait_until(lambda: self.said().count(words) >= times)

    def _wait_until(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not is_so():
            assert self.process is not None
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)

    def said(self) -> str:
        return (self.home.parent / f"{self.home.name}.up.log").read_text()

    def answers(self) -> bool:
        try:
            return bool(self.get("/readyz")["ready"])
        except (OSError, ValueError):
            return False

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://localhost:{self.port}{path}", timeout=10) as answer:
            return json.load(answer)

    def family(self) -> list[psutil.Process]:
        """Every process that `up` started, itself included."""
        assert self.process is not None
        try:
            root = psutil.Process(self.process.pid)
            return [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def stop(self, stop_signal: signal.Signals = signal.SIGINT) -> int:
        """Stop it as Ctrl-C would; returns the exit code."""
        assert self.process is not None
        self.process.send_signal(stop_signal)
        code = self.process.wait(60)
        self.process = None
        return code


def wait_until_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=90)
    assert not alive, f"still running: {[(process.pid, process.name()) for process in alive]}"
