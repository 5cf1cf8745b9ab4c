"""Subtitles that are sent more than once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.models import Subtitle, Video
from tests.platform.videos.films import new_channel, new_video

pytestmark = pytest.mark.django_db(transaction=True)

ONE = b"1\n00:00:01,000 --> 00:00:02,000\nGood morning\n"
TWO = ONE + b"\n2\n00:00:03,000 --> 00:00:04,000\nGood night\n"


@pytest.fixture(autouse=True)
def kept_apart(settings: Any, tmp_path: Path) -> None:
    local = "mutoscope.platform.videos.storage.LocalStorage"
    settings.STORAGES = {**settings.STORAGES, "films": {"BACKEND": local, "OPTIONS": {"location": tmp_path / "films"}}}
    settings.VIDEO_WORK_FOLDER = tmp_path / "work"


def test_subtitles_in_the_same_language_take_the_place_of_those_sent_before(tmp_path: Path) -> None:
    channel = new_channel()
    video = new_video(channel, VideoState.READY)
    Subtitle.objects.create(video=video, language="en", label="English", file="x/from-the-film.vtt", is_embedded=True)
    studio = Client()
    studio.force_login(channel.owner)

    def send(content: bytes, language: str) -> list[str]:
        sent = {"file": SimpleUploadedFile("a.srt", content), "language": language}
        answer = studio.post(f"/studio/films/{video.public_id}/subtitles/", sent, follow=True)
        return [str(message) for message in answer.context["messages"]]

    assert send(ONE, "en") == ["English: 1 line."]
    assert send(TWO, "en") == ["English: 2 lines, in the place of the earlier ones."]
    assert send(ONE, "de") == ["Deutsch: 1 line."]
    own = Video.objects.get().subtitles.filter(is_embedded=False)
    assert [(each.label, each.cues) for each in own] == [("English", 2), ("Deutsch", 1)]
    kept = {path.name for path in (tmp_path / "films").rglob("*.vtt")}
    assert kept == {each.file.rsplit("/", 1)[1] for each in own}, "the earlier file went"
    with storages["films"].open(own[0].file) as file:
        assert b"Good night" in file.read()
