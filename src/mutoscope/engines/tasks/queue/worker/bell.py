"""What a sleeping pump is woken by: a thread of its own process that rings, or a connection that has something to say."""

from __future__ import annotations

import contextlib
import math
import select
import socket


class Bell:
    """One sleeps, any may ring. A ring before the sleep counts."""

    def __init__(self) -> None:
        self._rope, self._clapper = socket.socketpair()
        self._rope.setblocking(False)
        self._clapper.setblocking(False)
        self._rung = False

    def ring(self) -> None:
        """Wake whoever sleeps, or spare them the next sleep. Any thread may, a signal handler too."""
        if self._rung:
            return
        self._rung = True
        # When it is closed nobody sleeps here any more.
        with contextlib.suppress(OSError):
            self._rope.send(b"!")

    def wait(self, timeout_s: float, connection: int | None) -> bool:
        """Sleep until someone rings, the connection with that file number can be read, or the time is up. False for that."""
        waiting = select.poll()
        waiting.register(self._clapper, select.POLLIN)
        if connection is not None:
            waiting.register(connection, select.POLLIN)
        heard = waiting.poll(max(0, math.ceil(timeout_s * 1000)))
        if any(number == self._clapper.fileno() for number, _ in heard):
            # In this order: who rings in between is heard now, since the sleeper is about to look; the other way round the
            # ring would be swallowed here, and every later one be taken for one too many.
            self._clapper.recv(16)
            self._rung = False
        return bool(heard)

    def close(self) -> None:
        self._rope.close()
        self._clapper.close()
