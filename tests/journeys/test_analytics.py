"""A visit in a real browser, and what its creator sees of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from mutoscope.platform.analytics.models import FilmDay, Visits
from mutoscope.platform.billing.clock import MovedClock
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.tips.service import GiveTip, GiveTipInputs
from mutoscope.platform.videos.domain.life import VideoState
from tests.journeys.test_watching import address, eventually
from tests.journeys.visitor import SCREENSHOTS, Visitor
from tests.people import make_person
from tests.platform.analytics.audience import BROWSER, add_up, play
from tests.platform.billing.shop import PRICES, Shop, give
from tests.platform.videos.films import new_video

pytestmark = pytest.mark.browser

Visit = Callable[..., Visitor]


def counts() -> tuple[int, int, int]:
    rows = list(Visits.objects.all())
    return (
        sum(row.pages for row in rows),
        sum(row.prices for row in rows),
        sum(row.trailers for row in rows),
    )


def test_a_browser_is_counted_once_a_day_and_its_trailer_apart(visit: Visit, shop: Shop) -> None:
    visitor = visit(user_agent=BROWSER)
    page = visitor.goto(address(shop.video))
    eventually(lambda: counts() == (1, 1, 0))
    page.locator("[data-trailer]").evaluate("trailer => trailer.play()")
    eventually(lambda: counts() == (1, 1, 1))
    page = visitor.goto(address(shop.video))
    page.locator("[data-trailer]").evaluate("trailer => trailer.play()")
    page.wait_for_load_state("networkidle")
    assert counts() == (1, 1, 1)
    other = visit(user_agent=BROWSER)
    other.goto(address(shop.video))
    eventually(lambda: counts() == (2, 2, 1))
    # Nothing that could tell the two apart went along.
    assert re.fullmatch(
        rf'{{"day":"[\d-]+","said":\["/visits/{shop.video.public_id} page","/visits/{shop.video.public_id} trailer"\]}}',
        page.evaluate("localStorage.getItem('visits')"),
    )


def test_a_creator_reads_how_a_film_does(visit: Visit, shop: Shop) -> None:
    sell_for_weeks(shop)
    for theme in ("dark", "light"):
        visitor = visit(color_scheme=theme)
        visitor.becomes(shop.creator)
        page = visitor.goto("/studio/analytics/")
        expect(page.locator("svg.chart-drawing").first).to_be_visible()
        visitor.look(f"studio-analytics-{theme}")
        for size, width in (("desktop", 1280), ("phone", 390)):
            page.set_viewport_size({"width": width, "height": 844})
            page.screenshot(path=SCREENSHOTS / f"studio-analytics-{theme}-{size}-whole.png", full_page=True)
        page = visitor.goto("/studio/")
        visitor.look(f"studio-films-{theme}")
        visitor.follow("Revenue")
        visitor.follow(shop.video.title)
        tabs = page.get_by_role("navigation", name="This film")
        visitor.opens(tabs.get_by_role("link", name="Analytics"))
        expect(page.get_by_role("heading", name="How far it is watched")).to_be_visible()
        visitor.look(f"studio-film-analytics-{theme}")
        for size, width in (("desktop", 1280), ("phone", 390)):
            page.set_viewport_size({"width": width, "height": 844})
            page.screenshot(path=SCREENSHOTS / f"studio-film-analytics-{theme}-{size}-whole.png", full_page=True)
        page.set_viewport_size({"width": 1280, "height": 800})
        visitor.opens(tabs.get_by_role("link", name="Files"))
        visitor.look(f"studio-film-files-{theme}")


def test_a_channel_without_visits_is_told_so(visit: Visit, shop: Shop) -> None:
    visitor = visit()
    visitor.becomes(shop.creator)
    visitor.goto("/studio/analytics/?days=7")
    visitor.sees("Nothing was visited, watched or sold in this time.")
    visitor.look("studio-analytics-empty")
    visitor.goto(f"/studio/films/{shop.video.public_id}/analytics/")
    visitor.sees("Nobody has watched it in this time.")
    visitor.look("studio-film-analytics-empty")


def sell_for_weeks(shop: Shop) -> None:
    """Thirty days of visits, views and sales of one film, and a quiet second one."""
    second = new_video(
        shop.video.channel, VideoState.PUBLISHED, "The harbour at four in the morning, before the first boat"
    )
    Shop(shop.creator, shop.viewer, second).price(PRICES)
    now = timezone.now()
    length = shop.video.duration_ms or 10_000
    for n in range(30):
        FilmDay.objects.create(
            video=shop.video,
            day=now.date() - timedelta(days=n),
            pages=30 + n % 7 * 9,
            prices=26 + n % 7 * 8,
            trailers=11 + n % 5,
        )
        viewer = make_person(f"viewer-{n}")
        give(viewer, 300)
        for term in [Term.DAY, Term.MONTH, Term.LIFETIME][: n % 4]:
            clock = MovedClock(timedelta(days=-n, minutes=-5))
            points = {Term.DAY: 30, Term.MONTH: 30, Term.LIFETIME: 140}[term]
            shop.unlock(term, points, viewer=viewer, clock=clock)
        for m in range(1 + n % 3):
            play(shop.video, now - timedelta(days=n, minutes=m), (0, max(length * (10 - (n + m) % 9) // 10, 1)))
    give(shop.viewer, 100)
    GiveTip().call(GiveTipInputs(shop.viewer.pk, second.public_id, 25, "tip", "The light!"))
    add_up()
