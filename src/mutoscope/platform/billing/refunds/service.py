"""Taking a purchase back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from mutoscope.engines.ledger import InsufficientFunds
from mutoscope.engines.services import Internals, Outputs, Service, State, Steps, atomic
from mutoscope.platform.billing import books
from mutoscope.platform.billing.clock import SERVER_CLOCK, Clock
from mutoscope.platform.billing.domain.terms import Bought, Span, Term, spans
from mutoscope.platform.billing.failures import CannotRefund, NoSuchPurchase, Unacceptable
from mutoscope.platform.billing.models import BundlePurchase, Entitlement, Purchase, Refund
from mutoscope.platform.billing.reasons import given_reason
from mutoscope.platform.billing.statements import fetch

REFUNDABLE_FOR = timedelta(days=30)
PAID_OUT = "The creator was paid out already. Give points instead."


def beyond_the_limits(purchases: Iterable[Purchase], staff_id: int, now: datetime) -> str:
    """Why these purchases, which are taken back together, cannot be; empty where they can."""
    for purchase in purchases:
        if purchase.viewer_id == staff_id:
            return "It is your own purchase: somebody else has to refund it."
        if purchase.refunded_at is not None:
            return "This purchase was refunded before."
        if purchase.transfer_id is None and not Purchase.objects.filter(credited_to=purchase).exists():
            return "Nothing was paid for it: a code took everything off."
        if purchase.credited_to_id is not None:
            return f"It was credited to purchase {purchase.credited_to_id}. Refund that one first."
        if now - purchase.bought_at > REFUNDABLE_FOR:
            return f"It is older than {REFUNDABLE_FOR.days} days. Give points instead."
    return ""


def taken_together(purchase: Purchase) -> QuerySet[Purchase]:
    """The one, or every film's of the bundle that it was bought in."""
    if purchase.bundle_purchase_id is None:
        return Purchase.objects.filter(pk=purchase.pk)
    return Purchase.objects.filter(bundle_purchase=purchase.bundle_purchase_id)


def what_stays(together: Sequence[Purchase]) -> dict[int, list[Purchase]]:
    """By film, the viewer's purchases that were not refunded beside these, which are taken back together: in their order. One query."""
    found: dict[int, list[Purchase]] = {each.video_id: [] for each in together}
    others = Purchase.objects.filter(viewer_id=together[0].viewer_id, video_id__in=found, refunded_at=None)
    for each in others.exclude(pk__in=[each.pk for each in together]).order_by("number"):
        found[each.video_id].append(each)
    return found


def end_of(found: Sequence[Span], now: datetime) -> datetime | None:
    """Until when what stays lets watch; None is for ever, and this moment the earliest end: what came before was watched."""
    if not found:
        return now
    until = found[-1].expires_at
    return until if until is None else max(until, now)


@dataclass(frozen=True)
class RefundPurchaseInputs:
    purchase_id: int
    staff_id: int
    reason: str


class RefundPurchaseInternals(Internals):
    reason: str
    now: datetime
    purchases: list[Purchase]
    """The one, or every film's of the bundle that it was bought in."""
    entitlements: dict[int, Entitlement]
    """By film."""


class RefundPurchaseOutputs(Outputs):
    refund: Refund
    points: int


Refunding = State[RefundPurchaseInputs, RefundPurchaseInternals, RefundPurchaseOutputs]


class RefundPurchase(Service[RefundPurchaseInputs, RefundPurchaseInternals, RefundPurchaseOutputs]):
    """Staff take a purchase back, a bundle's as a whole: the points return to where they came from, and the time that it gave is gone."""

    failures = (Unacceptable, NoSuchPurchase, CannotRefund)

    def steps(self) -> Steps[RefundPurchaseInputs, RefundPurchaseInternals, RefundPurchaseOutputs]:
        return (
            self.read_what_was_typed,
            atomic(
                self.lock,
                self.refuse_beyond_the_limits,
                self.reverse,
                self.take_the_time_away,
                savepoint=True,
            ),
        )

    def __init__(self, clock: Clock = SERVER_CLOCK) -> None:
        self.clock = clock

    def read_what_was_typed(self, refunding: Refunding) -> None:
        refunding.internals.reason = given_reason(refunding.inputs.reason)

    def lock(self, refunding: Refunding) -> None:
        """The entitlements first, in the order of films, as a purchase does; the ledger's accounts after them."""
        work = refunding.internals
        asked = Purchase.objects.filter(pk=refunding.inputs.purchase_id).first()
        if asked is None:
            raise NoSuchPurchase
        together = taken_together(asked)
        video_ids = list(together.order_by().values_list("video_id", flat=True))
        held = Entitlement.objects.select_for_update(of=("self",), no_key=True).order_by("video_id")
        work.entitlements = {
            each.video_id: each for each in held.filter(viewer_id=asked.viewer_id, video_id__in=video_ids)
        }
        # As they are now that nobody else can change them.
        work.purchases = list(together.order_by("pk"))
        work.now = fetch("refunds", "now", {"ahead": self.clock.ahead()})[0][0]

    def refuse_beyond_the_limits(self, refunding: Refunding) -> None:
        work = refunding.internals
        why = beyond_the_limits(work.purchases, refunding.inputs.staff_id, work.now)
        if why:
            raise CannotRefund(why=why)

    def reverse(self, refunding: Refunding) -> None:
        """The opposite transfer, fee included: one, whatever the number of films. None of an upgrade that a code paid for."""
        work = refunding.internals
        first = work.purchases[0]
        about = {"for": "refund", "video": first.video_id}
        key = f"refund:{first.pk}"
        whole = first.bundle_purchase
        if whole is not None:
            about = {"for": "refund", "title": whole.bundle.title}
            key = f"refund-bundle:{whole.pk}"
            BundlePurchase.objects.filter(pk=whole.pk).update(refunded_at=work.now)
        reversal_id = None
        if first.transfer_id is not None:
            try:
                reversal_id = books.ledger().reverse(first.transfer_id, key, about).transfer_id
            except InsufficientFunds:
                raise CannotRefund(why=PAID_OUT) from None
        for purchase in work.purchases:
            purchase.refunded_at = work.now
            purchase.save(update_fields=["refunded_at"])
            refund = Refund.objects.create(
                purchase=purchase,
                by_id=refunding.inputs.staff_id,
                reason=work.reason,
                transfer_id=reversal_id,
                at=work.now,
            )
            if purchase.pk == refunding.inputs.purchase_id:
                refunding.outputs.refund = refund
        refunding.outputs.points = sum(purchase.paid_points() for purchase in work.purchases)

    def take_the_time_away(self, refunding: Refunding) -> None:
        """What the other purchases give is worked out anew; what this upgrade had credited counts again."""
        work = refunding.internals
        Purchase.objects.filter(credited_to__in=work.purchases).update(credited_to=None)
        for video_id, rest in what_stays(work.purchases).items():
            self._end(rest, work.entitlements[video_id], work.now)

    @staticmethod
    def _end(rest: list[Purchase], entitlement: Entitlement, now: datetime) -> None:
        found = spans(Bought(Term(each.term), each.bought_at, each.is_upgrade) for each in rest)
        # The receipts too: what a longer term credits is what still runs by them.
        for each, span in zip(rest, found, strict=False):
            if (each.starts_at, each.expires_at) != (span.starts_at, span.expires_at):
                each.starts_at, each.expires_at = span.starts_at, span.expires_at
                each.save(update_fields=["starts_at", "expires_at"])
        entitlement.expires_at = end_of(found, now)
        entitlement.version += 1
        entitlement.changed_at = now
        entitlement.save(update_fields=["expires_at", "version", "changed_at"])
