"""Payouts in the operator's pages: what is offered, what each decision says before it is one, and who reads what of it."""

from __future__ import annotations

from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from mutoscope.platform.accounts.public import Person
from mutoscope.platform.billing.failures import CannotPayOut
from mutoscope.platform.billing.models import Payout
from mutoscope.platform.billing.payouts.ports import PaidByHand, PaidWith
from mutoscope.platform.billing.payouts.service import EndPayout, EndPayoutInputs
from mutoscope.platform.billing.payouts.signing import PaidBySigner
from tests.people import make_person
from tests.platform.billing.paying import paid_by
from tests.platform.billing.payouts.test_payouts import ask
from tests.platform.billing.payouts.test_payouts import shop as shop
from tests.platform.billing.payouts.test_payouts import small_rules as small_rules
from tests.platform.billing.shop import Shop

pytestmark = pytest.mark.django_db


def decide(client: Client, payout: Payout, name: str, reason: str = "", *steps: str, reference: str = "") -> str:
    """What the page of a decision says, or the page that it leads to; with "confirmed" among the steps it was the last look."""
    asked = {"reason": reason, "reference": reference, **dict.fromkeys(steps, "yes")}
    there = f"/operator/billing/payout/{payout.pk}/decide/{name}/"
    told = unescape(client.post(there, asked, follow=True).content.decode())
    payout.refresh_from_db()
    return told


def test_staff_decide_in_their_pages_with_a_reason_that_is_kept_and_a_last_look(shop: Shop, client: Client) -> None:
    payout = ask(shop, 160)
    client.force_login(make_person("stan", is_staff=True, is_superuser=True))
    page = client.get(f"/operator/billing/payout/{payout.pk}/change/").content.decode()
    for name, is_offered in (("approve", True), ("refuse", True), ("paid", False), ("failed", False)):
        assert (f"/{payout.pk}/decide/{name}/" in page) is is_offered
    assert "Say why: a reason of 1 to 500 characters." in decide(client, payout, "approve", " ", "confirmed")
    look = decide(client, payout, "approve", "They are known.")
    assert "Approve it: 160 points for" in look
    assert "The reason: They are known." in look
    assert payout.state == Payout.State.WAITING, "a look is no decision"
    assert "Payout 1: approved." in decide(client, payout, "approve", "They are known.", "confirmed")
    told = decide(client, payout, "paid", "", "confirmed", reference="ACME 2026-17")
    assert "Say why: a reason of 1 to 500 characters." in told
    assert "Say by which payment" in decide(client, payout, "paid", "By the bank, today.", "confirmed")
    assert payout.state == Payout.State.APPROVED
    decide(client, payout, "paid", "By the bank, today.", "confirmed", reference=" ACME  2026-17 ")
    listed = client.get("/operator/billing/payout/").content.decode()
    assert '<td class="field-paid_by">ACME 2026-17</td>' in listed
    assert (payout.state, payout.reason) == (Payout.State.PAID, "By the bank, today.")
    kept = [entry.change_message for entry in LogEntry.objects.order_by("pk")]
    paid = "It was recorded as paid by hand: By the bank, today. (ACME 2026-17)"
    assert kept == ["It was approved: They are known.", paid]
    assert "ACME 2026-17" in client.get(f"/operator/billing/payout/{payout.pk}/change/").content.decode()
    assert payout in client.get("/operator/billing/payout/?q=ACME+2026-17").context["cl"].result_list


def test_what_was_decided_already_is_said_before_a_reason_or_a_reference_is_asked_for(
    shop: Shop, client: Client
) -> None:
    payout = ask(shop, 160)
    client.force_login(make_person("stan", is_staff=True, is_superuser=True))
    assert "This payout waits for approval: approve or refuse it first." in decide(client, payout, "paid")
    decide(client, payout, "approve", "They are known.", "confirmed")
    assert "This payout is approved already." in decide(client, payout, "approve")
    EndPayout().call(EndPayoutInputs(payout.pk, Payout.State.PAID, reference="signature"))
    for name in ("approve", "refuse", "paid", "failed"):
        told = decide(client, payout, name)
        assert "This payout is paid already." in told, name
        assert "<textarea" not in told, name


def test_the_page_of_a_decision_says_what_it_sends_or_why_nothing_can_be_sent(shop: Shop, client: Client) -> None:
    class Pays(PaidByHand):
        def quote(self, points: int) -> PaidWith:
            if points == 160:
                return PaidWith("mint", "USDC", 6, 1_600_000, "1")
            raise CannotPayOut(why="What USDC is worth is not known well enough right now.")

    payout = ask(shop, 160)
    client.force_login(make_person("stan", is_staff=True, is_superuser=True))
    with paid_by(Pays()):
        there = f"/operator/billing/payout/{payout.pk}/decide/approve/"
        assert "The signer sends <strong>1.6 USDC</strong>" in client.get(there).content.decode()
        Payout.objects.filter(pk=payout.pk).update(points=161)
        assert "not known well enough right now" in client.get(there).content.decode()
    assert client.get(there.replace("approve", "bless")).status_code == 404
    assert client.get(there.replace(str(payout.pk), str(payout.pk + 1))).status_code == 404


def test_nobody_decides_about_their_own_payout_in_the_pages_either(shop: Shop, client: Client) -> None:
    payout = ask(shop, 160)
    Person.objects.filter(pk=shop.creator.pk).update(is_staff=True, is_superuser=True)
    client.force_login(Person.objects.get(pk=shop.creator.pk))
    assert "your own payout: somebody else has to approve it" in decide(
        client, payout, "approve", "Why not?", "confirmed"
    )
    assert payout.state == Payout.State.WAITING


@pytest.mark.parametrize("outcome", [Payout.State.PAID, Payout.State.REFUSED])
def test_what_ended_is_not_ended_again_by_somebody_who_is_then_told_that_they_did_it(
    shop: Shop, client: Client, outcome: Payout.State
) -> None:
    payout = ask(shop, 100 if outcome == Payout.State.PAID else 160)
    stan, olga = make_person("stan", is_staff=True), make_person("olga", is_staff=True, is_superuser=True)
    EndPayout().call(EndPayoutInputs(payout.pk, outcome, "By stan.", "ACME 1", stan.pk))
    client.force_login(olga)
    name = {Payout.State.PAID: "paid", Payout.State.REFUSED: "refuse"}[outcome]
    told = decide(client, payout, name, "By olga.", "confirmed", reference="ACME 2")
    assert f"This payout is {outcome} already." in told
    assert not LogEntry.objects.exists()
    payout.refresh_from_db()
    assert (payout.decided_by, payout.reason) == (stan, "By stan.")


def test_a_payout_without_an_address_is_said_to_be_so_before_a_reason_is_asked_for(shop: Shop, client: Client) -> None:
    """It was asked for while the operator paid by hand."""
    payout = ask(shop, 160)
    client.force_login(make_person("stan", is_staff=True, is_superuser=True))
    with paid_by(PaidBySigner()):
        told = decide(client, payout, "approve")
        assert "It was asked for without an address. Refuse it" in told
        assert "<textarea" not in told
        assert "<textarea" in decide(client, payout, "refuse")
