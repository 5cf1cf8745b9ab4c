"""Sales and tips that count from a moment in the past."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from mutoscope.platform.billing import books
from mutoscope.platform.billing.books import Kind
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.failures import InsufficientPoints, NotForSale
from mutoscope.platform.billing.models import Purchase, Tip
from mutoscope.platform.billing.past.service import (
    OnlyInSandbox,
    RecordPastSale,
    RecordPastSaleInputs,
    RecordPastTip,
    RecordPastTipInputs,
)
from mutoscope.platform.billing.unlock.rights import right_of
from mutoscope.platform.billing.wallet.statement import newest_lines
from tests.people import make_person
from tests.platform.billing.books import differences
from tests.platform.billing.shop import PRICES, Shop, give

pytestmark = pytest.mark.django_db


def three_weeks_ago() -> datetime:
    return timezone.now() - timedelta(days=21)


def sell(shop: Shop, term: Term, at: datetime) -> None:
    RecordPastSale().call(RecordPastSaleInputs(shop.viewer.pk, shop.video, term, at))


@pytest.mark.parametrize("term", list(Term))
def test_a_sale_of_the_past_is_what_a_click_would_have_written(term: Term) -> None:
    known, at = differences(), three_weeks_ago()
    past, now = Shop.open(), make_person("clicks-now")
    give(now, 1000)
    sell(past, term, at)
    sell(past, term, at)
    past.unlock(term, viewer=now)
    mine = Purchase.objects.get(viewer=past.viewer)
    clicked = Purchase.objects.get(viewer=now)
    for name in ("term", "price_points", "fee_points", "creator_points", "offer_id", "channel_id", "number"):
        assert getattr(mine, name) == getattr(clicked, name), name
    assert (mine.bought_at, mine.starts_at) == (at, at)
    assert (mine.expires_at is None) == (clicked.expires_at is None)
    assert past.points() == 1000 - PRICES[term]
    # What ran for less than three weeks is over.
    assert right_of(past.viewer.pk, past.video.pk).is_live() == (term is not Term.DAY)
    assert differences() <= known


def test_the_statement_says_when_it_counts_and_the_ledger_when_it_was_recorded() -> None:
    shop, at, before = Shop.open(), three_weeks_ago(), timezone.now()
    sell(shop, Term.DAY, at)
    RecordPastTip().call(RecordPastTipInputs(shop.viewer.pk, shop.video, 20, "Again", "key", at + timedelta(days=1)))
    earnings = books.find_account(Kind.EARNINGS, shop.video.channel_id)
    assert earnings is not None
    lines, _ = newest_lines(earnings)
    assert [line.at for line in lines] == [at + timedelta(days=1), at]
    assert books.ledger().balance_at(earnings, before) == 0
    assert books.ledger().balance_at(earnings, at, by_effective_time=True) == 27


def test_the_same_tip_again_is_none() -> None:
    known, shop, at = differences(), Shop.open(), three_weeks_ago()
    for _ in range(2):
        RecordPastTip().call(RecordPastTipInputs(shop.viewer.pk, shop.video, 20, "Again", "key", at))
    tip = Tip.objects.get()
    assert (tip.given_at, tip.points, tip.may_be_shown, tip.is_shown) == (at, 20, True, False)
    assert differences() <= known


def test_the_past_costs_points_and_knows_only_what_is_for_sale() -> None:
    shop = Shop.open(points=10)
    with pytest.raises(InsufficientPoints):
        sell(shop, Term.LIFETIME, three_weeks_ago())
    shop.price({Term.DAY: 5})
    with pytest.raises(NotForSale):
        sell(shop, Term.LIFETIME, three_weeks_ago())
    assert not Purchase.objects.exists()


def test_with_real_money_nothing_is_written_down_afterwards(settings: Settings) -> None:
    settings.SANDBOX = False
    shop = Shop.open()
    with pytest.raises(OnlyInSandbox):
        sell(shop, Term.DAY, three_weeks_ago())
    with pytest.raises(OnlyInSandbox):
        RecordPastTip().call(RecordPastTipInputs(shop.viewer.pk, shop.video, 20, "", "key", three_weeks_ago()))
    assert not Purchase.objects.exists()
    assert shop.points() == 1000
