"""A token that nobody configured goes back from the wallet that it came to, and nowhere else; by hand where the signer cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from django.utils import timezone
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from mutoscope.engines.solana.chain import TEST_FEE_TOKEN
from mutoscope.engines.solana.models import StraySearch, Transfer
from mutoscope.engines.solana.payments.abstract import AbstractPayment
from mutoscope.engines.solana.payments.refunding import request_refunds, returnable
from mutoscope.engines.solana.payments.returned import Claimed, NotReturned, check_returned
from mutoscope.engines.solana.signer.models import SignerJob
from mutoscope.engines.solana.signer.requests import request_payout, request_refund
from tests.engines.solana.payments.shop import FEE, SOL, USDC, Shop, open_shop
from tests.engines.solana.signer.house import TREASURY, House, key

SENT, CAME = 4_000_000, 3_960_000  # the mint takes one per cent
LISTED = [{"name": "SOL", "sweep_to": str(TREASURY.pubkey()), "refund_max": 10**12, "refund_day_max": 10**12}]
Open = Callable[..., tuple[Shop, House]]


@pytest.fixture
def open_house(db: None, tmp_path: Path) -> Iterator[Open]:
    """A shop whose signer lists SOL alone."""
    with open_shop(WALLETS="mutoscope.engines.solana.wallets.claim") as shop:
        opened: list[House] = []

        def make(**changes: object) -> tuple[Shop, House]:
            opened.append(House(tmp_path, shop.chain, **{"token": LISTED, "refund_unlisted": True, **changes}))
            return shop, opened[0]

        yield make
        opened[0].close()


def ended_with_a_stray(shop: Shop) -> AbstractPayment:
    payment = shop.offer({SOL: 10_000_000, USDC: 1_000_000})
    send(shop, payment)
    shop.let_time_pass(payment)
    find(shop, payment)
    payment.refresh_from_db()
    return payment


def send(shop: Shop, payment: AbstractPayment) -> str:
    shop.chain.give(shop.payer.pubkey(), SENT, TEST_FEE_TOKEN)
    return str(shop.send(shop.transfer(Pubkey.from_string(payment.recipient), SENT, TEST_FEE_TOKEN)))


def find(shop: Shop, payment: AbstractPayment) -> None:
    shop.look()
    StraySearch.objects.filter(payment=payment.pk).update(due_at=timezone.now())
    shop.look()


def refund(payment: AbstractPayment) -> SignerJob:
    (job,) = request_refunds(payment)
    return job


def test_it_is_returnable_with_its_own_decimals_and_goes_back_to_who_paid(open_house: Open) -> None:
    shop, house = open_house()
    payment = ended_with_a_stray(shop)
    (left,) = returnable(payment)
    assert (left.amount, left.decimals, left.is_accepted, left.mint) == (CAME, 6, False, FEE)
    assert left.symbol == f"{FEE[:4]}…{FEE[-4:]}"
    before = house.tokens(str(shop.payer.pubkey()), TEST_FEE_TOKEN)
    job = refund(payment)
    house.settle(job)
    assert job.state == "settled", job.reason
    assert house.tokens(str(shop.payer.pubkey()), TEST_FEE_TOKEN) == before + CAME * 99 // 100
    assert house.tokens(payment.recipient, TEST_FEE_TOKEN) == 0
    assert returnable(payment) == []


def test_the_same_again_after_it_went_back_is_found_again(open_house: Open) -> None:
    shop, house = open_house()
    payment = ended_with_a_stray(shop)
    house.settle(refund(payment))
    send(shop, payment)
    find(shop, payment)
    assert Transfer.objects.filter(mint=FEE, payment=payment.pk, amount=CAME).count() == 2
    assert [each.amount for each in returnable(payment)] == [CAME]


def test_without_the_operators_leave_it_stays(open_house: Open) -> None:
    shop, house = open_house(refund_unlisted=False)
    payment = ended_with_a_stray(shop)
    job = refund(payment)
    house.settle(job)
    assert job.state == "voided"
    assert "not in the signer's configuration" in job.reason
    assert house.tokens(payment.recipient, TEST_FEE_TOKEN) == CAME
    # Nothing moved: it can be asked for again.
    assert [each.amount for each in returnable(payment)] == [CAME]


def test_never_more_than_came_to_nobody_else_and_not_from_elsewhere(open_house: Open) -> None:
    shop, house = open_house()
    payment = ended_with_a_stray(shop)
    asked = {"receipt": Transfer.objects.get(mint=FEE).signature, "receiver": payment.recipient, "mint": FEE}
    shop.chain.give(key(house.payout), 10 * SENT, TEST_FEE_TOKEN)
    house.chain.finalize()
    too_much = request_refund("too-much", amount=CAME + 1, **asked)  # type: ignore[arg-type]
    elsewhere = request_refund("elsewhere", amount=CAME, destination=str(Keypair().pubkey()), **asked)  # type: ignore[arg-type]
    paid_out = request_payout("payout", destination=str(shop.payer.pubkey()), amount=1, mint=FEE)
    house.settle(too_much, elsewhere, paid_out)
    assert [too_much.state, elsewhere.state, paid_out.state] == ["voided"] * 3
    assert "holds too little" in too_much.reason
    assert house.tokens(house.payout, TEST_FEE_TOKEN) == 10 * SENT


def test_no_account_is_opened_for_it_at_the_operators_expense(open_house: Open) -> None:
    shop, house = open_house(refund_elsewhere=True)
    payment = ended_with_a_stray(shop)
    receipt = Transfer.objects.get(mint=FEE).signature
    stranger = str(Keypair().pubkey())
    job = request_refund("a", receipt=receipt, receiver=payment.recipient, amount=1, mint=FEE, destination=stranger)
    house.settle(job)
    assert (job.state, "no account" in job.reason) == ("voided", True)


def test_what_was_sent_back_by_hand_is_read_on_the_chain(open_house: Open) -> None:
    shop, _ = open_house()
    payment = ended_with_a_stray(shop)
    payer = shop.payer.pubkey()
    merchant, other = shop.person(), shop.person()
    shop.chain.give(merchant.pubkey(), 100 * SENT, TEST_FEE_TOKEN)

    def pay(to: Keypair, amount: int, token: object = TEST_FEE_TOKEN) -> str:
        moved = shop.transfer(to.pubkey(), amount, token, sender=merchant)  # type: ignore[arg-type]
        return str(shop.send(moved, payer=merchant))

    receipt = Transfer.objects.get(mint=FEE).signature
    good, little, astray = pay(shop.payer, CAME), pay(shop.payer, CAME - 1), pay(other, CAME)
    other_token = pay(shop.payer, CAME, None)
    claimed = Claimed(good, receipt, payment.recipient, FEE, CAME)
    with pytest.raises(NotReturned, match="no final transaction"):
        check_returned(shop.rpc, claimed)
    shop.chain.finalize()
    check_returned(shop.rpc, claimed)
    check_returned(shop.rpc, replace(claimed, destination=str(payer)))
    check_returned(shop.rpc, replace(claimed, signature=astray, destination=str(other.pubkey())))
    for wrong, why in (
        (replace(claimed, signature=little), "it moved"),
        (replace(claimed, signature=astray), f"not to {payer} alone"),
        (replace(claimed, signature=other_token), "not to"),
        (replace(claimed, signature=receipt), "that brought them"),
        (replace(claimed, destination=str(other.pubkey())), "not to"),
        (replace(claimed, signature="1" * 64), "no final transaction"),
        (replace(claimed, signature="nonsense"), "cannot be asked"),
    ):
        with pytest.raises(NotReturned, match=why):
            check_returned(shop.rpc, wrong)
