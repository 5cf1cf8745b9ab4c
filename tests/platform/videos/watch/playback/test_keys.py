"""Who gets a key, and why others do not."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.files.storage import storages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mutoscope.platform.accounts.public import Channel
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.keys import open_key
from mutoscope.platform.videos.life.moves import move
from mutoscope.platform.videos.models import KeyPeriod, Piece, Video
from mutoscope.platform.videos.watch.models import KeyBucket, Playback
from mutoscope.platform.videos.watch.playback.giving import BULK
from mutoscope.platform.videos.watch.playback.service import KEYS_BURST
from tests.people import make_channel, make_person
from tests.platform.videos.watch.encoder import decrypted
from tests.platform.videos.watch.players import Player, kind
from tests.platform.videos.watch.screenings import BoxOffice, new_film

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("films_folder")]


@pytest.fixture
def channel() -> Channel:
    return make_channel(make_person("nora"))


@pytest.fixture
def film(channel: Channel) -> Video:
    return new_film(channel)


def test_the_owner_gets_the_key_that_opens_the_segment(film: Video) -> None:
    player = Player(film, film.channel.owner)
    assert player.begin().status_code == 200
    answer = player.key()
    period = KeyPeriod.objects.get(edition=film.edition, number=0)
    assert answer.status_code == 200
    assert answer.content == open_key(period)
    assert answer["Cache-Control"] == "no-store"
    assert answer["Content-Type"] == "application/octet-stream"
    assert "Access-Control-Allow-Origin" not in answer
    piece = Piece.objects.get(edition=film.edition, stream="144p")
    file, _, length, iv, *_ = piece.segments[0]
    with storages["films"].open(f"{period.edition.folder()}/144p/{file}") as segment:
        stored = segment.read()
    assert len(stored) == length
    assert b"moof" not in stored[:100]
    assert b"moof" in decrypted(stored, answer.content, bytes.fromhex(iv))[:100]


def test_a_free_film_plays_for_everybody_while_it_is_public(channel: Channel) -> None:
    film = new_film(channel, is_free=True)
    for player in (Player(film), Player(film, make_person("petra"))):
        assert player.begin().status_code == 200
        assert player.key().status_code == 200
    move(film.pk, VideoState.ARCHIVED)
    assert kind(player.key()) == "withdrawn"
    assert kind(player.begin()) == "withdrawn"


Stranger = Callable[[Video, BoxOffice], Any]


def _signed_out(film: Video, office: BoxOffice) -> Any:
    return Player(film).begin()


def _unpaid(film: Video, office: BoxOffice) -> Any:
    return Player(film, make_person("petra")).begin()


def _staff(film: Video, office: BoxOffice) -> Any:
    return Player(film, make_person("stan", is_staff=True, is_superuser=True)).begin()


def _other_creator(film: Video, office: BoxOffice) -> Any:
    return Player(film, make_channel(make_person("otto"), "otto").owner).begin()


def _expired(film: Video, office: BoxOffice) -> Any:
    person = make_person("petra")
    office.expire(person.pk, film.pk, timezone.now() - timedelta(hours=1))
    return Player(film, person).begin()


def _without_a_playback(film: Video, office: BoxOffice) -> Any:
    return Player(film, film.channel.owner).key()


def _with_a_made_up_token(film: Video, office: BoxOffice) -> Any:
    player = Player(film, film.channel.owner)
    player.token = "b" * 24
    return player.key()


def _with_another_films_playback(film: Video, office: BoxOffice) -> Any:
    free = new_film(film.channel, title="Free", is_free=True)
    player = Player(free, make_person("petra"))
    player.begin()
    return player.key(film)


def _with_a_stolen_token(film: Video, office: BoxOffice) -> Any:
    owner, thief = Player(film, film.channel.owner), Player(film, make_person("petra"))
    owner.begin()
    thief.token = owner.token
    return thief.key()


def _with_a_stolen_token_signed_out(film: Video, office: BoxOffice) -> Any:
    owner, thief = Player(film, film.channel.owner), Player(film)
    owner.begin()
    thief.token = owner.token
    return thief.key()


def _from_the_same_persons_other_sign_in(film: Video, office: BoxOffice) -> Any:
    here, there = Player(film, film.channel.owner), Player(film, film.channel.owner)
    here.begin()
    there.token = here.token
    return there.key()


def _unlocked_once(film: Video, office: BoxOffice) -> Player:
    person = make_person("petra")
    office.unlock(person.pk, film.pk, timezone.now() + timedelta(hours=1))
    player = Player(film, person)
    assert player.begin().status_code == 200
    assert player.key().status_code == 200
    return player


def _expired_meanwhile(film: Video, office: BoxOffice) -> Any:
    player = _unlocked_once(film, office)
    playback = Playback.objects.get(token=player.token)
    office.expire(playback.person_id or 0, film.pk, timezone.now())
    return player.key()


def _signed_out_meanwhile(film: Video, office: BoxOffice) -> Any:
    player = _unlocked_once(film, office)
    cookies = dict(player.client.cookies)
    player.client.post("/account/logout/")
    # The browser could keep the cookie: the session behind it is gone.
    player.client.cookies.update(cookies)
    return player.key()


def _session_ended_elsewhere(film: Video, office: BoxOffice) -> Any:
    player = _unlocked_once(film, office)
    Session.objects.all().delete()
    return player.key()


def _suspended_meanwhile(film: Video, office: BoxOffice) -> Any:
    player = _unlocked_once(film, office)
    person = Playback.objects.get(token=player.token).person
    assert person
    person.is_active = False
    person.save()
    return player.key()


def _playback_expired(film: Video, office: BoxOffice) -> Any:
    player = _unlocked_once(film, office)
    # Well in the past: the database's clock stands still within a test's transaction.
    Playback.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    return player.key()


def _playback_ended(film: Video, office: BoxOffice) -> Any:
    player = _unlocked_once(film, office)
    assert player.beat(is_last=True).status_code == 204
    return player.key()


MATRIX: list[tuple[Stranger, str, int]] = [
    (_signed_out, "signed-out", 401),
    (_unpaid, "not-paid", 403),
    (_staff, "not-paid", 403),
    (_other_creator, "not-paid", 403),
    (_expired, "expired", 403),
    (_without_a_playback, "playback-over", 401),
    (_with_a_made_up_token, "playback-over", 401),
    (_with_another_films_playback, "other-film", 403),
    (_with_a_stolen_token, "other-sign-in", 403),
    (_with_a_stolen_token_signed_out, "other-sign-in", 403),
    (_from_the_same_persons_other_sign_in, "other-sign-in", 403),
    (_expired_meanwhile, "expired", 403),
    (_signed_out_meanwhile, "playback-over", 401),
    (_session_ended_elsewhere, "playback-over", 401),
    (_suspended_meanwhile, "playback-over", 401),
    (_playback_expired, "playback-over", 401),
    (_playback_ended, "playback-over", 401),
]


@pytest.mark.parametrize(("stranger", "why", "status"), MATRIX, ids=[each[0].__name__[1:] for each in MATRIX])
def test_no_key_and_a_reason_for(film: Video, box_office: BoxOffice, stranger: Stranger, why: str, status: int) -> None:
    answer = stranger(film, box_office)
    assert (kind(answer), answer.status_code) == (why, status)
    assert answer["Cache-Control"] == "no-store"
    keys = {open_key(period) for period in KeyPeriod.objects.select_related("edition")}
    assert not any(key in answer.content for key in keys)


def test_every_key_needs_its_right_although_all_playbacks_are_tried(film: Video, box_office: BoxOffice) -> None:
    """A browser sends the cookies of all its playbacks: the one for the film counts, wherever it stands."""
    free = new_film(film.channel, title="Free", is_free=True)
    person = make_person("petra")
    box_office.unlock(person.pk, film.pk)
    client = Client()
    client.force_login(person)
    for each in (film, free):
        client.post(f"/playbacks/of/{each.public_id}", headers={"X-Playback": "begin"})
    for each in (film, free):
        period = KeyPeriod.objects.get(edition=each.edition, number=0)
        assert client.get(f"/keys/{period.public_id}").status_code == 200
    cookie = client.cookies[f"playback-{film.public_id}"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/keys/", True, "Lax")


def test_a_key_that_is_not_there(film: Video) -> None:
    player = Player(film, film.channel.owner)
    player.begin()
    answer: Any = player.client.get(f"/keys/{'b' * 24}", headers={"X-Playback": player.token})
    assert (kind(answer), answer.status_code) == ("no-such-key", 404)


def test_a_film_that_was_never_shown_is_not_there_for_others(channel: Channel) -> None:
    draft = new_film(channel, VideoState.READY)
    stranger = Player(draft, make_person("petra"))
    for player in (Player(draft), stranger):
        answer = player.begin()
        assert (kind(answer), answer.status_code) == ("not-found", 404)
    missing = stranger.client.post(f"/playbacks/of/{'b' * 12}", headers={"X-Playback": "begin"})
    assert stranger.begin().content == missing.content, "the two can be told apart"
    assert Player(draft, channel.owner).begin().status_code == 200


def test_a_key_costs_two_queries_at_most_and_the_sellers_is_one_of_them(film: Video) -> None:
    player = Player(film, film.channel.owner)
    player.begin()
    address = f"/keys/{KeyPeriod.objects.get(edition=film.edition, number=0).public_id}"
    with CaptureQueriesContext(connection) as queries:
        assert player.client.get(address, headers={"X-Playback": player.token}).status_code == 200
    # Nothing is sold here: whoever sells may ask one more.
    assert len(queries) == 1, [query["sql"] for query in queries]


def test_whoever_fetches_all_keys_is_slowed_down_and_noticed(film: Video) -> None:
    player = Player(film, film.channel.owner)
    player.begin()
    noticed = BULK._value.get()
    assert player.key().status_code == 200
    # Far below empty, so that what flows in while the test runs makes no difference.
    KeyBucket.objects.update(keys_left=-10_000)
    refused = player.key(number=1)
    assert (kind(refused), refused.status_code) == ("too-fast", 429)
    assert int(refused["Retry-After"]) > 0
    assert Playback.objects.get().keys_given == 1
    assert BULK._value.get() == noticed + 1
    # It fills again, and never beyond its brim.
    KeyBucket.objects.update(keys_at=timezone.now() - timedelta(days=30))
    assert player.key(number=1).status_code == 200
    assert KeyBucket.objects.get().keys_left == KEYS_BURST - 1


def test_hostile_tokens_and_cookies_do_no_harm(film: Video) -> None:
    period = KeyPeriod.objects.get(edition=film.edition, number=0)
    client = Client()
    for token in ("", "'", "b" * 10_000, "\u0416" * 24, "b" * 23 + "%", "../" * 8):
        client.cookies["session"] = '"\\000\\000"'
        for number in range(30):
            client.cookies[f"playback-{number}"] = token.encode("ascii", "replace").decode()
        answer: Any = client.get(
            f"/keys/{period.public_id}", headers={"X-Playback": token.encode("ascii", "replace").decode()[:4000]}
        )
        assert answer.status_code in (401, 400, 431), token


def test_a_begin_without_the_header_is_another_sites(film: Video) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(film.channel.owner)
    assert kind(client.post(f"/playbacks/of/{film.public_id}")) == "unreadable"
    assert not Playback.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_no_more_streams_than_are_allowed(film: Video, settings: Any) -> None:
    settings.STREAMS_PER_VIEWER = 2
    owner = film.channel.owner
    first, second, third = (Player(film, owner) for _ in range(3))
    assert first.begin().status_code == second.begin().status_code == 200
    refused = third.begin()
    assert (kind(refused), refused.status_code) == ("too-many-streams", 409)
    # One that said good-bye makes room; so does one that has not been heard of for a while.
    first.beat(is_last=True)
    assert third.begin().status_code == 200
    Playback.objects.filter(token=second.token).update(beat_at=timezone.now() - timedelta(minutes=2))
    assert first.begin().status_code == 200
    # The one that stood still comes back to find its place taken; somebody else's streams count for themselves.
    assert kind(second.beat(8_000, [[6_000, 8_000]])) == "too-many-streams"
    assert third.beat(8_000, [[6_000, 8_000]]).status_code == 204


def test_a_key_names_no_secret_and_playlists_name_only_keys(film: Video) -> None:
    assert film.edition
    client = Client()
    root = f"/films/{film.public_id}/{film.edition.token}"
    text = client.get(f"{root}/144p/playlist.m3u8").content.decode()
    addresses = set(re.findall(r'URI="(/keys/[^"]+)"', text))
    assert len(addresses) == 3
    assert all(client.get(address).status_code == 401 for address in addresses)


def test_what_lies_on_the_disk_is_ciphertext(film: Video, films_folder: Path) -> None:
    segments = list(films_folder.rglob("*.m4s"))
    assert len(segments) >= 30
    assert not any(b"moof" in segment.read_bytes() or b"mdat" in segment.read_bytes()[:4096] for segment in segments)
