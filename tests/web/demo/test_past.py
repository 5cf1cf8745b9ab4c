"""The demo's past: weeks of it, plausible in proportion, once, and with books that agree."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from mutoscope.platform.accounts.public import Channel
from mutoscope.platform.analytics.models import FilmDay
from mutoscope.platform.billing import books
from mutoscope.platform.billing.books import Kind
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.models import Grant, Purchase, Tip
from mutoscope.platform.billing.pricing.service import SetPrices, SetPricesInputs
from mutoscope.platform.billing.wallet.statement import every_page
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.public import VideoState
from mutoscope.platform.videos.watch.models import Beat
from mutoscope.web.demo.film_list import FILMS
from mutoscope.web.demo.past import OPENED_DAYS_AGO, live_through_the_past
from mutoscope.web.demo.people import furnish, person_named
from mutoscope.web.demo.sales import SALES
from tests.platform.billing.books import differences
from tests.platform.billing.shop import give
from tests.platform.videos.films import new_video

pytestmark = pytest.mark.django_db


@pytest.fixture
def channel(settings: Settings, tmp_path: Path) -> Channel:
    settings.HOME = tmp_path
    furnish()
    return Channel.objects.get()


@pytest.fixture
def videos(channel: Channel) -> dict[str, Video]:
    """The demo's films as furnishing leaves them, and viewers who have paid."""
    made = {}
    for film in FILMS:
        video = new_video(channel, VideoState.PUBLISHED, film.title)
        Video.objects.filter(pk=video.pk).update(duration_ms=film.length_s * 1000)
        prices = {Term(name): points for name, points in film.prices.items()}
        SetPrices().call(SetPricesInputs(channel.owner_id, video.public_id, prices, is_free=not prices))
        video.refresh_from_db()
        made[film.title] = video
    for sale in SALES:
        give(person_named(sale.username), sale.pack_points)
    return made


def counts() -> list[int]:
    return [model.objects.count() for model in (Purchase, Tip, Grant, FilmDay, Beat)]


def test_it_is_lived_through_once_and_the_books_agree(channel: Channel, videos: dict[str, Video]) -> None:
    known = differences()
    live_through_the_past(channel.owner.date_joined, videos)
    first = counts()
    assert min(first) > 0
    days = sum(FilmDay.objects.values_list("pages", flat=True))
    live_through_the_past(channel.owner.date_joined, videos)
    assert counts() == first
    assert sum(FilmDay.objects.values_list("pages", flat=True)) == days
    assert differences() <= known


def test_sales_are_spread_over_weeks_and_none_is_before_its_film(channel: Channel, videos: dict[str, Video]) -> None:
    live_through_the_past(channel.owner.date_joined, videos)
    sales = Purchase.objects.select_related("video", "offer")
    assert len({sale.bought_at.date() for sale in sales}) > 15
    for sale in sales:
        assert sale.video.published_at is not None
        assert sale.offer is not None
        assert sale.offer.started_at < sale.video.published_at < sale.bought_at < timezone.now()
    published = [Video.objects.get(pk=videos[film.title].pk).published_at for film in FILMS]
    assert published == sorted(published, key=str), "the home page shows them in this order"
    earnings = books.find_account(Kind.EARNINGS, channel.pk)
    lines = [line for page in every_page(earnings) for line in page]
    assert len(lines) == len(sales) + Tip.objects.count()
    assert len({line.at.date() for line in lines}) > 15, "the statement shows them on few days"
    assert all(later.at >= earlier.at for later, earlier in pairwise(lines))


def test_each_step_of_the_funnel_is_smaller_than_the_one_before(channel: Channel, videos: dict[str, Video]) -> None:
    live_through_the_past(channel.owner.date_joined, videos)
    begin = channel.owner.date_joined.date()
    for video in videos.values():
        days = FilmDay.objects.filter(video=video)
        pages, prices, trailers, plays, half, finished = (
            sum(days.values_list(name, flat=True))
            for name in ("pages", "prices", "trailers", "plays", "half", "finished")
        )
        sold = Purchase.objects.filter(video=video).count()
        assert pages > max(prices, trailers, sold)
        assert plays > half > finished > 0, video.title
        if video.is_free:
            assert prices == 0
        else:
            assert prices > trailers > sold * 4
        assert all(0 < (begin - day.day).days <= OPENED_DAYS_AGO for day in days if day.pages)


def test_a_single_film_has_a_past_too(channel: Channel, videos: dict[str, Video]) -> None:
    one = {FILMS[0].title: videos[FILMS[0].title]}
    live_through_the_past(channel.owner.date_joined, one)
    assert not Purchase.objects.exists()
    assert list(Tip.objects.values_list("points", flat=True)) == [75]
