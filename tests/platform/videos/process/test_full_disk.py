"""The disk is full in the middle of making a film: it waits, shows nothing half made, and goes on once there is room."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.process import ffmpeg, sweeping, waiting
from mutoscope.platform.videos.storage import LocalStorage
from mutoscope.platform.videos.studio.standing import standing_of
from tests.platform.videos.process import shown
from tests.platform.videos.process.conftest import hours_later, until, working
from tests.platform.videos.process.sources import make, picture, tone
from tests.platform.videos.process.test_crashes import nothing_left_over, uploaded

pytestmark = pytest.mark.django_db(transaction=True)

DISK_BYTES = 16 * 1024 * 1024
# So little is free that writing begins well, and fails in the middle.
FREE_BYTES = 48 * 1024


@contextmanager
def full_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """A folder on a small disk of its own that is nearly full; what is handed out makes room.

    Where the tests may not mount one, writing fails as it would on one.
    """
    folder.mkdir()
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0700", "tmpfs", folder],
            capture_output=True,
            check=False,
        ).returncode
    )
    if not mounted:
        with monkeypatch.context() as writing:
            writing.setattr(LocalStorage, "_save", _no_room)
            writing.setattr(ffmpeg, "mkdtemp", _no_room)
            yield writing.undo
        return
    ballast = folder / ".ballast"
    ballast.write_bytes(bytes(DISK_BYTES - FREE_BYTES))
    try:
        yield ballast.unlink
    finally:
        subprocess.run(["umount", folder], check=True)


def _no_room(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("which", ["films", "work"])
def test_a_full_disk_is_waited_for(places: Path, monkeypatch: pytest.MonkeyPatch, which: str) -> None:
    monkeypatch.setattr(waiting, "WAIT_S", 0.1)
    film = make(places / "film.mp4", *picture("640x480", "25", 2), *tone(2), "-c:v", "mpeg4", "-c:a", "aac")
    with full_disk(places / which, monkeypatch) as make_room:
        video = uploaded(film)
        with working():
            until(
                video,
                lambda progress: any(
                    unit.note.startswith("waiting") and unit.attempt > waiting.ATTEMPTS_MAX for unit in progress.live
                ),
            )
            video.refresh_from_db()
            assert video.state == VideoState.PROCESSING
            assert video.edition is None, "nothing half made is shown"
            make_room()
            until(video, lambda progress: progress.state != "RUNNING")
        video.refresh_from_db()
        assert video.state == VideoState.READY, video.state_reason
        edition = video.edition
        assert edition is not None
        for name in ("240p", "480p"):
            assert len(shown.stream(edition, name, places).moments) == 50
        with hours_later():
            sweeping.sweep.func()
        nothing_left_over(places, video)


def test_its_creator_is_told_what_is_waited_for(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalStorage, "_save", _no_room)
    monkeypatch.setattr(waiting, "WAIT_S", 3600)
    video = uploaded(make(places / "film.mp4", *picture("64x64", "5", 1), "-c:v", "mpeg4"))
    with working():
        until(video, lambda progress: any(unit.note.startswith("waiting") for unit in progress.live))
    assert "waiting for room or for the storage" in standing_of(video).sentence
