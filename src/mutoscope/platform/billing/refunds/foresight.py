"""What a refund would do, said before it is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mutoscope.platform.billing import books
from mutoscope.platform.billing.clock import SERVER_CLOCK, Clock
from mutoscope.platform.billing.domain.terms import Bought, Term, spans
from mutoscope.platform.billing.failures import NoSuchPurchase
from mutoscope.platform.billing.models import Purchase, Refund
from mutoscope.platform.billing.refunds.service import (
    PAID_OUT,
    REFUNDABLE_FOR,
    beyond_the_limits,
    end_of,
    taken_together,
    what_stays,
)
from mutoscope.platform.billing.statements import fetch


@dataclass(frozen=True, slots=True)
class FilmThen:
    """A film of it, and until when its viewer may watch it afterwards: None is for ever."""

    purchase: Purchase
    until: datetime | None
    ends_now: bool


@dataclass(frozen=True, slots=True)
class Shift:
    """An account's points, before and after."""

    moved: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A purchase, and what taking it back would do as things stand."""

    purchase: Purchase
    title: str
    films: list[FilmThen]
    """One, or every film of the bundle."""
    points: int
    to_viewer: Shift
    from_creator: Shift
    from_site: int
    refundable_until: datetime
    refund: Refund | None
    """The one that was made already."""
    refusal: str
    """Why it cannot be taken back; empty where it can."""


def foresee(purchase_id: int, staff_id: int, clock: Clock = SERVER_CLOCK) -> Foreseen:
    """Look, and change nothing: what is found may be otherwise in the next moment. Raises NoSuchPurchase."""
    known = Purchase.objects.select_related("viewer", "video", "channel", "bundle_purchase__bundle")
    purchase = known.filter(pk=purchase_id).first()
    if purchase is None:
        raise NoSuchPurchase
    now: datetime = fetch("refunds", "now", {"ahead": clock.ahead()})[0][0]
    together = list(taken_together(purchase).select_related("video").order_by("pk"))
    points, creators = sum(each.paid_points() for each in together), sum(each.creator_points for each in together)
    viewer = books.points_of(purchase.viewer_id)
    earnings = books.balance(books.Kind.EARNINGS, purchase.channel_id).available
    refusal = beyond_the_limits(together, staff_id, now)
    if not refusal and earnings < creators:
        refusal = PAID_OUT
    whole, rest = purchase.bundle_purchase, what_stays(together)
    return Foreseen(
        purchase=purchase,
        title=purchase.video.title if whole is None else whole.bundle.title,
        films=[_then(each, rest[each.video_id], now) for each in together],
        points=points,
        to_viewer=Shift(points, viewer, viewer + points),
        from_creator=Shift(creators, earnings, earnings - creators),
        from_site=points - creators,
        refundable_until=purchase.bought_at + REFUNDABLE_FOR,
        refund=Refund.objects.select_related("by").filter(purchase=purchase).first(),
        refusal=refusal,
    )


def _then(purchase: Purchase, rest: list[Purchase], now: datetime) -> FilmThen:
    until = end_of(spans(Bought(Term(each.term), each.bought_at, each.is_upgrade) for each in rest), now)
    return FilmThen(purchase, until, ends_now=until == now)
