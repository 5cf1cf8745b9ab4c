"""What the demo's cinema has lived through: five weeks of visits, sales, tips and watching, the same ones in every sandbox.

Money is written down by billing's own services with the ledger's effective time, visits and beats in the tables that the site counts
from, and the site's own roll-up adds them up. Everything counts from the moment at which the creator was made, so a second attempt
finds what the first one did.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.apps import apps
from django.db import connection, transaction

from mutoscope.platform.accounts.public import Channel, Person
from mutoscope.platform.analytics.public import AddUpAudience, RollUpInputs
from mutoscope.platform.billing.public import (
    GrantPoints,
    GrantPointsInputs,
    RecordPastSale,
    RecordPastSaleInputs,
    RecordPastTip,
    RecordPastTipInputs,
    Term,
)
from mutoscope.platform.videos.public import Video
from mutoscope.web.demo.film_list import FILMS, DemoFilm
from mutoscope.web.demo.people import person_named
from mutoscope.web.demo.sales import SALES, TIPS

SEED = 1897
OPENED_DAYS_AGO = 40
# When each film of the list was published, the newest last, as the home page shows them.
PUBLISHED_DAYS_AGO = (37, 35, 32, 28, 22, 15)
# Guests who came after those that pay on the chain: their points are a gift of the house.
GUESTS = range(4, 28)
POINTS_LEFT = 40
# Of a hundred who look at a price, about so many unlock the film.
UNLOCK_PERCENT = 9
# A visit of the first days, and the share of it that is left after a week.
VISITS_AT_FIRST, VISITS_LATER = 30, 9


@dataclass(frozen=True)
class PastSale:
    at: datetime
    username: str
    title: str
    term: Term


def live_through_the_past(opened_at: datetime, videos: Mapping[str, Video]) -> None:
    """Everything that happened before `opened_at`, the moment at which the creator was made. Again, it adds nothing."""
    _date_back(opened_at, videos)
    sales = [sale for sale in past_sales(opened_at) if sale.title in videos]
    _hand_out_points(sales)
    _trade(opened_at, sales, videos)
    with transaction.atomic():
        if not _was_visited(opened_at, videos):
            chance = random.Random(SEED)  # noqa: S311
            _visit(chance, opened_at, sales, videos)
            _watch(chance, opened_at, sales, videos)
    AddUpAudience().call(RollUpInputs(since=(opened_at - timedelta(days=OPENED_DAYS_AGO)).date()))


def past_sales(opened_at: datetime) -> list[PastSale]:
    """Who bought what, oldest first: each guest a few films, each once, after it was published."""
    chance = random.Random(SEED)  # noqa: S311
    bought = [
        (sale.username, title, Term(choice.partition(":")[0]))
        for sale in SALES
        if sale.is_old
        for title, choice in sale.unlocks.items()
    ]
    sold = [film for film in FILMS if film.prices]
    for number in GUESTS:
        chosen = chance.sample(sold, chance.choice((1, 1, 2, 2, 3)))
        bought += [(f"demo-guest-{number}", film.title, Term(chance.choice(list(film.prices)))) for film in chosen]
    ages = {film.title: days for film, days in zip(FILMS, PUBLISHED_DAYS_AGO, strict=True)}
    return sorted(
        (
            # Most of what a film sells it sells in its first weeks; nothing of the last hours, which are the visitor's own.
            PastSale(opened_at - _back(ages[title] * (1 - chance.random() ** 1.4), chance), username, title, term)
            for username, title, term in bought
        ),
        key=lambda sale: sale.at,
    )


def _back(days: float, chance: random.Random) -> timedelta:
    """So many days and a part of one, at least one."""
    return timedelta(days=max(days, 1), minutes=chance.randrange(300))


def _published(opened_at: datetime) -> Iterator[tuple[DemoFilm, datetime]]:
    for film, days in zip(FILMS, PUBLISHED_DAYS_AGO, strict=True):
        yield film, opened_at - timedelta(days=days, hours=6)


def _date_back(opened_at: datetime, videos: Mapping[str, Video]) -> None:
    """Channel, films and prices are older than what was sold. Who moved a film, and when, stays as it was."""
    first = opened_at - timedelta(days=OPENED_DAYS_AGO)
    Channel.objects.filter(pk__in={video.channel_id for video in videos.values()}).update(opened_at=first)
    for film, moment in _published(opened_at):
        if film.title in videos:
            video = videos[film.title]
            Video.objects.filter(pk=video.pk).update(created_at=moment - timedelta(hours=2), published_at=moment)
            offers = apps.get_model("billing", "Offer").objects.filter(video=video, ended_at=None)
            offers.filter(started_at__gt=moment).update(started_at=moment - timedelta(hours=1))


def _hand_out_points(sales: Sequence[PastSale]) -> None:
    """What each guest is going to spend who did not buy points."""
    prices = {film.title: film.prices for film in FILMS}
    paying = {sale.username for sale in SALES}
    spent: dict[str, int] = {}
    for sale in sales:
        spent[sale.username] = spent.get(sale.username, 0) + prices[sale.title][sale.term]
    for username in sorted(spent.keys() - paying):
        points = spent[username] + POINTS_LEFT
        GrantPoints().call(GrantPointsInputs(person_named(username).pk, points, "To try the site", f"demo-{username}"))


def _trade(opened_at: datetime, sales: Sequence[PastSale], videos: Mapping[str, Video]) -> None:
    """Sales and tips in the order in which they count, so that the statement's balances grow with its dates."""
    old = {sale.username for sale in SALES if sale.is_old}
    given = [tip for tip in TIPS if tip.username in old]
    tips = {opened_at - timedelta(days=9 + 4 * number, hours=3 * number): tip for number, tip in enumerate(given)}
    services: dict[datetime, RecordPastSaleInputs | RecordPastTipInputs] = {
        at: RecordPastTipInputs(
            person_named(tip.username).pk,
            videos[tip.title],
            tip.points,
            tip.note,
            f"demo-{videos[tip.title].public_id}",
            at,
        )
        for at, tip in tips.items()
        if tip.title in videos
    }
    for sale in sales:
        viewer: Person = person_named(sale.username)
        services[sale.at] = RecordPastSaleInputs(viewer.pk, videos[sale.title], sale.term, sale.at)
    for _, inputs in sorted(services.items(), key=lambda each: each[0]):
        if isinstance(inputs, RecordPastSaleInputs):
            RecordPastSale().call(inputs)
        else:
            RecordPastTip().call(inputs)


def _was_visited(opened_at: datetime, videos: Mapping[str, Video]) -> bool:
    """Whether visits or beats of the past are there."""
    ids, yesterday = [video.pk for video in videos.values()], opened_at - timedelta(days=1)
    return any(
        apps.get_model("analytics", name).objects.filter(video_id__in=ids, day__lt=yesterday.date()).exists()
        for name in ("Visits", "FilmDay")
    )


def _visit(chance: random.Random, opened_at: datetime, sales: Sequence[PastSale], videos: Mapping[str, Video]) -> None:
    """Visits of each day, many when a film is new, and always more than it sold."""
    visits = []
    for film, moment in _published(opened_at):
        if film.title not in videos:
            continue
        for age in range((opened_at - moment).days):
            day = (moment + timedelta(days=age)).date()
            sold = sum(sale.title == film.title and sale.at.date() == day for sale in sales)
            usual = VISITS_LATER + (VISITS_AT_FIRST - VISITS_LATER) * 0.8**age
            pages = chance.randint(round(usual * 0.6), round(usual * 1.4)) + sold * 100 // UNLOCK_PERCENT // 3
            prices = pages * chance.randint(78, 92) // 100 if film.prices else 0
            trailers = pages * chance.randint(30, 45) // 100
            visits.append((videos[film.title].pk, day, pages, max(prices, sold), trailers))
    model = apps.get_model("analytics", "Visits")
    model.objects.bulk_create(
        model(video_id=video_id, day=day, slot=0, pages=pages, prices=prices, trailers=trailers)
        for video_id, day, pages, prices, trailers in visits
    )


def _watch(chance: random.Random, opened_at: datetime, sales: Sequence[PastSale], videos: Mapping[str, Video]) -> None:
    """Playbacks: of what was bought once or a few times, soon after; of the free film now and then. Most of them to the end."""
    plays: list[tuple[Video, datetime]] = []
    for sale in sales:
        for again in range(chance.choice((1, 1, 2, 2, 3))):
            days = again * (0.2 if sale.term == Term.DAY else 3) + chance.random() * 0.1
            plays.append((videos[sale.title], sale.at + timedelta(days=days)))
    for film, moment in _published(opened_at):
        if film.title in videos and not film.prices:
            ages = [age for age in range((opened_at - moment).days) for _ in range(chance.randint(1, 6))]
            plays += [
                (videos[film.title], moment + timedelta(days=age, minutes=chance.randrange(1000))) for age in ages
            ]
    plays = [(video, at) for video, at in plays if at < opened_at - timedelta(hours=1) and video.duration_ms]
    model = apps.get_model("videos", "Beat")
    beats = []
    for number, (video, at) in zip(_playback_numbers(len(plays)), plays, strict=True):
        for from_ms, to_ms in _stretches(chance, video.duration_ms or 0):
            beats.append(model(playback_id=number, at=at, video_id=video.pk, from_ms=from_ms, to_ms=to_ms))
    model.objects.bulk_create(beats)


def _stretches(chance: random.Random, length_ms: int) -> list[tuple[int, int]]:
    """What one playback shows: to the end, or until somebody has seen enough; some skip a part."""
    share = 1.0 if chance.random() < 0.58 else max(0.06, chance.betavariate(1.6, 1.8))
    end = round(length_ms * share)
    if share > 0.5 and chance.random() < 0.25:
        begin = round(length_ms * chance.uniform(0.1, 0.3))
        return [(0, begin), (begin + round(length_ms * 0.12), end)]
    return [(0, end)]


def _playback_numbers(count: int) -> list[int]:
    """Numbers that no playback will ever have: taken from where they come from."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('videos_playback', 'id')) FROM generate_series(1, %s)", [count]
        )
        return [number for (number,) in cursor.fetchall()]
