"""Money in accounts that nobody watches, and money that leaves one-time wallets: both are recorded and told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.utils import timezone
from solders.pubkey import Pubkey

from mutoscope.engines.solana.chain import TEST_FEE_TOKEN, TEST_USDC, Fault
from mutoscope.engines.solana.models import Event, StraySearch, Transfer, WatchedAccount
from mutoscope.engines.solana.outbox import signals
from mutoscope.engines.solana.outbox.telling import tell_due
from mutoscope.engines.solana.payments.abstract import AbstractPayment
from mutoscope.engines.solana.payments.collecting import request_sweeps
from mutoscope.engines.solana.payments.domain.states import Money, Status, Step
from mutoscope.engines.solana.payments.refunding import request_refunds, returnable
from mutoscope.engines.solana.payments.swapped import token_model
from mutoscope.engines.solana.public import GoesBack, accept_late
from mutoscope.engines.solana.signer.models import SignerJob
from mutoscope.engines.solana.signer.requests import request_sweep
from mutoscope.engines.solana.wallets.models import Wallet
from mutoscope.engines.solana.watcher.watcher import Watcher
from tests.engines.solana.payments.shop import FEE, SOL, USDC, Shop, open_shop
from tests.engines.solana.signer.house import House, key


def send_to_an_account_that_is_there_already(shop: Shop, owner: str, amount: int, references: list[str]) -> str:
    """A foreign token, by a transaction that names no account which anybody watches; its signature."""
    to = Pubkey.from_string(owner)
    shop.chain.give(shop.payer.pubkey(), 10 * amount, TEST_FEE_TOKEN)
    # The account is made first and apart, by somebody else's transaction.
    create, _ = shop.transfer(to, 1, TEST_FEE_TOKEN)
    shop.send([create])
    _, move = shop.transfer(to, amount, TEST_FEE_TOKEN, references)
    return str(shop.send([move]))


def end(shop: Shop, payment: AbstractPayment) -> None:
    """Its search is due."""
    StraySearch.objects.filter(payment=payment.pk).update(due_at=timezone.now())


@pytest.mark.parametrize("by", ["wallet", "reference"])
def test_a_token_nobody_offered_in_an_account_nobody_watches_is_found(shop: Shop, by: str) -> None:
    payment, other = shop.offer({SOL: 10_000_000, USDC: 1_000_000}, by), shop.offer({SOL: 10_000_000}, by)
    named = [str(payment.reference)] if payment.reference else []
    signature = send_to_an_account_that_is_there_already(shop, payment.recipient, 4_000_000, named)
    shop.look()
    # No balance that is looked at has moved.
    assert not Transfer.objects.filter(mint=FEE).exists()
    end(shop, payment)
    shop.look()
    found = Transfer.objects.get(mint=FEE)
    # The mint takes one per cent of what is sent.
    assert (found.signature, found.payment_id, found.amount) == (signature, payment.pk, 3_960_000)
    assert shop.stands(payment) == (Status.WAITING, Money.FOREIGN)
    assert Step.REVIEW in payment.next_steps()
    assert "foreign" in shop.news(payment)
    assert shop.stands(other) == (Status.WAITING, Money.NOTHING)
    # Looked for again later, and found once.
    assert StraySearch.objects.get(payment=payment.pk).due_at > timezone.now()
    end(shop, payment)
    shop.look()
    assert Transfer.objects.filter(mint=FEE).count() == 1


def test_a_search_that_no_node_answers_stays_due(shop: Shop) -> None:
    from mutoscope.engines.solana.rpc.errors import RpcError

    payment = shop.offer({SOL: 10_000_000})
    send_to_an_account_that_is_there_already(shop, payment.recipient, 4_000_000, [])
    shop.look()
    end(shop, payment)
    shop.watcher.rpc._patience_s = 0.1
    shop.chain.faults.add(Fault.BROKEN, "getTokenAccountsByOwner", seconds=0)
    with pytest.raises(RpcError):
        shop.look()
    shop.chain.faults.clear()
    shop.watcher.rpc._patience_s = 5.0
    shop.look()
    assert shop.stands(payment)[1] is Money.FOREIGN


def test_a_token_without_a_reference_in_the_merchants_own_wallet_is_unmatched_after_an_audit(shop: Shop) -> None:
    owner = str(shop.merchant.pubkey())
    # What was there before payments were received is nobody's payment.
    old = send_to_an_account_that_is_there_already(shop, owner, 1_000_000, [])
    shop.chain.advance(seconds=3600)
    payment = shop.offer({SOL: 10_000_000}, "reference")
    WatchedAccount.objects.update(since=datetime.fromtimestamp(shop.chain.time_s(), UTC))
    new = send_to_an_account_that_is_there_already(shop, owner, 4_000_000, [])
    shop.look()
    assert shop.unmatched() == []
    for _ in range(2):
        assert shop.watcher.audit() == []
        assert shop.unmatched() == [("unknown_token", 3_960_000)]
    assert set(Transfer.objects.values_list("signature", flat=True)) == {new} != {old}
    assert shop.stands(payment) == (Status.WAITING, Money.NOTHING)


def test_searching_costs_nothing_before_a_payment_ends_and_two_calls_after(shop: Shop) -> None:
    payments = [shop.offer({SOL: 10_000_000, USDC: 1_000_000}) for _ in range(25)]
    shop.look()
    before = shop.rpc.calls["getTokenAccountsByOwner"]
    shop.look()
    assert shop.rpc.calls["getTokenAccountsByOwner"] == before == 0
    for payment in payments:
        end(shop, payment)
    shop.glance()
    assert shop.rpc.calls["getTokenAccountsByOwner"] == 40
    shop.glance()
    shop.glance()
    assert shop.rpc.calls["getTokenAccountsByOwner"] == 50


# With a signer on the shop's own chain


@pytest.fixture
def house(db: None, tmp_path: Path) -> Iterator[tuple[Shop, House]]:
    with open_shop(WALLETS="mutoscope.engines.solana.wallets.claim") as shop:
        house = House(tmp_path, shop.chain, receivers=[str(shop.merchant.pubkey())])
        yield shop, house
        house.close()


def test_a_final_sweep_is_told_once_with_its_signature(house: tuple[Shop, House]) -> None:
    shop, signer = house
    payment = shop.offer({SOL: 10_000_000, USDC: 1_000_000}, purpose="order:17")
    shop.pay(payment, 1_000_000, TEST_USDC)
    shop.look()
    assert request_sweeps() == 1
    (job,) = SignerJob.objects.filter(kind="sweep")
    heard = []

    def hear(payment: AbstractPayment, key: str, data: dict[str, str], **_: object) -> None:
        heard.append((payment.public_id, data["signature"], data["mint"], data["amount"]))

    signals.swept.connect(hear)
    try:
        # Sent, and not final yet: nothing is told.
        signer.signer.tick()
        shop.glance()
        tell_due()
        assert heard == []
        signer.settle(job)
        for _ in range(2):
            shop.look()
            tell_due()
    finally:
        signals.swept.disconnect(hear)
    job.refresh_from_db()
    assert heard == [(payment.public_id, job.signature, USDC, "1000000")]
    payment.refresh_from_db()
    assert payment.swept_at is not None
    assert shop.news(payment)[-1] == "swept"


@pytest.mark.parametrize("is_looked_at", [True, False], ids=["by a look", "by the audit"])
def test_what_came_and_was_swept_between_two_looks_is_recorded(house: tuple[Shop, House], is_looked_at: bool) -> None:
    """The balance is what it was at the look before: nothing."""
    shop, signer = house
    payment = shop.offer({SOL: 10_000_000})
    shop.look()
    shop.pay(payment, 10_000_000)
    shop.chain.finalize()
    signer.settle(request_sweep(Wallet.objects.get(address=payment.recipient)))
    if not is_looked_at:
        WatchedAccount.objects.update(next_look_at=None)
    shop.look()
    assert shop.watcher.audit() == []
    assert shop.stands(payment) == (Status.SETTLED, Money.EXACT)
    assert sorted(Transfer.objects.values_list("amount", flat=True)) == [-10_000_000, 10_000_000]


def test_a_node_that_lies_about_what_left_is_not_believed_alone(house: tuple[Shop, House]) -> None:
    shop, signer = house
    payment = shop.offer({SOL: 10_000_000})
    shop.pay(payment, 10_000_000)
    shop.look()
    signer.settle(request_sweep(Wallet.objects.get(address=payment.recipient)))
    token_model().objects.update(second_opinion_from=1)
    liar, honest = shop.chain.node("liar"), shop.chain.node("honest")
    liar.faults.add(Fault.WRONG_AMOUNT, "getTransaction", times=1)
    with closing(shop.new_rpc([liar.url, honest.url])) as rpc, Watcher(rpc) as shop.watcher:
        shop.look()
        assert not Transfer.objects.filter(amount__lt=0).exists()
        shop.look()
        assert shop.watcher.audit() == []
    assert Transfer.objects.get(amount__lt=0).amount == -10_000_000


def test_what_came_by_reference_and_too_much_goes_back_from_the_payout_account(house: tuple[Shop, House]) -> None:
    shop, signer = house
    signer.chain.airdrop(key(signer.payout), 1_000_000_000)
    payment = shop.offer({SOL: 10_000_000}, "reference")
    shop.pay(payment, 13_000_000)
    shop.look()
    assert shop.stands(payment) == (Status.SETTLED, Money.OVER)
    before = shop.chain.balance(shop.payer.pubkey())
    (job,) = request_refunds(payment)
    signer.settle(job)
    assert (job.state, job.moved) == ("settled", 3_000_000), job.reason
    assert shop.chain.balance(shop.payer.pubkey()) == before + 3_000_000


def test_a_refund_out_of_a_one_time_wallet_is_no_sweep(house: tuple[Shop, House]) -> None:
    shop, signer = house
    payment = shop.offer({SOL: 10_000_000})
    shop.pay(payment, 13_000_000)
    shop.look()
    (job,) = request_refunds(payment)
    signer.settle(job)
    shop.look()
    assert Transfer.objects.filter(signature=job.signature, amount=-3_000_000).exists()
    assert not Event.objects.filter(name="swept").exists()


def test_money_that_goes_back_is_not_accepted_as_well(house: tuple[Shop, House]) -> None:
    shop, _ = house
    payment = shop.offer({SOL: 10_000_000})
    shop.let_time_pass(payment)
    shop.look()
    shop.pay(payment, 10_000_000)
    shop.look()
    assert shop.stands(payment) == (Status.EXPIRED, Money.LATE)
    (job,) = request_refunds(payment)
    with pytest.raises(GoesBack):
        accept_late(payment)
    # What nobody sends back is still there to be accepted.
    SignerJob.objects.filter(pk=job.pk).update(state="voided")
    accepted = accept_late(payment)
    assert accepted.status == Status.SETTLED
    assert returnable(accepted) == []
