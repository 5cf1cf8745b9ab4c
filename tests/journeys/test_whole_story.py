"""The whole story in a real browser: somebody signs up, pays, watches, tips and comes back; the creator is paid; the books agree."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F
from django.test import override_settings
from playwright.sync_api import Page, expect
from solders.pubkey import Pubkey

from mutoscope.engines.solana.chain import LAMPORTS_PER_SOL
from mutoscope.platform.accounts.public import Person
from mutoscope.platform.billing import books
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.models import Entitlement, Payout, Purchase, Tip, TopUp
from mutoscope.platform.billing.payouts.signing import PaidBySigner
from tests.engines.solana.payments.shop import Shop as Merchant
from tests.engines.solana.signer.house import House, key
from tests.journeys.paying import plays, the_books_agree, watched_until
from tests.journeys.visitor import Visitor
from tests.people import PASSWORD
from tests.platform.billing.paying import ADDRESS, CREATOR, paid_by, settle
from tests.platform.billing.shop import PRICES, Shop

pytestmark = pytest.mark.browser

Visit = Callable[..., Visitor]
# 30 for a day, 20 as a tip, 30 for another day; a tenth of each is the site's.
EARNED = 27 + 18 + 27


@pytest.mark.usefixtures("empty_books")
def test_from_signing_up_to_the_creator_being_paid(
    visit: Visit, shop: Shop, merchant: Merchant, settings: Any, tmp_path: Path
) -> None:
    settings.PAYOUT_DELAY_DAYS, settings.PAYOUT_POINTS_MIN = 0, 50
    viewer = visit()
    signs_up(viewer)
    film = f"/watch/{shop.video.public_id}/{shop.video.slug()}"
    sees_what_it_costs(viewer, film)
    pays_in_usdc_beside_the_film(viewer, merchant, film)
    unlocks_and_watches(viewer)
    gives_a_tip(viewer)
    pays_in_sol_with_a_wallet_of_their_own(viewer, merchant)
    comes_back_after_the_day(viewer)
    creator = visit()
    creator.becomes(shop.creator)
    house = House(tmp_path, merchant.chain)
    house.chain.give(key(house.payout), 10**9)
    with paid_by(PaidBySigner()), override_settings(PAYOUT_POINT_USD="0.01", PAYOUT_TOKEN="USDC"):
        says_where_to_pay(creator)
        is_paid(creator, shop, house)
    house.signer.close()
    the_books_agree()


def signs_up(viewer: Visitor) -> None:
    viewer.goto("/account/signup/")
    viewer.fill(email="ada@example.org", username="Ada", password=PASSWORD)
    viewer.press("Sign up")
    viewer.sees_heading("Look into your mailbox")
    viewer.follow("Open the outbox")
    viewer.opens(viewer.page.get_by_role("link", name="Confirm your email address"))
    viewer.opens(viewer.page.locator(".mail-body a").first)
    viewer.press("Yes, confirm")
    viewer.sees("ada@example.org is confirmed.")


def sees_what_it_costs(viewer: Visitor, film: str) -> None:
    page = viewer.goto("/")
    viewer.opens(page.get_by_role("link", name="The Salt Road at Night").first)
    viewer.goto(film)
    expect(page.locator("[data-trailer]")).to_be_visible()
    viewer.sees("One day")
    viewer.sees(f"{PRICES[Term.DAY]} are missing")
    viewer.look("film-short-of-points")


def pays_in_usdc_beside_the_film(viewer: Visitor, merchant: Merchant, film: str) -> None:
    """The panel turns into the top-up; nobody leaves the page until the points are there."""
    page = viewer.page
    page.evaluate("window.neverLeft = true")
    page.get_by_role("link", name="Get 100 points for $1.00").first.click()
    viewer.sees("100 points for $1.00")
    viewer.look("film-top-up")
    viewer.press("Pay with USDC")
    viewer.sees("Send exactly")
    code = page.locator(".pay-code").bounding_box()
    assert code is not None
    assert min(code["width"], code["height"]) >= 240
    expect(page.get_by_role("link", name="Open wallet")).to_have_attribute("href", re.compile(r"^solana:.+amount=1&"))
    viewer.look("film-top-up-waiting")
    viewer.press("Pay with play money")
    expect(page.get_by_role("button", name="Pay with play money")).to_be_hidden()
    steps = page.locator("#standing [aria-current=step]")
    watched_until(merchant, lambda: steps.inner_text() != "Waiting", page)
    viewer.look("film-top-up-seen")
    assert page.evaluate("window.neverLeft") is True
    assert page.url.endswith(film)
    is_credited(merchant, page)
    # By itself, back to the very film.
    viewer.sees("100 points are yours")
    assert film.startswith(f"/watch/{TopUp.objects.get().film}")


def is_credited(merchant: Merchant, page: Page) -> None:
    merchant.chain.finalize()
    newest = TopUp.objects.order_by("-pk")
    watched_until(merchant, lambda: newest.values_list("transfer_id", flat=True)[0] is not None, page)


def unlocks_and_watches(viewer: Visitor) -> None:
    viewer.press(f"Unlock for {PRICES[Term.DAY]} points")
    viewer.sees("You paid 30 points")
    plays(viewer.page, 1.0)


def gives_a_tip(viewer: Visitor) -> None:
    viewer.follow("Tip the creator")
    viewer.fill(points="20", Note="The bridge at dawn")
    viewer.page.get_by_label("It may stand under the film").check()
    viewer.press("Give")
    viewer.sees("got your 20 points")
    assert Tip.objects.get().note == "The bridge at dawn"


def pays_in_sol_with_a_wallet_of_their_own(viewer: Visitor, merchant: Merchant) -> None:
    """Amount and address as the page shows them, copied into a wallet that this test holds the key of."""
    page = viewer.goto("/wallet/")
    viewer.opens(page.get_by_role("link", name="100 points").first)
    with page.expect_navigation():
        viewer.press("Pay with SOL")
    lamports = Decimal(page.locator("#pay-amount").inner_text()) * LAMPORTS_PER_SOL
    address = page.locator("#pay-address").inner_text().strip()
    merchant.send(merchant.transfer(Pubkey.from_string(address), int(lamports)))
    is_credited(merchant, page)
    viewer.sees("100 points are yours")
    viewer.look("top-up-credited")
    page = viewer.goto("/wallet/")
    viewer.sees("Points bought")
    viewer.look("wallet-topped-up")
    assert books.points_of(Person.objects.get(username="ada").pk) == 100 + 100 - 30 - 20


def comes_back_after_the_day(viewer: Visitor) -> None:
    """The rows are moved, not the clock: a day and two hours have passed."""
    passed = timedelta(hours=26)
    Entitlement.objects.update(expires_at=F("expires_at") - passed)
    Purchase.objects.update(
        bought_at=F("bought_at") - passed, starts_at=F("starts_at") - passed, expires_at=F("expires_at") - passed
    )
    page = viewer.goto("/library/")
    viewer.sees("Ended")
    viewer.look("library-ended")
    with page.expect_navigation(url="**/watch/**"):
        page.get_by_role("button", name="Again for a day, 30 points").click()
    page.locator("[data-start]").click()
    plays(page)
    assert Purchase.objects.count() == 2


def says_where_to_pay(creator: Visitor) -> None:
    """The wallet signs the message as it stands on the page."""
    creator.goto("/studio/earnings/")
    creator.follow("Set your address")
    creator.page.get_by_label("Your wallet's address").fill(ADDRESS)
    creator.press("Go on to sign")
    message = creator.page.locator("#to-sign").text_content() or ""
    creator.page.get_by_label("Signature").fill(str(CREATOR.sign_message(message.encode())))
    creator.press("This address is mine")
    creator.sees("Paid in USDC to")


def is_paid(creator: Visitor, shop: Shop, house: House) -> None:
    creator.goto("/studio/earnings/")
    creator.sees(f"From 50 to {EARNED}")
    creator.press("Ask for the payout")
    creator.sees("A payout is under way")
    payout = Payout.objects.get()
    assert payout.points == EARNED
    settle(house, payout)
    assert house.tokens(ADDRESS) == EARNED * 10_000  # a cent a point, in millionths of a dollar
    creator.goto("/studio/earnings/")
    creator.sees("transaction")
    creator.look("studio-earnings-paid")
    assert books.balance(books.Kind.EARNINGS, shop.video.channel_id).posted == 0
