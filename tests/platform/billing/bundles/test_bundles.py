"""Bundles: one click and one transfer for several films, less what is owned; a refund ends all of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.engines.ledger.models import Transfer
from mutoscope.platform.billing import books
from mutoscope.platform.billing.bundles.making import EndBundle, EndBundleInputs, MakeBundle, MakeBundleInputs
from mutoscope.platform.billing.clock import MovedClock
from mutoscope.platform.billing.domain import bundles, money, terms
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.earnings.revenue import revenue_of
from mutoscope.platform.billing.failures import (
    CannotRefund,
    ChangedMeanwhile,
    InsufficientPoints,
    NoSuchBundle,
    NoSuchFilm,
    NotForSale,
    OwnFilm,
    PriceChanged,
    RequestKeyReused,
    Unacceptable,
    YoursForever,
)
from mutoscope.platform.billing.models import Bundle, BundlePurchase, Entitlement, Purchase, Refund
from mutoscope.platform.billing.reconcile.service import find
from mutoscope.platform.billing.refunds.service import RefundPurchase, RefundPurchaseInputs
from mutoscope.platform.billing.unlock.service import UnlockVideo, UnlockVideoInputs
from mutoscope.platform.videos.life.moves import move
from mutoscope.platform.videos.public import Video, VideoState
from tests.people import make_channel, make_person
from tests.platform.billing.books import all_is_well
from tests.platform.billing.bundles.rack import Rack, make
from tests.platform.billing.shop import PRICES
from tests.platform.videos.films import new_video

pytestmark = pytest.mark.django_db


def test_one_click_is_one_transfer_and_every_film() -> None:
    rack = Rack.open()
    before = Transfer.objects.count()
    bought = rack.buy()
    assert Transfer.objects.count() == before + 1
    assert (bought.points, bought.films, bought.expires_at) == (100, 3, None)
    assert rack.live() == [True, True, True]
    assert rack.shop.points() == 900
    assert rack.shop.earnings() == 90 == revenue_of(rack.shop.video.channel_id, None).points()
    assert [purchase.price_points for purchase in Purchase.objects.order_by("pk")] == [34, 33, 33]
    assert sum(purchase.fee_points for purchase in Purchase.objects.all()) == 10
    assert all_is_well()


def test_a_film_that_is_owned_for_as_long_is_taken_off() -> None:
    rack = Rack.open()
    rack.alone(0, Term.LIFETIME)
    with pytest.raises(PriceChanged) as changed:
        rack.buy()
    assert changed.value.points == 66
    assert rack.buy(66).points == 66
    assert Purchase.objects.filter(bundle_purchase__isnull=False).count() == 2
    assert all_is_well()


def test_what_is_owned_for_a_shorter_time_is_not_taken_off_and_the_term_is_added_to_it() -> None:
    rack = Rack.open(term=Term.MONTH)
    day = Purchase.objects.get(pk=rack.alone(0, Term.DAY)).expires_at
    bought = rack.buy()
    assert bought.points == 100
    first, *others = Entitlement.objects.order_by("pk")
    assert day is not None
    assert first.expires_at == day + timedelta(days=30)
    assert {each.expires_at for each in others} == {bought.expires_at}
    assert all_is_well()


def test_a_bundle_bought_again_while_it_runs_extends_every_film() -> None:
    rack = Rack.open(term=Term.DAY)
    first, second = rack.buy(), rack.buy()
    assert first.expires_at is not None
    assert second.expires_at == first.expires_at + timedelta(days=1)
    assert {each.expires_at for each in Entitlement.objects.all()} == {second.expires_at}
    refund(Purchase.objects.filter(bundle_purchase=first.purchase_id).order_by("pk")[1].pk)
    # What came after it moves forward.
    later = BundlePurchase.objects.get(pk=second.purchase_id).bought_at + timedelta(days=1)
    assert {each.expires_at for each in Entitlement.objects.all()} == {later}
    assert all_is_well()


def test_a_click_on_a_film_from_before_its_bundle_was_bought_asks_again() -> None:
    rack = Rack.open(term=Term.DAY)
    rack.buy()
    asked = UnlockVideoInputs(rack.shop.viewer.pk, rack.shop.video.public_id, Term.DAY, 30, version=0)
    with pytest.raises(ChangedMeanwhile):
        UnlockVideo().call(asked)
    assert rack.shop.points() == 900


def test_for_ever_begins_at_once_over_what_runs() -> None:
    rack = Rack.open()
    rack.alone(0, Term.DAY)
    assert rack.buy().expires_at is None
    assert rack.live() == [True, True, True]
    assert {each.expires_at for each in Entitlement.objects.all()} == {None}
    assert all_is_well()


def test_a_longer_time_is_never_cut_short() -> None:
    rack = Rack.open(term=Term.DAY)
    rack.alone(0, Term.MONTH)
    month = Entitlement.objects.get().expires_at
    assert rack.buy(66).points == 66
    assert Entitlement.objects.get(video=rack.films[0]).expires_at == month


def test_who_has_all_of_it_is_refused_kindly() -> None:
    rack = Rack.open()
    rack.buy()
    with pytest.raises(YoursForever):
        rack.buy()
    assert rack.shop.points() == 900


def test_a_rental_can_be_bought_again_when_it_is_over() -> None:
    rack = Rack.open(term=Term.DAY)
    rack.buy(clock=MovedClock(timedelta(days=-3)))
    assert rack.live() == [False, False, False]
    rack.buy()
    assert rack.live() == [True, True, True]
    assert [each.number for each in BundlePurchase.objects.order_by("pk")] == [0, 1]
    assert all_is_well()


def test_the_same_page_clicked_again_is_the_first_receipt() -> None:
    rack = Rack.open()
    first, again = rack.buy(number=0), rack.buy(number=0)
    assert (again.purchase_id, again.is_repeated) == (first.purchase_id, True)
    assert rack.shop.points() == 900


def test_a_request_key_is_one_purchase_of_one_bundle() -> None:
    rack = Rack.open()
    first = rack.buy(key="one")
    assert rack.buy(key="one").purchase_id == first.purchase_id
    rack.bundle = make(rack.shop, rack.films[:2], 50)
    with pytest.raises(RequestKeyReused):
        rack.buy(50, key="one")


def test_too_few_points_write_nothing() -> None:
    rack = Rack.open(points=99)
    with pytest.raises(InsufficientPoints), transaction.atomic():
        rack.buy()
    assert not Entitlement.objects.exists()
    assert not BundlePurchase.objects.exists()


def test_what_is_not_sold_is_refused() -> None:
    rack = Rack.open()
    with pytest.raises(OwnFilm):
        rack.buy(viewer=rack.shop.creator)
    move(rack.films[1].pk, VideoState.ARCHIVED)
    with pytest.raises(NotForSale):
        rack.buy()
    rack = Rack(rack.shop, rack.films, make(rack.shop, [rack.films[0], rack.films[2]], 50))
    EndBundle().call(EndBundleInputs(rack.shop.video.channel, rack.bundle.public_id))
    with pytest.raises(NotForSale) as ended:
        rack.buy(50)
    assert ended.value.sentence().startswith("This bundle is not sold")
    rack.bundle.public_id = "abcdefghjkmn"
    with pytest.raises(NoSuchBundle):
        rack.buy(50)


def test_a_page_that_saw_another_state_asks_again() -> None:
    rack = Rack.open(term=Term.DAY)
    with pytest.raises(ChangedMeanwhile):
        rack.buy(number=3)


def refund(purchase_id: int) -> None:
    RefundPurchase().call(RefundPurchaseInputs(purchase_id, make_person(f"staff-{purchase_id}").pk, "asked for"))


@pytest.mark.parametrize("which", [0, 2])
def test_a_refund_of_any_of_its_films_ends_all_of_it(which: int) -> None:
    rack = Rack.open()
    rack.buy()
    refund(list(Purchase.objects.order_by("pk"))[which].pk)
    assert rack.live() == [False, False, False]
    assert (rack.shop.points(), rack.shop.earnings(), books.balance(books.Kind.FEES).posted) == (1000, 0, 0)
    assert Refund.objects.count() == 3
    assert BundlePurchase.objects.get().refunded_at is not None
    assert revenue_of(rack.shop.video.channel_id, None).points() == 0
    assert all_is_well()
    with pytest.raises(CannotRefund, match="before"):
        refund(Purchase.objects.order_by("pk")[1].pk)


def test_a_refund_leaves_what_was_bought_alone() -> None:
    rack = Rack.open(term=Term.MONTH)
    day = rack.alone(0, Term.DAY)
    end_of_day = Purchase.objects.get(pk=day).expires_at
    rack.buy()
    refund(Purchase.objects.filter(bundle_purchase__isnull=False).order_by("pk")[0].pk)
    assert rack.live() == [True, False, False]
    assert Entitlement.objects.get(video=rack.films[0]).expires_at == end_of_day
    assert all_is_well()
    rack.buy(number=1)
    assert rack.live() == [True, True, True]


def test_reconciliation_names_a_bundle_whose_films_say_otherwise() -> None:
    rack = Rack.open()
    rack.buy()
    BundlePurchase.objects.update(fee_points=11, creator_points=89)
    assert [finding.name for finding in find()][:1] == ["bundle_differs"]


def test_all_of_it_runs_until_the_first_of_its_films_ends_also_one_that_is_left_out() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    left_out, extended = terms.Until(now + timedelta(hours=25)), terms.Until(now + timedelta(hours=23))
    quoted = bundles.quote(Term.DAY, 90, [left_out, extended], now)
    assert (quoted.due_points, quoted.expires_at) == (45, left_out.expires_at)
    assert quoted.parts[1].expires_at == now + timedelta(hours=47)


@given(st.integers(1, 1_000_000), st.integers(1, 50))
def test_shares_add_up_and_differ_by_a_point_at_most(points: int, films: int) -> None:
    parts = bundles.shares(points, films)
    assert sum(parts) == points
    assert max(parts) - min(parts) <= 1


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=50), st.integers(0, 9_000))
def test_fees_of_the_films_add_up_to_the_fee_of_the_whole(paid: list[int], fee_bps: int) -> None:
    fees = bundles.fees(paid, fee_bps)
    assert sum(fees) == money.split(sum(paid), fee_bps).fee_points
    assert all(0 <= fee <= points for fee, points in zip(fees, paid, strict=True))


@pytest.mark.parametrize(
    ("how", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"points": "0"}, "points"),
        ({"points": "1.5"}, "points"),
        ({"points": "2"}, "points"),
        ({"points": "99999999"}, "points"),
        ({"term": "year"}, "term"),
        ({"films": "one"}, "films"),
        ({"films": "twice"}, "films"),
        ({"films": "free"}, "films"),
        ({"films": "draft"}, "films"),
    ],
)
def test_bad_input_is_refused_with_its_field(how: dict[str, str], field: str) -> None:
    rack = Rack.open()
    films = {
        "one": rack.films[:1],
        "twice": [rack.films[0]] * 2,
        "free": [*rack.films, new_video(rack.shop.video.channel, VideoState.PUBLISHED)],
        "draft": [*rack.films, new_video(rack.shop.video.channel)],
    }.get(how.get("films", ""), rack.films)
    Video.objects.exclude(pk__in=[film.pk for film in rack.films]).update(is_free=True)
    with pytest.raises(Unacceptable) as raised:
        make(rack.shop, films, how.get("points", 100), how.get("term", "lifetime"), how.get("title", "All"))
    assert raised.value.field() == field
    assert Bundle.objects.count() == 1


def test_only_ones_own_films_and_bundles() -> None:
    rack = Rack.open()
    elsewhere = make_channel(make_person("mallory"), "mallory")
    with pytest.raises(NoSuchFilm):
        MakeBundle().call(MakeBundleInputs(elsewhere, "Mine", [film.public_id for film in rack.films], "day", 10))
    with pytest.raises(NoSuchBundle):
        EndBundle().call(EndBundleInputs(elsewhere, rack.bundle.public_id))


def test_a_page_from_before_a_bundle_that_has_ended_asks_again() -> None:
    rack = Rack.open(term=Term.DAY)
    first = rack.buy(number=0)
    assert rack.buy(number=0).purchase_id == first.purchase_id
    with pytest.raises(ChangedMeanwhile):
        rack.buy(number=0, clock=MovedClock(timedelta(days=5)))


def test_the_database_itself_holds_the_sums() -> None:
    rack = Rack.open()
    rack.buy()
    for wrong in ({"fee_points": 11}, {"owned_points": -1}, {"price_points": 99}):
        with pytest.raises(IntegrityError), transaction.atomic():
            BundlePurchase.objects.update(**wrong)


def test_a_click_that_a_bundle_overtakes_is_not_answered_with_the_bundles_receipt() -> None:
    """The bundle is bought after the click has looked at the film, and before it buys."""
    rack = Rack.open()

    class Overtaken(UnlockVideo):
        def is_plain(self, unlocking: Any) -> bool:
            return False

        def buy(self, unlocking: Any) -> None:
            rack.buy()
            super().buy(unlocking)

    film = rack.films[0]
    with pytest.raises(ChangedMeanwhile):
        Overtaken().call(
            UnlockVideoInputs(rack.shop.viewer.pk, film.public_id, Term.LIFETIME, PRICES[Term.LIFETIME], 0)
        )
    assert rack.shop.points() == 900
