"""Beats and visits become each film's days, and stay right however often and how late that is done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from mutoscope.platform.analytics.models import FilmDay, RollUp, Visits
from mutoscope.platform.analytics.public import AddUpAudience, RollUpInputs
from mutoscope.platform.analytics.visits.counting import Visit, count
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.watch.models import Playback
from tests.people import make_person
from tests.platform.analytics.audience import add_up, play, visit
from tests.platform.billing.shop import Shop
from tests.platform.videos.films import new_video

pytestmark = pytest.mark.django_db


@pytest.fixture
def film() -> Video:
    """Ten seconds long: a hundredth is a tenth of a second, and credits begin at the ninth."""
    return Shop.open(points=0).video


def noon(days_ago: int = 1) -> datetime:
    today = timezone.now().date()
    return datetime(today.year, today.month, today.day, 12, tzinfo=UTC) - timedelta(days=days_ago)


def day_of(film: Video, day: date) -> FilmDay:
    return FilmDay.objects.get(video=film, day=day)


def test_each_moment_counts_the_playbacks_that_showed_it(film: Video) -> None:
    at = noon()
    play(film, at, (0, 10_000))
    play(film, at, (0, 2_000))
    play(film, at, (7_000, 10_000))
    assert add_up() == 1
    found = day_of(film, at.date())
    assert found.shown == [2] * 20 + [1] * 50 + [2] * 30
    assert (found.plays, found.half, found.finished, found.shown_ms) == (3, 1, 2, 15_000)


def test_a_moment_that_one_playback_shows_twice_counts_once(film: Video) -> None:
    play(film, noon(), (0, 3_000), (1_000, 2_000), (0, 3_000))
    add_up()
    assert day_of(film, noon().date()).shown == [1] * 30 + [0] * 70


def test_several_sittings_pass_the_middle_once(film: Video) -> None:
    play(film, noon(), (0, 4_000))
    play(film, noon(), (4_000, 6_000), (6_000, 8_000))
    play(film, noon(), (8_000, 10_000))
    add_up()
    found = day_of(film, noon().date())
    assert (found.plays, found.half, found.finished) == (3, 1, 1)


def test_whoever_skips_the_middle_has_not_seen_it(film: Video) -> None:
    play(film, noon(), (0, 1_000), (9_500, 10_000))
    add_up()
    found = day_of(film, noon().date())
    assert (found.half, found.finished) == (0, 0)


def test_a_playback_belongs_to_the_day_on_which_it_began(film: Video) -> None:
    midnight = noon(0).replace(hour=0)
    playback = play(film, midnight - timedelta(minutes=5), (0, 5_000))
    connection.cursor().execute(
        "INSERT INTO videos_beat (at, video_id, playback_id, from_ms, to_ms) VALUES (%s, %s, %s, 5000, 10000)",
        [midnight + timedelta(minutes=5), film.pk, playback],
    )
    add_up()
    (found,) = FilmDay.objects.filter(video=film)
    assert (found.day, found.plays, found.finished) == ((midnight - timedelta(days=1)).date(), 1, 1)


def test_twice_is_the_same_as_once(film: Video) -> None:
    play(film, noon(), (0, 10_000))
    visit(film)
    add_up()
    before = list(FilmDay.objects.order_by("day").values())
    add_up()
    AddUpAudience().call(RollUpInputs(since=noon(10).date()))
    assert list(FilmDay.objects.order_by("day").values()) == before


def test_days_that_nobody_added_up_are_added_up_later(film: Video) -> None:
    add_up()
    RollUp.objects.update(done_until=noon(6))
    for days_ago in (5, 3, 1):
        play(film, noon(days_ago), (0, 1_000))
    assert add_up() == 3


def test_a_beat_that_came_late_is_in_its_day(film: Video) -> None:
    at = timezone.now() - timedelta(hours=11)
    play(film, at, (0, 1_000))
    add_up()
    play(film, at + timedelta(minutes=1), (0, 1_000))
    add_up()
    assert sum(day.plays for day in FilmDay.objects.filter(video=film)) == 2


def test_old_days_are_not_counted_anew_when_their_beats_are_gone(film: Video) -> None:
    play(film, noon(40), (0, 1_000))
    add_up()
    connection.cursor().execute("DELETE FROM videos_beat")
    add_up()
    assert day_of(film, noon(40).date()).plays == 1


def test_a_creators_own_playbacks_are_left_out(film: Video) -> None:
    play(film, noon(), (0, 10_000), person=film.channel.owner)
    play(film, noon(), (0, 10_000), person=make_person("petra"))
    add_up()
    assert day_of(film, noon().date()).plays == 1


def test_forgotten_playbacks_still_count(film: Video) -> None:
    play(film, noon(), (0, 10_000))
    Playback.objects.all().delete()
    add_up()
    assert day_of(film, noon().date()).plays == 1


def test_visits_are_added_to_what_is_there(film: Video) -> None:
    for _ in range(3):
        visit(film, "page")
        add_up()
    assert day_of(film, timezone.now().date()).pages == 3
    assert not Visits.objects.exists()


def test_a_discarded_film_takes_its_days_along(film: Video) -> None:
    draft = new_video(film.channel)
    for each in (draft, film):
        FilmDay.objects.create(video=each, day=noon().date(), pages=1)
        Visits.objects.create(video=each, day=noon().date(), slot=0, pages=1)
    draft.delete()
    assert [FilmDay.objects.get().video_id, Visits.objects.get().video_id] == [film.pk, film.pk]


@pytest.mark.django_db(transaction=True, databases=["default", "direct"])
def test_no_visit_is_lost_or_doubled_while_it_is_added_up(film: Video) -> None:
    """Visits go on in threads while roll-ups run in others."""
    visits_each, threads = 60, 4
    barrier = threading.Barrier(threads + 2)
    problems: list[BaseException] = []

    def work(act: Callable[[], object], times: int) -> None:
        try:
            barrier.wait()
            for _ in range(times):
                act()
        except BaseException as problem:
            problems.append(problem)
        finally:
            connections.close_all()

    visits = [(lambda: count(film.public_id, Visit.PRICE, None), visits_each)] * threads
    jobs = [threading.Thread(target=work, args=args) for args in [*visits, (add_up, 10), (add_up, 10)]]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert problems == []
    add_up()
    assert sum(day.prices for day in FilmDay.objects.all()) == threads * visits_each
