"""Taking a purchase back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from mutoscope.engines.ledger import InsufficientFunds
from mutoscope.engines.services import Internals, Outputs, Service, State, Steps, atomic
from mutoscope.platform.billing import books
from mutoscope.platform.billing.clock import SERVER_CLOCK, Clock
from mutoscope.platform.billing.domain.terms import Bought, Term, replay
from mutoscope.platform.billing.failures import CannotRefund, NoSuchPurchase, Unacceptable
from mutoscope.platform.billing.models import REASON_LENGTH_MAX, Entitlement, Purchase, Refund
from mutoscope.platform.billing.statements import fetch

REFUNDABLE_FOR = timedelta(days=30)


@dataclass(frozen=True)
class RefundPurchaseInputs:
    purchase_id: int
    staff_id: int
    reason: str


class RefundPurchaseInternals(Internals):
    reason: str
    now: datetime
    purchase: Purchase
    entitlement: Entitlement


class RefundPurchaseOutputs(Outputs):
    refund: Refund
    points: int


Refunding = State[RefundPurchaseInputs, RefundPurchaseInternals, RefundPurchaseOutputs]


class RefundPurchase(Service[RefundPurchaseInputs, RefundPurchaseInternals, RefundPurchaseOutputs]):
    """Staff take a purchase back: the points return to where they came from, and the time that it gave is gone."""

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
        refunding.internals.reason = refunding.inputs.reason.strip()
        if not 0 < len(refunding.internals.reason) <= REASON_LENGTH_MAX:
            raise Unacceptable(where="reason", why=f"Say why, in at most {REASON_LENGTH_MAX} characters.")

    def lock(self, refunding: Refunding) -> None:
        """The entitlement first, as a purchase does; the ledger's accounts after it."""
        work = refunding.internals
        purchase = Purchase.objects.filter(pk=refunding.inputs.purchase_id).first()
        if purchase is None:
            raise NoSuchPurchase
        held = Entitlement.objects.select_for_update(of=("self",), no_key=True)
        work.entitlement = held.get(viewer_id=purchase.viewer_id, video_id=purchase.video_id)
        purchase.refresh_from_db()
        work.purchase = purchase
        work.now = fetch("refunds", "now", {"ahead": self.clock.ahead()})[0][0]

    def refuse_beyond_the_limits(self, refunding: Refunding) -> None:
        purchase, now = refunding.internals.purchase, refunding.internals.now
        if purchase.refunded_at is not None:
            raise CannotRefund(why="This purchase was refunded before.")
        if purchase.transfer_id is None:
            raise CannotRefund(why="Nothing was paid for it: a code took everything off.")
        if purchase.credited_to_id is not None:
            raise CannotRefund(why=f"It was credited to purchase {purchase.credited_to_id}. Refund that one first.")
        if now - purchase.bought_at > REFUNDABLE_FOR:
            raise CannotRefund(why=f"It is older than {REFUNDABLE_FOR.days} days. Give points instead.")

    def reverse(self, refunding: Refunding) -> None:
        """The opposite transfer, fee included."""
        work = refunding.internals
        purchase = work.purchase
        assert purchase.transfer_id is not None
        try:
            receipt = books.ledger().reverse(
                purchase.transfer_id, f"refund:{purchase.pk}", {"for": "refund", "video": purchase.video_id}
            )
        except InsufficientFunds:
            raise CannotRefund(why="The creator was paid out already. Give points instead.") from None
        purchase.refunded_at = work.now
        purchase.save(update_fields=["refunded_at"])
        refunding.outputs.points = purchase.paid_points()
        refunding.outputs.refund = Refund.objects.create(
            purchase=purchase,
            by_id=refunding.inputs.staff_id,
            reason=work.reason,
            transfer_id=receipt.transfer_id,
            at=work.now,
        )

    def take_the_time_away(self, refunding: Refunding) -> None:
        """What the other purchases give is worked out anew; what this upgrade had credited counts again."""
        work = refunding.internals
        purchase, entitlement = work.purchase, work.entitlement
        Purchase.objects.filter(credited_to=purchase).update(credited_to=None)
        rest = Purchase.objects.filter(
            viewer_id=purchase.viewer_id, video_id=purchase.video_id, refunded_at__isnull=True
        ).order_by("number")
        has_any, until = replay(Bought(Term(each.term), each.bought_at, each.is_upgrade) for each in rest)
        # What it gave before this moment was watched; the moment itself is the earliest end.
        if not has_any or (until is not None and until < work.now):
            until = work.now
        entitlement.expires_at = until
        entitlement.version += 1
        entitlement.changed_at = work.now
        entitlement.save(update_fields=["expires_at", "version", "changed_at"])
