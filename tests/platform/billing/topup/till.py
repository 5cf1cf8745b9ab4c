"""Somebody who buys points on a sandbox chain: a viewer, a pack, and the shop of the payments engine's own tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.test import override_settings

from mutoscope.engines.solana.chain import TEST_USDC
from mutoscope.engines.solana.outbox.telling import tell_due
from mutoscope.engines.solana.public import payment_model
from mutoscope.platform.accounts.public import Person
from mutoscope.platform.billing import books
from mutoscope.platform.billing.models import Pack, TopUp
from mutoscope.platform.billing.topup.buying import BuyPoints, BuyPointsInputs
from mutoscope.platform.billing.topup.standing import Standing, standing_of
from tests.engines.solana.payments.shop import Shop, open_shop
from tests.people import make_person

RATES = {"SOL": "150", "USDC": "1"}


class Till:
    def __init__(self, shop: Shop, viewer: Person) -> None:
        self.shop, self.viewer = shop, viewer
        self.pack = Pack.objects.create(title="500 points", points=500, bonus_points=50, price_usd_cents=500)

    def buy(self, symbol: str = "USDC", key: str = "order-number-1", **more: Any) -> TopUp:
        return BuyPoints().call(BuyPointsInputs(self.viewer.pk, self.pack.pk, symbol, key, **more)).top_up

    def payment(self, top_up: TopUp) -> Any:
        return payment_model().objects.get(pk=top_up.payment_id)

    def pay(self, top_up: TopUp, usdc: int) -> None:
        """So many base units of USDC, sent by a real transaction, final, looked at and told."""
        self.shop.pay(self.payment(top_up), usdc, TEST_USDC)
        self.settle()

    def settle(self) -> None:
        self.shop.look()
        tell_due()

    def end(self, top_up: TopUp) -> None:
        """The quote's time passes, with everything looked at after it."""
        self.shop.let_time_pass(self.payment(top_up))
        self.shop.look()

    def standing(self, top_up: TopUp) -> Standing:
        found = standing_of(self.viewer.pk, top_up.public_id)
        assert found is not None
        return found

    def points(self) -> int:
        return books.points_of(self.viewer.pk)


@contextmanager
def open_till(**configured: Any) -> Iterator[Till]:
    top_ups = {**settings.TOP_UPS, "RATES_FIXED": RATES, "RATES_FILE": None, "RATES_URL": None}
    with open_shop(RECEIVE_BY="wallet", **configured) as shop, override_settings(TOP_UPS=top_ups):
        yield Till(shop, make_person("petra"))
