"""A creator is paid on chain: once, whatever breaks on the way, and the ledger says what the chain says."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections, transaction
from django.test import Client
from solders.keypair import Keypair

from mutoscope.engines.solana.outbox import signals
from mutoscope.engines.solana.signer import dispatch
from mutoscope.engines.solana.signer.models import SignerJob
from mutoscope.engines.solana.signer.outbox import tell_jobs, waiting
from mutoscope.engines.solana.signer.requests import request_payout
from mutoscope.platform.billing.clock import MovedClock
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.failures import CannotPayOut
from mutoscope.platform.billing.models import Payout
from mutoscope.platform.billing.payouts.available import earnings_of
from mutoscope.platform.billing.payouts.service import (
    ApprovePayout,
    ApprovePayoutInputs,
    EndPayout,
    EndPayoutInputs,
    RequestPayout,
    RequestPayoutInputs,
)
from mutoscope.platform.billing.payouts.shown import shown
from mutoscope.platform.billing.payouts.signing import PaidBySigner
from mutoscope.platform.billing.reconcile.service import find
from mutoscope.platform.billing.topup.rates import FixedRates
from tests.engines.solana.signer.house import USDC, House
from tests.people import make_person
from tests.platform.billing.paying import ADDRESS, CREATOR, job_of, paid_by, prove, settle
from tests.platform.billing.shop import Shop

pytestmark = pytest.mark.django_db

LATER = MovedClock(timedelta(days=8))
# 100 points at a cent, in USDC's base units.
DOLLAR = 1_000_000


class Killed(BaseException):
    """Stands for kill -9 of the signer; the real one is in the signer's own tests."""


@pytest.fixture(autouse=True)
def small_rules(settings: Any) -> None:
    settings.PAYOUT_POINTS_MIN, settings.PAYOUT_DELAY_DAYS, settings.PAYOUT_APPROVAL_POINTS = 50, 7, 150


@pytest.fixture
def shop(house: House) -> Shop:
    opened = Shop.open()
    opened.unlock(Term.LIFETIME)
    prove(opened.creator)
    return opened


def ask(shop: Shop, points: int = 100, key: str = "a") -> Payout:
    return RequestPayout(LATER).call(RequestPayoutInputs(shop.creator.pk, points, key, True)).payout


def restart(house: House) -> None:
    house.signer.close()
    house.signer = house.new_signer()


def test_asked_signed_final_and_posted(house: House, shop: Shop) -> None:
    payout = ask(shop)
    assert shown(payout).words == "Requested: the signer takes it next."
    seen = []
    for _ in range(20):
        house.signer.tick()
        tell_jobs()
        payout.refresh_from_db()
        seen.append(shown(payout).words)
        if payout.state == Payout.State.PAID:
            break
        house.hurry()
        house.chain.advance(8)
    assert any(words.startswith("Being paid") for words in seen)
    assert seen[-1] == "Paid."
    assert payout.reference == job_of(payout).signature
    assert shown(payout).link.endswith(payout.reference)
    assert house.tokens(ADDRESS) == payout.amount == DOLLAR
    after = earnings_of(shop.video.channel_id, LATER)
    assert (after.posted, after.held) == (80, 0)
    assert [finding.name for finding in find()] == []


def test_a_signer_killed_before_and_after_broadcast_pays_once(
    house: House, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any, **__: Any) -> None:
        raise Killed

    before = ask(shop, 60)
    with monkeypatch.context() as patched:
        patched.setattr(dispatch, "broadcast", die)
        with pytest.raises(Killed):
            house.signer.tick()
    restart(house)
    assert house.tokens(ADDRESS) == 0
    settle(house, before)
    assert (before.state, house.tokens(ADDRESS)) == (Payout.State.PAID, before.amount)

    after = ask(shop, 50, "b")
    house.signer.follower.run()
    chain = house.signer.chains[0]
    real = chain.send

    def send_and_die(wire: bytes) -> None:
        real(wire)
        raise Killed

    monkeypatch.setattr(chain, "send", send_and_die)
    with pytest.raises(Killed):
        house.signer.tick()
    assert house.tokens(ADDRESS) == 1_100_000
    restart(house)
    settle(house, after)
    assert after.state == Payout.State.PAID
    assert house.tokens(ADDRESS) == 1_100_000, "sent twice"
    assert earnings_of(shop.video.channel_id, LATER).posted == 70


def test_news_told_twice_and_a_worker_killed_between_chain_and_ledger_post_once(
    house: House, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    payout = ask(shop)
    house.settle(job_of(payout))

    def dies(*_: Any, **__: Any) -> None:
        raise Killed

    signals.job_changed.connect(dies)
    try:
        with pytest.raises(Killed):
            tell_jobs()
    finally:
        signals.job_changed.disconnect(dies)
    payout.refresh_from_db()
    assert payout.state == Payout.State.APPROVED
    told: list[Any] = []

    def remember(sender: Any, news: Any, **_: Any) -> None:
        told.append(news)

    signals.job_changed.connect(remember)
    try:
        tell_jobs()
    finally:
        signals.job_changed.disconnect(remember)
    assert told
    for news in told:
        signals.job_changed.send(None, news=news)
    payout.refresh_from_db()
    assert (payout.state, earnings_of(shop.video.channel_id, LATER).posted) == (Payout.State.PAID, 80)


def test_what_the_signer_refuses_brings_the_points_back_and_says_why(house: House, shop: Shop) -> None:
    house.chain.give(CREATOR.pubkey(), 1)
    with paid_by(PaidBySigner(FixedRates({"USDC": "0.000001"}))):
        payout = ask(shop)
    # More than the house has, until it gives up.
    SignerJob.objects.filter(pk=job_of(payout).pk).update(attempts=house.configuration.attempts_max)
    settle(house, payout)
    assert payout.state == Payout.State.FAILED
    assert "Given up" in shown(payout).words
    assert shown(payout).signature == ""
    assert earnings_of(shop.video.channel_id, LATER).available() == 180
    again = ask(shop, key="b")
    settle(house, again)
    assert house.tokens(ADDRESS) == DOLLAR + 1


def test_above_a_sum_nothing_is_ordered_before_somebody_approved(house: House, shop: Shop) -> None:
    staff = make_person("stan", is_staff=True)
    payout = ask(shop, 160)
    assert "waits for approval" in shown(payout).words
    assert not SignerJob.objects.exists()
    with paid_by(PaidBySigner(FixedRates({}))), pytest.raises(CannotPayOut) as refused:
        ApprovePayout().call(ApprovePayoutInputs(payout.pk, staff.pk, "They are known."))
    assert "is worth is not known" in refused.value.sentence()
    ApprovePayout().call(ApprovePayoutInputs(payout.pk, staff.pk, "They are known."))
    payout.refresh_from_db()
    assert payout.decided_by == staff
    for outcome in (Payout.State.PAID, Payout.State.FAILED):
        with pytest.raises(CannotPayOut):
            EndPayout().call(EndPayoutInputs(payout.pk, outcome, by_id=staff.pk))
    settle(house, payout)
    assert (payout.state, house.tokens(ADDRESS)) == (Payout.State.PAID, 1_600_000)


def test_it_goes_where_it_was_asked_to_go_whatever_is_proven_later(house: House, shop: Shop) -> None:
    payout = ask(shop)
    prove(shop.creator, Keypair.from_seed(b"another wallet of the creator's "))
    settle(house, payout)
    assert house.tokens(ADDRESS) == DOLLAR


def test_without_an_address_nothing_is_held(house: House) -> None:
    shop = Shop.open()
    shop.unlock(Term.LIFETIME)
    with pytest.raises(CannotPayOut):
        ask(shop)
    assert earnings_of(shop.video.channel_id).held == 0


def test_jobs_that_are_no_payouts_of_ours_are_passed_over(house: House, shop: Shop) -> None:
    for name in ("a-project-of-its-own", f"payout:{shop.video.channel_id}:99", "payout:1:2:3"):
        house.settle(request_payout(name, destination=ADDRESS, amount=1, mint=USDC))
    tell_jobs()
    assert waiting() == 0


def test_what_a_payout_is_worth_is_said_before_it_is_asked_for(
    house: House, shop: Shop, client: Client, settings: Any
) -> None:
    settings.PAYOUT_DELAY_DAYS = 0
    client.force_login(shop.creator)
    shown = " ".join(client.get("/studio/earnings/").content.decode().split())
    assert "All 180 points are about 1.8 USDC at today's rate: $0.01 for a point, $1 for 1 USDC." in shown
    assert "The rate is fixed when you ask; above 150 points, when somebody of the staff approves it." in shown
    with paid_by(PaidBySigner(FixedRates({}))):
        assert (
            "What the points are worth in USDC is not known right now."
            in client.get("/studio/earnings/").content.decode()
        )


def test_the_page_says_how_it_stands(house: House, shop: Shop, client: Client) -> None:
    payout = ask(shop)
    settle(house, payout)
    client.force_login(shop.creator)
    page = client.get("/studio/earnings/").content.decode()
    assert "Paid." in page
    assert payout.reference in page
    assert "1 USDC" in page


def test_the_api_says_what_it_was_paid_with_where_to_and_by_which_transaction(
    house: House, shop: Shop, client: Client
) -> None:
    first = ask(shop)
    client.force_login(shop.creator)
    (told,) = client.get("/api/billing/payouts").json()["payouts"]
    assert (told["state"], told["progress"], told["signature"]) == ("approved", "ordered", None)
    settle(house, first)
    ask(shop, 50, "b")
    page = client.get("/api/billing/payouts?limit=1").json()
    assert ([each["number"] for each in page["payouts"]], page["next_before"]) == ([2], 2)
    page = client.get("/api/billing/payouts?limit=1&before=2").json()
    ((paid,), following) = page.values()
    assert (paid["state"], paid["amount"], paid["symbol"], paid["decimals"]) == ("paid", DOLLAR, "USDC", 6)
    assert (paid["address"], paid["signature"], following) == (ADDRESS, first.reference, None)


@pytest.mark.django_db(transaction=True)
def test_twenty_requests_at_once_are_one_payout(house: House) -> None:
    shop = Shop.open()
    shop.unlock(Term.LIFETIME)
    prove(shop.creator)
    barrier = threading.Barrier(20)

    def one(number: int) -> str:
        try:
            barrier.wait(60)
            ask(shop, 140, f"key-{number}")
        except CannotPayOut:
            return "refused"
        finally:
            connections.close_all()
        return "asked"

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(one, range(20)))
    assert sorted(outcomes) == ["asked", *["refused"] * 19]
    payout = Payout.objects.get()
    assert (payout.number, SignerJob.objects.filter(kind="payout").count()) == (1, 1)
    with transaction.atomic():
        assert earnings_of(shop.video.channel_id, LATER).held == 140
    settle(house, payout)
    assert house.tokens(ADDRESS) == 1_400_000
