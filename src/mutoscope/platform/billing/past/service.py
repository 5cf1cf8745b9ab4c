"""Writing down sales and tips of the past, with the ledger's effective time: it keeps beside it when it really recorded them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from mutoscope.engines.ledger import Transfer
from mutoscope.engines.services import Internals, NoInternals, NoOutputs, Service, State, Steps, atomic
from mutoscope.platform.billing import books
from mutoscope.platform.billing.domain.money import split
from mutoscope.platform.billing.domain.terms import Term, quote
from mutoscope.platform.billing.failures import ChangedMeanwhile, InsufficientPoints, NotForSale, RequestKeyReused
from mutoscope.platform.billing.models import Entitlement, Offer, Purchase, Tip
from mutoscope.platform.billing.tips.service import pay_and_keep
from mutoscope.platform.videos.public import Video


class OnlyInSandbox(Exception):
    """Where money is real, sales happen when they happen."""


@dataclass(frozen=True)
class RecordPastSaleInputs:
    viewer_id: int
    video: Video
    term: Term
    at: datetime


class RecordPastSaleInternals(Internals):
    offer: Offer


Selling = State[RecordPastSaleInputs, RecordPastSaleInternals, NoOutputs]


class RecordPastSale(Service[RecordPastSaleInputs, RecordPastSaleInternals, NoOutputs]):
    """In a sandbox: a viewer's first purchase of a film, at today's price and at a moment in the past. The same again changes nothing."""

    failures = (NotForSale, InsufficientPoints, ChangedMeanwhile)

    def steps(self) -> Steps[RecordPastSaleInputs, RecordPastSaleInternals, NoOutputs]:
        return (self.refuse_real_money, self.find_the_price, atomic(self.pay_and_write, savepoint=True))

    def refuse_real_money(self, selling: Selling) -> None:
        refuse_real_money()

    def find_the_price(self, selling: Selling) -> None:
        asked = selling.inputs
        offer = Offer.objects.filter(video=asked.video, term=asked.term, ended_at=None).first()
        if offer is None:
            raise NotForSale(term=asked.term)
        selling.internals.offer = offer

    def pay_and_write(self, selling: Selling) -> None:
        """Transfer, receipt and entitlement, as a click writes them (unlock/service.py)."""
        asked, offer = selling.inputs, selling.internals.offer
        parts = split(offer.points, settings.FEE_BPS)
        about = {"for": "unlock", "video": asked.video.pk, "term": asked.term.value}
        key = f"unlock:{asked.viewer_id}:{asked.video.pk}:0"
        legs = books.sale_legs(asked.viewer_id, asked.video.channel_id, parts)
        receipt = books.post(Transfer(key, legs, about, effective_at=asked.at), ChangedMeanwhile)
        if receipt.repeated:
            return
        quoted = quote(asked.term, offer.points, None, asked.at)
        owned = {"viewer_id": asked.viewer_id, "video": asked.video, "expires_at": quoted.expires_at}
        Purchase.objects.create(
            **owned,
            channel_id=asked.video.channel_id,
            offer=offer,
            number=0,
            term=asked.term,
            price_points=offer.points,
            fee_points=parts.fee_points,
            creator_points=parts.creator_points,
            bought_at=asked.at,
            starts_at=quoted.starts_at,
            transfer_id=receipt.transfer_id,
        )
        Entitlement.objects.create(**owned, version=1, changed_at=asked.at)


@dataclass(frozen=True)
class RecordPastTipInputs:
    viewer_id: int
    video: Video
    points: int
    note: str
    request_key: str
    at: datetime


Tipping = State[RecordPastTipInputs, NoInternals, NoOutputs]


class RecordPastTip(Service[RecordPastTipInputs, NoInternals, NoOutputs]):
    """In a sandbox: a tip at a moment in the past, which its giver lets be shown. The same again changes nothing."""

    failures = (InsufficientPoints, RequestKeyReused)

    def steps(self) -> Steps[RecordPastTipInputs, NoInternals, NoOutputs]:
        return (self.refuse_real_money, atomic(self.pay_and_write, savepoint=True))

    def refuse_real_money(self, tipping: Tipping) -> None:
        refuse_real_money()

    def pay_and_write(self, tipping: Tipping) -> None:
        asked = tipping.inputs
        tip = Tip(
            viewer_id=asked.viewer_id,
            video=asked.video,
            points=asked.points,
            note=asked.note,
            may_be_shown=True,
            request_key=asked.request_key,
        )
        said = {"video": asked.video, "points": asked.points, "note": asked.note, "given_at": asked.at}
        # Looked for by what it says: transfers of before have the note itself, and those of now a digest of it.
        if Tip.objects.filter(viewer_id=asked.viewer_id, request_key=asked.request_key, **said).exists():
            return
        pay_and_keep(tip, at=asked.at)


def refuse_real_money() -> None:
    if not settings.SANDBOX:
        raise OnlyInSandbox("sales of the past are written down in a sandbox only")
