"""The operator's page for a refund: what was bought, what the refund does, a reason, and a last look."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mutoscope.engines.ledger import Transfer, credit, debit
from mutoscope.platform.accounts.public import Person
from mutoscope.platform.billing import books
from mutoscope.platform.billing.books import Kind
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.models import Purchase, Refund
from mutoscope.platform.billing.refunds.foresight import foresee
from mutoscope.platform.billing.refunds.service import RefundPurchase, RefundPurchaseInputs
from tests.people import make_person
from tests.platform.billing.bundles.rack import Rack
from tests.platform.billing.shop import Shop, give

pytestmark = pytest.mark.django_db
ADD = "/operator/billing/refund/add/"
WHY = "The sound was missing."


@pytest.fixture
def olga() -> Person:
    person = make_person("olga", is_staff=True)
    person.groups.add(Group.objects.get(name="operator"))
    return person


@pytest.fixture
def page(olga: Person) -> Client:
    client = Client()
    client.force_login(olga)
    return client


def text_of(client: Client, address: str, data: dict[str, object] | None = None, *, post: bool = False) -> str:
    answer = client.post(address, data) if post else client.get(address, data)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_before_anything_it_says_what_was_bought_and_what_the_refund_does(page: Client) -> None:
    shop = Shop.open(points=100)
    bought = shop.unlock(Term.DAY)
    purchase = f"/operator/billing/purchase/{bought.purchase_id}/change/"
    assert f"{ADD}?purchase={bought.purchase_id}" in text_of(page, purchase)
    shown = text_of(page, ADD, {"purchase": bought.purchase_id})
    assert shop.video.title in shown
    assert "gets 30 points: 70 become 100" in shown
    assert "loses 27 points of earnings: 27 become 0" in shown
    assert "loses its fee of 3 points" in shown
    assert "can no longer be watched" in shown
    assert not Refund.objects.exists()


def test_a_reason_leads_to_a_last_look_and_only_that_refunds(page: Client, olga: Person) -> None:
    shop = Shop.open(points=100)
    bought = shop.unlock(Term.DAY)
    asked: dict[str, object] = {"purchase": bought.purchase_id, "reason": WHY}
    shown = text_of(page, ADD, asked, post=True)
    assert "30 points go back to nora." in shown
    assert "Refund 30 points" in shown
    assert (Refund.objects.exists(), shop.points()) == (False, 70)
    answer = page.post(ADD, {**asked, "confirmed": "Refund 30 points"}, follow=True)
    assert "30 points went back to nora." in answer.content.decode()
    refund = Refund.objects.get()
    assert (refund.by, refund.reason, shop.points()) == (olga, WHY, 100)
    assert WHY in LogEntry.objects.get().change_message
    assert WHY in text_of(page, "/operator/billing/refund/")
    assert "Refunded by olga" in text_of(page, f"/operator/billing/purchase/{bought.purchase_id}/change/")


@pytest.mark.parametrize(
    ("asked", "field", "words"),
    [
        ({"purchase": "4711"}, "which", "There is no purchase 4711."),
        ({"purchase": "seven"}, "which", "Write its number"),
        ({"purchase": "-1"}, "which", "greater than or equal to 1"),
        ({"purchase": "9" * 30}, "which", "less than or equal to"),
        ({"reason": "  "}, "why", "Say why the purchase is refunded."),
        ({"reason": "a" * 501}, "why", "at most 500 characters"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_moves_nothing(
    page: Client, asked: dict[str, str], field: str, words: str
) -> None:
    shop = Shop.open(points=100)
    bought = shop.unlock(Term.DAY)
    answer = page.post(ADD, {"purchase": bought.purchase_id, "reason": WHY, "confirmed": "yes", **asked})
    assert answer.status_code == 200
    assert list(answer.context[field].errors) == list(asked)
    assert words in answer.content.decode()
    assert not Refund.objects.exists()


def test_what_cannot_be_refunded_says_so_before_a_reason_is_asked_for(page: Client, olga: Person) -> None:
    shop = Shop.open()
    bought = shop.unlock(Term.LIFETIME)
    earnings = books.account(Kind.EARNINGS, shop.video.channel_id)
    left = (debit(earnings, 180), credit(books.account(Kind.PAID_OUT), 180))
    books.ledger().post(Transfer(f"test:{bought.transfer_id}", left))
    shown = text_of(page, ADD, {"purchase": bought.purchase_id})
    assert "The creator was paid out already. Give points instead." in shown
    assert 'name="reason"' not in shown
    give(olga, 100)
    own = shop.unlock(Term.DAY, viewer=olga)
    assert "your own purchase" in text_of(page, ADD, {"purchase": own.purchase_id})


def test_who_comes_second_is_told_and_shown_how_it_stands(page: Client) -> None:
    shop = Shop.open()
    bought = shop.unlock(Term.DAY)
    other = make_person("stan", is_staff=True)
    RefundPurchase().call(RefundPurchaseInputs(bought.purchase_id, other.pk, "Asked by mail."))
    asked: dict[str, object] = {"purchase": bought.purchase_id, "reason": WHY, "confirmed": "yes"}
    shown = text_of(page, ADD, asked, post=True)
    assert "This purchase was refunded before." in shown
    assert "by stan: Asked by mail." in shown
    assert shop.points() == 1000


def test_what_was_bought_beside_it_stays_as_foreseen(olga: Person) -> None:
    shop = Shop.open()
    first = shop.unlock(Term.DAY)
    shop.unlock(Term.DAY)
    foreseen = foresee(first.purchase_id, olga.pk)
    assert not foreseen.films[0].ends_now
    RefundPurchase().call(RefundPurchaseInputs(first.purchase_id, olga.pk, WHY))
    assert shop.entitlement().expires_at == foreseen.films[0].until
    assert (foreseen.to_viewer.after, foreseen.from_creator.after) == (shop.points(), shop.earnings())


def test_one_point_is_said_as_one(page: Client) -> None:
    shop = Shop.open(points=100)
    shop.price({Term.DAY: 1})
    bought = shop.unlock(Term.DAY, 1)
    shown = text_of(page, ADD, {"purchase": bought.purchase_id, "reason": WHY}, post=True)
    assert "Refund 1 point" in shown
    answer = page.post(ADD, {"purchase": bought.purchase_id, "reason": WHY, "confirmed": "yes"}, follow=True)
    lists = text_of(page, "/operator/billing/refund/") + text_of(page, "/operator/billing/purchase/")
    assert "1 point went back to nora." in answer.content.decode()
    assert "1 points" not in shown + lists


def test_what_stays_of_a_bundles_films_is_looked_for_once(olga: Person) -> None:
    rack = Rack.open()
    rack.buy()
    bought = Purchase.objects.order_by("pk")[0].pk
    for act in (
        lambda: foresee(bought, olga.pk),
        lambda: RefundPurchase().call(RefundPurchaseInputs(bought, olga.pk, WHY)),
    ):
        with CaptureQueriesContext(connection) as asked:
            act()
        looks = [each["sql"] for each in asked if 'ORDER BY "billing_purchase"."number"' in each["sql"]]
        assert len(looks) == 1, "one look for each film of the bundle"


def test_a_bundle_is_shown_and_goes_back_whole(page: Client) -> None:
    rack = Rack.open()
    rack.buy()
    one = Purchase.objects.filter(video=rack.films[1]).get()
    shown = text_of(page, ADD, {"purchase": one.pk})
    assert "all of its films go back together" in shown
    assert "gets 100 points: 900 become 1,000" in shown
    assert all(film.title in shown for film in rack.films)


def test_support_may_look_at_purchases_and_refund_none() -> None:
    support = make_person("sue", is_staff=True)
    support.groups.add(Group.objects.get(name="support"))
    client = Client()
    client.force_login(support)
    bought = Shop.open().unlock(Term.DAY)
    assert client.get(ADD, {"purchase": bought.purchase_id}).status_code == 403
    assert "Refund this purchase" not in text_of(client, f"/operator/billing/purchase/{bought.purchase_id}/change/")
