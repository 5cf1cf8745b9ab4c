"""The API: what it says is what it does, by examples and by schemathesis."""

from __future__ import annotations

import json
from typing import Any

import pytest
import schemathesis
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, settings
from schemathesis import Case

from mutoscope.platform.billing.api.endpoints import api
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.models import Offer, Purchase
from mutoscope.platform.billing.pricing.service import SetPrices, SetPricesInputs
from mutoscope.platform.videos.public import VideoState
from tests.platform.billing.shop import Shop
from tests.platform.conformance import check_answer
from tests.platform.videos.films import new_video

pytestmark = pytest.mark.django_db


def post(client: Client, path: str, body: object, key: str = "a", method: str = "POST") -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.generic(method, f"/api/billing{path}", json.dumps(body), "application/json", headers=headers)


@pytest.fixture
def shop(client: Client) -> Shop:
    opened = Shop.open(points=100)
    client.force_login(opened.viewer)
    return opened


def test_unlock_once_by_its_key(client: Client, shop: Shop) -> None:
    path = f"/films/{shop.video.public_id}/unlock"
    first = post(client, path, {"term": "day", "agreed_points": 30}).json()
    again = post(client, path, {"term": "day", "agreed_points": 30}).json()
    assert (first["purchase"], again["purchase"], again["is_repeated"]) == (Purchase.objects.get().pk,) * 2 + (True,)
    assert client.get("/api/billing/balance").json() == {"points": 70}
    shown = client.get(f"/api/billing/films/{shop.video.public_id}").json()
    assert (shown["is_unlocked"], shown["version"]) == (True, 1)
    assert [(offer["term"], offer["due_points"]) for offer in shown["offers"]] == [
        ("day", 30),
        ("month", 30),
        ("lifetime", 170),
    ]
    assert client.get("/api/billing/library").json()["films"][0]["is_unlocked"]


@pytest.mark.parametrize(
    ("body", "key", "status", "kind"),
    [
        ({"term": "day", "agreed_points": 29}, "a", 409, "price-changed"),
        ({"term": "lifetime", "agreed_points": 200}, "a", 402, "insufficient-points"),
        ({"term": "day", "agreed_points": 30, "version": 5}, "a", 409, "changed-meanwhile"),
        ({"term": "week", "agreed_points": 30}, "a", 422, "unacceptable"),
        ({"term": "day", "agreed_points": "30"}, "a", 422, "unacceptable"),
        ({"term": "day", "agreed_points": 30.0}, "a", 422, "unacceptable"),
        ({"term": "day", "agreed_points": True}, "a", 422, "unacceptable"),
        ({"term": "day", "agreed_points": -30}, "a", 422, "unacceptable"),
        ({"term": "day", "agreed_points": 10**30}, "a", 422, "unacceptable"),
        ({"term": "day", "agreed_points": 30, "price": 1}, "a", 422, "unacceptable"),
        ({"term": "day", "agreed_points": 30}, "", 422, "unacceptable"),
    ],
)
def test_refusals_are_problems_and_nothing_is_charged(
    client: Client, shop: Shop, body: dict[str, Any], key: str, status: int, kind: str
) -> None:
    answer = post(client, f"/films/{shop.video.public_id}/unlock", body, key)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == f"/problems/{kind}"
    assert shop.points() == 100


def test_signed_out_and_without_a_token(client: Client) -> None:
    shop = Shop.open()
    answer = client.get("/api/billing/balance")
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/signed-out")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(shop.viewer)
    path = f"/films/{shop.video.public_id}/unlock"
    assert post(strict, path, {"term": "day", "agreed_points": 30}).status_code == 403
    assert shop.points() == 1000


def test_prices_are_set_by_the_creator_alone(client: Client, shop: Shop) -> None:
    path = f"/films/{shop.video.public_id}/prices"
    assert post(client, path, {"day": 1}, method="PUT").status_code == 404
    client.force_login(shop.creator)
    assert post(client, path, {"day": 5, "lifetime": 4}, method="PUT").json()["field"] == "lifetime"
    answer = post(client, path, {"day": 5}, method="PUT")
    assert answer.json() == {"day": 5, "month": None, "lifetime": None, "is_free": False}
    assert Offer.objects.filter(ended_at=None).count() == 1


def test_statements_are_paged(client: Client, shop: Shop) -> None:
    for _ in range(3):
        shop.unlock(Term.DAY)
    first = client.get("/api/billing/statement?limit=2").json()
    assert [line["balance"] for line in first["lines"]] == [10, 40]
    second = client.get(f"/api/billing/statement?limit=2&before={first['next_before']}").json()
    assert ([line["balance"] for line in second["lines"]], second["next_before"]) == ([70, 100], None)


schema = schemathesis.openapi.from_dict(api.get_openapi_schema())


@pytest.mark.filterwarnings("ignore::pytest.PytestWarning")
@schema.parametrize()
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_the_schema_names(case: Case[Any], db: None) -> None:
    shop = _shop()
    if "public_id" in (case.path_parameters or {}):
        case.path_parameters["public_id"] = shop.video.public_id
    check_answer(case, shop.viewer if case.method != "PUT" else shop.creator)


def _shop() -> Shop:
    from mutoscope.platform.accounts.public import Person
    from mutoscope.platform.videos.public import Video

    viewer = Person.objects.filter(username="nora").first()
    if viewer is None:
        return Shop.open(points=100)
    video = Video.objects.select_related("channel__owner").get()
    return Shop(video.channel.owner, viewer, video)


@pytest.mark.parametrize("what", ["coupons", "bundles"])
def test_whoever_makes_one_is_told_of_that_one_and_no_other_is_read(client: Client, what: str) -> None:
    shop = Shop.open(prices={Term.DAY: 30})
    films = [shop.video.public_id]
    for number in range(3):
        other = new_video(shop.video.channel, VideoState.PUBLISHED, f"Voyage {number}")
        SetPrices().call(SetPricesInputs(shop.creator.pk, other.public_id, {Term.DAY: 30}))
        films.append(other.public_id)
    client.force_login(shop.creator)
    read: list[int] = []

    def count(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        answer = execute(sql, params, many, context)
        if "billing_couponuse u" in sql or "billing_bundlepurchase p" in sql:
            read.append(context["cursor"].rowcount)
        return answer

    for number in range(3):
        asked = {
            "coupons": {"code": f"AUTUMN{number}", "percent": 10 + number},
            "bundles": {"title": f"Voyage {number}", "films": films[: number + 2], "term": "day", "points": 40},
        }[what]
        with connection.execute_wrapper(count):
            made = client.post(f"/api/billing/{what}", asked, content_type="application/json")
        assert made.status_code == 200, made.content
        assert {name: made.json()[name] for name in asked if name != "films"} == {
            name: value for name, value in asked.items() if name != "films"
        }
        assert client.get(f"/api/billing/{what}").json()[what][0] == made.json()
    assert read == [1, 1, 1]
