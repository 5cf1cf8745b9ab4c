"""The words of a film, who may see it, and the address that it is seen at."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from mutoscope.platform.accounts.public import Channel
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.models import Upload, Video
from mutoscope.platform.videos.studio.choices import choices
from mutoscope.platform.videos.studio.standing import STOPPED_AFTER, standing_of
from tests.platform.videos.films import new_channel, new_video

pytestmark = pytest.mark.django_db(transaction=True)


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


def typed(video: Video, title: str, description: str = "") -> dict[str, str]:
    """What the page sends that shows the film as it is."""
    return {"title": title, "description": description, "version": str(video.words_version)}


@pytest.mark.parametrize("state", [VideoState.READY, VideoState.PUBLISHED, VideoState.UNLISTED, VideoState.ARCHIVED])
def test_the_address_of_a_film_is_readable_from_ready_on_and_its_creator_may_open_it(
    studio: Client, channel: Channel, state: VideoState
) -> None:
    video = new_video(channel, state)
    page = studio.get(address(video)).content.decode()
    found = page[page.index('id="film-address"') :].split("</a>")[0]
    assert found.endswith(f"/watch/{video.public_id}/a-voyage")
    assert 'data-copies="film-address" hidden' in page
    assert "Watch it" in page
    assert "Watch it" in studio.get(address(video, "files/")).content.decode()
    assert studio.get(f"/watch/{video.public_id}/a-voyage").status_code == 200


@pytest.mark.parametrize("state", [VideoState.DRAFT, VideoState.PROCESSING, VideoState.FAILED])
def test_a_film_without_anything_to_watch_has_no_address(studio: Client, channel: Channel, state: VideoState) -> None:
    page = studio.get(address(new_video(channel, state))).content.decode()
    assert "film-address" not in page
    assert "Watch it" not in page


def test_sharing_by_link_gives_the_link(studio: Client, channel: Channel) -> None:
    video = new_video(channel, VideoState.READY)
    answer = studio.post(address(video, "show/"), {"state": "unlisted"}, follow=True)
    said = [str(message) for message in answer.context["messages"]]
    assert len(said) == 1
    assert said[0].startswith("Whoever has the link can see it now")
    assert said[0].endswith(f"/watch/{video.public_id}/a-voyage")


@pytest.mark.parametrize("target", ["published", "unlisted", "archived"])
def test_what_was_typed_is_saved_with_the_click_that_shows_the_film(
    studio: Client, channel: Channel, target: str
) -> None:
    video = new_video(channel, VideoState.READY)
    studio.post(address(video, "show/"), {"state": target, **typed(video, "Around the world", "In 80 days.")})
    video.refresh_from_db()
    assert (video.state, video.title, video.description) == (target, "Around the world", "In 80 days.")


def test_bad_words_are_named_by_field_and_nothing_is_published(studio: Client, channel: Channel) -> None:
    video = new_video(channel, VideoState.READY)
    long = "x" * 121
    answer = studio.post(address(video, "show/"), {"state": "published", **typed(video, long, "y" * 5001)})
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"title", "description"}
    assert long in answer.content.decode(), "what was typed is kept"
    video.refresh_from_db()
    assert (video.state, video.title) == (VideoState.READY, "A voyage")


def test_what_cannot_be_shown_keeps_its_words_too(studio: Client, channel: Channel) -> None:
    video = new_video(channel, VideoState.ARCHIVED)
    answer = studio.post(address(video, "show/"), {"state": "published", **typed(video, "Around the world")})
    assert answer.status_code == 422
    assert "Around the world" in answer.content.decode()
    video.refresh_from_db()
    assert (video.state, video.title) == (VideoState.ARCHIVED, "A voyage")


@pytest.mark.parametrize("also", [{}, {"state": "published"}])
def test_the_second_of_two_tabs_is_told_what_the_first_saved_and_keeps_what_it_typed(
    studio: Client, channel: Channel, also: dict[str, str]
) -> None:
    video = new_video(channel, VideoState.READY)
    first, second = typed(video, "From the first tab"), typed(video, "From the second tab", "Words.")
    where = address(video, "show/" if also else "")
    assert studio.post(address(video), first).status_code == 302
    refused = studio.post(where, {**second, **also})
    assert refused.status_code == 422
    page = refused.content.decode()
    assert "changed in another tab" in page
    assert "From the first tab" in page
    assert 'value="From the second tab"' in page
    video.refresh_from_db()
    assert (video.title, video.state) == ("From the first tab", VideoState.READY)
    again = {**second, **also, "version": str(refused.context["form"]["version"].value())}
    assert studio.post(where, again).status_code == 302
    video.refresh_from_db()
    assert (video.title, video.description) == ("From the second tab", "Words.")


def test_the_same_words_twice_are_no_conflict(studio: Client, channel: Channel) -> None:
    video = new_video(channel, VideoState.READY)
    sent = typed(video, "Around the world")
    assert [studio.post(address(video), sent).status_code for _ in range(2)] == [302, 302]


def test_no_field_of_a_film_is_cut_by_the_browser(studio: Client, channel: Channel) -> None:
    assert "maxlength" not in studio.get(address(new_video(channel))).content.decode()
    video = new_video(channel)
    answer = studio.post(address(video), typed(video, "x" * 300))
    assert answer.context["form"].errors["title"] == ["Use at most 120 characters; this has 300."]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (VideoState.READY, ["Publish", "Share by link only", "Archive"]),
        (VideoState.PUBLISHED, ["Share by link only", "Unpublish", "Archive"]),
        (VideoState.UNLISTED, ["Publish", "Stop sharing", "Archive"]),
        (VideoState.ARCHIVED, ["Bring it back"]),
        (VideoState.FAILED, []),
    ],
)
def test_each_move_is_named_for_what_it_does(state: VideoState, words: list[str]) -> None:
    assert [choice[1] for choice in choices(state)] == words


def new_upload(video: Video, offset_bytes: int = 25) -> Upload:
    return Upload.objects.create(
        video=video,
        owner=video.channel.owner,
        length_bytes=100,
        offset_bytes=offset_bytes,
        file_name="normal.mp4",
        expires_at=timezone.now() + STOPPED_AFTER * 60,
    )


def test_an_upload_moves_until_nothing_came_for_a_while_and_then_says_how_to_go_on(
    studio: Client, channel: Channel
) -> None:
    video = new_video(channel, VideoState.UPLOADING)
    upload = new_upload(video)
    standing = standing_of(video)
    assert (standing.is_moving, standing.sentence) == (True, "25 % is here")
    Upload.objects.filter(pk=upload.pk).update(moved_at=timezone.now() - STOPPED_AFTER * 2)
    standing = standing_of(video)
    assert (standing.is_moving, standing.words) == (False, "Not finished")
    sentence = "Stopped at 25 %. Choose normal.mp4 again to go on."
    assert standing.sentence == sentence
    rows = studio.get("/studio/rows/").content.decode()
    assert sentence in rows
    assert "<progress" not in rows
    assert "every 2s" not in rows
    page = studio.get(address(video)).content.decode()
    assert sentence in page
    assert "Cancel the upload" in page
    assert "every 1s" not in page


def test_an_upload_that_has_just_become_whole_says_so(channel: Channel, studio: Client) -> None:
    video = new_video(channel, VideoState.UPLOADING)
    assert standing_of(video).sentence == "All of it is here"


def test_cancelling_a_first_upload_takes_its_film_with_it(studio: Client, channel: Channel) -> None:
    video = new_video(channel, VideoState.UPLOADING)
    upload = new_upload(video)
    assert "and this film with it" in studio.get(address(video)).content.decode()
    assert studio.post(address(video, "discard/")).headers["Location"] == "/studio/"
    assert not Video.objects.exists()
    assert not Upload.objects.filter(pk=upload.pk).exists()


def test_cancelling_another_file_leaves_the_film_as_it_was(studio: Client, channel: Channel) -> None:
    video = new_video(channel, VideoState.READY)
    Video.objects.filter(pk=video.pk).update(original="x/original")
    Video.objects.filter(pk=video.pk).update(state=VideoState.UPLOADING)
    new_upload(video)
    assert "The film itself stays" in studio.get(address(video)).content.decode()
    studio.post(address(video, "discard/"))
    video.refresh_from_db()
    assert video.state == VideoState.READY
