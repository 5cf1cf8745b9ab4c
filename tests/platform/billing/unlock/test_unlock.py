"""One click: what it does, and every way in which it does nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from mutoscope.engines.ledger.models import Transfer
from mutoscope.platform.billing import books
from mutoscope.platform.billing.books import Kind
from mutoscope.platform.billing.clock import MovedClock
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.failures import (
    ChangedMeanwhile,
    InsufficientPoints,
    NoSuchFilm,
    NotForSale,
    OwnFilm,
    PriceChanged,
    RequestKeyReused,
    YoursForever,
)
from mutoscope.platform.billing.models import Entitlement, Purchase
from mutoscope.platform.billing.pricing.service import SetPrices, SetPricesInputs
from mutoscope.platform.billing.unlock.panel import panel_for
from mutoscope.platform.billing.unlock.service import Unlocking, UnlockVideo, UnlockVideoInputs, UnlockVideoOutputs
from mutoscope.platform.videos.life.moves import move
from mutoscope.platform.videos.public import VideoState
from tests.people import make_person
from tests.platform.billing.shop import PRICES, Shop, give

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True, params=["from a page", "from a program"])
def whose(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every rule twice: a page says which version it saw, and its click goes the short way where nothing is out of the ordinary."""
    if request.param == "from a program":
        return
    plainly = Shop.unlock

    def as_a_page(self: Shop, *asked: Any, **named: Any) -> UnlockVideoOutputs:
        if not named.get("request_key"):
            viewer = named.get("viewer") or self.viewer
            seen = Entitlement.objects.filter(viewer=viewer, video=self.video).first()
            named.setdefault("version", seen.version if seen else 0)
        return plainly(self, *asked, **named)

    monkeypatch.setattr(Shop, "unlock", as_a_page)


def after(**moved: int) -> MovedClock:
    return MovedClock(timedelta(**moved))


def test_one_click_debits_credits_and_entitles() -> None:
    shop = Shop.open(points=100)
    fees = books.balance(Kind.FEES).posted
    bought = shop.unlock(Term.DAY)
    assert (shop.points(), shop.earnings(), books.balance(Kind.FEES).posted - fees) == (70, 27, 3)
    receipt = Purchase.objects.get()
    assert (receipt.pk, receipt.transfer_id, receipt.paid_points()) == (bought.purchase_id, bought.transfer_id, 30)
    assert shop.entitlement().expires_at == bought.expires_at == receipt.bought_at + DAY


def test_an_ordinary_click_takes_one_round_trip_and_without_a_version_two() -> None:
    shop = Shop.open()
    give(other := make_person("otto"), 100)
    for viewer, version, trips in ((shop.viewer, 0, 1), (other, None, 2)):
        asked = UnlockVideoInputs(viewer.pk, shop.video.public_id, Term.DAY, 30, version)
        with CaptureQueriesContext(connection) as statements:
            UnlockVideo().call(asked)
        assert len(statements) == trips, [query["sql"] for query in statements]


@pytest.mark.parametrize("term", Term)
def test_an_ordinary_click_writes_what_the_long_way_writes(term: Term, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop.open()
    give(other := make_person("otto"), 1000)
    plain = UnlockVideoInputs(shop.viewer.pk, shop.video.public_id, term, PRICES[term], version=0)
    UnlockVideo().call(plain)
    monkeypatch.setattr(UnlockVideo, "is_plain", lambda *_: False)
    UnlockVideo().call(replace(plain, viewer_id=other.pk))
    short, long = (dict[str, Any](receipt) for receipt in Purchase.objects.order_by("id").values())
    own = {"id", "viewer_id", "bought_at", "starts_at", "expires_at", "transfer_id"}
    assert {name: short[name] for name in short.keys() - own} == {name: long[name] for name in long.keys() - own}
    lasted = [term_of["expires_at"] and term_of["expires_at"] - term_of["starts_at"] for term_of in (short, long)]
    assert lasted[0] == lasted[1]
    paid, paid_long = (Transfer.objects.get(pk=receipt["transfer_id"]) for receipt in (short, long))
    assert paid.metadata == paid_long.metadata == {"for": "unlock", "video": shop.video.pk, "term": term}
    assert (paid.key, paid_long.key) == tuple(f"unlock:{who.pk}:{shop.video.pk}:0" for who in (shop.viewer, other))
    amounts = sorted([-PRICES[term], short["fee_points"], short["creator_points"]])
    assert sorted(paid.amounts) == sorted(paid_long.amounts) == amounts


@pytest.mark.parametrize("fee_bps", [0, 1, 1000, 9000])
def test_whatever_the_fee_the_parts_add_up(settings: object, fee_bps: int) -> None:
    settings.FEE_BPS = fee_bps  # type: ignore[attr-defined]
    shop = Shop.open(points=100)
    shop.unlock(Term.DAY)
    receipt = Purchase.objects.get()
    assert (shop.points(), shop.earnings()) == (70, receipt.creator_points)
    assert receipt.fee_points == 30 * fee_bps // 10_000


@pytest.mark.parametrize(
    "changed",
    [
        {"expires_at": None},
        {"term": "lifetime"},
        {"term": "week"},
        {"expires_at": F("starts_at")},
        {"fee_points": F("fee_points") + 1},
        {"creator_points": 31, "fee_points": -1},
        {"discount_points": -1, "creator_points": 28},
        {"transfer_id": None},
    ],
)
def test_the_database_refuses_a_receipt_that_contradicts_itself(changed: dict[str, Any]) -> None:
    Shop.open(points=100).unlock(Term.DAY)
    with pytest.raises(IntegrityError, match="violates check constraint"), transaction.atomic():
        Purchase.objects.update(**changed)


def test_a_second_click_on_the_same_page_charges_nothing() -> None:
    shop = Shop.open(points=100)
    first = shop.unlock(Term.DAY, version=0)
    second = shop.unlock(Term.DAY, version=0)
    assert second.is_repeated
    assert (second.purchase_id, second.expires_at) == (first.purchase_id, first.expires_at)
    assert (shop.points(), Purchase.objects.count()) == (70, 1)


def test_a_second_click_when_the_points_are_gone_is_answered_like_the_first() -> None:
    shop = Shop.open(points=30)
    first = shop.unlock(Term.DAY, version=0)
    assert shop.unlock(Term.DAY, version=0).purchase_id == first.purchase_id


def test_another_tab_that_wants_another_term_is_asked_again() -> None:
    shop = Shop.open()
    shop.unlock(Term.DAY, version=0)
    with pytest.raises(ChangedMeanwhile):
        shop.unlock(Term.LIFETIME, version=0)
    assert shop.points() == 970


def test_a_page_from_before_a_rental_that_has_ended_asks_again() -> None:
    shop = Shop.open()
    shop.unlock(Term.DAY, version=0)
    with pytest.raises(ChangedMeanwhile):
        shop.unlock(Term.DAY, version=0, clock=after(days=2))
    assert shop.points() == 970


def test_the_same_request_key_gets_the_same_receipt() -> None:
    shop = Shop.open()
    first = shop.unlock(Term.DAY, request_key="a")
    again = shop.unlock(Term.DAY, request_key="a")
    assert (again.is_repeated, again.purchase_id) == (True, first.purchase_id)
    other = shop.unlock(Term.DAY, request_key="b")
    assert (other.is_repeated, shop.points()) == (False, 940)
    with pytest.raises(RequestKeyReused):
        shop.unlock(Term.MONTH, request_key="a")


def test_a_key_is_never_answered_with_the_receipt_of_another_request() -> None:
    """It would not find that receipt when it is sent again, and buy once more."""
    shop = Shop.open()

    class SlowUnlock(UnlockVideo):
        def work_out_the_price(self, unlocking: Unlocking) -> None:
            super().work_out_the_price(unlocking)
            shop.unlock(Term.DAY, version=0)

    asked = UnlockVideoInputs(shop.viewer.pk, shop.video.public_id, Term.DAY, 30, request_key="mine")
    with pytest.raises(ChangedMeanwhile):
        SlowUnlock().call(asked)
    assert shop.points() == 970


def test_what_the_database_refuses_otherwise_is_a_bug_and_said_to_be_one() -> None:
    shop = Shop.open()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE billing_purchase ADD CONSTRAINT planted CHECK (price_points <> 30)")
    with pytest.raises(IntegrityError, match="planted"), transaction.atomic():
        shop.unlock(Term.DAY)
    assert shop.points() == 1000


def test_buying_again_before_expiry_extends() -> None:
    shop = Shop.open()
    first = shop.unlock(Term.DAY)
    second = shop.unlock(Term.DAY, version=1, clock=MovedClock(HOUR))
    assert first.expires_at is not None
    assert second.expires_at == first.expires_at + DAY
    assert shop.points() == 940


def test_buying_after_expiry_starts_afresh() -> None:
    shop = Shop.open()
    shop.unlock(Term.DAY)
    second = shop.unlock(Term.DAY, clock=after(days=365))
    receipt = Purchase.objects.get(pk=second.purchase_id)
    assert (receipt.starts_at, receipt.expires_at) == (receipt.bought_at, receipt.bought_at + DAY)


def test_an_hour_before_and_at_the_end_of_a_day() -> None:
    shop = Shop.open()
    first = shop.unlock(Term.DAY)
    early = shop.unlock(Term.DAY, clock=after(hours=23))
    assert first.expires_at is not None
    assert early.expires_at == first.expires_at + DAY
    # What the extension bought still runs; the first day no longer counts towards an upgrade.
    late = shop.unlock(Term.MONTH, 30, clock=after(hours=25))
    assert Purchase.objects.get(pk=late.purchase_id).credit_points == 30


def test_the_panel_counts_what_still_runs_as_the_click_does_and_asks_only_then() -> None:
    shop = Shop.open()
    for days, (credit, due) in enumerate(((0, 60), (30, 30), (1, 59))):
        when = after(days=3 * days)
        if days == 1:
            shop.unlock(Term.DAY, clock=when)
        if days == 2:
            shop.price({**PRICES, Term.DAY: 1})
            shop.unlock(Term.DAY, 1, clock=when)
        with CaptureQueriesContext(connection) as asked:
            shown = panel_for(shop.viewer.pk, shop.video.public_id, when)
        assert shown is not None
        (month,) = (choice.quote for choice in shown.choices if choice.quote.term is Term.MONTH)
        assert (month.credit_points, month.due_points) == (credit, due)
        weighed = [query["sql"] for query in asked if "credited_to_id IS NULL" in query["sql"]]
        assert len(weighed) == (1 if credit else 0)
    assert shop.unlock(Term.MONTH, 59, clock=when).points == 59


def test_a_longer_term_credits_what_is_running() -> None:
    shop = Shop.open()
    shop.unlock(Term.DAY)
    with pytest.raises(PriceChanged) as refused:
        shop.unlock(Term.MONTH, 60)
    assert refused.value.points == 30
    shop.unlock(Term.MONTH, 30)
    shop.unlock(Term.LIFETIME, 140)
    assert shop.points() == 800
    assert shop.entitlement().expires_at is None
    credits_ = list(Purchase.objects.order_by("number").values_list("credit_points", flat=True))
    assert credits_ == [0, 30, 60]


def test_a_lifetime_owned_is_refused_kindly() -> None:
    shop = Shop.open()
    shop.unlock(Term.LIFETIME)
    for term in Term:
        with pytest.raises(YoursForever) as refused:
            shop.unlock(term)
        assert "Nothing was charged" in refused.value.sentence()
    assert shop.points() == 800


def test_a_creators_own_film_is_not_sold_to_them() -> None:
    shop = Shop.open()
    give(shop.creator, 100)
    with pytest.raises(OwnFilm):
        shop.unlock(viewer=shop.creator)


def test_a_withdrawn_film_is_not_sold_and_stays_with_its_buyers() -> None:
    shop = Shop.open()
    shop.unlock(Term.DAY)
    move(shop.video.pk, VideoState.ARCHIVED)
    with pytest.raises(NotForSale):
        shop.unlock(Term.DAY)
    assert shop.entitlement().expires_at is not None
    assert shop.points() == 970


def test_an_unlisted_film_is_sold() -> None:
    shop = Shop.open()
    move(shop.video.pk, VideoState.UNLISTED)
    assert shop.unlock().points == 30


@pytest.mark.parametrize("price", [20, 40])
def test_a_price_that_changed_since_the_page_was_shown_asks_again(price: int) -> None:
    shop = Shop.open()
    shop.price({Term.DAY: price})
    with pytest.raises(PriceChanged) as refused:
        shop.unlock(Term.DAY, 30)
    assert (refused.value.agreed_points, refused.value.points) == (30, price)
    assert shop.points() == 1000
    assert shop.unlock(Term.DAY, price).points == price


def test_a_term_that_is_not_offered() -> None:
    shop = Shop.open(prices={Term.DAY: 30})
    with pytest.raises(NotForSale):
        shop.unlock(Term.MONTH)
    SetPrices().call(SetPricesInputs(shop.creator.pk, shop.video.public_id, {}, is_free=True))
    with pytest.raises(NotForSale):
        shop.unlock(Term.DAY)


@pytest.mark.parametrize("points", [0, 29])
def test_short_of_points_nothing_happens(points: int) -> None:
    shop = Shop.open(points=points)
    with pytest.raises(InsufficientPoints) as refused:
        shop.unlock(Term.DAY)
    assert (refused.value.needed, refused.value.available) == (30, points)
    assert not Purchase.objects.exists()
    assert shop.points() == points


def test_a_film_that_does_not_exist() -> None:
    with pytest.raises(NoSuchFilm):
        UnlockVideo().call(UnlockVideoInputs(make_person().pk, "nosuchfilm", Term.DAY, 30))


def test_a_refusal_leaves_the_callers_transaction_usable() -> None:
    shop = Shop.open(points=10)
    with pytest.raises(InsufficientPoints):
        shop.unlock(Term.DAY)
    give(shop.viewer, 100)
    assert shop.unlock(Term.DAY).points == 30
