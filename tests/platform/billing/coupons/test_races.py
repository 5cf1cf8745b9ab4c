"""Many clicks with a code at the same moment. Small here; the whole programme, 200 rounds of 20 clicks, is marked `crash`."""

from __future__ import annotations

import pytest

from mutoscope.platform.billing import books
from mutoscope.platform.billing.failures import BadCoupon
from mutoscope.platform.billing.models import Coupon, CouponUse, Purchase
from tests.people import make_person
from tests.platform.billing.books import differences
from tests.platform.billing.coupons.codes import make, use
from tests.platform.billing.shop import Shop, give
from tests.platform.billing.unlock.test_races import CLICKS, at_once

pytestmark = pytest.mark.django_db(transaction=True)

# Half of it, all of it, and points: what is left to pay of 30.
DISCOUNTS = (({"percent": 50}, 15), ({"percent": 100}, 0), ({"points_off": 7}, 23))
USES_MAX = 5


def one_viewer_many_clicks(rounds: int) -> None:
    """Each round another code and another viewer, who has enough for one, for two, or for all of the clicks."""
    known = differences()
    shop = Shop.open(points=0)
    for number in range(rounds):
        limits, points = DISCOUNTS[number % 3]
        code, viewer = f"RACE-{number}", make_person(f"viewer-{number}")
        make(shop, code, **limits)
        has = (max(points, 1), 60, 1000)[number // 3 % 3]
        give(viewer, has)
        results = at_once(*[lambda: use(shop, points, code=code, viewer=viewer, version=0)] * CLICKS)  # noqa: B023
        assert [result for result in results if isinstance(result, Exception)] == []
        assert len({result.purchase_id for result in results}) == 1
        assert sum(not result.is_repeated for result in results) == 1
        assert Coupon.objects.get(code=code).uses == 1
        assert books.points_of(viewer.pk) == has - points
    assert CouponUse.objects.count() == Purchase.objects.count() == rounds
    assert differences() <= known


def many_viewers_one_code(rounds: int) -> None:
    """Each round another code for five, and the same twenty viewers, whose day with the film grows by one for each of the five."""
    known = differences()
    shop = Shop.open(points=0)
    viewers = [make_person(f"viewer-{number}") for number in range(CLICKS)]
    for viewer in viewers:
        give(viewer, 15 * rounds)
    for number in range(rounds):
        code = f"RACE-{number}"
        make(shop, code, uses_max=USES_MAX)
        results = at_once(*[lambda viewer=viewer: use(shop, 15, code=code, viewer=viewer) for viewer in viewers])  # noqa: B023
        refused = [result for result in results if isinstance(result, Exception)]
        assert len(refused) == CLICKS - USES_MAX, results
        assert {type(result) for result in refused} == {BadCoupon}, refused
        assert Coupon.objects.get(code=code).uses == USES_MAX
    used = USES_MAX * rounds
    assert CouponUse.objects.count() == Purchase.objects.count() == used
    assert sum(books.points_of(viewer.pk) for viewer in viewers) == 15 * rounds * CLICKS - 15 * used
    assert differences() <= known


def test_twenty_clicks_with_one_code_are_one_use() -> None:
    one_viewer_many_clicks(3)


def test_twenty_viewers_with_a_code_for_five_are_five() -> None:
    many_viewers_one_code(2)


@pytest.mark.crash
def test_twenty_clicks_with_one_code_two_hundred_times() -> None:
    one_viewer_many_clicks(200)


@pytest.mark.crash
def test_twenty_viewers_with_a_code_for_five_two_hundred_times() -> None:
    many_viewers_one_code(200)
