"""The state directory: who uses it now, and which release used it last."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from mutoscope import __version__
from mutoscope.cli.complaint import Complaint


@dataclass(frozen=True)
class Running:
    """The `mutoscope up` that holds a state directory."""

    pid: int
    url: str


class AlreadyRunning(Complaint):
    """A second `mutoscope up` on the same state directory."""

    def __init__(self, home: Path, running: Running | None) -> None:
        self.running = running
        where = f" at {running.url} (process {running.pid})" if running else ""
        stop = f"kill {running.pid}" if running else "Ctrl-C in its terminal"
        super().__init__(
            f"Mutoscope is already running on {home}{where}. Open that address, or stop it first ({stop}), "
            "or set MUTOSCOPE_HOME and MUTOSCOPE_PORT to run a second one."
        )


class StateFromNewerRelease(Complaint):
    """The state directory was last used by a newer release, whose tables this one does not know."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what}, which is newer than this one ({__version__}). Nothing was changed. Install that release again, "
            "or restore a backup that this release wrote into another MUTOSCOPE_HOME."
        )


@contextlib.contextmanager
def hold(home: Path, url: str) -> Iterator[None]:
    """Hold the state directory for the length of the block. Raises AlreadyRunning, and Complaint where it cannot write.

    The lock is the kernel's and ends with the process however it ends, so there is no stale lock to clear away.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
        handle = os.open(home / "up.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise Complaint(
            f"the state directory {home} cannot be used: {error.strerror}. Mend it, or set MUTOSCOPE_HOME to another."
        ) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(home, _read(handle)) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(asdict(Running(os.getpid(), url))).encode(), 0)
        yield
    finally:
        os.close(handle)


def is_held(home: Path) -> Running | None:
    """Who holds the state directory now, or None."""
    path = home / "up.lock"
    if not path.exists():
        return None
    with path.open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read(lock.fileno()) or Running(0, "")
    return None


def refuse_newer_release(home: Path) -> None:
    """Raise StateFromNewerRelease when a newer release used this directory last."""
    try:
        last = str(json.loads((home / "state.json").read_text())["mutoscope"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    if is_newer(last):
        raise StateFromNewerRelease(f"{home} was last used by Mutoscope {last}")


def record_release(home: Path) -> None:
    """Note that this release has used the directory. Written aside and moved, so that it is never half there."""
    aside = home / "state.json.new"
    aside.write_text(json.dumps({"mutoscope": __version__}) + "\n")
    aside.replace(home / "state.json")


def is_newer(version: str) -> bool:
    """Whether a release is newer than this one."""
    return _comparable(version) > _comparable(__version__)


def _comparable(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _read(handle: int) -> Running | None:
    try:
        return Running(**json.loads(os.pread(handle, 4096, 0)))
    except (OSError, ValueError, TypeError):
        return None
