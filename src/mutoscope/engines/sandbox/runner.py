"""Starts a program behind the walls, watches it, and ends it and all that it started when its time is up."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mutoscope.engines.sandbox import levels, seccomp
from mutoscope.engines.sandbox.handles import in_memory, opened
from mutoscope.engines.sandbox.job import Job, Limit, Outcome, Places
from mutoscope.engines.sandbox.levels import Level, NoSandbox
from mutoscope.engines.sandbox.walls import EXIT_NO_WALL, bubblewrap_command, launcher_command

LOOK_EVERY_S = 0.1
# How long what a killed program printed last is waited for.
LAST_WORDS_S = 2.0
READ_BYTES = 64 * 1024
STDERR_TAIL_BYTES = 16 * 1024
LINE_BYTES_MAX = 64 * 1024
# What a shell and bubblewrap make of an end by signal.
SIGNAL_EXIT_FROM = 128

OUT_OF_MEMORY = re.compile("cannot allocate|out of memory|memory exhausted|bad_alloc", re.IGNORECASE)

OnLine = Callable[[str], None]


@dataclass(frozen=True)
class Sandbox:
    """Runs jobs at one level. `Sandbox.of_this_machine()` takes the best there is."""

    level: Level

    @classmethod
    def of_this_machine(cls) -> Sandbox:
        """The best level that works here. Raises NoSandbox."""
        return cls(levels.best())

    def run(self, job: Job, *, on_line: OnLine | None = None, cancel: threading.Event | None = None) -> Outcome:
        """Run a job to its end and say how it ended.

        `on_line` is handed each line of standard output as it comes (ffmpeg's `-progress pipe:1`, say); without it the
        output is in the outcome. Setting `cancel` from another thread ends the run. Raises NoSandbox when the walls
        cannot be put up, NotThere when the program, an input or a folder is missing, ValueError when this level cannot run the job.
        """
        if job.processes and self.level is not Level.BUBBLEWRAP:
            raise ValueError("Job.processes: only the bubblewrap level can end a whole family of processes")
        job.check_there()
        with self._started(job) as process:
            watch = _Watch(process, job, on_line, cancel)
            watch.until_end()
        outcome = watch.outcome()
        if outcome.exit_code == EXIT_NO_WALL and outcome.stderr_tail.startswith("sandbox: "):
            raise NoSandbox(outcome.stderr_tail.strip())
        return outcome

    @contextlib.contextmanager
    def _started(self, job: Job) -> Iterator[subprocess.Popen[bytes]]:
        with contextlib.ExitStack() as stack:
            handles = {name: opened(stack, path) for name, path in job.inputs.items()}
            work = job.work
            if work is None:
                work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sandbox-")))
            command, kept = self._command(job, work.resolve(), handles, stack)
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=kept,
                env={},
                cwd="/",
                start_new_session=True,
            )
            try:
                yield process
            finally:
                _end(process)

    def _command(
        self, job: Job, work: Path, handles: dict[str, int], stack: contextlib.ExitStack
    ) -> tuple[list[str], list[int]]:
        environment = {"HOME": "/nonexistent", "LC_ALL": "C.UTF-8", **job.environment}
        if self.level is Level.BUBBLEWRAP:
            program = levels.bubblewrap()
            if program is None:
                raise NoSandbox("bubblewrap is not installed")
            places = Places(self.level, {name: f"/in/{name}" for name in job.inputs}, "/out", handles)
            inside = "/program/" + job.program.name
            readable = {inside: job.program.resolve()}
            readable |= {f"/in/{name}": path.resolve() for name, path in job.inputs.items()}
            readable |= {f"/folders/{name}": path.resolve() for name, path in job.folders.items()}
            code = in_memory(stack, seccomp.program(processes=job.processes))
            command = bubblewrap_command(
                program,
                [inside, *job.arguments(places)],
                readable=readable,
                writable={"/out": work},
                limits=job.limits,
                environment=environment,
                filter_handle=code,
            )
            return command, [code, *handles.values()]
        # The program sees the names that we chose here, too: by a file's own name some programs guess what it holds.
        names = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sandbox-")))
        for name, path in job.inputs.items():
            (names / name).symlink_to(path.resolve())
        inputs = {name: str(names / name) for name in job.inputs}
        places = Places(self.level, inputs, str(work), handles)
        command, kept = launcher_command(
            stack,
            self.level,
            [str(job.program.resolve()), *job.arguments(places)],
            readable=[str(path.resolve()) for path in (*job.inputs.values(), *job.folders.values())],
            writable=[str(work)],
            limits=job.limits,
            processes=job.processes,
            environment=environment,
        )
        return command, [*kept, *handles.values()]


class _Watch:
    """Reads what a process prints, and ends it when it runs into a limit or is cancelled."""

    def __init__(
        self, process: subprocess.Popen[bytes], job: Job, on_line: OnLine | None, cancel: threading.Event | None
    ) -> None:
        self.process = process
        self.limits = job.limits
        self.on_line = on_line
        self.cancel = cancel
        self.began = time.monotonic()
        self.hit: set[Limit] = set()
        self.cancelled = False
        self.printed = 0
        self.stdout = bytearray()
        self.stderr = bytearray()
        self.line = bytearray()
        self.wall_s = self.cpu_s = 0.0

    def until_end(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        ended_at: float | None = None
        # Of the process itself, so that its end is noticed at once, whoever still holds the other end of the pipes.
        life = os.pidfd_open(self.process.pid)
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self.process.stdout, selectors.EVENT_READ, self._take_stdout)
                selector.register(self.process.stderr, selectors.EVENT_READ, self._take_stderr)
                selector.register(life, selectors.EVENT_READ)
                while selector.get_map():
                    for key, _ in selector.select(LOOK_EVERY_S):
                        if key.fd == life:
                            selector.unregister(life)
                            ended_at = time.monotonic()
                        else:
                            self._read(selector, key)
                    self.cpu_s = max(self.cpu_s, _cpu_seconds(self.process.pid))
                    if self._is_over():
                        _kill(self.process)
                    if ended_at is not None and time.monotonic() - ended_at > LAST_WORDS_S:
                        break
        finally:
            os.close(life)
        # Not waited for until now: only so does the kernel still know what it has used.
        self.cpu_s = max(self.cpu_s, _cpu_seconds(self.process.pid))
        self.wall_s = time.monotonic() - self.began
        self.process.wait()

    def _read(self, selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
        data = os.read(key.fd, READ_BYTES)
        if data:
            key.data(data)
        else:
            selector.unregister(key.fileobj)

    def _is_over(self) -> bool:
        if time.monotonic() - self.began > self.limits.wall_s:
            self.hit.add(Limit.WALL)
        if self.printed > self.limits.output_bytes:
            self.hit.add(Limit.OUTPUT)
        if self.cancel is not None and self.cancel.is_set():
            self.cancelled = True
        return bool(self.hit) or self.cancelled

    def _take_stdout(self, data: bytes) -> None:
        self.printed += len(data)
        if self.on_line is None:
            self.stdout += data[: max(0, self.limits.output_bytes - len(self.stdout))]
            return
        self.line += data
        *lines, rest = self.line.split(b"\n")
        # A line that never ends is cut: nothing here may grow with what the program prints.
        self.line = bytearray(rest[-LINE_BYTES_MAX:])
        for line in lines:
            self.on_line(line[:LINE_BYTES_MAX].decode(errors="replace"))

    def _take_stderr(self, data: bytes) -> None:
        self.printed += len(data)
        self.stderr = (self.stderr + data)[-STDERR_TAIL_BYTES:]

    def outcome(self) -> Outcome:
        code = self.process.returncode
        number: int | None
        number = -code if code < 0 else code - SIGNAL_EXIT_FROM
        if not 0 < number < signal.NSIG:
            number = None
        tail = self.stderr.decode(errors="replace")
        # Some programs, ffmpeg among them, catch the signal and end as if asked to; then the last look has to tell, and
        # since that look the program may have used every core.
        unseen_s = LOOK_EVERY_S * 2 * (os.cpu_count() or 1)
        if number == signal.SIGXCPU or (code != 0 and self.cpu_s + unseen_s >= self.limits.cpu_s):
            self.hit.add(Limit.CPU)
        if number == signal.SIGXFSZ:
            self.hit.add(Limit.FILE)
        # The kernel refuses the memory and the program says so, each in its own words; there is no signal to go by.
        if code != 0 and OUT_OF_MEMORY.search(tail):
            self.hit.add(Limit.MEMORY)
        return Outcome(
            code, number, frozenset(self.hit), self.cancelled, self.wall_s, self.cpu_s, bytes(self.stdout), tail
        )


def _cpu_seconds(pid: int) -> float:
    """Processor time of a process and all its descendants that live, and of those they waited for. Source: proc(5)."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            after_name = stat.read().rpartition(")")[2].split()
        with open(f"/proc/{pid}/task/{pid}/children") as listed:
            children = listed.read().split()
    except OSError:
        return 0.0
    own = sum(int(ticks) for ticks in after_name[11:15]) / os.sysconf("SC_CLK_TCK")
    return own + sum(_cpu_seconds(int(child)) for child in children)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and everything it started: its session, and with bubblewrap its whole process namespace."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _end(process: subprocess.Popen[bytes]) -> None:
    _kill(process)
    process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
