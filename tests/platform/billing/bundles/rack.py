"""A channel with films on sale, and a bundle of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mutoscope.platform.accounts.public import Person
from mutoscope.platform.billing.bundles.making import MakeBundle, MakeBundleInputs
from mutoscope.platform.billing.bundles.service import BuyBundle, BuyBundleInputs, BuyBundleOutputs
from mutoscope.platform.billing.clock import SERVER_CLOCK, Clock
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.models import Bundle
from mutoscope.platform.billing.unlock.rights import right_of
from mutoscope.platform.videos.public import Video, VideoState
from tests.platform.billing.shop import PRICES, Shop
from tests.platform.videos.films import new_video


@dataclass
class Rack:
    """Three films of one channel on sale, and a bundle of them for 100 points."""

    shop: Shop
    films: list[Video]
    bundle: Bundle

    @classmethod
    def open(cls, points: int = 1000, term: Term = Term.LIFETIME) -> Rack:
        shop = Shop.open(points=points)
        films = [shop.video]
        for number in (2, 3):
            film = new_video(shop.video.channel, VideoState.PUBLISHED, f"Voyage {number}")
            Shop(shop.creator, shop.viewer, film).price(PRICES)
            films.append(film)
        return cls(shop, films, make(shop, films, term=term))

    def buy(
        self,
        points: int = 100,
        *,
        viewer: Person | None = None,
        number: int | None = None,
        key: str = "",
        clock: Clock = SERVER_CLOCK,
    ) -> BuyBundleOutputs:
        viewer_id = (viewer or self.shop.viewer).pk
        return BuyBundle(clock).call(BuyBundleInputs(viewer_id, self.bundle.public_id, points, number, key))

    def alone(self, film: int, term: Term, points: int | None = None, clock: Clock = SERVER_CLOCK) -> int:
        shop = Shop(self.shop.creator, self.shop.viewer, self.films[film])
        return shop.unlock(term, points, clock=clock).purchase_id

    def live(self, viewer: Person | None = None) -> list[bool]:
        return [right_of((viewer or self.shop.viewer).pk, film.pk).is_live() for film in self.films]


def make(
    shop: Shop, films: list[Video], points: Any = 100, term: str = "lifetime", title: str = "All voyages"
) -> Bundle:
    ids = [film.public_id for film in films]
    return MakeBundle().call(MakeBundleInputs(shop.video.channel, title, ids, term, points)).bundle
