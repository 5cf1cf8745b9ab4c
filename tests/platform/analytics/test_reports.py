"""The dashboard says what the books say, beside what was visited and watched."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mutoscope.platform.accounts.public import Person
from mutoscope.platform.analytics.models import FilmDay
from mutoscope.platform.analytics.reports.audience import Audience
from mutoscope.platform.analytics.reports.dashboard import dashboard, film_rows, retention_points
from mutoscope.platform.analytics.reports.funnel import funnel, percent
from mutoscope.platform.analytics.reports.periods import PERIODS, period_named, step_days
from mutoscope.platform.billing import books
from mutoscope.platform.billing.clock import MovedClock
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.earnings.revenue import Day, days_of, films_of, in_steps, revenue_of
from mutoscope.platform.billing.models import Purchase
from mutoscope.platform.billing.refunds.service import RefundPurchase, RefundPurchaseInputs
from mutoscope.platform.billing.tips.service import GiveTip, GiveTipInputs
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.public import VideoState
from tests.people import make_person
from tests.platform.analytics.audience import add_up, play, visit
from tests.platform.billing.shop import PRICES, Shop, give
from tests.platform.videos.films import new_video

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    """Two films with sales on several days, tips, and a refund of an older sale."""
    shop = Shop.open()
    second = new_video(shop.video.channel, VideoState.PUBLISHED, title="=The harbour")
    other = Shop(shop.creator, make_person("petra"), second)
    other.price(PRICES)
    give(other.viewer, 1000)
    shop.unlock(Term.DAY, clock=MovedClock(timedelta(days=-40)))
    old = shop.unlock(Term.MONTH, clock=MovedClock(timedelta(days=-12)))
    other.unlock(Term.LIFETIME, clock=MovedClock(timedelta(days=-3)))
    other.unlock(Term.DAY, viewer=shop.viewer)
    GiveTip().call(GiveTipInputs(shop.viewer.pk, second.public_id, 55, "tip"))
    staff = make_person("staff")
    RefundPurchase().call(RefundPurchaseInputs(old.purchase_id, staff.pk, "asked for"))
    return shop


def second_film(shop: Shop) -> Video:
    return Video.objects.exclude(pk=shop.video.pk).get()


def signed_in(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def earned_by_the_ledger(channel_id: int) -> int:
    return books.balance(books.Kind.EARNINGS, channel_id).posted


def test_all_revenue_is_what_the_ledger_holds(shop: Shop) -> None:
    channel_id = shop.video.channel_id
    revenue = revenue_of(channel_id, None)
    # 27 of 30, 54 of 60 and taken back, 180 of 200, 27 of 30, and 50 of a tip of 55.
    assert revenue.points() == earned_by_the_ledger(channel_id) == 27 + 180 + 27 + 50
    assert sum(film.points() for film in revenue.films) == revenue.points()
    assert revenue.paid_points() == 30 + 200 + 30 + 55


def test_fees_are_what_the_ledger_kept(shop: Shop) -> None:
    board = dashboard(shop.video.channel_id, period_named("all"))
    assert board.fee_points() == books.balance(books.Kind.FEES).posted == 3 + 20 + 3 + 5


def test_days_films_and_terms_of_any_period_add_up_to_the_same(shop: Shop) -> None:
    channel_id = shop.video.channel_id
    for period in PERIODS:
        revenue = revenue_of(channel_id, period.days)
        total = revenue.total()
        assert sum(film.points() for film in revenue.films) == revenue.points() == total.points()
        assert sum(term.points for term in revenue.terms()) == total.sale_points
        assert sum(term.sales for term in revenue.terms()) == revenue.sales() == sum(f.sales() for f in revenue.films)
        each = [revenue_of(channel_id, period.days, video.pk) for video in Video.objects.all()]
        assert sum(one.points() for one in each) == revenue.points()


def test_a_refund_counts_on_its_own_day(shop: Shop) -> None:
    days = {day.day: day for day in days_of(shop.video.channel_id, 30)}
    today = timezone.now().date()
    assert days[today].refund_points == -54
    assert days[today - timedelta(days=12)].sale_points == 54
    assert len(days) == 30


def test_steps_keep_every_point(shop: Shop) -> None:
    days = days_of(shop.video.channel_id, None)
    for step in (1, 7, 30, len(days)):
        parts = in_steps(days, step)
        assert sum(part.points() for part in parts) == sum(day.points() for day in days)
        assert parts[0].day == days[0].day
    assert in_steps([], 7) == []


def test_a_chart_never_has_more_bars_than_room() -> None:
    assert [step_days(days) for days in (1, 100, 101, 700, 701, 3000)] == [1, 1, 7, 7, 30, 30]
    assert -(-5000 // step_days(5000)) == 1


def test_a_dashboard_of_a_channel(shop: Shop) -> None:
    video = shop.video
    at = datetime.now(UTC) - timedelta(days=2)
    play(video, at, (0, 10_000))
    play(video, at, (0, 5_000))
    for what in ("price", "price", "price", "price", "trailer", "page"):
        visit(video, what)
    add_up()
    board = dashboard(video.channel_id, period_named("7"))
    assert board.audience[:6] == (5, 4, 1, 2, 1, 1)
    assert [step.count for step in board.steps] == [4, 1, 2, 2, 1, 1]
    assert board.until is not None
    rows = film_rows(video.channel_id, period_named("7"), board.revenue)
    assert [(row.title, row.audience.plays, row.sales(), row.points()) for row in rows] == [
        ("=The harbour", 0, 2, 180 + 27 + 50),
        ("A voyage", 2, 0, -54),
    ]


def test_a_dashboard_of_one_film_is_of_that_film_alone(shop: Shop) -> None:
    visit(shop.video)
    add_up()
    one = dashboard(shop.video.channel_id, period_named("all"), shop.video)
    two = dashboard(shop.video.channel_id, period_named("all"), second_film(shop))
    assert (one.audience.pages, two.audience.pages) == (1, 0)
    assert (one.revenue.points(), two.revenue.points()) == (27, 257)


def test_retention_is_a_share_of_the_most_watched_moment(shop: Shop) -> None:
    at = datetime.now(UTC) - timedelta(days=2)
    for end in (10_000, 10_000, 5_000, 5_000):
        play(shop.video, at, (0, end))
    play(shop.video, at - timedelta(days=50), (0, 10_000))
    add_up()
    points = retention_points(shop.video, period_named("30"))
    assert [share for _, share in points] == [100] * 50 + [50] * 50
    assert (points[0][0], points[50][0]) == ("0:00", "0:05")
    assert retention_points(shop.video, period_named("all"))[99][1] == 60
    assert retention_points(second_film(shop), period_named("all")) == []


def test_a_share_is_never_more_than_the_whole() -> None:
    assert (percent(1, 0), percent(3, 2), percent(0, 4), percent(1, 300), percent(1, 4)) == (
        "",
        "",
        "0.0 %",
        "0.3 %",
        "25 %",
    )
    assert [step.width for step in funnel(Audience(), 0)] == ["0.0%"] * 6


def test_a_free_film_has_no_price_to_see() -> None:
    assert next(step.words for step in funnel(Audience(pages=3), 0, is_free=True)) == "Opened the page"


PAGES = ("/studio/analytics/", "/studio/films/{}/analytics/")
FILES = (
    "/studio/analytics/days.csv",
    "/studio/analytics/films.csv",
    "/studio/films/{}/analytics/days.csv",
    "/studio/films/{}/analytics/retention.csv",
)


@pytest.mark.parametrize("days", ["7", "30", "90", "all", "", "-1", "9999999999"])
def test_every_page_and_file_answers_for_every_period(shop: Shop, days: str) -> None:
    visit(shop.video)
    play(shop.video, datetime.now(UTC), (0, 10_000))
    add_up()
    client = signed_in(shop.creator)
    for address in (*PAGES, *FILES):
        answer = client.get(address.format(shop.video.public_id), {"days": days})
        assert answer.status_code == 200, address


def test_nobody_sees_another_creators_figures(shop: Shop) -> None:
    from tests.people import make_channel

    stranger = make_person("mallory")
    make_channel(stranger, "mallory")
    client = signed_in(stranger)
    for address in (PAGES[1], *FILES[2:]):
        assert client.get(address.format(shop.video.public_id)).status_code == 404
    assert "harbour" not in client.get(PAGES[0]).content.decode()


def test_files_hold_what_the_page_shows(shop: Shop) -> None:
    visit(shop.video)
    add_up()
    client = signed_in(shop.creator)
    films = rows_of(client.get(FILES[1], {"days": "all"}))
    assert [row["title"] for row in films] == ["'=The harbour", "A voyage"]
    assert sum(int(row["points"]) for row in films) == earned_by_the_ledger(shop.video.channel_id)
    days = rows_of(client.get(FILES[0], {"days": "all"}))
    assert sum(int(row["points"]) for row in days) == earned_by_the_ledger(shop.video.channel_id)
    assert [row["pages"] for row in days][-1] == "1"
    assert len(days) == 41


def rows_of(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(answer.content.decode().splitlines()))


def test_a_channel_without_films_is_told_what_this_page_is_for() -> None:
    from tests.people import make_channel

    creator = make_person("nora")
    make_channel(creator)
    page = signed_in(creator).get("/studio/analytics/").content.decode()
    assert "Once a film of yours is published" in page


def test_the_pages_ask_no_more_for_many_films(shop: Shop) -> None:
    client = signed_in(shop.creator)
    client.get(PAGES[0])
    with CaptureQueriesContext(connection) as few:
        client.get(PAGES[0])
    for number in range(20):
        FilmDay.objects.create(
            video=new_video(shop.video.channel, VideoState.PUBLISHED, f"Film {number}"), day=date(2026, 1, 1), plays=3
        )
    with CaptureQueriesContext(connection) as many:
        client.get(PAGES[0])
    assert len(many) == len(few)


def test_the_studio_lists_what_each_film_earned_in_the_order_asked_for(shop: Shop) -> None:
    client = signed_in(shop.creator)

    def titles(sort: str) -> list[str]:
        rows: Any = client.get("/studio/", {"sort": sort}).context["rows"]
        return [row.video.title for row in rows]

    assert titles("revenue") == titles("newest") == titles("nonsense") == titles("") == ["=The harbour", "A voyage"]
    Purchase.objects.filter(video=second_film(shop), term="lifetime").update(creator_points=1, fee_points=199)
    sold = {film.title: (film.points(), film.sales()) for film in films_of(shop.video.channel_id)}
    assert sold == {"=The harbour": (1 + 27 + 50, 2), "A voyage": (27, 2)}
    give(shop.viewer, 1000)
    for _ in range(3):
        shop.unlock(Term.DAY)
    assert titles("revenue") == titles("unlocks") == ["A voyage", "=The harbour"]
    assert titles("title") == ["=The harbour", "A voyage"]
    page = client.get("/studio/").content.decode()
    assert ">108<" in page


def test_a_day_begins_with_nothing() -> None:
    assert Day(date(2026, 1, 1)).points() == 0
