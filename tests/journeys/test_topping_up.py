"""Short of points, paid with USDC on the sandbox chain, back at the very film, unlocked, watched."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.test import override_settings
from playwright.sync_api import Page, expect
from solders.pubkey import Pubkey

from mutoscope.engines.solana.outbox.telling import tell_due
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.models import Pack, TopUp
from tests.engines.solana.payments.shop import Shop as Merchant
from tests.engines.solana.payments.shop import open_shop
from tests.journeys.visitor import Visitor
from tests.people import make_channel, make_person
from tests.platform.billing.shop import PRICES, Shop
from tests.platform.videos.watch.screenings import new_film

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("films_folder")]

Visit = Callable[..., Visitor]
PATIENCE_S = 60


@pytest.fixture
def films_folder(settings: Any, tmp_path: Path) -> None:
    films = {"BACKEND": settings.STORAGES["films"]["BACKEND"], "OPTIONS": {"location": tmp_path / "films"}}
    settings.STORAGES = {**settings.STORAGES, "films": films}


@pytest.fixture
def shop(site: str, films_folder: None) -> Shop:
    creator = make_person("nora")
    opened = Shop(creator, make_person("petra"), new_film(make_channel(creator)))
    opened.price(PRICES)
    for points, bonus, cents in ((100, 0, 100), (500, 50, 500), (1000, 200, 1000)):
        Pack.objects.create(title=f"{points} points", points=points, bonus_points=bonus, price_usd_cents=cents)
    return opened


@pytest.fixture
def merchant(site: str) -> Iterator[Merchant]:
    with open_shop(RECEIVE_BY="wallet") as opened:
        play = {**site_settings.TOP_UPS, "PLAY_WALLET": opened.chain.url}
        with override_settings(TOP_UPS=play):
            yield opened


def watched_until(merchant: Merchant, holds: Callable[[], bool], page: Page) -> None:
    """What `mutoscope watcher` does, until it holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it never came to that"
        merchant.glance()
        tell_due()
        page.wait_for_timeout(100)


def test_from_no_points_to_watching_by_one_payment_in_usdc(visit: Visit, shop: Shop, merchant: Merchant) -> None:
    visitor = visit()
    visitor.becomes(shop.viewer)
    page = visitor.goto(f"/watch/{shop.video.public_id}/{shop.video.slug()}")
    visitor.opens(page.get_by_role("link", name="Get 100 points for $1.00").first)
    visitor.sees("100 points for $1.00")
    visitor.look("top-up-choose")
    with page.expect_navigation():
        visitor.press("Pay with USDC")
    visitor.sees("Send exactly")
    code = page.locator(".pay-code").bounding_box()
    assert code is not None
    assert min(code["width"], code["height"]) >= 240
    expect(page.get_by_role("link", name="Open wallet")).to_have_attribute("href", re.compile(r"^solana:.+amount=1&"))
    visitor.look("top-up-waiting")
    page.screenshot(path="var/screenshots/top-up-waiting-whole.png", full_page=True)
    visitor.press("Pay with play money")
    expect(page.get_by_role("button", name="Pay with play money")).to_be_hidden()
    top_up = TopUp.objects.get()
    assert shop.points() == 0
    steps = page.locator("#standing [aria-current=step]")
    watched_until(merchant, lambda: "Seen" in steps.inner_text() or "Confirmed" in steps.inner_text(), page)
    visitor.look("top-up-seen")
    assert shop.points() == 0
    merchant.chain.finalize()
    watched_until(merchant, lambda: TopUp.objects.get(pk=top_up.pk).transfer_id is not None, page)
    # By itself, back to the very film.
    page.wait_for_url(f"**/watch/{shop.video.public_id}**")
    visitor.sees("100 points are yours")
    visitor.press(f"Unlock for {PRICES[Term.DAY]} points")
    visitor.sees("You paid 30 points")
    page.wait_for_function(
        "() => { const v = document.querySelector('[data-video]'); return v && v.currentTime > 0.3; }",
        timeout=PATIENCE_S * 1000,
    )
    assert shop.points() == 70
    visitor.goto(f"/wallet/top-ups/{top_up.public_id}/")
    visitor.sees("100 points are yours")
    visitor.look("top-up-credited")
    visitor.goto("/wallet/")
    visitor.sees("Points bought")
    visitor.look("wallet-topped-up")


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
    visitor.sees("0.023333334 SOL are missing")
    visitor.look("top-up-partial")
    visitor.press("Pay with play money")
    merchant.chain.finalize()
    watched_until(merchant, lambda: shop.points() == 550, page)
    visitor.sees("550 points are yours")
