"""A film's page in the studio: its link, what is typed there, an upload that stopped, and the film's end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from mutoscope.platform.accounts.public import Channel
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.models import Upload, Video
from tests.journeys.visitor import Visitor
from tests.platform.videos.films import new_channel, new_video

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LONG = "The long way round the island, on foot and by boat, with everybody who wanted to come along that summer"


@pytest.fixture
def channel() -> Channel:
    return new_channel()


@pytest.fixture
def creator(visitor: Visitor, channel: Channel) -> Visitor:
    visitor.becomes(channel.owner)
    return visitor


def test_what_is_typed_is_shared_with_the_click_and_the_link_is_there_to_copy(
    creator: Visitor, channel: Channel
) -> None:
    video = new_video(channel, VideoState.READY)
    page = creator.goto(f"/studio/films/{video.public_id}/")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    creator.look("studio-film-ready")
    creator.fill(Title=LONG)
    creator.press("Share by link only")
    creator.sees("Whoever has the link can see it now")
    video.refresh_from_db()
    assert (video.title, video.state) == (LONG, VideoState.UNLISTED)
    creator.look("studio-film-unlisted")
    creator.press("Copy the link")
    creator.sees("Copied.")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.locator("#film-address").inner_text()
    assert f"/watch/{video.public_id}/" in link


def test_enter_in_the_title_saves_and_publishes_nothing(creator: Visitor, channel: Channel) -> None:
    video = new_video(channel, VideoState.READY)
    page = creator.goto(f"/studio/films/{video.public_id}/")
    page.get_by_label("Title").fill("Round the island")
    page.get_by_label("Title").press("Enter")
    creator.sees("Saved.")
    video.refresh_from_db()
    assert (video.title, video.state) == ("Round the island", VideoState.READY)


def test_the_later_of_two_tabs_sees_what_the_earlier_one_saved(creator: Visitor, channel: Channel) -> None:
    video = new_video(channel, VideoState.READY)
    creator.expected_statuses.add(422)
    creator.goto(f"/studio/films/{video.public_id}/")
    other = creator.another_tab()
    other.goto(f"/studio/films/{video.public_id}/")
    creator.fill(Title="From here")
    creator.press("Save")
    creator.sees("Saved.")
    other.fill(Title=LONG)
    other.press("Save")
    other.sees("changed in another tab")
    other.sees("From here")
    other.look("studio-film-changed-meanwhile")
    other.press("Save")
    other.sees("Saved.")
    video.refresh_from_db()
    assert video.title == LONG


def test_an_upload_that_stopped_can_be_understood_and_removed(creator: Visitor, channel: Channel) -> None:
    video = new_video(channel, VideoState.UPLOADING)
    Upload.objects.create(
        video=video,
        owner=channel.owner,
        length_bytes=100,
        offset_bytes=25,
        file_name="normal.mp4",
        moved_at=timezone.now() - timedelta(minutes=5),
        expires_at=timezone.now() + timedelta(days=3),
    )
    page = creator.goto("/studio/")
    creator.sees("Stopped at 25 %. Choose normal.mp4 again to go on.")
    expect(page.locator("#films progress")).to_have_count(0)
    creator.look("studio-stopped")
    creator.goto(f"/studio/films/{video.public_id}/")
    creator.look("studio-film-stopped")
    creator.press("Cancel the upload")
    creator.look("studio-film-cancel")
    creator.press("Cancel it")
    creator.sees("is gone.")
    assert not Video.objects.exists()


def test_a_film_that_nobody_saw_is_deleted_after_a_question(creator: Visitor, channel: Channel) -> None:
    video = new_video(channel, VideoState.READY)
    source = {"damage": "About 2 s of your file could not be read, at 0:09: the picture stands still there."}
    Video.objects.filter(pk=video.pk).update(original_bytes=32_700_000, source=source, width=720, height=1280)
    creator.goto(f"/studio/films/{video.public_id}/files/")
    creator.sees("32.7 MB, 720 × 1280")
    creator.look("studio-files-damaged")
    creator.goto(f"/studio/films/{video.public_id}/")
    creator.look("studio-film-damaged")
    creator.press("Delete this film")
    creator.sees("Your original file (32.7 MB) is deleted")
    creator.look("studio-film-delete")
    creator.press("Delete it")
    creator.sees("is gone.")
    assert not Video.objects.exists()
