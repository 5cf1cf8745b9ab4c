"""Being paid: both ways to receive, both kinds of tokens, on the sandbox chain."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mutoscope.engines.solana import public
from mutoscope.engines.solana.chain import TEST_USDC, dispatch
from mutoscope.engines.solana.payments.domain.addresses import TOKEN_PROGRAM
from mutoscope.engines.solana.payments.domain.states import Money, Status, Step
from tests.engines.solana.payments.shop import SOL, USDC, Shop

WAYS = pytest.mark.parametrize("by", ["reference", "wallet"])
PRICES = {SOL: 500_000_000, USDC: 70_000_000}


@WAYS
@pytest.mark.parametrize("token", [None, TEST_USDC], ids=["SOL", "USDC"])
def test_a_payment_is_settled_at_finality(shop: Shop, by: str, token: object) -> None:
    payment = shop.offer(PRICES, by)
    shop.glance()
    assert shop.stands(payment) == (Status.WAITING, Money.NOTHING)
    signature = shop.pay(payment, PRICES[SOL] if token is None else PRICES[USDC], token)  # type: ignore[arg-type]
    shop.chain.advance(3)
    shop.glance()
    assert shop.stands(payment) == (Status.CONFIRMED, Money.NOTHING)
    shop.look()
    assert shop.stands(payment) == (Status.SETTLED, Money.EXACT)
    assert payment.signature == str(signature)
    assert payment.next_steps() == (Step.CREDIT,)
    assert shop.news(payment) == ["initiated", "confirmed", "settled"]
    assert shop.unmatched() == []


def test_a_one_time_wallet_shows_money_before_it_is_confirmed(shop: Shop) -> None:
    payment = shop.offer(PRICES)
    shop.pay(payment, PRICES[SOL])
    shop.glance()
    assert shop.stands(payment) == (Status.SEEN, Money.NOTHING)
    assert payment.seen_at is not None


@WAYS
def test_what_a_rollback_took_is_waited_for_again(shop: Shop, by: str) -> None:
    payment = shop.offer(PRICES, by)
    shop.chain.finalize()
    shop.pay(payment, PRICES[SOL])
    shop.chain.advance(3)
    shop.glance()
    assert shop.stands(payment)[0] is Status.CONFIRMED
    shop.chain.roll_back()
    shop.chain.advance(3)
    shop.glance()
    assert shop.stands(payment) == (Status.WAITING, Money.NOTHING)
    shop.pay(payment, PRICES[SOL])
    shop.look()
    assert shop.stands(payment) == (Status.SETTLED, Money.EXACT)


@WAYS
def test_an_underpayment_is_completed_by_the_rest(shop: Shop, by: str) -> None:
    payment = shop.offer(PRICES, by)
    shop.pay(payment, 200_000_000)
    shop.look()
    assert shop.stands(payment) == (Status.WAITING, Money.PARTIAL)
    last = shop.pay(payment, 300_000_000)
    shop.look()
    assert shop.stands(payment) == (Status.SETTLED, Money.EXACT)
    assert payment.signature == str(last)
    assert shop.news(payment) == ["initiated", "partial", "settled"]


@WAYS
def test_too_much_twice_and_the_wrong_token_have_their_ends(shop: Shop, by: str) -> None:
    over, double, foreign = (shop.offer({SOL: 500_000_000}, by) for _ in range(3))
    other = shop.offer({USDC: 1}, by)
    shop.pay(over, 500_000_001)
    shop.pay(double, 500_000_000)
    shop.pay(double, 500_000_000)
    shop.pay(foreign, 70_000_000, TEST_USDC)
    shop.look()
    assert shop.stands(over) == (Status.SETTLED, Money.OVER)
    assert shop.stands(double) == (Status.SETTLED, Money.DOUBLE)
    assert shop.stands(other) == (Status.WAITING, Money.NOTHING)
    if by == "reference":
        assert shop.stands(foreign) == (Status.WAITING, Money.FOREIGN)
        assert Step.REVIEW in foreign.next_steps()


def test_creating_a_payment_asks_no_node_anything(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(node: object, name: str, *_: object) -> None:
        asked.append(name)

    # Whoever asks, by whatever client: the chain would hear it.
    monkeypatch.setattr(dispatch, "call", answer)
    with CaptureQueriesContext(connection) as queries:
        shop.offer(PRICES, "reference")
        shop.offer(PRICES, "wallet")
    assert asked == []
    # Six statements each for the rows, and what a transaction begins and ends with.
    assert len(queries) < 20


def test_the_same_key_is_the_same_payment(shop: Shop) -> None:
    first = shop.offer(PRICES, purpose="order:1", idempotency_key="order:1")
    assert shop.offer(PRICES, purpose="order:1", idempotency_key="order:1") == first
    with pytest.raises(public.KeyUsedDifferently):
        shop.offer({SOL: 1_000_000}, purpose="order:1", idempotency_key="order:1")


@pytest.mark.parametrize("prices", [{}, {SOL: 0}, {SOL: -1}, {SOL: 2**64}, {"nothing": 1}, {SOL: True}, {SOL: 1.5}])
def test_a_price_that_nobody_can_pay_is_refused(shop: Shop, prices: dict[str, int]) -> None:
    with pytest.raises(public.PriceNotPayable):
        shop.offer(prices)


@pytest.mark.django_db
@pytest.mark.parametrize("prices", [{SOL: 500_000_000}, {USDC: 70_000_000}], ids=["SOL", "USDC"])
def test_a_wallet_that_is_no_address_is_named_before_anything_is_stored(prices: dict[str, int], settings: Any) -> None:
    settings.MUTOSCOPE_SOLANA = {"RECEIVE_TO": "the address of your wallet"}
    tokens = public.token_model().objects
    tokens.get_or_create(symbol="SOL", defaults={"decimals": 9})
    tokens.get_or_create(symbol="USDC", defaults={"mint": USDC, "program": TOKEN_PROGRAM, "decimals": 6})
    before = public.payment_model().objects.count()
    with pytest.raises(public.NowhereToReceive, match=r"RECEIVE_TO.* is not an address"):
        public.create_payment(prices)
    assert public.payment_model().objects.count() == before
