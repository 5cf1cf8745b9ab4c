"""How often nodes are asked, who leads, and what is left after an outage."""

from __future__ import annotations

import tracemalloc
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from solders.keypair import Keypair

from mutoscope.engines.solana.models import Lease, Payment, WatchedAccount
from mutoscope.engines.solana.payments.domain.states import Money, Status
from mutoscope.engines.solana.watcher.leading import Leadership
from mutoscope.engines.solana.watcher.pace import pause_s
from tests.engines.solana.payments.shop import SOL, USDC, Shop

PRICES = {SOL: 10_000_000, USDC: 1_000_000}


def test_calls_grow_with_accounts_by_the_hundred_and_not_with_payments(shop: Shop) -> None:
    for _ in range(120):
        shop.offer(PRICES)
    shop.rpc.call("getSlot")
    before = shop.rpc.calls.total()
    shop.glance()
    assert shop.rpc.calls.total() - before == 3


def test_payments_by_reference_cost_one_call_for_each_of_the_merchants_accounts(shop: Shop) -> None:
    payments = [shop.offer(PRICES, "reference") for _ in range(50)]
    shop.look()
    before = shop.rpc.calls.total()
    shop.look()
    assert shop.rpc.calls.total() - before == 2
    for payment in payments[:5]:
        shop.pay(payment, PRICES[SOL])
    before = shop.rpc.calls.total()
    shop.look()
    assert shop.rpc.calls.total() - before == 7
    assert [shop.stands(payment)[0] for payment in payments[:5]] == [Status.SETTLED] * 5


def test_nobody_is_asked_when_nobody_may_be_paying(shop: Shop) -> None:
    shop.glance()
    assert shop.rpc.calls.total() == 0


@pytest.mark.parametrize("by", ["reference", "wallet"])
def test_an_outage_of_any_length_loses_nothing(shop: Shop, by: str) -> None:
    first, second = shop.offer({SOL: 10_000_000}, by), shop.offer({SOL: 10_000_000}, by)
    shop.pay(first, 10_000_000)
    shop.look()
    shop.restart()
    shop.pay(second, 4_000_000)
    shop.chain.advance(1000)
    shop.pay(second, 6_000_000)
    shop.look_until_done()
    assert shop.stands(first) == shop.stands(second) == (Status.SETTLED, Money.EXACT)


def test_what_fits_no_payment_is_listed(shop: Shop) -> None:
    payment = shop.offer(PRICES, "reference")
    shop.send(shop.transfer(shop.merchant.pubkey(), 5_000_000))
    shop.look()
    assert shop.unmatched() == [("no_reference", 5_000_000)]
    assert shop.stands(payment) == (Status.WAITING, Money.NOTHING)


def test_the_audit_finds_what_was_there_before_and_explains_the_rest(shop: Shop) -> None:
    shop.chain.airdrop(shop.merchant.pubkey(), 7_000_000)
    shop.chain.advance(seconds=3600)
    shop.chain.finalize()
    payment = shop.offer({SOL: 10_000_000}, "reference")
    WatchedAccount.objects.update(since=timezone.now() + timedelta(minutes=30))
    shop.pay(payment, 10_000_000)
    shop.look()
    assert shop.watcher.audit() == []
    account = WatchedAccount.objects.get()
    assert (account.opening, account.recorded) == (7_000_000, 10_000_000)


def test_a_signature_that_a_node_left_out_is_found_by_the_audit(shop: Shop) -> None:
    payment = shop.offer({SOL: 10_000_000})
    left_out = shop.pay(payment, 10_000_000)
    shop.chain.finalize()
    later = shop.chain.bank.head().number + 10**6
    # As a node that hid it would have left the cursor: past it, with nothing recorded and nothing due.
    WatchedAccount.objects.update(until_signature=str(left_out), until_slot=later, next_look_at=None)
    assert shop.watcher.audit() == []
    assert shop.stands(payment) == (Status.SETTLED, Money.EXACT)


@pytest.mark.django_db
def test_one_leads_until_it_stops_renewing() -> None:
    one, two = Leadership(), Leadership()
    assert one.take()
    assert one.take()
    assert not two.take()
    Lease.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert two.take()
    assert not one.take()
    two.give_up()
    assert one.take()


def test_the_pause_grows_with_age_and_ends() -> None:
    ages = [0, 60, 599, 601, 3599, 3601, 86_399, 86_401, 10**7]
    pauses = [pause_s(age, None, 2.0, 1000) or 0 for age in ages]
    assert pauses == sorted(pauses)
    assert pauses[0] == 2.0
    assert pause_s(10, 999, 2.0, 1000) == 60
    assert pause_s(10, 1001, 2.0, 1000) is None


def test_memory_is_flat_however_many_wait(shop: Shop) -> None:
    def most(payments: int) -> int:
        _insert(shop, payments)
        shop.glance()
        tracemalloc.start()
        shop.glance()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    few = most(100)
    assert most(500) < 2 * few + 500_000


def _insert(shop: Shop, number: int) -> None:
    now = timezone.now()
    made = [
        Payment(
            receives_by="wallet", recipient=str(Keypair().pubkey()), created_at=now, expires_at=now + timedelta(days=1)
        )
        for _ in range(number)
    ]
    Payment.objects.bulk_create(made)
    WatchedAccount.objects.bulk_create(
        WatchedAccount(
            address=each.recipient, owner=each.recipient, token_id=shop.sol.pk, kind="one_time", payment=each, opening=0
        )
        for each in made
    )


@pytest.mark.django_db
def test_the_configuration_is_checked(settings: Any) -> None:
    settings.MUTOSCOPE_SOLANA = {
        "RPC": ["http://example.com"],
        "CLUSTER": "moon",
        "RECEIVE_TO": "me",
        "TYPO": 1,
        "TICK_S": 0,
    }
    from mutoscope.engines.solana.checks import check_configuration

    found = {message.id for message in check_configuration()}
    assert found == {f"mutoscope_solana.E00{number}" for number in (3, 5, 7, 8, 9)}
    assert all(message.hint for message in check_configuration())
    for broken in (
        {"TICK_S": float("nan")},
        {"TICK_S": float("inf")},
        {"WALLETS": "shop.nowhere.claim"},
        {"OFFERS": "no dots"},
        {"MAY_SEE": "mutoscope.engines.solana.checks.PREFIX"},
    ):
        settings.MUTOSCOPE_SOLANA = {"RPC": ["https://rpc.example.com"], "RECEIVE_BY": "wallet", **broken}
        (message,) = check_configuration()
        assert next(iter(broken)) in message.msg
        assert message.id == ("mutoscope_solana.E008" if "TICK_S" in broken else "mutoscope_solana.E010")
        assert message.hint
    settings.MUTOSCOPE_SOLANA = {"RPC": 7}
    assert [message.id for message in check_configuration()] == ["mutoscope_solana.E001"]
