"""A top-up that is paid in two parts. The whole of buying is told in test_whole_story.py."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from solders.pubkey import Pubkey

from tests.engines.solana.payments.shop import Shop as Merchant
from tests.journeys.paying import watched_until
from tests.journeys.visitor import Visitor
from tests.platform.billing.shop import Shop

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("films_folder")]

Visit = Callable[..., Visitor]


def test_what_is_missing_is_said_and_can_be_paid(visit: Visit, shop: Shop, merchant: Merchant) -> None:
    visitor = visit()
    visitor.becomes(shop.viewer)
    page = visitor.goto("/wallet/")
    visitor.opens(page.get_by_role("link", name="500 points").first)
    with page.expect_navigation():
        visitor.press("Pay with SOL")
    recipient = page.locator("#pay-address").inner_text().strip()
    merchant.chain.airdrop(Pubkey.from_string(recipient), 10_000_000)
    merchant.chain.finalize()
    alert = page.get_by_text("SOL are missing")
    watched_until(merchant, alert.is_visible, page)
    visitor.sees("0.026666667 SOL are missing")
    visitor.look("top-up-partial")
    visitor.press("Pay with play money")
    merchant.chain.finalize()
    watched_until(merchant, lambda: shop.points() == 550, page)
    visitor.sees("550 points are yours")
