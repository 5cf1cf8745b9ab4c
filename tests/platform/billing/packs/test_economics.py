"""Packs that would print money: refused where they are made, and told of where they became so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from mutoscope.cli.doctor import Health
from mutoscope.cli.doctor_settings import packs
from mutoscope.engines.solana.public import token_model
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.models import Pack
from mutoscope.platform.billing.payouts.available import earnings_of
from mutoscope.platform.billing.payouts.signing import PaidBySigner
from mutoscope.platform.billing.topup.service import CreditTopUp, CreditTopUpInputs
from mutoscope.web.demo.play_money import sell_for_play_money
from mutoscope.web.environment import Environment
from tests.people import make_person
from tests.platform.billing.shop import Shop

pytestmark = pytest.mark.django_db

NO_ENVIRONMENT = Environment.model_construct()


@pytest.fixture(autouse=True)
def worth(settings: Any) -> Any:
    settings.PAYOUT_POINT_USD = "0.01"
    settings.TOP_UPS = {**settings.TOP_UPS, "RATES_FIXED": {"USDC": "1"}, "RATES_FILE": None, "RATES_URL": None}
    return settings


@pytest.fixture
def operator(client: Client) -> Client:
    person = make_person("olga", is_staff=True)
    person.groups.add(Group.objects.get(name="operator"))
    client.force_login(person)
    return client


def form(**more: object) -> dict[str, object]:
    now = timezone.now()
    begun = {
        "on_sale_from_0": f"{now - timedelta(hours=2):%Y-%m-%d}",
        "on_sale_from_1": f"{now - timedelta(hours=2):%H:%M:%S}",
    }
    return {
        "title": "A lot",
        "points": 1000,
        "bonus_points": 200,
        "price_usd_cents": 1000,
        "position": 0,
        **begun,
        **more,
    }


def test_nobody_who_buys_a_pack_of_the_demo_is_paid_more_than_they_paid(worth: Any) -> None:
    """In small sales, of which the site has no fee."""
    sell_for_play_money()
    assert token_model().objects.filter(symbol="USDC").exists()
    shop = Shop.open(points=0, prices={Term.LIFETIME: 9})
    for number, pack in enumerate(Pack.objects.all(), 1):
        CreditTopUp().call(CreditTopUpInputs(shop.viewer.pk, number, pack.points, pack.bonus_points))
        quote = PaidBySigner().quote(pack.total_points())
        assert quote.amount * 100 <= pack.price_usd_cents * 10**quote.decimals, pack
    shop.unlock(Term.LIFETIME, points=9, version=0)
    assert earnings_of(shop.video.channel_id).posted == 9, "no fee of so small a sale"


def test_the_operator_pages_refuse_a_pack_that_prints_money(operator: Client) -> None:
    answer: Any = operator.post("/operator/billing/pack/add/", form())
    assert answer.status_code == 200
    (why,) = answer.context["adminform"].form.errors["price_usd_cents"]
    assert "1,200 points cost $10.00, and creators are paid $12.00" in why
    assert not Pack.objects.exists()
    assert operator.post("/operator/billing/pack/add/", form(price_usd_cents=1200)).status_code == 302
    assert Pack.objects.get().total_points() == 1200


def test_one_that_became_so_can_be_taken_off_sale_and_not_changed_otherwise(operator: Client) -> None:
    begun = timezone.now() - timedelta(hours=2)
    pack = Pack.objects.create(title="A lot", points=1000, bonus_points=200, price_usd_cents=1000, on_sale_from=begun)
    page = f"/operator/billing/pack/{pack.pk}/change/"
    assert operator.post(page, form(title="More")).status_code == 200
    over = timezone.now() - timedelta(minutes=1)
    ended = {"on_sale_until_0": f"{over:%Y-%m-%d}", "on_sale_until_1": f"{over:%H:%M:%S}"}
    assert operator.post(page, form(**ended)).status_code == 302
    later = timezone.now() + timedelta(days=1)
    on_sale = {"on_sale_until_0": f"{later:%Y-%m-%d}", "on_sale_until_1": f"{later:%H:%M:%S}"}
    assert operator.post(page, form(**on_sale)).status_code == 200


def test_packs_that_became_so_are_an_alarm_and_a_finding(operator: Client, worth: Any) -> None:
    def urgent() -> list[Any]:
        answer: Any = operator.get("/operator/")
        return [each for each in answer.context["urgent"] if each.name.startswith("Packs")]

    over = timezone.now() - timedelta(minutes=1)
    Pack.objects.create(title="A lot", points=1000, bonus_points=200, price_usd_cents=1200)
    Pack.objects.create(
        title="Sold once", points=10, price_usd_cents=1, on_sale_from=over - timedelta(days=1), on_sale_until=over
    )
    assert urgent() == []
    assert list(packs(NO_ENVIRONMENT)) == []
    worth.PAYOUT_POINT_USD = "0.0125"
    (alarm,) = urgent()
    assert (alarm.value, alarm.hint) == ("1", "“A lot” costs $12.00 and pays out $15.00")
    row = operator.get("/operator/billing/pack/").content.decode()
    assert row.count("more than it costs") == 1, "where the alarm leads, the pack that it means is marked"
    assert "$15.00: more than it costs" in row
    (finding,) = packs(NO_ENVIRONMENT)
    assert (finding.health, finding.detail) == (Health.BAD, "“A lot” costs $12.00 and pays out $15.00")
