"""A bundle in a real browser: put together in the studio, found beside a film, bought with one click."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mutoscope.platform.billing.models import BundlePurchase
from tests.journeys.test_watching import address
from tests.journeys.visitor import Visitor
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

    give(shop.viewer, 1000)
    viewer = visit(color_scheme=theme)
    viewer.becomes(shop.viewer)
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
