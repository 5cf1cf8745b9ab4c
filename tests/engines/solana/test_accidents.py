"""The accidents among what payments on Solana are known for; the attacks are in test_attacks.py."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair

from mutoscope.engines.solana import public
from mutoscope.engines.solana.chain import TEST_USDC, Refused, programs
from mutoscope.engines.solana.models import Transfer, WatchedAccount
from mutoscope.engines.solana.payments.creation import RENT_MINIMUM_LAMPORTS
from mutoscope.engines.solana.payments.domain.states import Money, Status
from mutoscope.engines.solana.rpc import questions
from tests.engines.solana.payments.shop import SOL, USDC, WALLETS, Shop

PRICE = 500_000_000
WAITING = (Status.WAITING, Money.NOTHING)
PAID = (Status.SETTLED, Money.EXACT)
WAYS = pytest.mark.parametrize("by", ["reference", "wallet"])


def test_closed_or_re_created_token_account(shop: Shop) -> None:
    payment = shop.offer({USDC: 5_000_000})
    shop.pay(payment, 2_000_000, TEST_USDC)
    shop.look()
    owner = WALLETS[payment.recipient]
    account = TEST_USDC.account_of(owner.pubkey())
    back = programs.transfer_token(
        account,
        TEST_USDC.mint,
        TEST_USDC.account_of(shop.payer.pubkey()),
        owner.pubkey(),
        2_000_000,
        6,
        TEST_USDC.program,
    )
    close = Instruction(
        TEST_USDC.program,
        bytes([9]),
        [
            AccountMeta(account, False, True),
            AccountMeta(shop.payer.pubkey(), False, True),
            AccountMeta(owner.pubkey(), True, False),
        ],
    )
    shop.send([back, close], owner)
    shop.look()
    assert shop.stands(payment) == (Status.WAITING, Money.PARTIAL)
    shop.pay(payment, 3_000_000, TEST_USDC)
    shop.look()
    assert shop.stands(payment) == PAID
    assert sum(Transfer.objects.filter(account=str(account)).values_list("amount", flat=True)) == 3_000_000
    assert shop.watcher.audit() == []


def test_less_than_the_rent_minimum_to_a_fresh_address(shop: Shop) -> None:
    assert questions.rent_minimum(shop.rpc) == RENT_MINIMUM_LAMPORTS
    with pytest.raises(public.PriceNotPayable, match=str(RENT_MINIMUM_LAMPORTS)):
        shop.offer({SOL: RENT_MINIMUM_LAMPORTS - 1})
    payment = shop.offer({SOL: RENT_MINIMUM_LAMPORTS})
    with pytest.raises(Refused):
        shop.pay(payment, RENT_MINIMUM_LAMPORTS - 1)
    shop.pay(payment, RENT_MINIMUM_LAMPORTS)
    shop.look()
    assert shop.stands(payment) == PAID


@WAYS
def test_late(shop: Shop, by: str) -> None:
    """By the block's time, not by the moment somebody looked."""
    payment = shop.offer({SOL: PRICE}, by)
    WatchedAccount.objects.update(since=payment.created_at - timedelta(days=2))
    shop.let_time_pass(payment)
    shop.pay(payment, PRICE)
    shop.look()
    assert shop.stands(payment) == (Status.EXPIRED, Money.LATE)
    assert [step.value for step in payment.next_steps()] == ["review"]
    assert "late" in shop.news(payment)
    public.accept_late(payment)
    assert shop.stands(payment) == PAID
    assert shop.news(payment)[-1] == "settled"


@pytest.mark.parametrize(("amount", "decimals"), [(1, 9), (1, 18), (10**18, 9), (123_456_789, 6), (2**64 - 1, 0)])
def test_exponent_or_long_decimals_in_the_url(amount: int, decimals: int) -> None:
    link = public.transfer_link(str(Keypair().pubkey()), amount, decimals)
    written = re.search(r"[?&]amount=([^&]*)", link)
    assert written
    whole, _, fraction = written[1].partition(".")
    assert whole.isdigit()
    assert len(fraction) <= decimals
    assert public.base_units(written[1], decimals) == amount
