"""Films in a bucket: a real HTTP server that speaks S3, which also goes away and comes back."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from moto.server import ThreadedMotoServer

from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.process import sweeping, units, waiting
from tests.platform.videos.process import shown
from tests.platform.videos.process.conftest import hours_later, new_film, until, working
from tests.platform.videos.process.sources import X264, make, picture, tone

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # boto3's own use of a date function that Python 3.12 deprecates.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture
def bucket(places: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> ThreadedMotoServer:
    """The test stops it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    boto3.client("s3", endpoint_url=address, region_name="us-east-1").create_bucket(Bucket="films")
    # Without the client's own patience: ours is what is tested.
    impatient = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=30)
    options = {
        "bucket_name": "films",
        "endpoint_url": address,
        "file_overwrite": True,
        "default_acl": None,
        "client_config": impatient,
    }
    settings.STORAGES = {
        **settings.STORAGES,
        "films": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {**options, "location": "films"}},
        "originals": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {**options, "location": "originals"}},
    }
    return server


def test_a_film_in_a_bucket_waits_for_it_and_leaves_nothing_over(
    bucket: ThreadedMotoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "WAIT_S", 0.5)
    video = new_film(make(tmp_path / "film.mp4", *picture(seconds=2), *tone(2), *X264, "-c:a", "aac"))
    _, port = bucket.get_host_and_port()
    kept, stopped = units.keep_piece, threading.Event()

    def goes_away(*arguments: Any, **options: Any) -> None:
        """The first segments are in the bucket and in their row, then the bucket's server is gone."""
        kept(*arguments, **options)
        if not stopped.is_set():
            bucket.stop()
            stopped.set()

    monkeypatch.setattr(units, "keep_piece", goes_away)
    with working():
        until(video, lambda progress: any(unit.note.startswith("waiting") for unit in progress.live))
        assert stopped.is_set()
        video.refresh_from_db()
        assert video.state == VideoState.PROCESSING
        assert video.edition is None, "nothing half made is shown"
        back = ThreadedMotoServer(ip_address="127.0.0.1", port=port)
        back.start()
        until(video, lambda progress: progress.state != "RUNNING")
    video.refresh_from_db()
    assert video.state == VideoState.READY, video.state_reason
    edition = video.edition
    assert edition is not None
    assert len(shown.stream(edition, "180p", tmp_path).moments) == 50
    assert shown.stream(edition, "audio-0", tmp_path).declared_s == pytest.approx(2, abs=0.05)
    storages["films"].save(f"{edition.folder()}/180p/00000-zzzzzzzzzz.m4s", ContentFile(b"left over"))
    assert sweeping.sweep_films() == 0, "what is young may be about to be named, by the bucket's own clock"
    sweeping.sweep_originals()
    assert list((tmp_path / "work" / "originals").iterdir()), "the copy was needed a short while ago"
    with hours_later():
        assert sweeping.sweep_films() > 0, "that one, and what the first attempt had put there"
        sweeping.sweep_originals()
    listed = sweeping._in_manifest(storages["films"], edition.folder())
    assert set(sweeping.files_below(storages["films"], edition.folder())) == listed
    assert not list((tmp_path / "work" / "originals").iterdir()), "no copy of the original stays on the worker"
    back.stop()
