"""Nothing is left over, and nothing that is needed goes."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import transaction
from django.utils import timezone

from mutoscope.platform.videos.domain import webvtt
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.models import Edition, Subtitle, Upload, Video
from mutoscope.platform.videos.process import ffmpeg, finishing, originals, sweeping
from mutoscope.platform.videos.storage import LocalStorage
from mutoscope.platform.videos.tokens import new_public_id, new_token
from mutoscope.platform.videos.upload import files
from tests.platform.videos.films import new_channel, new_video
from tests.platform.videos.process import shown
from tests.platform.videos.process.conftest import Maker, hours_later
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
    assert sweeping.sweep.func() == 0, "what is young may be about to be named"
    with hours_later():
        assert sweeping.sweep.func() == 4
    after = {path for path in tmp_path.rglob("films/**/*") if path.is_file()}
    assert {path.parts[-3] for path in after - before} == {making.token}, "what is being made is left alone"
    assert before <= after
    shown.stream(edition, "180p", tmp_path)
    with hours_later():
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


def sweep_after_days() -> None:
    """Every file that lies there was written days ago, and the sweep comes by."""
    with hours_later():
        sweeping.sweep.func()


@pytest.mark.django_db
def test_tracks_of_a_long_film_survive_sweeps_while_it_is_read(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video = new_video(new_channel(), VideoState.PROCESSING)
    texts = [SimpleNamespace(index=2, language="eng", title=""), SimpleNamespace(index=3, language="deu", title="")]
    begun: Any = SimpleNamespace(
        video_id=video.pk,
        original="x",
        plan=SimpleNamespace(text_indices=[2, 3], duration_s=10.0),
        facts=SimpleNamespace(texts=texts),
    )
    monkeypatch.setattr(originals, "at_hand", lambda name: places / "film.mkv")

    def convert(film: Path, stream: str, *, film_s: float) -> list[webvtt.Cue]:
        sweep_after_days()
        return [webvtt.Cue(0, 1000, "Ahoy")]

    monkeypatch.setattr(finishing, "convert", convert)
    assert len(finishing.take_subtitles(begun)) == 2
    sweep_after_days()
    assert [storages["films"].exists(row.file) for row in Subtitle.objects.filter(video=video)] == [True, True]


@pytest.mark.django_db
def test_a_file_whose_row_is_on_its_way_is_left_alone(places: Path) -> None:
    video = new_video(new_channel(), VideoState.PROCESSING)
    put(f"{video.public_id}/covers/bbbbbbbbbbbbbbbb.jpg")
    put(f"{video.public_id}/subtitles/bbbbbbbbbbbbbbbb.vtt")
    put(f"{video.public_id}/{new_token()}/trailer-bbbbbbbbbbbbbbbb.mp4")
    assert sweeping.sweep_films() == 0
    with hours_later():
        assert sweeping.sweep_films() == 3


def whole_upload(video: Video) -> Upload:
    upload = Upload.objects.create(
        video=video, owner=video.channel.owner, length_bytes=5, offset_bytes=5, state=Upload.State.COMPLETE,
        expires_at=timezone.now(),
    )  # fmt: skip
    files.begin(upload.token)
    files.write(upload.token, 0, b"12345")
    return upload


def sweeping_before(module: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweep comes by each time before this is called, however long it took to come there."""
    real: Callable[..., Any] = getattr(module, name)

    def swept(*given: Any, **more: Any) -> Any:
        with monkeypatch.context() as within:
            within.setattr(module, name, real)
            sweep_after_days()
        return real(*given, **more)

    monkeypatch.setattr(module, name, swept)


@pytest.mark.django_db
@pytest.mark.parametrize("other_disk", [False, True], ids=["linked", "copied"])
def test_no_sweep_takes_an_original_that_is_being_fetched(
    places: Path, monkeypatch: pytest.MonkeyPatch, other_disk: bool
) -> None:
    video = new_video(new_channel(), VideoState.PROCESSING)
    upload = whole_upload(video)
    sweeping_before(files, "sync_folder", monkeypatch)
    sweeping_before(transaction, "atomic", monkeypatch)
    sweeping_before(files, "remove", monkeypatch)
    if other_disk:
        monkeypatch.setattr(os, "link", no_link)
    name = originals.fetch_upload(video, upload.token)
    sweep_after_days()
    video.refresh_from_db()
    assert video.original == name
    assert content_of(name) == b"12345"
    assert not files.path_of(upload.token).exists()
    assert upload.token not in name, "its address says nothing of where the original lies"


def content_of(original: str) -> bytes:
    with storages["originals"].open(original) as file:
        content: bytes = file.read()
    return content


def no_link(*_: Any, **__: Any) -> None:
    raise OSError(18, os.strerror(18))


@pytest.mark.django_db
def test_an_attempt_after_one_that_was_killed_finds_what_that_left(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = new_video(new_channel(), VideoState.PROCESSING)
    upload = whole_upload(video)
    with monkeypatch.context() as killed:
        killed.setattr(transaction, "atomic", killed_here)
        with pytest.raises(KeyboardInterrupt):
            originals.fetch_upload(video, upload.token)
    name = originals.fetch_upload(video, upload.token)
    assert originals.fetch_upload(Video(pk=video.pk, public_id=video.public_id), upload.token) == name
    lying = [path for path in (places / "originals").rglob("*") if path.is_file()]
    assert [str(path.relative_to(places / "originals")) for path in lying] == [name]


def killed_here(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.django_db
def test_a_file_that_is_being_copied_is_left_alone(places: Path) -> None:
    video = new_video(new_channel(), VideoState.PROCESSING)
    storage = storages["originals"]
    assert isinstance(storage, LocalStorage)

    class Long(ContentFile[bytes]):
        def chunks(self, chunk_size: int | None = None) -> Any:
            yield b"the first half, "
            assert list((places / "originals").rglob(f"{LocalStorage.ASIDE}*")), "it is written aside"
            assert sweeping.sweep_originals() == 0
            yield b"the second"

    name = storage.save(f"{video.public_id}/original", Long(b""))
    assert content_of(name) == b"the first half, the second"
