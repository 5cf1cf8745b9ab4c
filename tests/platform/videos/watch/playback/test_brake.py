"""Who collects keys is slowed down, however often they begin again; who watches, reloads and seeks is not."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from mutoscope.platform.accounts.public import Person
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.watch.models import KeyBucket, Playback
from mutoscope.platform.videos.watch.playback import giving, service
from mutoscope.platform.videos.watch.playback.giving import BULK
from mutoscope.platform.videos.watch.playback.service import KEYS_BURST, KEYS_PER_S
from mutoscope.platform.videos.watch.progress.tasks import keep_beats
from tests.people import make_channel, make_person
from tests.platform.videos.watch.players import Player, kind
from tests.platform.videos.watch.screenings import BoxOffice, new_film

pytestmark = pytest.mark.usefixtures("films_folder")


@pytest.fixture
def film(db: None, films_folder: Path) -> Video:
    return new_film(make_channel(make_person("nora")))


@pytest.fixture
def person(film: Video, box_office: BoxOffice) -> Person:
    person = make_person("petra")
    box_office.unlock(person.pk, film.pk)
    return person


@pytest.fixture
def no_refill(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing flows into a bucket while a test runs."""
    for module in (giving, service):
        monkeypatch.setattr(module, "KEYS_PER_S", 0.0)


def passes(seconds: float) -> None:
    """So much time passes, for buckets and players."""
    span = timedelta(seconds=seconds)
    KeyBucket.objects.update(keys_at=F("keys_at") - span)
    Playback.objects.update(
        began_at=F("began_at") - span, beat_at=F("beat_at") - span, keys_at=F("keys_at") - span,
        expires_at=F("expires_at") - span,
    )  # fmt: skip


def taken(player: Player, count: int) -> int:
    return sum(player.key(number=number % 3).status_code == 200 for number in range(count))


Collector = Callable[[Player], int]


def _says_goodbye(player: Player) -> int:
    given = taken(player, KEYS_BURST)
    player.beat(None, [], is_last=True)
    return given


def _falls_silent(player: Player) -> int:
    given = taken(player, KEYS_BURST)
    Playback.objects.update(beat_at=timezone.now() - timedelta(hours=1), keys_at=timezone.now() - timedelta(hours=1))
    return given


@pytest.mark.parametrize("collect", [_says_goodbye, _falls_silent])
@pytest.mark.usefixtures("no_refill")
def test_beginning_again_fills_no_bucket(film: Video, person: Person, collect: Collector) -> None:
    noticed = BULK._value.get()
    given = 0
    for _ in range(5):
        player = Player(film, person)
        assert player.begin().status_code == 200
        given += collect(player)
    assert given == KEYS_BURST
    assert BULK._value.get() - noticed == 4 * KEYS_BURST, "and the operator is told"


@pytest.mark.usefixtures("no_refill")
def test_players_begun_beforehand_share_what_there_is(film: Video, person: Person) -> None:
    players = [Player(film, person) for _ in range(3)]
    assert [player.begin().status_code for player in players] == [200, 200, 200]
    assert sum(taken(player, KEYS_BURST) for player in players) == KEYS_BURST


def test_what_is_left_grows_with_time_while_nobody_plays(film: Video, person: Person) -> None:
    player = Player(film, person)
    player.begin()
    KeyBucket.objects.update(keys_left=-10_000)
    assert kind(player.key()) == "too-fast"
    passes((10_000 + 2) / KEYS_PER_S)
    player.begin()
    assert taken(player, 2) == 2


def test_another_film_and_another_person_have_their_own(film: Video, person: Person, box_office: BoxOffice) -> None:
    other_film, other = new_film(film.channel), make_person("paul")
    box_office.unlock(person.pk, other_film.pk)
    box_office.unlock(other.pk, film.pk)
    player = Player(film, person)
    player.begin()
    player.key()
    KeyBucket.objects.update(keys_left=-10_000)
    for elsewhere in (Player(other_film, person), Player(film, other)):
        assert elsewhere.begin().status_code == 200
        assert elsewhere.key().status_code == 200


@pytest.mark.usefixtures("no_refill")
def test_a_school_behind_one_address_has_a_bucket_for_each_player(film: Video) -> None:
    free = new_film(film.channel, is_free=True)
    for _ in range(3):
        player = Player(free)
        assert player.begin().status_code == 200
        assert taken(player, KEYS_BURST) == KEYS_BURST
    assert kind(player.key()) == "too-fast"


def test_somebody_who_reloads_again_and_again_keeps_watching(film: Video, person: Person) -> None:
    """A page that is loaded anew asks for the key of its place and the next one. Somebody does it each three seconds."""
    noticed = BULK._value.get()
    for _ in range(40):
        player = Player(film, person)
        assert player.begin().status_code == 200
        assert taken(player, 2) == 2
        player.beat(4_000, [], is_last=True)
        passes(3)
    assert BULK._value.get() == noticed


def test_somebody_who_seeks_all_over_a_film_keeps_watching(film: Video, person: Person) -> None:
    """Thirty places at once, and then another each two seconds, on two screens."""
    players = [Player(film, person) for _ in range(2)]
    for player in players:
        player.begin()
    assert sum(taken(player, 15) for player in players) == 30
    for number in range(60):
        passes(2)
        for player in players:
            player.beat(4_000, [])
        assert players[number % 2].key(number=number % 3).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_player_that_never_says_so_is_a_stream_while_it_takes_keys(
    film: Video, person: Person, settings: Any
) -> None:
    settings.STREAMS_PER_VIEWER = 2
    silent = [Player(film, person) for _ in range(2)]
    for player in silent:
        player.begin()
    passes(40)
    for player in silent:
        assert player.key().status_code == 200
    passes(40)
    assert kind(Player(film, person).begin()) == "too-many-streams", "both took a key 40 seconds ago"
    passes(10)
    assert Player(film, person).begin().status_code == 200


def test_players_that_were_begun_one_after_the_other_do_not_all_take_keys(
    film: Video, person: Person, settings: Any
) -> None:
    settings.STREAMS_PER_VIEWER = 2
    players = []
    for _ in range(4):
        players.append(Player(film, person))
        assert players[-1].begin().status_code == 200
        passes(50)
    answers = [player.key() for player in players]
    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    assert [kind(answer) for answer in answers[2:]] == ["too-many-streams"] * 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_refill")
def test_keys_asked_for_at_the_same_moment_are_counted_each(film: Video, person: Person) -> None:
    player = Player(film, person)
    player.begin()
    KeyBucket.objects.update(keys_left=3)

    def ask(number: int) -> int:
        try:
            status: int = player.key(number=number % 3).status_code
            return status
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(16)))
    assert answers.count(200) == 3


def test_a_playback_of_an_earlier_release_is_over_and_another_begins(film: Video, person: Person) -> None:
    player = Player(film, person)
    player.begin()
    Playback.objects.update(bucket=None)
    assert kind(player.key()) == "playback-over"
    assert player.begin().status_code == 200
    assert player.key().status_code == 200


def test_buckets_that_nobody_needs_are_forgotten(film: Video, person: Person) -> None:
    player = Player(film, person)
    player.begin()
    player.key()
    keep_beats.func()
    assert KeyBucket.objects.count() == 1
    passes(2 * 24 * 3600)
    keep_beats.func()
    assert (Playback.objects.count(), KeyBucket.objects.count()) == (0, 0)
