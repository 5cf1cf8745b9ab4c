"""A worker is killed at a named point; another takes over. The film is made once, whole, and nothing is left over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.db import connection

from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.models import Move, Piece, Upload, Video
from mutoscope.platform.videos.process import sweeping
from mutoscope.platform.videos.process.start import start_processing
from mutoscope.platform.videos.upload import files
from tests.platform.videos.films import new_channel
from tests.platform.videos.process import crashing_worker, shown
from tests.platform.videos.process.conftest import hours_later, work_until_ended
from tests.platform.videos.process.sources import make, picture, tone
from tests.plugin import ROOT, SERVER

pytestmark = pytest.mark.django_db(transaction=True)

SAMPLE = ("half of the fast lane",)
SECONDS = 2


def uploaded(film: Path) -> Video:
    """A video whose upload has just become whole, as the web server leaves it."""
    from django.utils import timezone

    from mutoscope.platform.videos.life.moves import move

    channel = new_channel()
    video = Video.objects.create(channel=channel, title="A voyage")
    length = film.stat().st_size
    move(video.pk, VideoState.UPLOADING)
    upload = Upload.objects.create(
        video=video, owner=channel.owner, length_bytes=length, offset_bytes=length, expires_at=timezone.now(),
        state=Upload.State.COMPLETE,
    )  # fmt: skip
    files.begin(upload.token)
    files.write(upload.token, 0, film.read_bytes())
    move(video.pk, VideoState.PROCESSING)
    start_processing(video.pk, upload_token=upload.token)
    video.refresh_from_db()
    return video


def kill_at(point: str, home: Path, key: str) -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "mutoscope.web.settings",
        "MUTOSCOPE_HOME": str(home),
        "MUTOSCOPE_VIDEO_KEY": key,
        "MUTOSCOPE_VIDEO_PRESET": "ultrafast",
        "DATABASE_URL": SERVER.url(str(connection.settings_dict["NAME"])),
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
    }
    command = [sys.executable, str(Path(crashing_worker.__file__)), point]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
        said, _ = child.communicate(timeout=120)
    assert child.returncode == -signal.SIGKILL, said.decode()[-3000:]


def survives(point: str, home: Path, settings: Any) -> None:
    settings.TASKS = {
        "default": {
            **settings.TASKS["default"],
            "OPTIONS": {"BEAT_S": 0.2, "STALE_S": 1.5, "POLL_S": 0.2, "GRACE_S": 5.0},
        }
    }
    words = home / "film.srt"
    words.write_text("1\n00:00:00,200 --> 00:00:01,000\nAhoy\n")
    film = make(
        home / "film.mkv", *picture("640x480", "25", SECONDS), *tone(SECONDS), "-i", str(words),
        "-map", "0", "-map", "1", "-map", "2", "-c:v", "mpeg4", "-c:a", "aac", "-c:s", "srt",
    )  # fmt: skip
    video = uploaded(film)
    kill_at(point, home, settings.VIDEO_KEYS[0])
    video.refresh_from_db()
    assert video.state == VideoState.PROCESSING
    assert video.edition is None, "nothing half made is shown"
    work_until_ended(video)
    video.refresh_from_db()
    assert video.state == VideoState.READY, video.state_reason
    edition = video.edition
    assert edition is not None
    for name in ("240p", "480p"):
        assert len(shown.stream(edition, name, home).moments) == SECONDS * 25
    assert shown.stream(edition, "audio-0", home).declared_s == pytest.approx(SECONDS, abs=0.05)
    assert Move.objects.filter(video=video, to_state="ready").count() == 1
    streams = Piece.objects.filter(edition=edition).values_list("stream", "first_number")
    assert len(set(streams)) == len(streams)
    with hours_later():
        sweeping.sweep.func()
    nothing_left_over(home, video)


def nothing_left_over(home: Path, video: Video) -> None:
    """Every file below the storages is named by a row or by the manifest of the one edition."""
    edition = video.edition
    assert edition is not None
    root = Path(storages["films"].path(edition.folder()))
    listed = sweeping._in_manifest(storages["films"], edition.folder())
    lying = {f"{edition.folder()}/{path.relative_to(root)}" for path in root.rglob("*") if path.is_file()}
    assert lying == listed
    originals = [
        str(path.relative_to(home / "originals")) for path in (home / "originals").rglob("*") if path.is_file()
    ]
    assert originals == [video.original]
    assert [path for path in (home / "uploads").rglob("*") if path.is_file()] == []
    assert [path for path in (home / "work").glob("*-*") if path.is_dir()] == []
    subtitles = {path.name for path in (home / "films").rglob("subtitles/*")}
    assert subtitles == {Path(subtitle.file).name for subtitle in video.subtitles.all()}
    covers = {path.name for path in (home / "films").rglob("covers/*")}
    assert covers == {Path(cover.file).name for cover in video.covers.all()}


@pytest.mark.parametrize("point", SAMPLE)
def test_a_killed_worker_costs_nothing_but_time(places: Path, settings: Any, point: str) -> None:
    survives(point, places, settings)


@pytest.mark.crash
@pytest.mark.parametrize("point", [point for point in crashing_worker.POINTS if point not in SAMPLE])
def test_a_worker_killed_anywhere_costs_nothing_but_time(places: Path, settings: Any, point: str) -> None:
    survives(point, places, settings)
