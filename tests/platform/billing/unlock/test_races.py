"""Many clicks at the same moment: one charge. Small here; the whole programme is marked `crash`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections

from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.failures import ChangedMeanwhile, Refused
from mutoscope.platform.billing.models import Entitlement, Purchase
from tests.people import make_person
from tests.platform.billing.shop import PRICES, Shop, give

pytestmark = pytest.mark.django_db(transaction=True)

CLICKS = 20


def at_once(*clicks: Callable[[], Any]) -> list[Any]:
    """Run these at the same moment, each on a connection of its own. Returns what each returned or raised."""
    barrier = threading.Barrier(len(clicks))
    results: list[Any] = [None] * len(clicks)

    def run(number: int, click: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(60)
            results[number] = click()
        except Exception as error:
            results[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(clicks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return results


def one_film_many_clicks(rounds: int) -> None:
    shop = Shop.open(points=0)
    for number in range(rounds):
        shop.viewer = make_person(f"viewer-{number}")
        # Enough for one, for two, and for all of them.
        give(shop.viewer, (30, 60, 1000)[number % 3])
        before = shop.points()
        results = at_once(*[lambda: shop.unlock(Term.DAY, version=0)] * CLICKS)
        troubles = [result for result in results if isinstance(result, Exception)]
        assert troubles == []
        assert len({result.purchase_id for result in results}) == 1
        assert sum(not result.is_repeated for result in results) == 1
        assert before - shop.points() == 30
        assert Entitlement.objects.get(viewer=shop.viewer).version == 1
    assert Purchase.objects.count() == rounds


def test_twenty_clicks_at_once_are_one_charge() -> None:
    one_film_many_clicks(3)


@pytest.mark.crash
def test_twenty_clicks_at_once_two_hundred_times() -> None:
    one_film_many_clicks(200)


def test_the_same_request_key_at_once_is_one_charge() -> None:
    shop = Shop.open()
    results = at_once(*[lambda: shop.unlock(Term.DAY, request_key="the same")] * 8)
    assert [result for result in results if isinstance(result, Exception)] == []
    assert len({result.purchase_id for result in results}) == 1
    assert shop.points() == 970


def test_two_tabs_that_want_different_terms_buy_one_of_them() -> None:
    shop = Shop.open()
    results = at_once(*[lambda term=term: shop.unlock(term, version=0) for term in Term])
    bought = [result for result in results if not isinstance(result, Exception)]
    refused = [result for result in results if isinstance(result, Exception)]
    assert len(bought) == 1
    assert all(isinstance(result, ChangedMeanwhile) for result in refused), refused
    assert 1000 - shop.points() == Purchase.objects.get().paid_points()


def test_different_films_at_once_never_overdraw() -> None:
    shop = Shop.open(points=50)
    other = Shop(shop.creator, shop.viewer, type(shop.video).objects.get(pk=shop.video.pk))
    from tests.platform.videos.films import new_video

    other.video = new_video(shop.video.channel, type(shop.video).objects.get(pk=shop.video.pk).state, "Another")  # type: ignore[arg-type]
    other.price(PRICES)
    results = at_once(shop.unlock, other.unlock)
    assert sum(isinstance(result, Refused) for result in results) == 1, results
    assert shop.points() == 20
