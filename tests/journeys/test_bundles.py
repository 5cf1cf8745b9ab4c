"""A bundle in a real browser: put together in the studio, found beside a film, bought with one click."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.models import Bundle, BundlePurchase
from tests.journeys.test_watching import address
from tests.journeys.visitor import Visitor
from tests.platform.billing.bundles.rack import make
from tests.platform.billing.shop import PRICES, Shop, give
from tests.platform.videos.watch.screenings import new_film

pytestmark = pytest.mark.browser

Visit = Callable[..., Visitor]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_bundle_is_made_found_and_bought(visit: Visit, shop: Shop, theme: str) -> None:
    second = new_film(shop.video.channel, title="The Long Ferry")
    Shop(shop.creator, shop.viewer, second).price(PRICES)
    creator = visit(color_scheme=theme)
    creator.becomes(shop.creator)
    page = creator.goto("/studio/bundles/")
    creator.fill(Title="Roads and ferries", Points_for_all_of_them="300")
    page.get_by_label(shop.video.title).check()
    page.get_by_label("The Long Ferry").check()
    creator.look(f"studio-bundle-new-{theme}")
    creator.press("Sell the bundle")
    creator.sees("Roads and ferries is on sale.")

    # The same again, by mistake.
    creator.expected_statuses.add(422)
    creator.fill(Title="Ferries and roads", Points_for_all_of_them="310")
    page.get_by_label(shop.video.title).check()
    page.get_by_label("The Long Ferry").check()
    creator.press("Sell the bundle")
    creator.sees("“Roads and ferries” sells exactly these films for ever already.")
    creator.look(f"studio-bundle-twice-{theme}")

    give(shop.viewer, 1000)
    viewer = visit(color_scheme=theme)
    viewer.becomes(shop.viewer)
    viewer.goto(shop.video.channel.get_absolute_url())
    viewer.sees("2 films together for ever")
    viewer.look(f"channel-with-bundle-{theme}")
    page = viewer.goto(address(shop.video))
    viewer.sees("2 films together for ever")
    viewer.look(f"film-with-bundle-{theme}")
    page.locator("a.bundle").click()
    viewer.sees_heading("Roads and ferries")
    viewer.look(f"bundle-{theme}")
    viewer.press("Unlock all for 300 points")
    viewer.sees("You have all of it")
    viewer.look(f"bundle-owned-{theme}")
    assert BundlePurchase.objects.get().price_points == 300

    creator.goto("/studio/bundles/")
    creator.sees("270")
    creator.look(f"studio-bundles-{theme}")
    creator.press("End Roads and ferries")
    creator.look(f"studio-bundle-end-{theme}")
    creator.press("Keep selling it")
    assert Bundle.objects.get().ended_at is None
    creator.press("End Roads and ferries")
    creator.press("End it")
    creator.sees("Roads and ferries is not sold any more.")


def test_a_bundle_that_runs_is_extended_and_says_so_before(visit: Visit, shop: Shop) -> None:
    second = new_film(shop.video.channel, title="The Long Ferry")
    bundle = make(shop, [shop.video, second], 90, term=Term.DAY)
    give(shop.viewer, 1000)
    viewer = visit()
    viewer.becomes(shop.viewer)
    viewer.goto(f"/bundles/{bundle.public_id}/")
    viewer.press("Unlock all for 90 points")
    viewer.sees("Unlocked. You paid 90 points for 2 films.")
    viewer.sees("All of them run already: the new term is added to what is left.")
    viewer.look("bundle-extended")
    viewer.press("Extend all for 90 points")
    # All of it runs for longer than a day from now.
    viewer.sees("You have all of it")
    assert shop.points() == 820
    second_end, first_end = BundlePurchase.objects.order_by("-pk").values_list("expires_at", flat=True)
    assert first_end is not None
    assert second_end == first_end + timedelta(days=1)
