"""A network between a browser and a server that can be cut, held in the middle of a byte stream, and changed for another."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import Counter


class Relay:
    """Listens on a port of its own and passes on to `port`, by connections that come from `source`."""

    def __init__(self, port: int, source: str) -> None:
        self.port = port
        self.source = source
        # Bytes towards the server, by where they came from.
        self.carried: Counter[str] = Counter()
        # Set when `hold_after` has held something.
        self.held = threading.Event()
        self._left: int | None = None
        self._lock = threading.Lock()
        self._lines: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.origin = f"http://localhost:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def hold_after(self, count: int) -> None:
        """From here on let so many bytes pass towards the server, and then no more."""
        with self._lock:
            self._left = count

    def changes_to(self, source: str) -> None:
        """Another network: what is open breaks, what comes next comes from another address."""
        with self._lock:
            self._left = None
            self.source = source
            lines, self._lines = self._lines, []
        for line in lines:
            _end(line)

    def close(self) -> None:
        _end(self._listening)
        self.changes_to(self.source)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        source = self.source
        try:
            far = socket.create_connection(("127.0.0.1", self.port), source_address=(source, 0))
        except OSError:
            _end(near)
            return
        with self._lock:
            self._lines += [near, far]
        threading.Thread(target=self._pass_on, args=(far, near, None), daemon=True).start()
        self._pass_on(near, far, source)

    def _pass_on(self, origin: socket.socket, target: socket.socket, source: str | None) -> None:
        try:
            while data := origin.recv(64 * 1024):
                if source is not None and not self._may_pass(source, len(data)):
                    # The line stays open, and nothing comes any more.
                    return
                target.sendall(data)
        except OSError:
            pass
        _end(origin)
        _end(target)

    def _may_pass(self, source: str, count: int) -> bool:
        with self._lock:
            if self._left is not None:
                if count > self._left:
                    self.held.set()
                    return False
                self._left -= count
            self.carried[source] += count
            return True


def _end(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    line.close()
