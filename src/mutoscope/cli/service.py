"""A process that `mutoscope up` keeps alive."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mutoscope.cli.notify import ADDRESS_VARIABLE, Ear
from mutoscope.cli.parent import PARENT_VARIABLE

STOP_TIMEOUT_S = 25.0
RESTART_DELAY_MIN_S = 0.5
RESTART_DELAY_MAX_S = 30.0
# A service that ran this long is taken to have been well: its next restart waits the shortest delay again.
WELL_AFTER_S = 60.0
LOG_BYTES_MAX = 20 * 1024 * 1024


@dataclass
class Service:
    """One `mutoscope NAME` process: started, watched, restarted with growing delays, stopped."""

    name: str
    arguments: list[str]
    log: Path
    # What else has to be true, beyond that it said it was ready; it costs little and may be asked often.
    is_well: Callable[[], bool] = lambda: True
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started_at: float = field(default=0.0, init=False)
    restart_at: float | None = field(default=None, init=False)
    delay_s: float = field(default=RESTART_DELAY_MIN_S, init=False)
    ear: Ear | None = field(default=None, init=False)

    def start(self) -> None:
        """Start the process. Its output goes to its log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES_MAX:
            self.log.replace(self.log.with_suffix(".old.log"))
        ear = self._listen_anew()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mutoscope.cli", *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, ADDRESS_VARIABLE: ear.address, PARENT_VARIABLE: str(os.getpid())},
                # A Ctrl-C in the terminal is for the supervisor alone, which stops its services in order.
                start_new_session=True,
            )
        self.started_at = time.monotonic()
        self.restart_at = None

    def is_ready(self) -> bool:
        """Whether the process that runs now said that it does its work, and what else has to be true is."""
        return self.ear is not None and self.ear.is_ready() and self.is_well()

    def exit_code(self) -> int | None:
        """None while it runs."""
        return None if self.process is None else self.process.poll()

    def plan_restart(self) -> float:
        """Note that it ended by itself; returns in how many seconds it is started again."""
        now = time.monotonic()
        if now - self.started_at > WELL_AFTER_S:
            self.delay_s = RESTART_DELAY_MIN_S
        delay_s, self.delay_s = self.delay_s, min(self.delay_s * 2, RESTART_DELAY_MAX_S)
        self.restart_at = now + delay_s
        self.process = None
        return delay_s

    def stop(self) -> None:
        """Ask it to finish what it is doing; kill it, with all of its children, when it does not within the timeout."""
        process, self.process = self.process, None
        if self.ear is not None:
            self.ear.close()
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_TIMEOUT_S)
        # The session it was started in holds its children too: none of them may outlive it.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _listen_anew(self) -> Ear:
        """An ear for each process: what an earlier one said does not count for the next."""
        if self.ear is not None:
            self.ear.close()
        self.ear = Ear()
        return self.ear

    def last_words(self, lines: int = 3) -> str:
        """The end of its log."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - 4096))
                return "\n".join(log.read().decode(errors="replace").strip().splitlines()[-lines:])
        except OSError:
            return ""
