"""Create, status and tokens, plain and through Django REST framework: the same rules by both doors."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings

from mutoscope.engines.solana.chain import TEST_FEE_TOKEN
from mutoscope.engines.solana.endpoints import token_of
from mutoscope.engines.solana.models import Payment
from tests.engines.solana.payments.shop import SOL, USDC, Shop
from tests.people import make_person

DOORS = pytest.mark.parametrize("door", ["/pay", "/drf"])


def ask(client: Client, door: str, body: Any, query: str = "") -> Any:
    return client.post(f"{door}/payments/{query}", json.dumps(body), content_type="application/json")


@DOORS
def test_the_host_decides_what_is_sold_and_for_how_much(selling: Shop, client: Client, door: str) -> None:
    client.force_login(make_person("ada"))
    made = ask(client, door, {"item": "tea"}, "?amount=1&purpose=other&metadata=x")
    assert made.status_code == 201
    said = made.json()
    payment = Payment.objects.get(public_id=said["payment"])
    assert {price["mint"]: price["amount"] for price in said["prices"]} == {SOL: "500000000", USDC: "70000000"}
    assert (payment.purpose, payment.metadata) == ("item:tea", {"item": "tea"})
    assert said["links"][SOL].startswith("solana:")
    assert ask(client, door, {"item": "nothing"}).status_code == 404
    assert ask(client, door, {"item": "secret"}).status_code == 403
    assert ask(client, door, {"item": "broken"}).status_code == 503


@pytest.mark.parametrize(
    "body",
    [{}, [], None, {"item": ""}, {"item": 1}, {"item": "tea", "amount": 1}, {"item": "a\x00"}, {"item": "a" * 201}],
)
def test_amounts_and_other_fields_in_the_body_are_refused(selling: Shop, client: Client, body: Any) -> None:
    client.force_login(make_person("ada"))
    refused = ask(client, "/pay", body)
    assert (refused.status_code, refused["Content-Type"]) == (400, "application/problem+json")
    assert not Payment.objects.exists()


@DOORS
def test_guests_buy_only_what_is_sold_to_guests(selling: Shop, client: Client, door: str) -> None:
    assert ask(client, door, {"item": "tea"}).status_code in (401, 403)
    assert not Payment.objects.exists()
    assert ask(client, door, {"item": "badge"}).status_code == 201


def test_nothing_is_sold_unless_the_host_says_so(selling: Shop, client: Client) -> None:
    client.force_login(make_person("ada"))
    with override_settings(MUTOSCOPE_SOLANA={**settings.MUTOSCOPE_SOLANA, "OFFERS": ""}):
        assert ask(client, "/pay", {"item": "tea"}).status_code == 404


def test_another_site_cannot_create(selling: Shop) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_person("ada"))
    assert ask(client, "/pay", {"item": "tea"}).status_code == 403


@DOORS
def test_only_the_owner_and_the_tokens_holder_see_a_payment(selling: Shop, client: Client, door: str) -> None:
    client.force_login(make_person("ada"))
    said = ask(client, door, {"item": "tea"}).json()
    path = f"{door}/payments/{said['payment']}/"
    seen = client.get(path)
    assert (seen.status_code, seen.json()["status"], seen["Cache-Control"]) == (200, "waiting", "no-store")
    assert "metadata" not in seen.json()
    stranger, guest = Client(), Client()
    stranger.force_login(make_person("bob"))
    missing = guest.get(f"{door}/payments/nothing/").content
    for other in (stranger, guest):
        refused = other.get(path)
        assert (refused.status_code, refused.content) == (404, missing)
        assert other.get(path, headers={"Payment-Token": "0" * 64}).status_code == 404
        assert other.get(path, headers={"Payment-Token": said["token"]}).status_code == 200
    other_payment = selling.offer({SOL: 1_000_000})
    assert guest.get(path, headers={"Payment-Token": token_of(other_payment)}).status_code == 404


def test_a_payment_without_an_owner_is_nobodys(selling: Shop, client: Client) -> None:
    payment = selling.offer({SOL: 1_000_000})
    assert client.get(f"/pay/payments/{payment.public_id}/").status_code == 404


@DOORS
def test_what_is_missing_is_said(selling: Shop, client: Client, door: str) -> None:
    payment = selling.offer({SOL: 500_000_000})
    selling.pay(payment, 200_000_000)
    selling.look()
    path = f"{door}/payments/{payment.public_id}/"
    said = client.get(path, headers={"Payment-Token": token_of(payment)}).json()
    assert (said["money"], said["received"], said["missing"]) == ("partial", {SOL: "0.2"}, {SOL: "0.3"})


@DOORS
def test_tokens(selling: Shop, client: Client, door: str) -> None:
    selling.accept(TEST_FEE_TOKEN, extensions=["transfer_fee"], is_active=False)
    said = client.get(f"{door}/tokens/").json()["tokens"]
    assert [(token["symbol"], token["decimals"]) for token in said] == [("SOL", 9), ("USDC", 6)]
