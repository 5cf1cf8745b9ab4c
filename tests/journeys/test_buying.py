"""Buying, watching, renewing, tipping and earning, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import expect

from mutoscope.platform.billing import books
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.models import Purchase
from tests.journeys.paying import plays
from tests.journeys.visitor import Visitor
from tests.people import make_person
from tests.platform.billing.paying import paid_by_hand
from tests.platform.billing.shop import Shop, give

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("films_folder")]

Visit = Callable[..., Visitor]
PATIENCE_MS = 60_000


def test_from_a_locked_film_to_watching_it_in_place(visit: Visit, shop: Shop) -> None:
    give(shop.viewer, 42)
    visitor = visit(viewport={"width": 1280, "height": 720})
    visitor.becomes(shop.viewer)
    page = visitor.goto(f"/watch/{shop.video.public_id}/{shop.video.slug()}")
    visitor.sees("Watch the whole film")
    visitor.sees("You have 42 points")
    visitor.look("film-locked")
    # A month is more than there is: the same panel offers the smallest pack that fits.
    page.get_by_text("One month", exact=True).click()
    expect(page.get_by_role("link", name="Get 100 points for $1.00")).to_be_visible()
    page.get_by_text("One day", exact=True).click()
    address = page.url
    page.evaluate("window.neverLeft = true")
    visitor.press("Unlock for 30 points")
    visitor.sees("You paid 30 points")
    # The film grows and pushes the receipt out of sight.
    expect(page.locator(".toast")).to_contain_text("You paid 30 points. Watch it until")
    plays(page)
    assert page.url == address
    # The way to the film went from the receipt, and left no gap in it.
    expect(page.locator("#unlock-panel p")).to_have_count(1)
    assert page.evaluate("window.neverLeft") is True
    # All of the page is unlocked with it, not the film alone.
    expect(page.get_by_role("link", name="Watch longer")).to_be_visible()
    expect(page.locator(".film-words")).to_contain_text("Yours until")
    page.get_by_role("button", name="Keyboard").click()
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.get_by_role("dialog", name="Keyboard").get_by_role("button", name="Close").click()
    page.evaluate("document.querySelector('[data-video]').pause()")
    page.get_by_role("link", name="The road closes").click()
    plays(page, 8)
    page.get_by_role("button", name="Share").click()
    page.get_by_label(re.compile("Start at")).check()
    expect(page.get_by_label("Link")).to_have_value(re.compile(r"\?t=\d+$"))
    page.get_by_role("dialog", name="Share this film").get_by_role("button", name="Close").click()
    assert page.url == address
    visitor.look("film-unlocked")
    assert (shop.points(), Purchase.objects.count()) == (12, 1)

    page = visitor.goto("/library/")
    visitor.sees("23 h left")
    visitor.look("library")
    visitor.goto("/wallet/")
    visitor.sees("Unlocked The Salt Road at Night for a day")
    visitor.look("wallet")
    visitor.goto("/wallet/top-up/")
    visitor.sees("takes no payments at the moment")
    visitor.look("top-up")


def test_a_price_that_changes_while_one_looks_is_asked_again(visit: Visit, shop: Shop) -> None:
    give(shop.viewer, 100)
    visitor = visit()
    visitor.becomes(shop.viewer)
    visitor.goto(f"/unlock/{shop.video.public_id}/")
    shop.price({Term.DAY: 40})
    visitor.press("Unlock for 30 points")
    visitor.sees("The price changed to 40 points")
    visitor.look("unlock-asks-again")
    assert shop.points() == 100
    visitor.press("Unlock for 40 points")
    visitor.sees("You paid 40 points")
    visitor.look("unlock-alone")


def test_a_tip_of_half_a_point_is_refused(visit: Visit, shop: Shop) -> None:
    give(shop.viewer, 500)
    visitor = visit()
    visitor.becomes(shop.viewer)
    visitor.goto(f"/tip/{shop.video.public_id}/")
    visitor.fill(points="1.5", Note="The bridge at dawn")
    visitor.expected_statuses.add(422)
    visitor.press("Give")
    visitor.sees("Write a whole number of points")
    visitor.look("tip-refused")


@pytest.fixture
def by_hand() -> Iterator[None]:
    with paid_by_hand():
        yield


@pytest.mark.usefixtures("by_hand")
def test_a_creator_prices_a_film_and_sees_what_it_earned(visit: Visit, shop: Shop, settings: Any) -> None:
    settings.PAYOUT_DELAY_DAYS, settings.PAYOUT_POINTS_MIN = 0, 50
    visitor = visit()
    visitor.becomes(shop.creator)
    page = visitor.goto(f"/studio/films/{shop.video.public_id}/price/")
    visitor.fill(For_ever="10")
    visitor.expected_statuses.add(422)
    visitor.press("Save")
    visitor.sees("A lifetime cannot cost less than a day.")
    visitor.fill(For_ever="150")
    visitor.press("Save")
    visitor.sees("Saved.")
    visitor.look("studio-price")
    give(shop.viewer, 1000)
    shop.unlock(Term.LIFETIME, 150)
    for number in range(5):
        other = make_person(f"viewer-{number}")
        give(other, 100)
        shop.unlock(Term.DAY, viewer=other)
    Purchase.objects.filter(term="day").update(bought_at=timezone.now() - timedelta(days=3))
    page = visitor.goto("/studio/earnings/")
    visitor.sees("270")
    expect(page.locator("svg.chart-drawing")).to_be_visible()
    visitor.look("studio-earnings")
    page.screenshot(path="var/screenshots/studio-earnings-whole.png", full_page=True)
    assert books.balance(books.Kind.EARNINGS, shop.video.channel_id).posted == 270


def test_moments_are_those_of_where_one_is(visit: Visit, shop: Shop) -> None:
    give(shop.viewer, 42)
    visitor = visit(timezone_id="Asia/Kolkata")
    visitor.becomes(shop.viewer)
    page = visitor.goto(f"/watch/{shop.video.public_id}/{shop.video.slug()}")
    page.get_by_text("One day", exact=True).click()
    visitor.press("Unlock for 30 points")
    visitor.sees("You paid 30 points")
    expires_at = Purchase.objects.get().expires_at
    assert expires_at is not None
    there = expires_at + timedelta(hours=5, minutes=30)
    # In a part that came by itself, and on a page.
    visitor.sees(f"{there:%H:%M}.")
    page = visitor.goto("/library/")
    until = page.locator("main time").first
    expect(until).to_have_text(re.compile(f"^{there.day}.*, {there:%H:%M}$"))
    expect(until).to_have_attribute("title", re.compile("GMT\\+5:30$"))

    plain = visit(timezone_id="Asia/Kolkata", java_script_enabled=False)
    plain.becomes(shop.viewer)
    expect(plain.goto("/library/").locator("main time").first).to_have_text(re.compile(f"{expires_at:%H:%M}.UTC$"))


def test_a_page_that_lost_its_token_is_loaded_again_and_watched_longer(visit: Visit, shop: Shop) -> None:
    give(shop.viewer, 100)
    visitor = visit()
    visitor.becomes(shop.viewer)
    page = visitor.goto(f"/watch/{shop.video.public_id}/{shop.video.slug()}")
    page.context.clear_cookies(name=settings.CSRF_COOKIE_NAME)
    visitor.expected_statuses.add(403)
    page.get_by_text("One day", exact=True).click()
    visitor.press("Unlock for 30 points")
    visitor.sees("Nothing was sent: this page had been open for too long.")
    assert shop.points() == 100
    page.get_by_text("One day", exact=True).click()
    visitor.press("Unlock for 30 points")
    visitor.sees("You paid 30 points")
    # Whoever has it for a day, and wants it for longer, finds the way beside the film.
    visitor.goto(f"/watch/{shop.video.public_id}/{shop.video.slug()}")
    visitor.follow("Watch longer")
    visitor.sees("Unlocked, 23 h left")
    visitor.press("Extend for 30 points")
    visitor.sees("You paid 30 points")
    assert shop.points() == 40
