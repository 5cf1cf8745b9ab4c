"""The viewer's pages, the operator's, and the API: each says how a refund stands, and none says more than it may."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client

from mutoscope.platform.billing.models import TopUpRefund
from tests.people import make_person
from tests.platform.billing.topup_refunds.counter import OWN, OWN_ADDRESS, Counter

pytestmark = pytest.mark.django_db


def signed_in(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    session = client.session
    # As if they had typed their password a moment ago.
    session["account_authentication_methods"] = [{"method": "password", "at": 4102444800}]
    session.save()
    return client


@pytest.fixture
def viewer(counter: Counter) -> Client:
    return signed_in(counter.till.viewer)


@pytest.fixture
def operator(db: None) -> Client:
    person = make_person("olga", is_staff=True)
    person.groups.add(Group.objects.get(name="operator"))
    return signed_in(person)


def text(client: Client, path: str) -> str:
    return client.get(path).content.decode()


def decide(operator: Client, refund: TopUpRefund, action: str, reason: str) -> str:
    asked = {"action": action, "_selected_action": [refund.pk], "reason": reason}
    return operator.post("/operator/billing/topuprefund/", asked, follow=True).content.decode()


def test_from_the_top_ups_page_to_the_wallet_that_paid(counter: Counter, viewer: Client, operator: Client) -> None:
    top_up = counter.overpaid()
    here = f"/wallet/top-ups/{top_up.public_id}/"
    assert "Get 2.5 USDC back" in text(viewer, here)
    assert "Not if you paid from an exchange" in text(viewer, f"{here}refund/")
    assert viewer.post(f"{here}refund/", {"to": "payer", "key": "a"}).status_code == 302
    refund = TopUpRefund.objects.get()
    page = text(viewer, here)
    assert "somebody of the staff looks at it" in page
    assert "Get 2.5 USDC back" not in page
    assert "refund asked for" in text(viewer, "/wallet/")
    assert "the wallet that paid" in text(operator, "/operator/billing/topuprefund/")
    assert "Say why" in decide(operator, refund, "approve", "")
    assert "approved" in decide(operator, refund, "approve", "they sent too much")
    refund.refresh_from_db()
    assert (refund.state, refund.reason) == ("approved", "they sent too much")
    for action in ("approve", "was_sent_by_hand"):
        assert "This refund is approved." in decide(operator, refund, action, "")
    assert "every 2s" in text(viewer, f"{here}refunds/")
    counter.settle(refund)
    page = text(viewer, here)
    assert "Sent back." in page
    assert refund.signature in page
    assert "every 2s" not in text(viewer, f"{here}refunds/")
    assert "Credited, refunded" in text(viewer, "/wallet/")


def test_to_another_wallet_by_a_signed_message(counter: Counter, viewer: Client) -> None:
    top_up = counter.late()
    here = f"/wallet/top-ups/{top_up.public_id}/"
    page = viewer.post(f"{here}refund/", {"to": "address", "address": "nowhere"})
    assert (page.status_code, "not a Solana address" in page.content.decode()) == (422, True)
    proof = viewer.post(f"{here}refund/", {"to": "address", "address": OWN_ADDRESS})["Location"]
    page = viewer.get(proof)
    message = page.context["named"].message
    assert message in page.content.decode()
    assert viewer.post(proof, {"signature": "1"}).status_code == 422
    assert viewer.post(proof, {"signature": str(OWN.sign_message(message.encode()))}).status_code == 302
    assert OWN_ADDRESS in text(viewer, here)


def test_refused_says_why_and_withdrawn_is_the_viewers_alone(
    counter: Counter, viewer: Client, operator: Client
) -> None:
    top_up = counter.overpaid()
    here = f"/wallet/top-ups/{top_up.public_id}/"
    viewer.post(f"{here}refund/", {"to": "payer", "key": "a"})
    (first,) = TopUpRefund.objects.all()
    decide(operator, first, "refuse", "ask from the account that paid")
    assert "Refused. ask from the account that paid" in text(viewer, here)
    viewer.post(f"{here}refund/", {"to": "payer", "key": "b"})
    second = TopUpRefund.objects.get(state="requested")
    eve = signed_in(make_person("eve"))
    assert eve.post(f"{here}refund/{second.pk}/cancel/").status_code == 404
    assert viewer.post(f"{here}refund/{second.pk}/cancel/").status_code == 302
    assert "Withdrawn by you." in text(viewer, here)


def test_what_was_refused_is_not_refused_again_by_somebody_who_is_then_told_that_they_did_it(
    counter: Counter, operator: Client
) -> None:
    (refund,) = counter.ask(counter.overpaid())
    assert "refused." in decide(operator, refund, "refuse", "It was credited.")
    second = make_person("second", is_staff=True)
    second.groups.add(Group.objects.get(name="operator"))
    assert "This refund is refused." in decide(signed_in(second), refund, "refuse", "Me too.")
    kept = [entry.change_message for entry in LogEntry.objects.filter(user=second)]
    refund.refresh_from_db()
    assert (kept, refund.reason) == ([], "It was credited.")


def test_the_engines_own_refunds_are_not_offered_past_the_books(counter: Counter, operator: Client) -> None:
    counter.overpaid()
    page = text(operator, "/operator/mutoscope_solana/payment/")
    assert "Accept late money" in page
    assert "ask_for_refund" not in page


def test_support_looks_and_decides_nothing(counter: Counter) -> None:
    (refund,) = counter.ask(counter.overpaid())
    person = make_person("sue", is_staff=True)
    person.groups.add(Group.objects.get(name="support"))
    decide(signed_in(person), refund, "approve", "they sent too much")
    refund.refresh_from_db()
    assert refund.state == "requested"


def test_the_same_by_the_api(counter: Counter, viewer: Client) -> None:
    top_up = counter.overpaid()
    here = f"/api/billing/top-ups/{top_up.public_id}"

    def post(path: str, body: dict[str, str], key: str = "a") -> Any:
        return viewer.post(f"{here}/{path}", json.dumps(body), "application/json", headers={"Idempotency-Key": key})

    (listed,) = viewer.get("/api/billing/top-ups?limit=1").json()["top_ups"]
    assert (listed["public_id"], listed["points"]) == (top_up.public_id, 550)
    ((left,), refunds) = viewer.get(f"{here}/refunds").json().values()
    assert (left["amount"], left["symbol"], refunds) == (2_500_000, "USDC", [])
    wrong = post("refund-addresses", {"address": "nowhere"})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "address")
    named = post("refund-addresses", {"address": OWN_ADDRESS}).json()
    unproven = post("refunds", {"nonce": named["nonce"], "signature": "1"})
    assert (unproven.status_code, unproven.json()["type"]) == (409, "/problems/not-proven")
    proof = {"nonce": named["nonce"], "signature": str(OWN.sign_message(named["message"].encode()))}
    first, again = post("refunds", proof).json(), post("refunds", proof).json()
    assert (first["refunds"], first["is_repeated"], again["is_repeated"]) == (again["refunds"], False, True)
    assert post("refunds", {}, "b").status_code == 409
    refund = TopUpRefund.objects.get()
    counter.approve(refund)
    counter.settle(refund)
    (told,) = viewer.get(f"{here}/refunds").json()["refunds"]
    assert (told["state"], told["address"], told["signature"]) == ("paid", OWN_ADDRESS, refund.signature)


def test_naming_an_address_needs_a_fresh_sign_in(counter: Counter) -> None:
    top_up = counter.overpaid()
    client = Client()
    client.force_login(counter.till.viewer)
    counter.till.viewer.set_password("a password that nobody guesses")
    counter.till.viewer.save()
    client.force_login(counter.till.viewer)
    body = json.dumps({"address": OWN_ADDRESS})
    answer = client.post(f"/api/billing/top-ups/{top_up.public_id}/refund-addresses", body, "application/json")
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/sign-in-once-more")
    page = client.post(f"/wallet/top-ups/{top_up.public_id}/refund/", {"to": "address", "address": OWN_ADDRESS})
    assert page["Location"].startswith("/account/reauthenticate/")
