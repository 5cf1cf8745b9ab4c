"""The API of analytics: the same figures as on the pages, and answers that are as its schema says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, settings
from schemathesis import Case

from mutoscope.platform.accounts.public import Person
from mutoscope.platform.analytics.api.endpoints import api
from mutoscope.platform.analytics.reports.dashboard import dashboard
from mutoscope.platform.analytics.reports.periods import period_named
from mutoscope.platform.billing.clock import MovedClock
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.tips.service import GiveTip, GiveTipInputs
from mutoscope.platform.videos.public import Video, VideoState
from tests.people import make_channel, make_person
from tests.platform.analytics.audience import add_up, play, visit
from tests.platform.billing.shop import Shop
from tests.platform.conformance import check_answer
from tests.platform.videos.films import new_video

pytestmark = pytest.mark.django_db


def open_shop() -> Shop:
    """Sales on two days, a tip, visits, and a playback of the first half."""
    shop = Shop.open()
    shop.unlock(Term.DAY, clock=MovedClock(timedelta(days=-12)))
    shop.unlock(Term.MONTH)
    GiveTip().call(GiveTipInputs(shop.viewer.pk, shop.video.public_id, 55, "tip"))
    for what in ("page", "price", "price", "trailer"):
        visit(shop.video, what)
    length_ms = shop.video.duration_ms or 0
    play(shop.video, timezone.now(), (0, length_ms * 6 // 10))
    add_up()
    return shop


@pytest.fixture
def shop(client: Client) -> Shop:
    opened = open_shop()
    client.force_login(opened.creator)
    return opened


def get(client: Client, path: str) -> Any:
    answer = client.get(f"/api/analytics{path}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_the_channels_figures_are_the_dashboards(client: Client, shop: Shop) -> None:
    told = get(client, "/channel?period=30")
    board = dashboard(shop.video.channel_id, period_named("30"))
    total = told["total"]
    assert total["points"] == board.revenue.points() == 27 + 54 + 50
    assert (total["sales"], total["tips"], total["paid_points"]) == (2, 1, 30 + 60 + 55)
    assert (total["visits"], total["saw_the_price"], total["trailers"], total["views"]) == (3, 2, 1, 1)
    assert told["funnel"] == [
        {"name": "price", "count": 2, "of": None},
        {"name": "trailer", "count": 1, "of": "price"},
        {"name": "unlock", "count": 2, "of": "price"},
        {"name": "view", "count": 1, "of": None},
        {"name": "middle", "count": 1, "of": "view"},
        {"name": "end", "count": 0, "of": "view"},
    ]
    assert [(term["term"], term["sales"]) for term in told["terms"]] == [("day", 1), ("month", 1), ("lifetime", 0)]
    assert told["added_up_until"] is not None
    assert get(client, "/channel?period=7")["total"]["sales"] == 1
    assert get(client, "/channel?period=all")["since"] is None
    assert get(client, f"/films/{shop.video.public_id}")["total"] == total


def test_days_come_in_pages_newest_first_and_add_up(client: Client, shop: Shop) -> None:
    whole = get(client, "/days?period=30&limit=366")
    assert (len(whole["days"]), whole["next_before"]) == (30, None)
    assert sum(day["points"] for day in whole["days"]) == 27 + 54 + 50
    pages, before = [], ""
    while before is not None:
        page = get(
            client, f"/films/{shop.video.public_id}/days?period=30&limit=7" + (f"&before={before}" if before else "")
        )
        pages += page["days"]
        before = page["next_before"]
    assert pages == whole["days"]


def test_films_and_how_far_they_are_watched(client: Client, shop: Shop) -> None:
    second = new_video(shop.video.channel, VideoState.PUBLISHED, "Voyage 2")
    told = get(client, "/films")
    assert [film["public_id"] for film in told["films"]] == [shop.video.public_id, second.public_id]
    assert (told["films"][0]["points"], told["films"][0]["views"], told["next_page"]) == (27 + 54 + 50, 1, None)
    moments = get(client, f"/films/{shop.video.public_id}/retention")["moments"]
    assert len(moments) == 100
    assert [moments[n]["playbacks"] for n in (0, 59, 60, 99)] == [1, 1, 0, 0]
    assert moments[50]["at_ms"] == (shop.video.duration_ms or 0) // 2
    assert get(client, f"/films/{second.public_id}/retention") == {"moments": []}


def test_they_are_the_creators_own(client: Client, shop: Shop) -> None:
    paths = ("/channel", "/days", "/films", f"/films/{shop.video.public_id}", f"/films/{shop.video.public_id}/days")
    paths += (f"/films/{shop.video.public_id}/retention",)
    client.logout()
    for path in paths:
        answer = client.get(f"/api/analytics{path}")
        assert (answer.status_code, answer.json()["type"]) == (401, "/problems/signed-out")
    client.force_login(shop.viewer)
    assert {client.get(f"/api/analytics{path}").status_code for path in paths} == {404}
    other = make_person("mallory")
    make_channel(other, "mallory")
    client.force_login(other)
    assert [client.get(f"/api/analytics{path}").status_code for path in paths] == [200, 200, 200, 404, 404, 404]


@pytest.mark.parametrize("asked", ["period=31", "limit=0", "limit=367", "before=yesterday"])
def test_what_cannot_be_asked_is_refused_by_its_field(client: Client, shop: Shop, asked: str) -> None:
    answer = client.get(f"/api/analytics/days?{asked}")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [asked.partition("=")[0]]


schema = schemathesis.openapi.from_dict(api.get_openapi_schema())


@pytest.mark.filterwarnings("ignore::pytest.PytestWarning")
@schema.parametrize()
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_the_schema_names(case: Case[Any], db: None) -> None:
    creator = Person.objects.filter(channel__isnull=False).first() or open_shop().creator
    if "public_id" in (case.path_parameters or {}):
        case.path_parameters["public_id"] = Video.objects.get().public_id
    check_answer(case, creator)
