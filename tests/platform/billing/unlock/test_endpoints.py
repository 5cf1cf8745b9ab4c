"""The panel and the click, through the pages."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.models import Pack, Purchase
from mutoscope.platform.billing.pricing.service import SetPrices, SetPricesInputs
from mutoscope.platform.videos.life.moves import move
from mutoscope.platform.videos.public import VideoState
from tests.people import make_person
from tests.platform.billing.shop import Shop

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


def click(client: Client, shop: Shop, choice: str = "day:30", version: int = 0, **options: Any) -> Any:
    return client.post(f"/unlock/{shop.video.public_id}/", {"choice": choice, "version": str(version)}, **options)


def panel(client: Client, shop: Shop) -> str:
    answer = client.get(f"/unlock/{shop.video.public_id}/", headers=HTMX)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


@pytest.fixture
def viewer(client: Client) -> Client:
    return client


def test_the_panel_says_what_it_costs_and_what_is_left(client: Client) -> None:
    shop = Shop.open(points=100)
    client.force_login(shop.viewer)
    words = panel(client, shop)
    assert "Unlock for 30 points" in words
    assert "You have 100 points 70 left after this" in words
    assert "You have 100 points 100 are missing" not in words


def test_one_click_without_a_page_change(client: Client) -> None:
    shop = Shop.open(points=100)
    client.force_login(shop.viewer)
    with CaptureQueriesContext(connection) as asked:
        answer = click(client, shop, headers=HTMX)
    assert answer.status_code == 200
    assert "You paid 30 points" in answer.content.decode()
    assert shop.video.public_id in answer["HX-Trigger-After-Swap"]
    # Session with its person, and the click.
    assert len(asked) == 2, [query["sql"] for query in asked]


def test_one_click_without_scripts_leads_to_the_film(client: Client) -> None:
    shop = Shop.open(points=100)
    client.force_login(shop.viewer)
    answer = click(client, shop)
    assert (answer.status_code, answer["Location"]) == (302, f"/watch/{shop.video.public_id}")


def test_short_of_points_the_smallest_fitting_pack_is_offered(client: Client) -> None:
    shop = Shop.open(points=10, prices={Term.DAY: 30, Term.LIFETIME: 2000})
    Pack.objects.create(title="Tiny", points=15, price_usd_cents=20)
    small = Pack.objects.create(title="Small", points=20, bonus_points=5, price_usd_cents=99)
    large = Pack.objects.create(title="Large", points=500, price_usd_cents=999)
    client.force_login(shop.viewer)
    answer = client.get(f"/unlock/{shop.video.public_id}/", headers=HTMX).content.decode()
    assert "Get 25 points for $0.99" in answer
    assert f"pack={small.pk}&amp;film={shop.video.public_id}" in answer
    # No pack brings 1990 points: it takes four of the largest, and the page says so.
    assert f"pack={large.pk}&amp;film={shop.video.public_id}" in answer
    assert "No single pack is enough: it takes 4 of 500 points, $39.96 in all" in panel(client, shop)
    assert "Get the first 500 points for $9.99" in panel(client, shop)
    assert panel(client, shop).count("No single pack") == 1
    assert "20 are missing" in panel(client, shop)


def test_a_price_that_changed_is_asked_again_in_place(client: Client) -> None:
    shop = Shop.open(points=100)
    client.force_login(shop.viewer)
    shop.price({Term.DAY: 40})
    answer = click(client, shop, headers=HTMX)
    assert answer.status_code == 200
    assert "The price changed to 40 points" in answer.content.decode()
    assert 'value="day:40"' in answer.content.decode()
    assert click(client, shop).status_code == 409
    assert not Purchase.objects.exists()


def test_a_second_click_says_the_same_and_charges_nothing(client: Client) -> None:
    shop = Shop.open(points=100)
    client.force_login(shop.viewer)
    for _ in range(3):
        assert "You paid 30 points" in click(client, shop, headers=HTMX).content.decode()
    assert shop.points() == 70


def test_signed_out_the_panel_shows_prices_and_leads_to_sign_in(client: Client) -> None:
    shop = Shop.open()
    assert "Sign in to unlock for 30 points" in panel(client, shop)
    assert click(client, shop)["Location"].startswith("/account/login/")


def test_free_own_and_owned(client: Client) -> None:
    shop = Shop.open()
    client.force_login(shop.creator)
    assert "Your own film" in panel(client, shop)
    assert "your own film" in click(client, shop, headers=HTMX).content.decode()
    client.force_login(shop.viewer)
    shop.unlock(Term.LIFETIME)
    assert "Yours for ever" in panel(client, shop)
    SetPrices().call(SetPricesInputs(shop.creator.pk, shop.video.public_id, {}, is_free=True))
    assert "Free to watch" in panel(client, shop)


def test_a_withdrawn_film_shows_its_panel_to_its_buyers_only(client: Client) -> None:
    shop = Shop.open()
    shop.unlock(Term.DAY)
    move(shop.video.pk, VideoState.ARCHIVED)
    client.force_login(make_person("petra"))
    assert client.get(f"/unlock/{shop.video.public_id}/").status_code == 404
    client.force_login(shop.viewer)
    assert "Unlocked" in panel(client, shop)
    assert "Its creator has withdrawn it, and sells no more time of it." in panel(client, shop)


def test_before_anything_is_paid_it_is_said_that_films_need_scripts(client: Client) -> None:
    shop = Shop.open()
    client.force_login(shop.viewer)
    shown = client.get(f"/unlock/{shop.video.public_id}/").content.decode()
    assert "They are decrypted in your browser." in re.search(r"<noscript>(.*?)</noscript>", shown, re.DOTALL)[1]  # type: ignore[index]
    assert shown.index("They are decrypted in your browser.") < shown.index("Unlock for 30 points")


@pytest.mark.parametrize(
    ("choice", "version"),
    [
        ("", "0"),
        ("day", "0"),
        ("day:", "0"),
        ("day:-30", "0"),
        ("day:0", "0"),
        ("day:30.5", "0"),
        ("day:1e3", "0"),
        ("week:30", "0"),
        ("day:30", ""),
        ("day:30", "-1"),
        ("day:30", "x"),
        ("day:" + "9" * 400, "0"),
        ("day:30", "9" * 400),
    ],
)
def test_what_no_button_sends_is_refused(client: Client, choice: str, version: str) -> None:
    shop = Shop.open()
    client.force_login(shop.viewer)
    answer = client.post(f"/unlock/{shop.video.public_id}/", {"choice": choice, "version": version})
    assert answer.status_code == 400
    assert shop.points() == 1000


def test_a_far_version_is_no_version_of_ours(client: Client) -> None:
    shop = Shop.open()
    client.force_login(shop.viewer)
    assert "Something changed" in click(client, shop, version=9999999999, headers=HTMX).content.decode()
