"""A film through the whole pipeline, by a real worker, into folders of the test's own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.files.storage import storages

from mutoscope.engines.tasks.pipelines.progress import RunProgress, read_progress
from mutoscope.engines.tasks.queue.backend import backend_of
from mutoscope.engines.tasks.queue.worker.worker import Worker
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.life.moves import move
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.process import sweeping
from mutoscope.platform.videos.process.start import start_processing
from tests.platform.videos.films import new_channel

Maker = Callable[[Path], Video]


@pytest.fixture
def places(settings: Any, tmp_path: Path) -> Path:
    """Storages and work folders below the test's own folder."""
    local = "mutoscope.platform.videos.storage.LocalStorage"
    settings.STORAGES = {
        **settings.STORAGES,
        "films": {"BACKEND": local, "OPTIONS": {"location": tmp_path / "films"}},
        "originals": {"BACKEND": local, "OPTIONS": {"location": tmp_path / "originals"}},
    }
    settings.UPLOADS_FOLDER = tmp_path / "uploads"
    settings.VIDEO_WORK_FOLDER = tmp_path / "work"
    settings.VIDEO_PRESET = "ultrafast"
    return tmp_path


@pytest.fixture
def make_film(places: Path, transactional_db: None) -> Maker:
    """Hand a file to the pipeline and work until its run has ended; the video."""

    def through(film: Path) -> Video:
        video = new_film(film)
        work_until_ended(video)
        video.refresh_from_db()
        return video

    return through


def new_film(film: Path) -> Video:
    """A video in processing whose original is this file, its run started."""
    channel = new_channel(f"ada{Video.objects.count()}")
    video = Video.objects.create(channel=channel, title="A voyage")
    with film.open("rb") as file:
        video.original = storages["originals"].save(f"{video.public_id}/original", file)
    video.save(update_fields=["original"])
    move(video.pk, VideoState.UPLOADING)
    move(video.pk, VideoState.PROCESSING)
    start_processing(video.pk)
    video.refresh_from_db()
    return video


@contextmanager
def hours_later() -> Iterator[None]:
    """The sweep takes nothing that lies there for young."""
    with mock.patch.object(sweeping, "YOUNG", timedelta(seconds=-2)):
        yield


@contextmanager
def working() -> Iterator[None]:
    """A real worker in threads of this process."""
    worker = Worker(backend_of())
    thread = threading.Thread(target=worker.run, name="worker under test")
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join(30)


def until(video: Video, holds: Callable[[RunProgress], object], patience_s: float = 120.0) -> RunProgress:
    """Wait until something holds of the video's run; how the run stands then."""
    deadline = time.monotonic() + patience_s
    while not holds(progress := read_progress(video.run_id or 0)):
        assert time.monotonic() < deadline, f"it never came to that: {progress}"
        time.sleep(0.05)
    return progress


def work_until_ended(video: Video) -> None:
    """A real worker, until the video's run has ended, well or badly."""
    with working():
        until(video, lambda progress: progress.state != "RUNNING")
