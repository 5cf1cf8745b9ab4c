"""Films in a bucket: a real HTTP server that speaks S3, which also goes away and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from moto.server import ThreadedMotoServer

from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.process import sweeping, waiting
from tests.platform.videos.process import shown
from tests.platform.videos.process.conftest import new_film, work_until_ended
from tests.platform.videos.process.sources import X264, make, picture, tone

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # boto3's own use of a date function that Python 3.12 deprecates.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture
def bucket(places: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadedMotoServer]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    boto3.client("s3", endpoint_url=address, region_name="us-east-1").create_bucket(Bucket="films")
    options = {"bucket_name": "films", "endpoint_url": address, "file_overwrite": True, "default_acl": None}
    settings.STORAGES = {
        **settings.STORAGES,
        "films": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {**options, "location": "films"}},
        "originals": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {**options, "location": "originals"}},
    }
    yield server
    server.stop()


def test_a_film_in_a_bucket_waits_for_it_and_leaves_nothing_over(
    bucket: ThreadedMotoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "WAIT_S", 0.5)
    video = new_film(make(tmp_path / "film.mp4", *picture(seconds=2), *tone(2), *X264, "-c:a", "aac"))
    # The storage is away for the first two times that the original is asked for.
    opened, refused = storages["originals"]._open, []

    def unreachable(*arguments: Any, **options: Any) -> Any:
        if len(refused) < 2:
            refused.append(arguments)
            raise ConnectionError("the storage is away")
        return opened(*arguments, **options)

    monkeypatch.setattr(storages["originals"], "_open", unreachable)
    work_until_ended(video)
    assert len(refused) == 2
    video.refresh_from_db()
    assert video.state == VideoState.READY, video.state_reason
    edition = video.edition
    assert edition is not None
    assert len(shown.stream(edition, "180p", tmp_path).moments) == 50
    assert shown.stream(edition, "audio-0", tmp_path).declared_s == pytest.approx(2, abs=0.05)
    storages["films"].save(f"{edition.folder()}/180p/00000-zzzzzzzzzz.m4s", ContentFile(b"left over"))
    assert sweeping.sweep_films() == 1
    sweeping.sweep_originals()
    assert not list((tmp_path / "work" / "originals").iterdir()), "no copy of the original stays on the worker"
