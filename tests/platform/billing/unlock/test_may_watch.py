"""What watching is told: by what was paid, at this moment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.models import Entitlement
from mutoscope.platform.billing.pricing.service import SetPrices, SetPricesInputs
from mutoscope.platform.billing.unlock.adapters import billing_card_notes
from mutoscope.platform.videos.life.moves import move
from mutoscope.platform.videos.public import Reason, VideoState, may_watch
from mutoscope.platform.videos.watch.films import ask
from tests.people import make_person
from tests.platform.billing.shop import Shop

pytestmark = pytest.mark.django_db


def reason(shop: Shop, person_id: int | None, **options: object) -> Reason:
    shop.video.refresh_from_db()
    return ask(shop.video, person_id, **options).reason  # type: ignore[arg-type]


def test_the_whole_matrix() -> None:
    shop, stranger = Shop.open(), make_person("petra")
    assert reason(shop, None) is Reason.SIGNED_OUT
    assert reason(shop, stranger.pk) is Reason.NOT_PAID
    assert reason(shop, shop.creator.pk) is Reason.OWNER
    shop.unlock(Term.DAY)
    assert reason(shop, shop.viewer.pk) is Reason.UNLOCKED
    assert reason(shop, stranger.pk) is Reason.NOT_PAID
    Entitlement.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert reason(shop, shop.viewer.pk) is Reason.EXPIRED
    began = timezone.now() - timedelta(minutes=5)
    assert reason(shop, shop.viewer.pk, playing_since=began) is Reason.UNLOCKED
    shop.price({})
    assert reason(shop, stranger.pk) is Reason.NOT_FOR_SALE
    SetPrices().call(SetPricesInputs(shop.creator.pk, shop.video.public_id, {}, is_free=True))
    assert reason(shop, None) is Reason.FREE
    assert reason(shop, stranger.pk) is Reason.FREE
    shop.price({Term.DAY: 30})
    assert reason(shop, None) is Reason.SIGNED_OUT


def test_withdrawn_films_stay_with_their_buyers() -> None:
    shop, stranger = Shop.open(), make_person("petra")
    shop.unlock(Term.LIFETIME)
    move(shop.video.pk, VideoState.ARCHIVED)
    assert reason(shop, shop.viewer.pk) is Reason.UNLOCKED
    assert reason(shop, stranger.pk) is Reason.WITHDRAWN
    assert reason(shop, None) is Reason.WITHDRAWN


def test_it_is_one_query_and_it_is_plugged_in() -> None:
    shop = Shop.open()
    shop.unlock()
    shop.video.channel  # noqa: B018 - loaded, as by whoever asks
    with CaptureQueriesContext(connection) as asked:
        assert ask(shop.video, shop.viewer.pk).reason is Reason.UNLOCKED
    assert len(asked) == 1
    assert may_watch.get().__module__ == "mutoscope.platform.billing.unlock.adapters"


def test_cards_say_the_lowest_price_or_the_time_left() -> None:
    shop = Shop.open()
    assert billing_card_notes(None, [shop.video])[shop.video.pk].points == 30
    shop.unlock(Term.DAY)
    assert billing_card_notes(shop.viewer.pk, [shop.video])[shop.video.pk].unlocked_for == "23 h left"
    shop.unlock(Term.LIFETIME, 170)
    assert billing_card_notes(shop.viewer.pk, [shop.video])[shop.video.pk].unlocked_for == "Unlocked"
