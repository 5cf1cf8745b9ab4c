"""What players say: where somebody is, what was shown, and what is made of nonsense."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.platform.accounts.public import Person
from mutoscope.platform.videos.domain.beats import POSITION_MS_MAX, BadBeat, parse_beat
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.watch.models import Beat, Playback, Seen, WatchingChoice
from mutoscope.platform.videos.watch.progress.endpoints import continue_watching
from mutoscope.platform.videos.watch.progress.months import keep_months
from mutoscope.platform.videos.watch.progress.tasks import keep_beats
from tests.people import make_channel, make_person
from tests.platform.videos.films import new_video
from tests.platform.videos.watch.players import Player, kind

pytestmark = pytest.mark.django_db


@pytest.fixture
def film() -> Video:
    """Ten seconds long; its files are not needed here."""
    film = new_video(make_channel(make_person("nora")), VideoState.PUBLISHED)
    Video.objects.filter(pk=film.pk).update(is_free=True, duration_ms=600_000)
    film.refresh_from_db()
    return film


@pytest.fixture
def petra() -> Person:
    return make_person("petra")


def begun(film: Video, person: Person | None) -> Player:
    player = Player(film, person)
    assert player.begin().status_code == 200
    return player


def test_a_place_is_kept_for_every_device(film: Video, petra: Person) -> None:
    here, there = begun(film, petra), begun(film, petra)
    assert here.beat(90_000, [[60_000, 90_000]]).status_code == 204
    assert there.begin().json()["position_ms"] == 90_000
    there.beat(120_000, [[90_000, 120_000]])
    assert Seen.objects.get().position_ms == 120_000
    assert [(beat.from_ms, beat.to_ms) for beat in Beat.objects.order_by("from_ms")] == [
        (60_000, 90_000),
        (90_000, 120_000),
    ]


def test_a_place_is_never_lost_to_the_beginning(film: Video, petra: Person) -> None:
    player = begun(film, petra)
    player.beat(300_000, [[290_000, 300_000]])
    for position in (None, 0, 1, 4_999):
        assert player.beat(position).status_code == 204
        assert Seen.objects.get().position_ms == 300_000
    # Whoever really watches it again from the start is followed.
    player.beat(20_000, [[0, 20_000]])
    assert Seen.objects.get().position_ms == 20_000


def test_a_film_seen_to_its_end_begins_again(film: Video, petra: Person) -> None:
    player = begun(film, petra)
    player.beat(595_000, [[580_000, 595_000]])
    assert Seen.objects.get().is_finished
    assert player.begin().json()["position_ms"] is None
    assert continue_watching(petra.pk, 5) == ([], {})
    player.beat(60_000, [[50_000, 60_000]])
    assert continue_watching(petra.pk, 5)[1] == {film.pk: 60_000}


def test_a_position_stays_within_the_film(film: Video, petra: Person) -> None:
    player = begun(film, petra)
    player.beat(POSITION_MS_MAX, [[599_000, POSITION_MS_MAX], [700_000, 800_000]])
    assert Seen.objects.get().position_ms == 600_000
    assert [(beat.from_ms, beat.to_ms) for beat in Beat.objects.all()] == [(599_000, 600_000)]


@pytest.mark.parametrize(
    "body",
    [
        "", "null", "[]", "7", '"x"', "{", "{}}", '{"position_ms": NaN}', '{"position_ms": Infinity}', '{"position_ms": -1}',
        '{"position_ms": 1e3}', '{"position_ms": 1.5}', '{"position_ms": true}', '{"position_ms": "1"}', '{"position_ms": [1]}',
        '{"position_ms": 99999999999999999999}', '{"stretches": 1}', '{"stretches": "ab"}', '{"stretches": [1]}',
        '{"stretches": [[1]]}', '{"stretches": [[2, 1]]}', '{"stretches": [[1, 1]]}', '{"stretches": [["0", "1"]]}',
        '{"stretches": [[0, 1, 2]]}', '{"stretches": {}}', '{"is_last": 1}', '{"position_ms": ' + "9" * 5000 + "}",
        '{"stretches": [' + ",".join(["[0, 1]"] * 51) + "]}", '{"x": "' + "x" * 9000 + '"}', "[" * 60 + "]" * 60,
    ],
)  # fmt: skip
def test_what_is_no_beat_is_refused_whole(film: Video, petra: Person, body: str) -> None:
    player = begun(film, petra)
    answer = player.send(body)
    assert (kind(answer), answer.status_code) == ("unreadable", 400)
    assert not Seen.objects.exists()
    assert not Beat.objects.exists()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["position_ms", "stretches", "is_last"]), inner)
    ),
    max_leaves=12,
)


@given(JSON)
def test_whatever_is_sent_is_a_beat_or_refused(document: object) -> None:
    try:
        beat = parse_beat(document)
    except BadBeat:
        return
    assert beat.position_ms is None or 0 <= beat.position_ms <= POSITION_MS_MAX
    assert all(0 <= start < end <= POSITION_MS_MAX for start, end in beat.stretches)


def test_a_flood_of_beats_is_stopped(film: Video, petra: Person) -> None:
    player = begun(film, petra)
    Playback.objects.update(beats=100_000)
    answer = player.beat(90_000, [[60_000, 90_000]])
    assert (kind(answer), answer.status_code) == ("too-fast", 429)
    assert not Seen.objects.exists()
    assert not Beat.objects.exists()


def test_a_beat_is_one_statement(film: Video, petra: Person) -> None:
    player = begun(film, petra)
    with CaptureQueriesContext(connection) as queries:
        player.beat(90_000, [[60_000, 90_000]] * 3)
    writing = [query["sql"] for query in queries if "videos_" in query["sql"]]
    assert len(writing) == 1
    # Who it is takes the session and the person.
    assert len(queries) <= 3


def test_strangers_cannot_move_anybodys_place(film: Video, petra: Person) -> None:
    player = begun(film, petra)
    for client in (Client(), Player(film, make_person("otto")).client):
        thief = Player(film, client=client)
        thief.token = player.token
        assert kind(thief.beat(90_000, [[0, 90_000]])) == "playback-over"
    assert not Seen.objects.exists()


def test_whoever_is_not_signed_in_leaves_no_history_but_counts(film: Video) -> None:
    assert begun(film, None).beat(90_000, [[60_000, 90_000]]).status_code == 204
    assert not Seen.objects.exists()
    assert Beat.objects.count() == 1


def test_history_can_be_switched_off_forgotten_and_cleared(film: Video, petra: Person) -> None:
    player = begun(film, petra)
    player.beat(90_000, [[60_000, 90_000]])
    client = player.client
    assert "A voyage" in client.get("/history/").content.decode()
    client.post("/history/choice/", {})
    assert not WatchingChoice.objects.get(person=petra).keeps_history
    player.beat(120_000, [[90_000, 120_000]])
    assert Seen.objects.get().position_ms == 90_000, "what was there stays until it is cleared"
    otto = Player(film, make_person("otto"))
    otto.client.post(f"/history/{film.public_id}/forget/")
    otto.client.post("/history/clear/")
    assert Seen.objects.count() == 1, "nobody clears another's"
    client.post(f"/history/{film.public_id}/forget/")
    assert not Seen.objects.exists()
    client.post("/history/choice/", {"keeps_history": "on"})
    player.beat(150_000, [[120_000, 150_000]])
    client.post("/history/clear/")
    assert not Seen.objects.exists()
    assert client.get("/history/clear/").status_code == 405


def test_months_are_made_ahead_and_dropped_when_old(film: Video) -> None:
    today = timezone.now().date()
    assert keep_months(today) == (0, 0), "the migration made them"
    made, dropped = keep_months(date(today.year + 3, 5, 20))
    assert made == 3
    assert dropped >= 1
    assert keep_months(date(today.year + 3, 5, 20)) == (0, 0)


def test_a_beat_of_a_month_without_a_partition_is_kept_until_it_is_too_old(film: Video) -> None:
    at = datetime(2020, 2, 3, tzinfo=UTC)
    Beat.objects.create(at=at, video_id=film.pk, playback_id=1, from_ms=0, to_ms=5)
    keep_months(date(2020, 2, 20))
    assert Beat.objects.count() == 1
    keep_months(timezone.now().date())
    assert Beat.objects.count() == 0


def test_playbacks_that_are_over_are_forgotten(film: Video, petra: Person) -> None:
    old, new = begun(film, petra), begun(film, petra)
    Playback.objects.filter(token=old.token).update(expires_at=timezone.now() - timedelta(days=2))
    keep_beats.call()
    assert [playback.token for playback in Playback.objects.all()] == [new.token]
