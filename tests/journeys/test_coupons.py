"""A code in a real browser: made in the studio, typed beside the price, and the film plays where it stands."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from mutoscope.platform.billing.models import Coupon
from tests.journeys.paying import plays
from tests.journeys.test_watching import address, eventually
from tests.journeys.visitor import Visitor
from tests.platform.billing.shop import Shop, give

pytestmark = pytest.mark.browser

Visit = Callable[..., Visitor]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_code_is_made_typed_and_used_without_leaving_the_film(visit: Visit, shop: Shop, theme: str) -> None:
    creator = visit(color_scheme=theme)
    creator.becomes(shop.creator)
    page = creator.goto("/studio/coupons/")
    creator.sees("No codes yet.")
    creator.fill(Code="autumn", Takes_off="150")
    creator.expected_statuses.add(422)
    creator.press("Make the code")
    creator.sees("Write a whole number, from 1 to 100.")
    creator.fill(Takes_off="50", How_often="3")
    creator.press("Make the code")
    creator.sees("AUTUMN counts from now on: 50 % off.")

    give(shop.viewer, 100)
    viewer = visit(color_scheme=theme)
    viewer.becomes(shop.viewer)
    page = viewer.goto(address(shop.video))
    page.get_by_text("I have a code").click()
    page.get_by_label("Code").fill("nope")
    viewer.press("Use the code")
    viewer.sees("This code is not for this film. Nothing was charged.")
    viewer.look(f"unlock-code-refused-{theme}")
    page.get_by_label("Code").fill("autumn")
    viewer.press("Use the code")
    viewer.sees("15 points off with AUTUMN")
    viewer.look(f"unlock-code-{theme}")
    assert page.url.endswith(address(shop.video))
    viewer.press("Unlock for 15 points")
    viewer.sees("You paid 15 points, with AUTUMN.")
    plays(page)
    eventually(lambda: Coupon.objects.get().uses == 1)
    page.locator("[data-video]").evaluate("video => video.pause()")

    creator.goto("/studio/coupons/")
    creator.sees("1 of 3")
    # As wide as a row can be.
    creator.fill(Code="THELONGESTCODETHATFITSIN", Takes_off="25", How_often="1000000")
    creator.press("Make the code")
    creator.sees("0 of 1,000,000")
    creator.look(f"studio-codes-{theme}")
    creator.press("End AUTUMN")
    creator.press("Keep it")
    expect(creator.page.get_by_role("dialog")).to_have_count(0)
    creator.press("End AUTUMN")
    creator.look(f"studio-coupon-end-{theme}")
    creator.press("End it")
    creator.sees("AUTUMN has ended. What was bought with it stays.")
