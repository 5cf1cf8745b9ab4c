"""Codes on the pages and over the API."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from mutoscope.platform.accounts.public import Person
from mutoscope.platform.billing.coupons.guesses import TOO_MANY, WRONG_MAX
from mutoscope.platform.billing.domain.coupons import PROBLEMS
from mutoscope.platform.billing.models import Coupon
from mutoscope.platform.videos.public import VideoState
from tests.people import make_channel, make_person
from tests.platform.billing.coupons.codes import make, use
from tests.platform.billing.shop import Shop
from tests.platform.videos.films import new_video

pytestmark = pytest.mark.django_db


@pytest.fixture
def one_stretch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock by which guesses are counted stands still: they are counted anew every ten minutes, which may be now."""
    monkeypatch.setattr("mutoscope.platform.billing.pace.time", SimpleNamespace(time=lambda: 1_800_000_000.0))


def signed_in(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_the_panel_tells_the_price_with_a_code_and_the_click_keeps_it() -> None:
    shop = Shop.open()
    make(shop)
    client = signed_in(shop.viewer)
    address = f"/unlock/{shop.video.public_id}/"
    panel = client.get(address, {"coupon": "autumn"}, headers={"HX-Request": "true"}).content.decode()
    assert 'value="day:15"' in panel
    assert "15 points off with AUTUMN" in panel
    wrong = client.get(address, {"coupon": "nope"}, headers={"HX-Request": "true"}).content.decode()
    assert 'value="day:30"' in wrong
    assert "This code is not for this film." in wrong
    asked = {"choice": "day:15", "version": "0", "coupon": "AUTUMN"}
    done = client.post(address, asked, headers={"HX-Request": "true"}).content.decode()
    assert "You paid 15 points, with AUTUMN." in done


def test_a_code_that_is_taken_says_whether_it_is_in_force_and_points_say_their_limit() -> None:
    shop = Shop.open()
    make(shop)
    client = signed_in(shop.creator)
    asked = {"code": "autumn", "amount": "10", "what": "percent"}
    again = client.post("/studio/coupons/", asked)
    assert again.status_code == 422
    assert again.context["form"].errors["code"] == [
        "You have this code already: it is in the list below. Choose another."
    ]
    client.post("/studio/coupons/AUTUMN/end/")
    ended = client.post("/studio/coupons/", asked)
    assert ended.context["form"].errors["code"] == ["You had this code before, and receipts name it. Choose another."]
    large = client.post("/studio/coupons/", {"code": "LARGE", "amount": "99999999", "what": "points_off"})
    assert large.context["form"].errors["amount"] == ["Write a whole number, from 1 to 1,000,000."]
    assert (
        client.post("/studio/coupons/", {"code": "GROUPED", "amount": "1,000", "what": "points_off"}).status_code == 302
    )
    assert Coupon.objects.get(code="GROUPED").points_off == 1000


def test_a_code_keeps_the_chosen_term_and_a_wrong_one_stays_to_be_mended() -> None:
    shop = Shop.open()
    make(shop)
    client, address = signed_in(shop.viewer), f"/unlock/{shop.video.public_id}/"
    chosen = {"coupon": "autumn", "choice": "lifetime:200"}
    page = client.get(address, chosen, headers={"HX-Request": "true"}).content.decode()
    assert 'value="lifetime:100" checked' in page
    assert page.count(" checked") == 1
    wrong = client.get(address, {"coupon": "autunm"}, headers={"HX-Request": "true"}).content.decode()
    assert 'value="autunm"' in wrong
    # A refused click keeps it too; nonsense is the first.
    stale = {"choice": "month:1", "version": "0"}
    assert 'value="month:60" checked' in client.post(address, stale, headers={"HX-Request": "true"}).content.decode()
    assert 'value="day:30" checked' in client.get(address, {"choice": "<x>"}).content.decode()


def test_a_film_for_nothing_is_one_click_too() -> None:
    shop = Shop.open(points=0)
    make(shop, percent=100)
    client = signed_in(shop.viewer)
    address = f"/unlock/{shop.video.public_id}/"
    assert "Unlock for nothing" in client.get(f"{address}?coupon=AUTUMN").content.decode()
    assert client.post(address, {"choice": "day:0", "version": "0"}).status_code == 400
    answer = client.post(address, {"choice": "day:0", "version": "0", "coupon": "AUTUMN"})
    assert answer.status_code == 302
    assert shop.entitlement().version == 1


def test_a_creator_makes_and_ends_a_code() -> None:
    shop = Shop.open()
    client = signed_in(shop.creator)
    asked = {"code": "autumn", "amount": "50", "what": "percent", "film": shop.video.public_id, "uses_max": "3"}
    assert client.post("/studio/coupons/", asked).status_code == 302
    use(shop, 15)
    page = client.get("/studio/coupons/").content.decode()
    for words in ("AUTUMN", "50 %", "A voyage", "1 of 3", ">15<", ">14<"):
        assert words in page, words
    assert client.post("/studio/coupons/AUTUMN/end/").status_code == 302
    assert "ended" in client.get("/studio/coupons/").content.decode()
    wrong = client.post("/studio/coupons/", {**asked, "code": "other", "amount": "150"})
    assert wrong.status_code == 422
    assert "from 1 to 100" in wrong.content.decode()
    stranger = make_person("mallory")
    make_channel(stranger, "mallory")
    assert signed_in(stranger).post("/studio/coupons/AUTUMN/end/").status_code == 404


def test_a_code_is_not_offered_for_a_film_that_could_not_be_made() -> None:
    shop = Shop.open()
    failed = new_video(shop.video.channel, VideoState.FAILED, title="Cut short")
    client = signed_in(shop.creator)
    page = client.get("/studio/coupons/").content.decode()
    assert shop.video.title in page
    assert "Cut short" not in page
    asked = {"code": "autumn", "amount": "50", "what": "percent", "film": failed.public_id}
    assert client.post("/studio/coupons/", asked).status_code == 422


def test_the_api_makes_uses_and_ends_a_code() -> None:
    shop = Shop.open()
    creator, viewer = signed_in(shop.creator), signed_in(shop.viewer)
    json: dict[str, Any] = {"content_type": "application/json"}
    made = creator.post("/api/billing/coupons", {"code": "autumn", "points_off": 10}, **json)
    assert (made.status_code, made.json()["code"], made.json()["points_off"]) == (200, "AUTUMN", 10)
    film = f"/api/billing/films/{shop.video.public_id}"
    offers = viewer.get(film, {"coupon": "AUTUMN"}).json()["offers"]
    assert [(offer["due_points"], offer["discount_points"]) for offer in offers] == [(20, 10), (50, 10), (190, 10)]
    assert viewer.get(film, {"coupon": "NOPE"}).status_code == 409
    asked = {"term": "day", "agreed_points": 20, "coupon": "AUTUMN"}
    first = viewer.post(f"{film}/unlock", asked, headers={"Idempotency-Key": "one"}, **json)
    again = viewer.post(f"{film}/unlock", asked, headers={"Idempotency-Key": "one"}, **json)
    assert (first.json()["points"], again.json()["is_repeated"]) == (20, True)
    refused = viewer.post(f"{film}/unlock", asked, headers={"Idempotency-Key": "two"}, **json)
    assert (refused.status_code, refused.json()["type"], refused.json()["field"]) == (
        409,
        "/problems/bad-coupon",
        "coupon",
    )
    assert creator.get("/api/billing/coupons").json()["coupons"][0]["uses"] == 1
    assert [creator.delete("/api/billing/coupons/AUTUMN").status_code for _ in range(2)] == [204, 204]
    assert creator.delete("/api/billing/coupons/NOPE").status_code == 404
    assert (
        creator.post("/api/billing/coupons", {"code": "both", "percent": 5, "points_off": 5}, **json).status_code == 422
    )


@pytest.mark.usefixtures("one_stretch")
def test_who_tries_one_code_after_another_is_told_nothing_more() -> None:
    shop = Shop.open(points=0)
    make(shop, "FREE100", percent=100)
    stranger, address = Client(REMOTE_ADDR="192.0.2.7"), f"/unlock/{shop.video.public_id}/"
    for number in range(WRONG_MAX):
        assert PROBLEMS["other"] in stranger.get(address, {"coupon": f"FREE{number}"}).content.decode()
    walked = stranger.get(address, {"coupon": "FREE100"}).content.decode()
    assert TOO_MANY in walked
    assert "FREE100 applied" not in walked
    asked = {"choice": "day:0", "version": "0", "coupon": "FREE100"}
    viewer = Client(REMOTE_ADDR="192.0.2.7")
    viewer.force_login(shop.viewer)
    assert TOO_MANY in viewer.post(address, asked).content.decode()
    api = viewer.get(f"/api/billing/films/{shop.video.public_id}?coupon=FREE100")
    assert (api.status_code, api.json()["detail"]) == (409, TOO_MANY)
    # Elsewhere everybody is as before, and without a code so is this address.
    assert "FREE100 applied" in Client(REMOTE_ADDR="192.0.2.8").get(f"{address}?coupon=FREE100").content.decode()
    assert TOO_MANY not in stranger.get(address).content.decode()


@pytest.mark.usefixtures("one_stretch")
def test_an_ipv6_network_is_one_place() -> None:
    shop = Shop.open(points=0)
    make(shop, "FREE100", percent=100)
    address = f"/unlock/{shop.video.public_id}/"
    for number in range(WRONG_MAX):
        Client(REMOTE_ADDR=f"2001:db8:1:2::{number:x}").get(address, {"coupon": f"FREE{number}"})
    assert TOO_MANY in Client(REMOTE_ADDR="2001:db8:1:2:9::1").get(f"{address}?coupon=FREE100").content.decode()
    assert TOO_MANY not in Client(REMOTE_ADDR="2001:db8:1:3::1").get(f"{address}?coupon=FREE100").content.decode()


def test_the_last_day_that_was_typed_is_the_last_day_that_is_shown() -> None:
    shop = Shop.open()
    client = signed_in(shop.creator)
    asked = {"code": "WINTER", "amount": "20", "what": "percent", "ends_on": "2091-12-31"}
    assert client.post("/studio/coupons/", asked).status_code == 302
    assert Coupon.objects.get().ends_at == datetime(2092, 1, 1, tzinfo=UTC)
    page = client.get("/studio/coupons/").content.decode().replace("\u00a0", " ")
    assert "to the end of 31 December 2091 UTC" in page
    assert "2092" not in page
    # Over the API one ends at any moment.
    Coupon.objects.update(ends_at=datetime(2092, 1, 1, 15, 30, tzinfo=UTC))
    page = client.get("/studio/coupons/").content.decode().replace("\u00a0", " ")
    assert "until <time" in page
    assert "1 January 2092, 15:30 UTC</time>" in page
