"""Nothing is left over, and nothing that is needed goes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.utils import timezone

from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.models import Edition
from mutoscope.platform.videos.process import ffmpeg, sweeping
from mutoscope.platform.videos.tokens import new_public_id, new_token
from tests.platform.videos.films import new_channel, new_video
from tests.platform.videos.process import shown
from tests.platform.videos.process.conftest import Maker
from tests.platform.videos.process.sources import X264, make, picture


def put(name: str) -> None:
    storages["films"].save(name, ContentFile(b"left over"))


@pytest.mark.django_db(transaction=True)
def test_only_what_nothing_names_goes(make_film: Maker, tmp_path: Path) -> None:
    video = make_film(make(tmp_path / "film.mp4", *picture(seconds=1), *X264))
    edition = video.edition
    assert edition is not None
    before = {path for path in tmp_path.rglob("films/**/*") if path.is_file()}
    put(f"{edition.folder()}/180p/00000-zzzzzzzzzz.m4s")
    put(f"{video.public_id}/covers/bbbbbbbbbbbbbbbb.jpg")
    put(f"{video.public_id}/{new_token()}/180p/00000-zzzzzzzzzz.m4s")
    put(f"{new_public_id()}/{new_token()}/main.m3u8")
    making = Edition.objects.create(video=video, segment_ms=1, key_period_ms=1, duration_ms=1)
    put(f"{making.folder()}/180p/00000-zzzzzzzzzz.m4s")
    assert sweeping.sweep.func() == 4
    after = {path for path in tmp_path.rglob("films/**/*") if path.is_file()}
    assert {path.parts[-3] for path in after - before} == {making.token}, "what is being made is left alone"
    assert before <= after
    shown.stream(edition, "180p", tmp_path)
    assert sweeping.sweep.func() == 0


@pytest.mark.django_db
def test_a_dropped_edition_goes_after_a_day(places: Path) -> None:
    video = new_video(new_channel(), VideoState.PUBLISHED)
    now = timezone.now()
    made = {"video": video, "segment_ms": 1, "key_period_ms": 1, "duration_ms": 1}
    old = Edition.objects.create(**made, dropped_at=now - timedelta(hours=25))
    fresh = Edition.objects.create(**made, dropped_at=now - timedelta(hours=1))
    assert sweeping.drop_editions() == 1
    assert set(Edition.objects.all()) == {fresh, video.edition}
    assert old.pk


@pytest.mark.django_db
def test_a_creator_hears_of_a_run_that_ended_without_a_word(places: Path) -> None:
    video = new_video(new_channel(), VideoState.PROCESSING)
    type(video).objects.filter(pk=video.pk).update(run_id=999_999)
    assert sweeping.notice_ended_runs() == 1
    video.refresh_from_db()
    assert video.state == VideoState.FAILED
    assert "Something broke on our side" in video.state_reason


def test_a_work_folder_goes_once_its_process_is_gone(settings: Any, tmp_path: Path) -> None:
    settings.VIDEO_WORK_FOLDER = tmp_path
    with ffmpeg.work_folder("encode") as folder:
        assert ffmpeg.sweep_work_folders() == 0
        assert folder.exists()
    left = tmp_path / "encode-dead" / ffmpeg.LOCK
    left.parent.mkdir()
    left.touch()
    assert ffmpeg.sweep_work_folders() == 1
    assert not left.exists()
