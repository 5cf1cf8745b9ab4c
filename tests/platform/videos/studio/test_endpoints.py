"""What a creator does to a film, through the addresses that the studio's pages use."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from mutoscope.platform.accounts.public import Channel
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.life.moves import move
from mutoscope.platform.videos.models import Piece, Video
from mutoscope.platform.videos.process.failing import BROKEN
from mutoscope.platform.videos.process.start import start_processing
from mutoscope.platform.videos.studio.ports import Sold, film_sales
from tests.platform.videos.films import new_channel, new_edition, new_video

pytestmark = pytest.mark.django_db(transaction=True)

SRT = b"1\n00:00:01,000 --> 00:00:02,000\nGood <b>morning</b><script>alert(1)</script>\n"
VTT = b"WEBVTT\n\nSTYLE\n::cue { background: url(http://example.org/x) }\n\n00:01.000 --> 00:02.000\nGood <c.x>morning</c><img src=x onerror=y>\n"
ASS = (
    b"[Script Info]\nScriptType: v4.00+\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, "
    b"Effect, Text\nDialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{\\pos(1,2)}Good morning\n"
)


@pytest.fixture(autouse=True)
def kept_apart(settings: Any, tmp_path: Path) -> None:
    local = "mutoscope.platform.videos.storage.LocalStorage"
    settings.STORAGES = {**settings.STORAGES, "films": {"BACKEND": local, "OPTIONS": {"location": tmp_path / "films"}}}
    settings.VIDEO_WORK_FOLDER = tmp_path / "work"


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


def said(client: Client, video: Video) -> str:
    return client.get(address(video)).content.decode()


@pytest.mark.parametrize(("name", "content"), [("a.srt", SRT), ("a.vtt", VTT), ("a.ass", ASS)])
def test_subtitles_are_kept_as_clean_webvtt(studio: Client, channel: Channel, name: str, content: bytes) -> None:
    video = new_video(channel, VideoState.READY)
    studio.post(address(video, "subtitles/"), {"file": SimpleUploadedFile(name, content), "language": "en"})
    subtitle = video.subtitles.get()
    with storages["films"].open(subtitle.file) as file:
        text = file.read().decode()
    assert text.startswith("WEBVTT")
    assert "00:00:01.000 --> 00:00:02.000" in text
    assert "Good" in text
    assert "morning" in text
    for hostile in ("<script", "<img", "onerror=y>", "STYLE", "url(", "\\pos"):
        assert hostile not in text, text


def test_what_is_no_subtitles_is_refused(studio: Client, channel: Channel) -> None:
    video = new_video(channel, VideoState.READY)
    sent = {"file": SimpleUploadedFile("a.srt", b"\x00\x01 nothing to read"), "language": "en"}
    studio.post(address(video, "subtitles/"), sent)
    assert not video.subtitles.exists()


def test_a_picture_that_is_none_is_refused(studio: Client, channel: Channel) -> None:
    video = new_video(channel, VideoState.READY)
    studio.post(address(video, "cover/"), {"picture": SimpleUploadedFile("a.jpg", b"<svg onload=x>")})
    assert not video.covers.exists()
    assert "cannot be used as a cover" in said(studio, video)


@pytest.mark.parametrize(
    ("origin", "target", "ends"),
    [
        (VideoState.READY, "published", "published"),
        (VideoState.PUBLISHED, "unlisted", "unlisted"),
        (VideoState.PUBLISHED, "archived", "archived"),
        (VideoState.PUBLISHED, "ready", "ready"),
        (VideoState.ARCHIVED, "ready", "ready"),
        (VideoState.ARCHIVED, "published", "archived"),
        (VideoState.FAILED, "published", "failed"),
    ],
)
def test_a_film_is_shown_and_taken_back(
    studio: Client, channel: Channel, origin: VideoState, target: str, ends: str
) -> None:
    video = new_video(channel, origin)
    assert studio.post(address(video, "show/"), {"state": target}).status_code in (200, 302)
    video.refresh_from_db()
    assert video.state == ends
    if ends != origin:
        moved = video.moves.last()
        assert moved is not None
        assert (moved.to_state, moved.by_id) == (ends, channel.owner_id)


def test_another_creator_moves_nothing(channel: Channel) -> None:
    video = new_video(channel, VideoState.PUBLISHED)
    other = Client()
    other.force_login(new_channel("eve").owner)
    assert other.post(address(video, "show/"), {"state": "archived"}).status_code == 404
    assert other.post(address(video, "retry/")).status_code == 404
    video.refresh_from_db()
    assert video.state == VideoState.PUBLISHED


def test_a_failed_film_is_tried_again(studio: Client, channel: Channel) -> None:
    video = new_video(channel, VideoState.FAILED)
    Video.objects.filter(pk=video.pk).update(original="x/original")
    studio.post(address(video, "retry/"))
    video.refresh_from_db()
    assert video.state == VideoState.PROCESSING
    assert video.run_id is not None


def test_what_is_there_can_be_watched_while_the_rest_is_made(studio: Client, channel: Channel) -> None:
    video = new_video(channel, VideoState.PROCESSING)
    start_processing(video.pk)
    assert "Watch what is there" not in said(studio, video)
    edition = new_edition(video)
    Video.objects.filter(pk=video.pk).update(next_edition=edition)
    Piece.objects.create(edition=edition, stream="240p", first_number=0, maker="m", segments=[])
    page = said(studio, video)
    assert "Watch what is there" in page
    assert f'href="/watch/{video.public_id}"' in page


DAMAGE = "About 2 s of your file could not be read, at 0:09: the picture stands still there."


def test_a_film_made_of_a_damaged_file_says_so_until_it_is_published_and_among_its_files_for_good(
    studio: Client, channel: Channel
) -> None:
    video = new_video(channel, VideoState.READY)
    for damage, is_told in (("", False), (DAMAGE, True)):
        Video.objects.filter(pk=video.pk).update(source={"damage": damage})
        for page in ("", "files/"):
            assert ("Damaged file" in studio.get(address(video, page)).content.decode()) is is_told
        assert (DAMAGE in said(studio, video)) is is_told
        assert ("Damaged file" in studio.get("/studio/rows/").content.decode()) is is_told
    Video.objects.filter(pk=video.pk).update(state=VideoState.PUBLISHED, published_at=timezone.now())
    assert DAMAGE not in said(studio, video)
    assert DAMAGE in studio.get(address(video, "files/")).content.decode()


def test_a_film_that_is_ready_takes_another_file_until_others_could_see_it(studio: Client, channel: Channel) -> None:
    def offered() -> list[bool]:
        pages = (studio.get(address(video, page)).content.decode() for page in ("", "files/"))
        return ["Upload another file" in page for page in pages]

    video = new_video(channel, VideoState.READY)
    assert offered() == [False, True]
    Video.objects.filter(pk=video.pk).update(source={"damage": DAMAGE})
    assert offered() == [True, True], "where the damage is told, its remedy is"
    asked = studio.get(f"/studio/?film={video.public_id}").content.decode()
    assert "Another file for" in asked
    assert "the film that is there now is replaced" in asked
    move(video.pk, VideoState.UNLISTED)
    move(video.pk, VideoState.READY)
    assert offered() == [False, False]
    asked = studio.get(f"/studio/?film={video.public_id}").content.decode()
    assert "Another file for" not in asked
    assert "gets no other file.</strong> Others could see it" in asked


def test_whoever_comes_for_a_film_that_gets_no_other_file_is_told_why(studio: Client, channel: Channel) -> None:
    def told(public_id: str) -> str:
        return studio.get(f"/studio/?film={public_id}").content.decode()

    moving = new_video(channel, VideoState.PROCESSING)
    assert "gets no other file.</strong> Its file is being received or made" in told(moving.public_id)
    away = new_video(channel, VideoState.ARCHIVED)
    assert "gets no other file.</strong> It is put away: bring it back first." in told(away.public_id)
    others = new_video(new_channel("bea"), VideoState.PROCESSING, "Hers alone")
    for public_id in (others.public_id, "aaaaaaaaaaaa", "%00", ""):
        assert "gets no other file" not in told(public_id), public_id


@pytest.mark.parametrize(("reason", "is_offered"), [(BROKEN, False), ("This file is no film.", True)])
def test_another_file_is_asked_for_where_the_file_was_at_fault(
    studio: Client, channel: Channel, reason: str, is_offered: bool
) -> None:
    video = new_video(channel, VideoState.PROCESSING)
    move(video.pk, VideoState.FAILED, reason=reason)
    page = said(studio, video)
    assert ("Upload another file" in page) is is_offered
    assert "Retry" in page


def test_while_films_move_the_page_asks_for_those_alone_and_for_no_sums(studio: Client, channel: Channel) -> None:
    moving = new_video(channel, VideoState.UPLOADING, "Comes up")
    still = new_video(channel, VideoState.PUBLISHED, "Is there")
    asked: list[int] = []

    def sales(channel_id: int) -> dict[int, Sold]:
        asked.append(channel_id)
        return {still.pk: Sold(1200, 7)}

    with film_sales.bound(sales):
        page = studio.get("/studio/?sort=revenue").content.decode()
        assert len(asked) == 1
        (poll,) = re.findall(r'hx-get="([^"]+)" hx-trigger="every 2s"', page)
        answer = studio.get(poll)
        news = answer.content.decode()
        assert "HX-Trigger" not in answer.headers
        assert f'id="film-words-{moving.public_id}" hx-swap-oob="true"' in news
        assert still.public_id not in news
        # It ended, one came, or it went on: the list is drawn anew, once.
        for state, reason in ((VideoState.PROCESSING, ""), (VideoState.FAILED, BROKEN)):
            move(moving.pk, state, reason=reason)
            answer = studio.get(poll)
            assert (answer.headers["HX-Trigger"], answer.content) == ("refresh-films", b"")
        assert len(asked) == 1
        listed = studio.get("/studio/rows/?sort=revenue").content.decode()
    assert "every 2s" not in listed
    assert "1,200" in listed
