"""A film with prices and a viewer with points: what most of these tests begin with."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from mutoscope.platform.accounts.public import Person
from mutoscope.platform.billing import books
from mutoscope.platform.billing.books import Kind
from mutoscope.platform.billing.clock import SERVER_CLOCK, Clock
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.models import Entitlement
from mutoscope.platform.billing.packs.service import GrantPoints, GrantPointsInputs
from mutoscope.platform.billing.pricing.service import SetPrices, SetPricesInputs
from mutoscope.platform.billing.unlock.service import UnlockVideo, UnlockVideoInputs, UnlockVideoOutputs
from mutoscope.platform.videos.public import Video, VideoState
from tests.people import make_person
from tests.platform.videos.films import new_channel, new_video

PRICES = {Term.DAY: 30, Term.MONTH: 60, Term.LIFETIME: 200}


@dataclass
class Shop:
    """One film of ada's on sale, and nora with points."""

    creator: Person
    viewer: Person
    video: Video

    @classmethod
    def open(cls, points: int = 1000, prices: Mapping[Term, int] = PRICES) -> Shop:
        channel = new_channel()
        video = new_video(channel, VideoState.PUBLISHED)
        shop = cls(channel.owner, make_person("nora"), video)
        if prices:
            shop.price(prices)
        if points:
            give(shop.viewer, points)
        return shop

    def price(self, prices: Mapping[Term, int]) -> None:
        SetPrices().call(SetPricesInputs(self.creator.pk, self.video.public_id, prices))

    def unlock(
        self,
        term: Term = Term.DAY,
        points: int | None = None,
        *,
        version: int | None = None,
        request_key: str = "",
        clock: Clock = SERVER_CLOCK,
        viewer: Person | None = None,
    ) -> UnlockVideoOutputs:
        """Click. `points` is what the page said that it costs: the plain price unless told."""
        asked = UnlockVideoInputs(
            viewer_id=(viewer or self.viewer).pk,
            public_id=self.video.public_id,
            term=term,
            agreed_points=PRICES[term] if points is None else points,
            version=version,
            request_key=request_key,
        )
        return UnlockVideo(clock).call(asked)

    def entitlement(self) -> Entitlement:
        return Entitlement.objects.get(viewer=self.viewer, video=self.video)

    def points(self) -> int:
        return books.points_of(self.viewer.pk)

    def earnings(self) -> int:
        return books.balance(Kind.EARNINGS, self.video.channel_id).posted


def give(person: Person, points: int) -> None:
    GrantPoints().call(GrantPointsInputs(person.pk, points, "for a test", secrets.token_hex(8)))
