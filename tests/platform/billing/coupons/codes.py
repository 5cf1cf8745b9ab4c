"""Making and using codes."""

from __future__ import annotations

from typing import Any

from mutoscope.platform.accounts.public import Person
from mutoscope.platform.billing.clock import SERVER_CLOCK, Clock
from mutoscope.platform.billing.coupons.service import MakeCoupon, MakeCouponInputs
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.models import Coupon
from mutoscope.platform.billing.unlock.service import UnlockVideo, UnlockVideoInputs, UnlockVideoOutputs
from mutoscope.platform.videos.public import Video
from tests.platform.billing.shop import Shop


def make(shop: Shop, code: str = "AUTUMN", **limits: Any) -> Coupon:
    limits = limits if {"percent", "points_off"} & set(limits) else {"percent": 50, **limits}
    return MakeCoupon().call(MakeCouponInputs(shop.video.channel, code, **limits)).coupon


def use(
    shop: Shop,
    points: int,
    term: Term = Term.DAY,
    *,
    code: str = "AUTUMN",
    viewer: Person | None = None,
    version: int | None = None,
    video: Video | None = None,
    clock: Clock = SERVER_CLOCK,
) -> UnlockVideoOutputs:
    asked = UnlockVideoInputs(
        viewer_id=(viewer or shop.viewer).pk,
        public_id=(video or shop.video).public_id,
        term=term,
        agreed_points=points,
        version=version,
        coupon=code,
    )
    return UnlockVideo(clock).call(asked)
