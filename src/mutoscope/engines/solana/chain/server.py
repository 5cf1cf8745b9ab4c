"""The chain on loopback: one granian server for HTTP and websockets, in a thread of its own."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from granian.constants import Interfaces
from granian.server.embed import Server as Granian

from mutoscope.engines.solana.chain.application import Application

if TYPE_CHECKING:
    from mutoscope.engines.solana.chain.sandbox import SandboxChain

HOST = "127.0.0.1"
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
# How long the server's own threads, which Python does not know, may take to end after it.
THREADS_END_S = 2.0
LOOK_EVERY_S = 0.01


class Server:
    """Serves a chain and, where it ticks, moves its clock."""

    def __init__(self, chain: SandboxChain, port: int = 0) -> None:
        self._chain = chain
        self.port = port
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._granian: Granian | None = None
        self._application: Application | None = None
        self._error: BaseException | None = None
        self._threads_before: set[str] = set()

    def start(self) -> None:
        """Returns when connections are accepted. Raises OSError where the port is taken."""
        self.port = self.port or _free_port()
        self._threads_before = _threads()
        self._thread = threading.Thread(target=self._run, name=f"sandbox chain :{self.port}", daemon=True)
        self._thread.start()
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _accepts(self.port):
            if self._error is not None or not self._thread.is_alive() or time.monotonic() > deadline:
                raise OSError(f"the sandbox chain cannot listen on {HOST}:{self.port}") from self._error
            time.sleep(LOOK_EVERY_S)
        # Of a program that ends without stopping it: the server's own threads would look for an interpreter that is gone.
        atexit.register(self.stop)

    def stop(self) -> None:
        atexit.unregister(self.stop)
        if self._thread is None or self._loop is None or self._granian is None:
            return
        threads = _threads() - self._threads_before
        with contextlib.suppress(RuntimeError):
            self._chain.sockets.drop()
            self._loop.call_soon_threadsafe(self._end)
        self._thread.join(STOP_TIMEOUT_S)
        self._thread = None
        # On a busy machine they are still there when the server has returned, and one that finds the interpreter gone panics.
        deadline = time.monotonic() + THREADS_END_S
        while threads & _threads() and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY_S)

    def _end(self) -> None:
        if self._application is not None and self._granian is not None:
            self._application.stopping.set()
            self._granian.stop()  # type: ignore[no-untyped-call]

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._error = error

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._application = Application(self._chain)
        self._granian = Granian(
            self._application,
            address=HOST,
            port=self.port,
            interface=Interfaces.ASGINL,
            log_enabled=False,
        )
        ticking = asyncio.create_task(self._tick()) if self._chain.ticking else None
        try:
            await self._granian.serve()
        finally:
            if ticking is not None:
                ticking.cancel()

    async def _tick(self) -> None:
        """A slot each `slot_ms`, its time the wall clock's."""
        slot_s = self._chain.bank.pace.slot_ms / 1000
        while True:
            await asyncio.sleep(slot_s)
            self._chain.bank.advance(1, int(time.time() * 1000))


def _threads() -> set[str]:
    """The numbers of this process' threads that Python does not know."""
    try:
        running = {entry.name for entry in Path("/proc/self/task").iterdir()}
    except OSError:
        # No Linux: nobody is waited for.
        return set()
    return running - {str(thread.native_id) for thread in threading.enumerate()}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0
