"""What the operator has taken down plays for nobody, is sold to nobody, and comes back by the operator alone."""

from __future__ import annotations

from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client

from mutoscope.platform.accounts.public import Person
from mutoscope.platform.videos.domain.life import PLAYABLE, VideoState
from mutoscope.platform.videos.domain.places import MULTIVARIANT
from mutoscope.platform.videos.failures import NotNow, Unacceptable
from mutoscope.platform.videos.life.moves import move
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.public import newest_videos, videos_of_channel
from mutoscope.platform.videos.studio.service import ShowVideo, ShowVideoInputs
from mutoscope.platform.videos.takedown.service import (
    LiftTakeDown,
    LiftTakeDownInputs,
    TakeDownFilm,
    TakeDownFilmInputs,
)
from tests.people import make_channel, make_person
from tests.platform.videos.films import new_channel, new_video
from tests.platform.videos.watch.conftest import box_office, films_folder
from tests.platform.videos.watch.players import Player, kind
from tests.platform.videos.watch.screenings import BoxOffice, new_film

__all__ = ["box_office", "films_folder"]

pytestmark = pytest.mark.django_db
WHY = "Its music is somebody else’s: their claim is attached."


@pytest.fixture
def operator() -> Person:
    person = make_person("olga", is_staff=True)
    person.groups.add(Group.objects.get(name="operator"))
    return person


def take_down(film: Video, operator: Person, reason: str = WHY) -> None:
    TakeDownFilm().call(TakeDownFilmInputs(film.pk, operator.pk, reason))
    film.refresh_from_db()


def status_of(path: str) -> int:
    answer: Any = Client().get(path)
    if answer.streaming:
        list(answer.streaming_content)
    return int(answer.status_code)


def lift(film: Video, operator: Person) -> None:
    LiftTakeDown().call(LiftTakeDownInputs(film.pk, operator.pk))
    film.refresh_from_db()


@pytest.mark.parametrize("before", sorted(PLAYABLE))
def test_lifting_brings_back_the_state_that_it_had(before: VideoState, operator: Person) -> None:
    film = new_video(new_channel(), before)
    if before is VideoState.READY:
        Video.objects.filter(pk=film.pk).update(state=VideoState.ARCHIVED)
        move(film.pk, VideoState.READY, reason="The upload was not finished in time.")
        film.refresh_from_db()
    why_before, published_at = film.state_reason, film.published_at
    for _ in range(2):
        take_down(film, operator)
        assert (film.state, film.state_reason, film.state_by_id) == (VideoState.TAKEN_DOWN, WHY, operator.pk)
        lift(film, operator)
        assert (film.state, film.state_reason, film.published_at) == (before, why_before, published_at)
    ways = [(row.from_state, row.to_state, row.reason, row.by_id) for row in film.moves.all()][-2:]
    assert ways == [
        (before, "taken-down", WHY, operator.pk),
        ("taken-down", before, why_before, operator.pk),
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("state", sorted(set(VideoState) - PLAYABLE))
def test_there_is_nothing_to_take_down_of_what_nobody_could_see(state: VideoState, operator: Person) -> None:
    film = new_video(new_channel(), state)
    with pytest.raises(NotNow):
        take_down(film, operator)
    if state is not VideoState.TAKEN_DOWN:
        with pytest.raises(NotNow):
            lift(film, operator)


@pytest.mark.parametrize("reason", ["", "  \n", "x" * 501])
def test_a_take_down_has_a_reason(operator: Person, reason: str) -> None:
    film = new_video(new_channel(), VideoState.PUBLISHED)
    with pytest.raises(Unacceptable, match="reason"):
        take_down(film, operator, reason)
    film.refresh_from_db()
    assert film.state == VideoState.PUBLISHED


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("wanted", sorted(PLAYABLE))
def test_its_creator_cannot_undo_it(operator: Person, wanted: VideoState) -> None:
    film = new_video(new_channel(), VideoState.PUBLISHED)
    take_down(film, operator)
    owner = film.channel.owner
    with pytest.raises(NotNow):
        ShowVideo().call(ShowVideoInputs(film, owner, wanted))
    client = Client()
    client.force_login(owner)
    client.post(f"/studio/films/{film.public_id}/show/", {"state": wanted.value})
    client.post(f"/studio/films/{film.public_id}/discard/")
    client.post(f"/studio/films/{film.public_id}/retry/")
    film.refresh_from_db()
    assert film.state == VideoState.TAKEN_DOWN


def test_its_creator_reads_why_in_the_studio_and_is_offered_nothing(operator: Person) -> None:
    film = new_video(new_channel(), VideoState.PUBLISHED)
    take_down(film, operator)
    client = Client()
    client.force_login(film.channel.owner)
    for page in ("", "files/", "price/"):
        told = unescape(client.get(f"/studio/films/{film.public_id}/{page}").content.decode())
        assert WHY in told, page
        assert "You cannot publish it yourself" in told
        assert 'name="state"' not in told
    listed = unescape(client.get("/studio/").content.decode())
    assert WHY in listed
    assert "Taken down" in listed
    answer = client.get(f"/watch/{film.public_id}")
    assert answer["Location"] == f"/studio/films/{film.public_id}/", "where the reason stands"


def test_nobody_gets_another_key_and_no_player_begins(
    films_folder: Path, box_office: BoxOffice, operator: Person
) -> None:
    film = new_film(make_channel(make_person("nora")))
    buyer = make_person("petra")
    box_office.unlock(buyer.pk, film.pk)
    players = [Player(film, buyer), Player(film, film.channel.owner)]
    for player in players:
        assert player.begin().status_code == 200
        assert player.key().status_code == 200
    take_down(film, operator)
    for player in players:
        assert kind(player.key(number=1)) == "taken-down", "also of one that is playing"
        assert kind(player.begin()) == "taken-down"
    for stranger in (Player(film), Player(film, make_person("paul")), Player(film, operator)):
        assert kind(stranger.begin()) == "taken-down"
    lift(film, operator)
    for player in players:
        assert player.begin().status_code == 200
        assert player.key(number=1).status_code == 200


def test_a_free_film_plays_for_nobody_either(films_folder: Path, operator: Person) -> None:
    film = new_film(make_channel(make_person("nora")), is_free=True)
    player = Player(film)
    player.begin()
    take_down(film, operator)
    assert kind(player.key()) == "taken-down"
    assert kind(player.begin()) == "taken-down"


def test_what_was_never_shown_is_still_nobodys_business(films_folder: Path, operator: Person) -> None:
    film = new_film(make_channel(make_person("nora")), VideoState.READY)
    take_down(film, operator)
    assert kind(Player(film, make_person("paul")).begin()) == "not-found"
    assert Client().get(f"/watch/{film.public_id}").status_code == 404


def test_it_is_listed_nowhere(films_folder: Path, operator: Person) -> None:
    film = new_film(make_channel(make_person("nora")))
    client = Client()
    take_down(film, operator)
    assert newest_videos(10) == videos_of_channel(film.channel_id, 10) == []
    for page in ("/", "/@nora"):
        assert film.title not in client.get(page).content.decode()
    assert client.get(f"/embed/{film.public_id}").status_code == 404
    assert client.get(f"/oembed?url=http://localhost:8000/watch/{film.public_id}").status_code == 404
    assert client.get(f"/watch/{film.public_id}/chapters.vtt").status_code == 404


def test_what_is_not_encrypted_is_sent_to_nobody(films_folder: Path, operator: Person) -> None:
    film = new_film(make_channel(make_person("nora")))
    assert film.edition is not None
    paths = sorted(
        f"/films/{path.relative_to(films_folder)}"
        for path in films_folder.rglob("*")
        if path.suffix in {".jpg", ".webp", ".vtt", ".mp4"}
    )
    assert paths
    take_down(film, operator)
    assert {status_of(path) for path in [*paths, f"/films/{film.edition.folder()}/{MULTIVARIANT}"]} == {404}
    lift(film, operator)
    assert {status_of(path) for path in paths} == {200}


def test_its_address_says_so_and_to_buyers_kindly(films_folder: Path, box_office: BoxOffice, operator: Person) -> None:
    film = new_film(make_channel(make_person("nora")))
    buyer = make_person("petra")
    box_office.unlock(buyer.pk, film.pk)
    take_down(film, operator)
    stranger, bought = Client(), Client()
    bought.force_login(buyer)
    for address in (f"/watch/{film.public_id}", f"/watch/{film.public_id}/{film.slug()}"):
        answers = [client.get(address) for client in (stranger, bought)]
        assert [answer.status_code for answer in answers] == [410, 410]
        assert {answer["Cache-Control"] for answer in answers} == {"no-store"}, "it may be back tomorrow"
        told = [unescape(answer.content.decode()) for answer in answers]
        assert not any(WHY in page for page in told), "the reason is its creator's"
        assert ["give you your points back" in page for page in told] == [False, True]


def decide(client: Client, film: Video, name: str, reason: str = "", *steps: str) -> str:
    """What the page of a decision says, or the page that it leads to; with "confirmed" among the steps it was the last look."""
    asked: dict[str, Any] = {"reason": reason, **dict.fromkeys(steps, "yes")}
    told = client.post(f"/operator/videos/video/{film.pk}/decide/{name}/", asked, follow=True).content.decode()
    film.refresh_from_db()
    return unescape(told)


def test_staff_take_down_and_lift_with_a_reason_and_a_last_look(operator: Person, client: Client) -> None:
    film = new_video(new_channel(), VideoState.UNLISTED)
    client.force_login(operator)
    page = client.get(f"/operator/videos/video/{film.pk}/change/").content.decode()
    assert "/decide/take-down/" in page
    assert "/decide/lift/" not in page
    first = unescape(client.get(f"/operator/videos/video/{film.pk}/decide/take-down/").content.decode())
    assert "Nobody is refunded by this" in first
    assert "Say why: a reason of 1 to 500 characters." in decide(client, film, "take-down", " ", "confirmed")
    look = decide(client, film, "take-down", WHY)
    assert f"The reason: {WHY}" in look
    assert film.state == VideoState.UNLISTED, "a look is no decision"
    assert f"{film}: taken down." in decide(client, film, "take-down", WHY, "confirmed")
    assert (film.state, film.state_reason) == (VideoState.TAKEN_DOWN, WHY)
    assert "This film is taken down already." in decide(client, film, "take-down", WHY, "confirmed")
    page = client.get(f"/operator/videos/video/{film.pk}/change/").content.decode()
    assert "/decide/lift/" in page
    assert "/decide/take-down/" not in page
    look = decide(client, film, "lift", "They have settled it.")
    assert "It is unlisted, for whoever has its address again, at once" in look
    assert film.state == VideoState.TAKEN_DOWN
    decide(client, film, "lift", "They have settled it.", "confirmed")
    assert (film.state, film.state_reason) == (VideoState.UNLISTED, "")
    assert "This film is not taken down." in decide(client, film, "lift", "Again.", "confirmed")
    kept = [entry.change_message for entry in LogEntry.objects.order_by("pk")]
    assert kept == [
        f"It was taken down: {WHY}",
        "It was let back, and unlisted again: They have settled it.",
    ]
    history = unescape(client.get(f"/operator/videos/video/{film.pk}/history/").content.decode())
    assert all(line in history for line in kept)


def test_who_may_only_look_at_films_decides_nothing(client: Client) -> None:
    film = new_video(new_channel(), VideoState.PUBLISHED)
    person = make_person("sue", is_staff=True)
    person.groups.add(Group.objects.get(name="support"))
    client.force_login(person)
    assert "/decide/" not in client.get(f"/operator/videos/video/{film.pk}/change/").content.decode()
    for name in ("take-down", "lift"):
        address = f"/operator/videos/video/{film.pk}/decide/{name}/"
        assert client.get(address).status_code == 403
        assert client.post(address, {"reason": WHY, "confirmed": "yes"}).status_code == 403


def test_actions_of_the_list_say_what_a_creator_can_undo(client: Client, operator: Person) -> None:
    new_video(new_channel(), VideoState.PUBLISHED)
    client.force_login(operator)
    listed = client.get("/operator/videos/video/").content.decode()
    assert "Unlist (its creator can undo it)" in listed
    assert "Archive (its creator can undo it)" in listed
