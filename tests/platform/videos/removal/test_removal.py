"""Deleting a film: what goes, what stays, and what a crash in between leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import Client

from mutoscope.platform.accounts.public import Channel
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.life.moves import move
from mutoscope.platform.videos.models import Cover, Edition, KeyPeriod, Subtitle, Video
from mutoscope.platform.videos.removal.tasks import remove_files
from mutoscope.platform.videos.statements import fetch
from tests.platform.videos.films import new_channel, new_video

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def kept_apart(settings: Any, tmp_path: Path) -> None:
    local = "mutoscope.platform.videos.storage.LocalStorage"
    places = {name: {"BACKEND": local, "OPTIONS": {"location": tmp_path / name}} for name in ("films", "originals")}
    settings.STORAGES = {**settings.STORAGES, **places}


@pytest.fixture
def channel() -> Channel:
    return new_channel()


@pytest.fixture
def studio(channel: Channel) -> Client:
    client = Client()
    client.force_login(channel.owner)
    return client


def address(video: Video, action: str = "") -> str:
    return f"/studio/films/{video.public_id}/{action}"


def furnished(video: Video) -> Video:
    """With a file of every kind, as a made film has them."""
    assert video.edition is not None
    films, where = storages["films"], video.public_id
    video.original = storages["originals"].save(f"{where}/original", ContentFile(b"film"))
    video.original_bytes = 4
    cover = films.save(f"{where}/covers/c.jpg", ContentFile(b"cover"))
    video.cover = Cover.objects.create(video=video, file=cover, width=1280, height=720)
    words = films.save(f"{where}/subtitles/s.vtt", ContentFile(b"WEBVTT"))
    Subtitle.objects.create(video=video, label="English", file=words)
    films.save(f"{video.edition.folder()}/240p/0.m4s", ContentFile(b"segment"))
    KeyPeriod.objects.create(edition=video.edition, number=0, sealed_key=b"sealed")
    video.save(update_fields=["original", "original_bytes", "cover"])
    return video


def lying(tmp_path: Path) -> list[str]:
    return [path.name for path in tmp_path.rglob("*") if path.is_file()]


def room_taken(channel: Channel) -> int:
    return int(fetch("upload", "room_taken", {"channel_id": channel.pk})[0][0])


@pytest.mark.parametrize("state", [VideoState.READY, VideoState.ARCHIVED])
def test_a_film_that_nobody_saw_is_deleted_with_its_files_and_gives_back_its_room(
    studio: Client, channel: Channel, tmp_path: Path, state: VideoState
) -> None:
    video = furnished(new_video(channel, state))
    page = studio.get(address(video)).content.decode()
    assert "Delete this film?" in page
    assert "Your original file (4 bytes) is deleted" in page
    assert room_taken(channel) == 4
    assert studio.post(address(video, "discard/")).headers["Location"] == "/studio/"
    assert room_taken(channel) == 0
    for gone in (Video, Edition, KeyPeriod, Cover, Subtitle):
        assert not gone.objects.exists(), gone
    remove_files.call(video.public_id)
    assert lying(tmp_path) == []


def test_files_of_a_film_that_is_there_are_not_removed(channel: Channel, tmp_path: Path) -> None:
    video = furnished(new_video(channel, VideoState.READY))
    before = lying(tmp_path)
    assert remove_files.call(video.public_id) == 0
    assert lying(tmp_path) == before


def test_a_removal_that_was_cut_off_goes_on(studio: Client, channel: Channel, tmp_path: Path) -> None:
    video = furnished(new_video(channel, VideoState.READY))
    studio.post(address(video, "discard/"))
    storages["originals"].delete(f"{video.public_id}/original")
    assert remove_files.call(video.public_id) == 3
    assert remove_files.call(video.public_id) == 0


@pytest.mark.parametrize("state", [VideoState.READY, VideoState.ARCHIVED])
def test_a_film_that_was_shown_stays_and_says_why(
    studio: Client, channel: Channel, tmp_path: Path, state: VideoState
) -> None:
    video = furnished(new_video(channel, VideoState.UNLISTED))
    move(video.pk, state)
    page = studio.get(address(video)).content.decode()
    assert "Delete this film" not in page
    assert "whoever unlocked it keeps it" in page
    answer = studio.post(address(video, "discard/"), follow=True)
    assert ["Others could see this film" in str(message) for message in answer.context["messages"]] == [True]
    assert Video.objects.exists()
    assert len(lying(tmp_path)) == 4


def test_a_film_that_others_see_cannot_be_deleted(studio: Client, channel: Channel) -> None:
    video = new_video(channel, VideoState.PUBLISHED)
    assert "Delete this film" not in studio.get(address(video)).content.decode()
    studio.post(address(video, "discard/"))
    assert Video.objects.exists()


def test_a_film_that_is_being_made_cannot_be_deleted(studio: Client, channel: Channel) -> None:
    video = new_video(channel, VideoState.PROCESSING)
    studio.post(address(video, "discard/"))
    assert Video.objects.exists()
