"""Running ffmpeg on a film that cannot be trusted: always in the sandbox, always within bounds."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from django.conf import settings

from mutoscope.engines.sandbox import Job, Limits, Outcome, Places
from mutoscope.engines.sandbox.ffmpeg import GLOBAL, trusted_only_with
from mutoscope.platform.videos.domain.source import Unusable
from mutoscope.platform.videos.sharing import (
    PRIVATE_FILE,
    PRIVATE_FOLDER,
    SHARED_FILE,
    SHARED_FOLDER,
    is_shared,
    make_folder,
)
from mutoscope.platform.videos.walls import sandbox_for_uploads

LOCK = ".lock"
# Address space, of which threads' stacks and buffers take more than is ever used.
MEMORY_BYTES = 6 * 1024**3
# Seconds of processor and of wall clock for each second of film, and what is always allowed.
CPU_FACTOR, WALL_FACTOR, ALLOWED_S = 120, 120, 600


class Broke(Exception):
    """ffmpeg ended badly. Another attempt may fare better."""


class NoRoom(Exception):
    """The disk is full: wait and try again."""


@cache
def program() -> Path:
    """The ffmpeg in use: the operator's, or the one in the wheel."""
    chosen: Path | None = settings.ENVIRONMENT.ffmpeg
    if chosen is not None:
        return chosen
    import imageio_ffmpeg

    return Path(imageio_ffmpeg.get_ffmpeg_exe())


@cache
def makes_av1() -> bool:
    """Whether the ffmpeg in use has an encoder of AV1. The one in the wheel has."""
    command = [str(program()), "-hide_banner", "-encoders"]
    return " libsvtav1 " in subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@cache
def has_zimg() -> bool:
    """Whether the ffmpeg in use can scale by zimg. The one in the wheel can; it is optional when ffmpeg is built."""
    command = [str(program()), "-hide_banner", "-filters"]
    return " zscale " in subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@contextmanager
def work_folder(name: str) -> Iterator[Path]:
    """A folder to encode in, gone afterwards. It is locked while its process lives, so the sweep knows what was left."""
    root = Path(settings.VIDEO_WORK_FOLDER)
    make_folder(root)
    folder = Path(mkdtemp(prefix=f"{name}-", dir=root))
    out = folder / "out"
    out.mkdir(mode=PRIVATE_FOLDER)
    lock = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, PRIVATE_FILE)
    fcntl.flock(lock, fcntl.LOCK_EX)
    if is_shared(root):
        out.chmod(SHARED_FOLDER)
        os.fchmod(lock, SHARED_FILE)
        # The last, when it is locked: from now on another user's part may sweep it.
        folder.chmod(SHARED_FOLDER)
    try:
        yield out
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def sweep_work_folders() -> int:
    """Delete what processes that are gone left behind; how many folders."""
    swept = 0
    for folder in Path(settings.VIDEO_WORK_FOLDER).glob("*-*"):
        try:
            lock = os.open(folder / LOCK, os.O_RDWR)
        except (FileNotFoundError, PermissionError):
            # Another process makes or deletes it at this very moment.
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
            swept += 1
        except BlockingIOError:
            pass
        finally:
            os.close(lock)
    return swept


def limits_for(film_s: float) -> Limits:
    """What making something of so many seconds of film may take."""
    return Limits(
        cpu_s=int(ALLOWED_S + CPU_FACTOR * film_s),
        wall_s=ALLOWED_S + WALL_FACTOR * film_s,
        memory_bytes=MEMORY_BYTES,
        file_bytes=64 * 1024**3,
    )


def run(
    inputs: Mapping[str, Path],
    arguments: Callable[[Places], Sequence[str]],
    work: Path,
    *,
    film_s: float,
    limits: Limits | None = None,
    on_line: Callable[[str], None] | None = None,
    cancel_requested: Callable[[], bool] | None = None,
    verbosity: str = "error",
) -> Outcome:
    """Run ffmpeg in the sandbox. `arguments` come after the global ones; `film_s` is how much film it has to go through.
    `limits` take the place of those that follow from it.

    Raises NoWalls, NoRoom when the disk is full, Unusable when the film made it run into a limit, Broke for another bad end.
    """
    cancel = threading.Event()

    def line(text: str) -> None:
        if cancel_requested is not None and cancel_requested():
            cancel.set()
        if on_line is not None:
            on_line(text)

    job = Job(
        program(),
        lambda places: [*GLOBAL, "-v", verbosity, "-y", *arguments(places)],
        inputs=inputs,
        work=work,
        limits=limits or limits_for(film_s),
        # SVT-AV1 would tell its whole configuration, and push out what went wrong.
        environment={"SVT_LOG": "1"},
    )
    outcome = sandbox_for_uploads().run(job, on_line=line if on_line or cancel_requested else None, cancel=cancel)
    if outcome.limits:
        raise Unusable("This file takes far more work than a film of its length should. It may be damaged.")
    if outcome.succeeded():
        return outcome
    if "No space left" in outcome.stderr_tail:
        raise NoRoom(outcome.stderr_tail[-300:])
    raise Broke(f"ffmpeg ended with {outcome.exit_code}, signal {outcome.signal}: {outcome.stderr_tail[-2000:]}")


def film_input(places: Places, name: str = "film") -> list[str]:
    """The arguments that open the film."""
    return trusted_only_with(places, name)
