"""Hears what is said to this worker: that there is work, or that a task shall stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from mutoscope.engines.tasks.queue.connection import Line, Stopped
from mutoscope.engines.tasks.queue.worker.desk import Desk

LOOK_UP_S = 0.25

logger = logging.getLogger("mutoscope.tasks")


class Listener:
    """LISTENs on the worker's own channel, `tasks_<worker id>`, on the direct connection.

    Through a pooler nothing would be heard; then this does nothing, and the worker polls.
    """

    def __init__(self, line: Line, desk: Desk, wake: Callable[[], None], interrupt: Callable[[int, str], None]) -> None:
        self.line = line
        self.desk = desk
        self._wake = wake
        self._interrupt = interrupt
        self._thread = threading.Thread(target=self._work, name="tasks-listener", daemon=True)
        self._stop = threading.Event()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self.line.stopped.set()
        self._thread.join(LOOK_UP_S * 3)
        self.line.close()

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                self.line.persist(self._listen)
            except Stopped:
                return
            except Exception:
                logger.exception("The worker's listener failed", extra={"action": "listener_failed"})
                self.line.close()
                self._stop.wait(LOOK_UP_S)

    def _listen(self) -> None:
        connection = self.line.connection()
        if self.line.pooled:
            logger.info("Behind a pooler nothing can be heard: polling", extra={"action": "polling"})
            self._stop.wait()
            return
        worker_id = self.desk.worker_id
        connection.execute(f"LISTEN tasks_{worker_id:d}")
        # Whatever was said before this connection listened is caught up with by looking.
        self._wake()
        while not self._stop.is_set():
            for notice in connection.notifies(timeout=LOOK_UP_S, stop_after=1):
                self._hear(notice.payload)
            if self.desk.worker_id != worker_id:
                connection.execute("UNLISTEN *")
                return
        return

    def _hear(self, payload: str) -> None:
        word, _, number = payload.partition(" ")
        if word == "cancel" and number.isdecimal():
            self._interrupt(int(number), "cancel")
        else:
            self._wake()
