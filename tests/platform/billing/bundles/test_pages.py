"""Bundles on pages and over the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from mutoscope.platform.accounts.public import Person
from mutoscope.platform.billing.domain.terms import Term
from tests.people import make_channel, make_person
from tests.platform.billing.bundles.test_bundles import Rack

pytestmark = pytest.mark.django_db


def signed_in(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_the_page_lists_the_films_and_one_click_unlocks_them() -> None:
    rack = Rack.open()
    client = signed_in(rack.shop.viewer)
    address = f"/bundles/{rack.bundle.public_id}/"
    page = client.get(address).content.decode()
    for words in ("All voyages", "Voyage 2", "Voyage 3", "Unlock all for 100 points", "900 left after this"):
        assert words in page, words
    assert client.post(address, {"points": "100", "number": "0"}).status_code == 302
    assert "You have all of it" in client.get(address).content.decode()
    assert client.post(address, {"points": "x", "number": "0"}).status_code == 400
    assert client.post(address, {"points": "100", "number": "-1"}).status_code == 400
    assert "Sign in to unlock" in Client().get(address).content.decode()
    assert Client().post(address, {"points": "100", "number": "0"}).status_code == 302
    assert "Unlocked All voyages for ever" in client.get("/wallet/").content.decode()


def test_the_page_says_what_is_taken_off_and_what_is_missing() -> None:
    rack = Rack.open(points=230)
    rack.alone(0, Term.LIFETIME)
    page = signed_in(rack.shop.viewer).get(f"/bundles/{rack.bundle.public_id}/").content.decode()
    assert "1 film you have already: 34 of 100 points are taken off." in page
    assert "36 are missing" in page


def test_a_creator_makes_and_ends_a_bundle() -> None:
    rack = Rack.open()
    client = signed_in(rack.shop.creator)
    films = [film.public_id for film in rack.films[:2]]
    asked = {"title": "Two voyages", "films": films, "term": "month", "points": "40"}
    assert client.post("/studio/bundles/", asked).status_code == 302
    page = client.get("/studio/bundles/").content.decode()
    assert "Two voyages" in page
    wrong = client.post("/studio/bundles/", {**asked, "points": "1"})
    assert wrong.status_code == 422
    assert "At least a point for each film: 2." in wrong.content.decode()
    assert client.post("/studio/bundles/", {**asked, "films": films[:1]}).status_code == 422
    assert client.post(f"/studio/bundles/{rack.bundle.public_id}/end/").status_code == 302
    rack.bundle.refresh_from_db()
    assert rack.bundle.ended_at is not None
    stranger = make_person("mallory")
    make_channel(stranger, "mallory")
    assert signed_in(stranger).post(f"/studio/bundles/{rack.bundle.public_id}/end/").status_code == 404


def test_the_api_makes_sells_and_ends_a_bundle() -> None:
    rack = Rack.open()
    creator, viewer = signed_in(rack.shop.creator), signed_in(rack.shop.viewer)
    json: dict[str, Any] = {"content_type": "application/json"}
    asked = {"title": "Two", "films": [film.public_id for film in rack.films[:2]], "term": "day", "points": 40}
    made = creator.post("/api/billing/bundles", asked, **json)
    assert (made.status_code, made.json()["films"]) == (200, 2)
    address = f"/api/billing/bundles/{made.json()['public_id']}"
    assert viewer.get(address).json()["due_points"] == 40
    bought = [
        viewer.post(f"{address}/unlock", {"agreed_points": 40}, headers={"Idempotency-Key": "one"}, **json)
        for _ in range(2)
    ]
    assert [answer.json()["is_repeated"] for answer in bought] == [False, True]
    assert creator.get("/api/billing/bundles").json()["bundles"][0]["sold"] == 1
    assert creator.delete(address).status_code == 204
    assert viewer.get(address).json()["is_sold"] is False
    assert creator.delete("/api/billing/bundles/abcdefghjkmn").status_code == 404
    assert creator.post("/api/billing/bundles", {**asked, "points": 0}, **json).status_code == 422
