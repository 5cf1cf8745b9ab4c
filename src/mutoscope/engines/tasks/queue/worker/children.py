"""Tasks in child processes: for work that hogs the interpreter, must be stoppable, or may crash."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from mutoscope.engines.tasks.queue.encoding import decode
from mutoscope.engines.tasks.queue.policy import ChildDied
from mutoscope.engines.tasks.queue.worker.execution import Execution, Surroundings, fail_unknown, find_runnable
from mutoscope.engines.tasks.queue.worker.job import Interrupted, Job
from mutoscope.engines.tasks.queue.worker.threads import Crew

logger = logging.getLogger("mutoscope.tasks")

STOP_TIMEOUT_S = 2.0


class Child:
    """One child process, started at its first job and again whenever it was killed or died. Used by one thread."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._buffer = b""
        self.is_ready = False

    def ask(self, request: dict[str, object]) -> None:
        if self._process is None or self._process.poll() is not None:
            self._start()
        assert self._channel is not None
        self._channel.sendall(json.dumps(request).encode() + b"\n")

    def read(self, timeout_s: float) -> dict[str, object] | None:
        """The next line; None when there is none yet. Raises ChildDied at the end of the stream."""
        assert self._channel is not None
        if b"\n" not in self._buffer:
            self._channel.settimeout(timeout_s)
            try:
                received = self._channel.recv(1 << 16)
            except TimeoutError:
                return None
            except OSError:
                received = b""
            if not received:
                raise ChildDied(f"the child process ended with {self._code()} before its answer")
            self._buffer += received
            if b"\n" not in self._buffer:
                return None
        line, _, self._buffer = self._buffer.partition(b"\n")
        message: dict[str, object] = json.loads(line)
        return message

    def kill(self) -> None:
        """End the process and whatever it started: it leads a process group of its own."""
        process, self._process = self._process, None
        channel, self._channel = self._channel, None
        self._buffer = b""
        self.is_ready = False
        if channel is not None:
            channel.close()
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            process.wait()

    def _start(self) -> None:
        self.kill()
        ours, theirs = socket.socketpair()
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        try:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "mutoscope.engines.tasks.queue.worker.child",
                    str(theirs.fileno()),
                    str(os.getpid()),
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env=environment,
            )
        finally:
            theirs.close()
        self._channel = ours

    def _code(self) -> str:
        if self._process is None:
            return "no exit code"
        try:
            code = self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return "its channel closed"
        return f"signal {-code}" if code < 0 else f"exit code {code}"


class Nursery(Crew):
    """A crew whose threads each mind a child process instead of running the job themselves."""

    def __init__(self, count: int, around: Surroundings, done: Callable[[Job], None]) -> None:
        super().__init__("children", count, self._run_in_child, done)
        self._around = around
        self._local = threading.local()
        self._children: list[Child] = []

    def interrupt(self, job: Job) -> bool:
        """The thread that minds the child looks at job.interruption many times a second."""
        return job in self.running()

    def close(self, timeout_s: float) -> bool:
        ended = super().close(timeout_s)
        for child in self._children:
            child.kill()
        return ended

    def _run_in_child(self, job: Job) -> None:
        begun = job.begin()
        runnable = find_runnable(job)
        if runnable is None:
            fail_unknown(job)
            return
        child = self._child()
        execution = Execution(job, runnable, self._around)
        try:
            if job.interruption is not None:
                raise Interrupted
            execution.arguments()
            request = {
                "path": job.path,
                "args": decode(job.args),
                "kwargs": decode(job.kwargs),
                "id": job.id,
                "attempt": job.attempt,
                "lease": job.lease,
                "backend": self._around.backend_alias,
                "worker": self._around.worker_id(),
            }
            child.ask(request)
            answer = self._await(child, job, job.policy.timeout_s)
            job.run_us = int((time.monotonic() - begun) * 1_000_000)
            if "error" in answer:
                execution.fail_stored(answer["error"], answer["delay_s"], is_declined=bool(answer["is_declined"]))  # type: ignore[arg-type]
            else:
                execution.succeed_encoded(answer["result"])  # type: ignore[arg-type]
        except BaseException as error:
            child.kill()
            job.run_us = int((time.monotonic() - begun) * 1_000_000)
            execution.fail(error)

    def _await(self, child: Child, job: Job, timeout_s: float | None) -> dict[str, object]:
        # A child just started takes its time to import the project; that is not the task's.
        deadline = None if timeout_s is None or not child.is_ready else time.monotonic() + timeout_s
        while True:
            if job.interruption is not None or job.lost:
                raise Interrupted
            if deadline is not None and time.monotonic() > deadline:
                job.interruption = "timeout"
                raise Interrupted
            message = child.read(0.05)
            if message is None:
                continue
            if "progress" in message:
                job.progress = (message["progress"], str(message["note"]))  # type: ignore[assignment]
                self._around.progress(job)
            elif "ready" in message:
                child.is_ready = True
                deadline = None if timeout_s is None else time.monotonic() + timeout_s
            else:
                return message

    def _child(self) -> Child:
        child: Child | None = getattr(self._local, "child", None)
        if child is None:
            child = self._local.child = Child()
            self._children.append(child)
        return child
