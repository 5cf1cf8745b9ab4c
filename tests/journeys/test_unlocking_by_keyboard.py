"""Choosing a term and buying it without a mouse: what is bought is what is shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mutoscope.platform.billing.domain.terms import Term
from tests.journeys.test_watching import address
from tests.journeys.visitor import Visitor
from tests.platform.billing.shop import PRICES, Shop, give

pytestmark = pytest.mark.browser


def test_enter_buys_the_term_that_is_chosen(visit: Callable[..., Visitor], shop: Shop) -> None:
    give(shop.viewer, 1000)
    viewer = visit()
    viewer.becomes(shop.viewer)
    page = viewer.goto(address(shop.video))
    page.locator("#term-day").focus()
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    price = PRICES[Term.LIFETIME]
    viewer.sees(f"Unlock for {price} points")
    page.keyboard.press("Enter")
    viewer.sees(f"You paid {price} points")
    assert shop.entitlement().expires_at is None


def test_signed_out_meanwhile_a_click_leads_to_the_page_to_sign_in(visit: Callable[..., Visitor], shop: Shop) -> None:
    give(shop.viewer, 1000)
    viewer = visit()
    viewer.becomes(shop.viewer)
    page = viewer.goto(address(shop.video))
    # What signing out in another tab takes away.
    page.context.clear_cookies(name="session")
    viewer.press("Unlock for 30 points")
    page.wait_for_url("**/account/login/?next=/watch/**")
    assert page.locator(".film-screen").count() == 0
