"""Mistakes of known payment libraries in what happens around a payment: its accounts' rent, its endpoints, its keys.

The mistakes with the payment itself are in test_mistakes.py. docs/solana.md lists them all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from mutoscope.engines.solana.chain import TEST_USDC
from mutoscope.engines.solana.keys import write_new_key
from mutoscope.engines.solana.models import Payment, SignerJob
from mutoscope.engines.solana.payments.collecting import request_reclaims, request_sweeps
from mutoscope.engines.solana.signer.requests import request_reclaim, request_sweep
from mutoscope.engines.solana.signer.seeds import Seeds
from mutoscope.engines.solana.signer.vault import KeyRing
from mutoscope.engines.solana.wallets.models import Wallet
from tests.engines.solana.merchants.conftest import selling
from tests.engines.solana.payments.shop import SOL, USDC, Shop, open_shop
from tests.engines.solana.signer.house import House, key
from tests.people import make_person

__all__ = ["selling"]
# Of a classic token account of 165 bytes. Source: https://solana.com/docs/core/accounts
RENT_LAMPORTS = 2_039_280


@pytest.fixture
def kept(db: None, tmp_path: Path) -> Iterator[tuple[Shop, House]]:
    """A shop whose one-time wallets are a signer's."""
    with open_shop(WALLETS="mutoscope.engines.solana.wallets.claim") as shop:
        house = House(tmp_path, shop.chain)
        yield shop, house
        house.close()


def paid_in_usdc(shop: Shop) -> Payment:
    payment = shop.offer({USDC: 1_000_000})
    shop.pay(payment, 1_000_000, TEST_USDC)
    shop.look()
    assert isinstance(payment, Payment)
    return payment


def test_closing_accounts_with_money_in_them(kept: tuple[Shop, House]) -> None:
    shop, house = kept
    payment = paid_in_usdc(shop)
    # Not by the command, which asks for empty ones only, and not by whoever asks the signer all the same.
    assert request_reclaims() == 0
    job = request_reclaim(Wallet.objects.get(address=payment.recipient), USDC)
    house.settle(job)
    assert (job.state, "Money is inside" in job.reason) == ("voided", True)
    assert shop.chain.token_balance(key(payment.recipient)) == 1_000_000


def test_re_evaluating_a_queryset_after_update_so_that_rent_is_never_reclaimed(kept: tuple[Shop, House]) -> None:
    shop, house = kept
    payments = [paid_in_usdc(shop) for _ in range(3)]
    assert request_sweeps() == 3
    house.settle(*SignerJob.objects.filter(kind="sweep"))
    shop.look()
    before = house.lamports(house.fee)
    assert request_reclaims() == 3
    jobs = list(SignerJob.objects.filter(kind="reclaim"))
    house.settle(*jobs)
    assert [(job.state, job.moved) for job in jobs] == [("settled", RENT_LAMPORTS)] * 3
    assert house.lamports(house.fee) > before + 3 * RENT_LAMPORTS - 100_000
    for payment in payments:
        account = TEST_USDC.account_of(key(payment.recipient))
        assert shop.chain.call("getAccountInfo", str(account))["value"] is None


@pytest.mark.parametrize("door", ["/pay", "/drf"])
def test_anonymous_endpoints_that_spend_the_operators_lamports_or_show_e_mail_addresses(
    selling: Shop, client: Client, door: str
) -> None:
    payment = selling.offer({SOL: 500_000_000}, owner_ref="ada@example.com", metadata={"mail": "ada@example.com"})
    calls = selling.rpc.calls.total()
    asked = client.post(f"{door}/payments/", json.dumps({"item": "tea"}), content_type="application/json")
    assert asked.status_code in (401, 403)
    answers = [client.get(f"{door}/payments/{payment.public_id}/"), client.get(f"{door}/tokens/")]
    client.force_login(make_person("bob"))
    answers += [client.get(f"{door}/payments/{payment.public_id}/")]
    assert [answer.status_code for answer in answers] == [404, 200, 404]
    assert not [answer for answer in (asked, *answers) if b"ada@example.com" in answer.content]
    # Nothing that spends: no node is asked, no job of the signer's, no payment.
    assert selling.rpc.calls.total() == calls
    assert not SignerJob.objects.exists()
    assert Payment.objects.count() == 1


def test_one_encryption_key_without_rotation(kept: tuple[Shop, House]) -> None:
    """The key is changed while money waits in a wallet; the old one opens nothing any more, and the wallet is swept."""
    shop, house = kept
    payment = paid_in_usdc(shop)
    new = write_new_key(house.folder / "new-kek")
    assert Seeds(KeyRing((f"file:{new.path}", f"file:{house.kek.path}")), house.signer.journal).rotate_kek() == 2
    house.kek.path.unlink()
    object.__setattr__(house.configuration, "key_encryption_keys", (f"file:{new.path}",))
    house.signer.close()
    house.signer = house.new_signer()
    job = request_sweep(Wallet.objects.get(address=payment.recipient), USDC)
    house.settle(job)
    assert (job.state, job.moved) == ("settled", 1_000_000)
