"""Many clicks on a bundle at the same moment. Small here; the whole programme, 200 rounds of 20 clicks, is marked `crash`."""

from __future__ import annotations

import pytest

from mutoscope.platform.billing import books
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.failures import ChangedMeanwhile, PriceChanged, Unacceptable, YoursForever
from mutoscope.platform.billing.models import Bundle, BundlePurchase, Purchase
from tests.people import make_person
from tests.platform.billing.books import differences
from tests.platform.billing.bundles.rack import Rack, make
from tests.platform.billing.shop import PRICES, Shop, give
from tests.platform.billing.unlock.test_races import CLICKS, at_once

pytestmark = pytest.mark.django_db(transaction=True)


def one_bundle_many_clicks(rounds: int) -> None:
    """Each round another viewer, who has enough for one, for two, or for all of the clicks."""
    known = differences()
    rack = Rack.open(points=0)
    for number in range(rounds):
        viewer = make_person(f"viewer-{number}")
        give(viewer, (100, 200, 2000)[number % 3])
        before = books.points_of(viewer.pk)
        results = at_once(*[lambda: rack.buy(viewer=viewer, number=0)] * CLICKS)  # noqa: B023
        assert [result for result in results if isinstance(result, Exception)] == []
        assert len({result.purchase_id for result in results}) == 1
        assert sum(not result.is_repeated for result in results) == 1
        assert before - books.points_of(viewer.pk) == 100
        assert rack.live(viewer) == [True, True, True]
    assert (BundlePurchase.objects.count(), Purchase.objects.count()) == (rounds, 3 * rounds)
    assert differences() <= known


def bundle_and_film_at_once(rounds: int) -> None:
    """Half of the clicks want all of it, half one of its films: what was paid is what the receipts say, whoever was first."""
    known = differences()
    rack = Rack.open(points=0)
    for number in range(rounds):
        viewer = make_person(f"viewer-{number}")
        give(viewer, 2000)
        single = Shop(rack.shop.creator, viewer, rack.films[1])
        results = at_once(
            *[lambda: rack.buy(viewer=viewer, number=0)] * (CLICKS // 2),  # noqa: B023
            *[lambda: single.unlock(Term.LIFETIME, version=0)] * (CLICKS // 2),  # noqa: B023
        )
        troubles = {type(result) for result in results if isinstance(result, Exception)}
        assert troubles <= {ChangedMeanwhile, PriceChanged, YoursForever}, results
        assert rack.live(viewer)[1]
        # One of the two, and not both: whoever has the bundle has the film, and whoever has the film is told the rest's price.
        assert 2000 - books.points_of(viewer.pk) in (100, PRICES[Term.LIFETIME]), results
    assert differences() <= known


def test_twenty_clicks_at_once_are_one_charge() -> None:
    one_bundle_many_clicks(3)


def test_a_form_that_is_sent_many_times_at_once_makes_one_bundle() -> None:
    rack = Rack.open()
    results = at_once(*[lambda: make(rack.shop, rack.films[:2])] * CLICKS)
    assert sum(isinstance(result, Bundle) for result in results) == 1
    assert {type(result) for result in results} == {Bundle, Unacceptable}


def test_the_bundle_and_one_of_its_films_at_once_agree_in_the_end() -> None:
    bundle_and_film_at_once(6)


@pytest.mark.crash
def test_twenty_clicks_at_once_two_hundred_times() -> None:
    one_bundle_many_clicks(200)


@pytest.mark.crash
def test_the_bundle_and_one_of_its_films_at_once_two_hundred_times() -> None:
    bundle_and_film_at_once(200)
