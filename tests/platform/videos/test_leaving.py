"""What closing an account means for films and for what was watched."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from mutoscope.platform.accounts.closing.service import hindrances_of
from mutoscope.platform.accounts.closing.tasks import erase_all
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.models import Upload, Video
from mutoscope.platform.videos.watch.models import Playback, Seen, WatchingChoice
from tests.people import make_channel, make_person
from tests.platform.accounts.closing.leavers import close, let_two_weeks_pass
from tests.platform.videos.films import new_channel, new_video
from tests.platform.videos.watch.conftest import films_folder as films_folder
from tests.platform.videos.watch.players import Player
from tests.platform.videos.watch.screenings import new_film

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("films_folder")]


@pytest.mark.parametrize("state", list(VideoState))
def test_what_is_shown_or_being_made_prevents_it(state: VideoState) -> None:
    channel = new_channel()
    new_video(channel, state)
    words = {
        VideoState.PUBLISHED: "1 film of the channel is shown. Archive it first",
        VideoState.UNLISTED: "1 film of the channel is shown. Archive it first",
        VideoState.UPLOADING: "A film is being uploaded or made.",
        VideoState.PROCESSING: "A film is being uploaded or made.",
    }.get(state)
    found = [(hindrance.sentence, hindrance.link) for hindrance in hindrances_of(channel.owner)]
    if words is None:
        assert found == []
        close(channel.owner)
        let_two_weeks_pass(channel.owner)
        assert erase_all() == 1
        assert not Video.objects.exists()
    else:
        [(sentence, link)] = found
        assert sentence.startswith(words)
        assert link == "/studio/"


def test_a_film_stops_when_its_viewers_account_is_closed() -> None:
    viewer = make_person("petra")
    film = new_film(make_channel(make_person("nora")), is_free=True)
    player = Player(film, viewer)
    assert player.begin().status_code == 200
    assert player.key().status_code == 200
    close(viewer)
    assert player.key().status_code == 401
    assert Playback.objects.get().ended_at is not None


def test_what_was_watched_is_forgotten_and_what_was_counted_stays() -> None:
    viewer, other = make_person("petra"), make_person("opal")
    film = new_film(make_channel(make_person("nora")), is_free=True)
    Player(film, viewer).begin()
    for person in (viewer, other):
        Seen.objects.create(person=person, video=film, position_ms=4000)
        WatchingChoice.objects.create(person=person, keeps_history=True)
    Upload.objects.create(
        video=film, owner=viewer, length_bytes=1, file_name="petra.mov", expires_at=timezone.now() + timedelta(1)
    )
    close(viewer)
    let_two_weeks_pass(viewer)
    assert erase_all() == 1
    assert [seen.person for seen in Seen.objects.all()] == [other]
    assert [choice.person for choice in WatchingChoice.objects.all()] == [other]
    playback = Playback.objects.get()
    assert (playback.person, playback.viewer, playback.sign_in_digest) == (None, "", "")
    assert playback.ended_at is not None
    assert Upload.objects.get().file_name == ""
    assert Client().get("/").status_code == 200
