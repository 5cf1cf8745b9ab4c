"""Money that bought no points comes back, in a real browser: asked for, approved by an operator with a reason, sent by the signer, seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from playwright.sync_api import Page, expect
from solders.pubkey import Pubkey

from mutoscope.engines.solana.chain import TEST_FEE_TOKEN, TEST_USDC
from mutoscope.engines.solana.models import StraySearch
from mutoscope.engines.solana.outbox.telling import tell_due
from mutoscope.engines.solana.public import payment_model
from mutoscope.engines.solana.signer.models import SignerJob
from mutoscope.engines.solana.signer.outbox import tell_jobs
from mutoscope.platform.billing.models import TopUp, TopUpRefund
from tests.engines.solana.payments.shop import FEE
from tests.engines.solana.payments.shop import Shop as Merchant
from tests.engines.solana.signer.house import House
from tests.journeys.paying import film_merchant, the_books_agree, watched_until
from tests.journeys.visitor import Visitor
from tests.people import PASSWORD, make_person
from tests.platform.billing.shop import Shop
from tests.platform.billing.topup_refunds.counter import OWN, OWN_ADDRESS, listed

pytestmark = pytest.mark.browser

Visit = Callable[..., Visitor]
STRAY = f"{FEE[:4]}…{FEE[-4:]}"


@pytest.fixture
def merchant(site: str) -> Iterator[Merchant]:
    """Whose one-time wallets are the signer's."""
    with film_merchant(WALLETS="mutoscope.engines.solana.wallets.claim") as opened:
        yield opened


@pytest.fixture
def house(merchant: Merchant, tmp_path: Path) -> Iterator[House]:
    opened = House(tmp_path, merchant.chain, token=listed(), refund_elsewhere=True, refund_unlisted=True)
    yield opened
    opened.close()


@pytest.mark.usefixtures("empty_books")
def test_too_much_and_in_another_token_from_the_page_to_the_wallet(
    visit: Visit, shop: Shop, merchant: Merchant, house: House
) -> None:
    shop.viewer.set_password(PASSWORD)
    shop.viewer.save()
    viewer = visit()
    viewer.becomes(shop.viewer)
    too_much = sends_half_a_dollar_too_much(viewer, merchant)
    stray = sends_a_token_that_nobody_asked_for(viewer, merchant)
    asks_for_it_at_another_wallet(viewer, too_much)
    asks_for_it_back_where_it_came_from(viewer, stray)
    operator = visit()
    approves(operator)
    sees_it_sent(viewer, house, merchant, too_much, stray)
    assert house.tokens(OWN_ADDRESS) == 500_000
    assert house.tokens(str(merchant.payer.pubkey()), TEST_FEE_TOKEN) == 3_960_000 * 99 // 100
    the_books_agree()


def begins_to_pay(viewer: Visitor, symbol: str) -> Page:
    page = viewer.goto("/wallet/")
    viewer.opens(page.get_by_role("link", name="100 points").first)
    with page.expect_navigation():
        viewer.press(f"Pay with {symbol}")
    return page


def address_on(page: Page) -> Pubkey:
    return Pubkey.from_string(page.locator("#pay-address").inner_text().strip())


def sends_half_a_dollar_too_much(viewer: Visitor, merchant: Merchant) -> str:
    page = begins_to_pay(viewer, "USDC")
    dollars = Decimal(page.locator("#pay-amount").inner_text()) + Decimal("0.5")
    merchant.send(merchant.transfer(address_on(page), int(dollars * 10**6), TEST_USDC))
    merchant.chain.finalize()
    watched_until(merchant, lambda: TopUp.objects.filter(credited_at__isnull=False).exists(), page)
    viewer.sees("100 points are yours")
    viewer.sees("You sent 0.5 USDC more than asked.")
    viewer.look("top-up-over")
    return page.url


def sends_a_token_that_nobody_asked_for(viewer: Visitor, merchant: Merchant) -> str:
    """And the time to pay is over."""
    page = begins_to_pay(viewer, "SOL")
    merchant.chain.give(merchant.payer.pubkey(), 4_000_000, TEST_FEE_TOKEN)
    merchant.send(merchant.transfer(address_on(page), 4_000_000, TEST_FEE_TOKEN))
    payment = payment_model().objects.get(pk=TopUp.objects.latest("pk").payment_id)
    merchant.let_time_pass(payment)
    StraySearch.objects.update(due_at=timezone.now())
    merchant.look()
    watched_until(merchant, lambda: "foreign" in merchant.news(payment), page)
    page.reload()
    viewer.sees("Another token arrived than SOL.")
    viewer.sees(f"Get 3.96 {STRAY} back")
    viewer.look("top-up-another-token")
    return page.url


def asks_for_it_at_another_wallet(viewer: Visitor, top_up: str) -> None:
    """They paid from an exchange: their own wallet signs."""
    page = viewer.goto(top_up)
    viewer.follow("Get 0.5 USDC back")
    viewer.look("refund-where-to")
    viewer.fill(Its_address=OWN_ADDRESS)
    viewer.press("Go on to sign")
    viewer.proves_it(PASSWORD)
    viewer.sees("Sign this message")
    viewer.look("refund-sign")
    message = page.locator("#to-sign").text_content() or ""
    viewer.fill(Signature=str(OWN.sign_message(message.encode())))
    viewer.press("Send it to this address")
    viewer.sees("Asked for: somebody of the staff looks at it.")
    viewer.look("refund-asked-for")


def asks_for_it_back_where_it_came_from(viewer: Visitor, top_up: str) -> None:
    viewer.goto(top_up)
    viewer.follow(f"Get 3.96 {STRAY} back")
    viewer.sees(FEE)
    viewer.press("I paid from my own wallet: send it there")
    viewer.sees("Asked for: somebody of the staff looks at it.")


def approves(operator: Visitor) -> None:
    """Not without a reason."""
    person = make_person("olga", is_staff=True)
    person.groups.add(Group.objects.get(name="operator"))
    operator.becomes(person)
    page = operator.goto("/operator/billing/topuprefund/")
    operator.sees("waits for approval")
    page.get_by_role("checkbox", name="Select all objects on this page for an action").check()
    page.get_by_label("Action:").select_option("approve")
    operator.press("Go")
    operator.sees("Say why")
    page.get_by_role("checkbox", name="Select all objects on this page for an action").check()
    page.get_by_label("Action:").select_option("approve")
    page.get_by_label("Reason:").fill("They sent too much, and a token that we do not take.")
    operator.press("Go")
    operator.sees("approved.")
    assert set(TopUpRefund.objects.values_list("state", flat=True)) == {"approved"}
    operator.look("operator-refunds", is_ours=False)


def sees_it_sent(viewer: Visitor, house: House, merchant: Merchant, *top_ups: str) -> None:
    """The page that is open moves by itself."""
    page = viewer.goto(top_ups[0])
    viewer.sees("Approved: the signer sends it next.")
    house.settle(*SignerJob.objects.filter(kind="refund"))
    tell_jobs()
    viewer.sees("Sent back.")
    refund = TopUpRefund.objects.get(address__isnull=False)
    link = page.get_by_role("link", name="See the transaction")
    assert refund.signature in (link.get_attribute("href") or "")
    viewer.look("refund-sent")
    viewer.goto(top_ups[1])
    viewer.sees("Sent back.")
    viewer.goto("/wallet/")
    expect(page.locator("body")).to_contain_text("Credited, refunded")
    viewer.look("wallet-refunded")
    # What left is recorded too, before the books are compared.
    merchant.look()
    tell_due()
