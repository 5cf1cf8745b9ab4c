"""A token that the signer cannot send back, since the site does not accept it: staff do, and the chain is asked whether they did."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import IntegrityError
from django.db.models.functions import Now

from mutoscope.engines.postgres.errors import violated
from mutoscope.engines.services import Internals, NoOutputs, Service, State, Steps, atomic
from mutoscope.engines.solana.payments.returned import Claimed, NotReturned, check_returned
from mutoscope.engines.solana.rpc.client import default_rpc
from mutoscope.platform.billing.failures import CannotSendBack, Unacceptable
from mutoscope.platform.billing.models import TopUpRefund
from mutoscope.platform.billing.reasons import given_reason
from mutoscope.platform.billing.topup_refunds.models import BY_HAND
from mutoscope.platform.billing.topup_refunds.service import locked_refund, still_left

# Nothing is on its way by the signer.
MAY_BE_BY_HAND = (TopUpRefund.State.REQUESTED, TopUpRefund.State.FAILED, TopUpRefund.State.VOIDED)

ANOTHERS = "The signature is of a transaction that is another refund's already. Give the one by which you sent this."


@dataclass(frozen=True)
class RecordReturnInputs:
    refund_id: int
    staff_id: int
    reason: str
    signature: str
    """Of the transaction by which staff sent it."""


class RecordReturnInternals(Internals):
    reason: str
    claimed: Claimed


Recording = State[RecordReturnInputs, RecordReturnInternals, NoOutputs]


class RecordReturn(Service[RecordReturnInputs, RecordReturnInternals, NoOutputs]):
    """Staff say by which transaction they sent an unaccepted token back; it is looked up on the chain, and the viewer sees it."""

    failures = (Unacceptable, CannotSendBack)

    def steps(self) -> Steps[RecordReturnInputs, RecordReturnInternals, NoOutputs]:
        # The chain is asked outside of the transaction, about what never changes: the receipt, the amount, the address.
        return (self.read_what_was_typed, self.look_at_the_chain, atomic(self.record, savepoint=True))

    def read_what_was_typed(self, recording: Recording) -> None:
        asked, work = recording.inputs, recording.internals
        refund = TopUpRefund.objects.select_related("address").filter(pk=asked.refund_id).first()
        if refund is None:
            raise CannotSendBack(why="There is no such refund.")
        # Before what was typed: of one that ended nothing more is asked.
        _may_be_by_hand(refund)
        work.reason = given_reason(asked.reason)
        signature = asked.signature.strip()
        if not signature:
            raise Unacceptable(where="signature", why="Give the signature of the transaction by which you sent it.")
        work.claimed = Claimed(
            signature=signature,
            receipt=refund.receipt,
            receiver=refund.receiver,
            mint=refund.mint,
            amount=refund.amount,
            destination=refund.address.address if refund.address is not None else "",
        )

    def look_at_the_chain(self, recording: Recording) -> None:
        try:
            check_returned(default_rpc(), recording.internals.claimed)
        except NotReturned as wrong:
            raise CannotSendBack(why=f"Not recorded: {wrong.problem}.") from None

    def record(self, recording: Recording) -> None:
        asked, work = recording.inputs, recording.internals
        refund = locked_refund(asked.refund_id)
        _may_be_by_hand(refund)
        if refund.top_up.person_id == asked.staff_id:
            raise CannotSendBack(why="It is your own top-up: somebody else has to say so.")
        self.nothing_else_is_under_way(refund)
        if still_left(refund).is_accepted:
            raise CannotSendBack(why="The signer sends this token: approve the refund instead.")
        if TopUpRefund.objects.filter(signature=work.claimed.signature).exists():
            raise Unacceptable(where="signature", why=ANOTHERS)
        try:
            TopUpRefund.objects.filter(pk=refund.pk).update(
                state=TopUpRefund.State.PAID,
                progress=BY_HAND,
                signature=work.claimed.signature,
                decided_by_id=asked.staff_id,
                decided_at=Now(),
                reason=work.reason,
                trouble="",
                ended_at=Now(),
            )
        except IntegrityError as refused:
            # Somebody else of the staff recorded it for another refund in the same moment.
            if violated(refused) != "billing_top_up_refund_by_hand_once":
                raise
            raise Unacceptable(where="signature", why=ANOTHERS) from None

    def nothing_else_is_under_way(self, refund: TopUpRefund) -> None:
        """Asked for again since the signer refused it: then that one is answered, not this."""
        same = TopUpRefund.objects.filter(top_up=refund.top_up, receipt=refund.receipt, mint=refund.mint)
        if same.filter(state__in=TopUpRefund.OPEN).exclude(pk=refund.pk).exists():
            raise CannotSendBack(why="It was asked for again: answer the newer one.")


def _may_be_by_hand(refund: TopUpRefund) -> None:
    if refund.state not in MAY_BE_BY_HAND:
        raise CannotSendBack(why=f"This refund is {refund.get_state_display()}.")
