"""A creator proves where they want to be paid by signing with the sandbox wallet, asks for a payout, and sees it arrive."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.test import override_settings
from playwright.sync_api import expect

from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.models import Payout
from tests.engines.solana.signer.house import House
from tests.journeys.visitor import Visitor
from tests.people import PASSWORD
from tests.platform.billing.paying import paid_by_signer, settle
from tests.platform.billing.shop import Shop

pytestmark = pytest.mark.browser

Visit = Callable[..., Visitor]


@pytest.fixture
def house(site: str, tmp_path: Path) -> Iterator[House]:
    opened = House(tmp_path)
    opened.chain.start()
    with paid_by_signer(opened):
        play = {**site_settings.TOP_UPS, "PLAY_WALLET": opened.chain.url}
        with override_settings(TOP_UPS=play, EXPLORER_TRANSACTION=f"{opened.chain.url}/#transaction/{{signature}}"):
            yield opened
    opened.close()
    opened.chain.stop()


def test_a_creator_proves_an_address_and_is_paid(visit: Visit, house: House, settings: Any) -> None:
    settings.PAYOUT_DELAY_DAYS, settings.PAYOUT_POINTS_MIN = 0, 50
    shop = Shop.open()
    shop.unlock(Term.LIFETIME)
    shop.creator.set_password(PASSWORD)
    shop.creator.save()
    visitor = visit()
    visitor.expected_statuses.add(422)
    visitor.becomes(shop.creator)
    page = visitor.goto("/studio/earnings/")
    visitor.follow("Set your address")
    visitor.look("payout-address")
    visitor.fill(Your_wallet="somewhere")
    visitor.press("Go on to sign")
    visitor.proves_it(PASSWORD)
    visitor.sees("This is not a Solana address")
    wallet = house.chain.wallet()
    visitor.fill(Your_wallet=str(wallet.address))
    visitor.press("Go on to sign")
    visitor.sees("Sign this message")
    visitor.look("payout-sign")
    visitor.fill(Signature="1" * 64)
    visitor.press("This address is mine")
    visitor.sees("This is not the signature of")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open the sandbox wallet").click()
    chain_page = opened.value
    expect(chain_page.get_by_label("Message")).to_have_value(re.compile(str(wallet.address)))
    chain_page.get_by_role("button", name="Sign", exact=True).click()
    signature = chain_page.locator("#signature")
    expect(signature).to_be_visible()
    for size, (width, height) in {"desktop": (1280, 800), "phone": (390, 844)}.items():
        chain_page.set_viewport_size({"width": width, "height": height})
        chain_page.screenshot(path=f"var/screenshots/chain-signed-{size}.png", full_page=True)
        assert chain_page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    visitor.fill(Signature=signature.inner_text())
    chain_page.close()
    visitor.press("This address is mine")
    visitor.sees("Payouts go there from now on.")
    before = house.tokens(str(wallet.address))
    visitor.fill(Points="100")
    visitor.press("Ask for the payout")
    visitor.sees("Requested: the signer takes it next.")
    payout = Payout.objects.get()
    settle(house, payout)
    visitor.goto("/studio/earnings/")
    visitor.sees("Paid.")
    link = page.get_by_role("link", name="transaction")
    expect(link).to_have_attribute("href", f"{house.chain.url}/#transaction/{payout.reference}")
    visitor.look("payout-paid")
    page.screenshot(path="var/screenshots/payout-paid-whole.png", full_page=True)
    assert house.tokens(str(wallet.address)) - before == 1_000_000
