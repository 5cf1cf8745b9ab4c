"""Asking for money back that bought no points, deciding about it, ending it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models.functions import Now

from mutoscope.engines.services import Internals, NoInternals, NoOutputs, Outputs, Service, State, Steps, atomic, when
from mutoscope.engines.solana.payments.refunding import CannotRefund, Returnable, locked_payment
from mutoscope.engines.solana.signer.requests import MalformedRequest, request_refund
from mutoscope.platform.billing.clock import SERVER_CLOCK, Clock
from mutoscope.platform.billing.failures import CannotSendBack, NoSuchTopUp, NotProven, RequestKeyReused, Unacceptable
from mutoscope.platform.billing.models import KEY_LENGTH_MAX, REASON_LENGTH_MAX, RefundAddress, TopUp, TopUpRefund
from mutoscope.platform.billing.on_chain import Progress
from mutoscope.platform.billing.reasons import given_reason
from mutoscope.platform.billing.statements import fetch
from mutoscope.platform.billing.topup_refunds.left import not_sent_back
from mutoscope.platform.billing.wallet_proof import check_proof


@dataclass(frozen=True)
class AskForRefundInputs:
    person_id: int
    public_id: str
    """The top-up's, as it stands in its address."""
    request_key: str
    nonce: str = ""
    """Of the message that the holder of another address signed; empty where it goes back to the wallet that paid."""
    signature: str = ""


class AskForRefundInternals(Internals):
    top_up: TopUp
    earlier: Sequence[TopUpRefund]
    left: Sequence[Returnable]
    address: RefundAddress | None


class AskForRefundOutputs(Outputs):
    refunds: Sequence[TopUpRefund]
    is_repeated: bool


Asking = State[AskForRefundInputs, AskForRefundInternals, AskForRefundOutputs]


class AskForRefund(Service[AskForRefundInputs, AskForRefundInternals, AskForRefundOutputs]):
    """A viewer asks for all that their top-up got beyond what was credited: back to where it came from, or to an address of theirs."""

    failures = (Unacceptable, NoSuchTopUp, CannotSendBack, NotProven, RequestKeyReused)

    def steps(self) -> Steps[AskForRefundInputs, AskForRefundInternals, AskForRefundOutputs]:
        return (
            self.read_what_was_typed,
            atomic(
                self.take_turns,
                when(self.was_asked_before, self.answer_as_before),
                when(self.is_new, self.find_what_is_left, self.check_the_address, self.ask),
                savepoint=True,
            ),
        )

    def __init__(self, clock: Clock = SERVER_CLOCK) -> None:
        self.clock = clock

    def read_what_was_typed(self, asking: Asking) -> None:
        if not 0 < len(asking.inputs.request_key) <= KEY_LENGTH_MAX:
            raise Unacceptable(where="request_key", why=f"A key has 1 to {KEY_LENGTH_MAX} characters.")

    def take_turns(self, asking: Asking) -> None:
        """Everything about the money of one top-up comes one after the other: its row first, then its payment's."""
        asked, work = asking.inputs, asking.internals
        top_ups = TopUp.objects.select_for_update(of=("self",), no_key=True)
        top_up = top_ups.filter(public_id=asked.public_id, person_id=asked.person_id).first()
        if top_up is None:
            raise NoSuchTopUp
        work.top_up = top_up
        earlier = TopUpRefund.objects.filter(top_up=top_up, request_key=asked.request_key).select_related("address")
        work.earlier = list(earlier)

    def was_asked_before(self, asking: Asking) -> bool:
        return bool(asking.internals.earlier)

    def answer_as_before(self, asking: Asking) -> None:
        address = asking.internals.earlier[0].address
        if (address.nonce if address is not None else "") != asking.inputs.nonce:
            raise RequestKeyReused
        asking.outputs.refunds, asking.outputs.is_repeated = asking.internals.earlier, True

    def is_new(self, asking: Asking) -> bool:
        return not asking.internals.earlier

    def find_what_is_left(self, asking: Asking) -> None:
        work = asking.internals
        if TopUpRefund.objects.filter(top_up=work.top_up, state__in=TopUpRefund.OPEN).exists():
            raise CannotSendBack(why="This money was asked for already. See how it stands below.")
        try:
            work.left = not_sent_back(work.top_up, locked_payment(work.top_up.payment_id))
        except CannotRefund:
            raise CannotSendBack(why="It can still be paid. Ask again when its time is over.") from None
        if not work.left:
            raise CannotSendBack(
                why="There is nothing to send back: all that arrived was credited, or went back before."
            )

    def check_the_address(self, asking: Asking) -> None:
        """The top-up's own message, not older than it may be, and the signature of that address over those bytes."""
        asked, work = asking.inputs, asking.internals
        work.address = None
        if not asked.nonce:
            return
        claim = RefundAddress.objects.filter(top_up=work.top_up, nonce=asked.nonce).first()
        if claim is None or claim.proven_at is not None:
            raise NotProven(why="This message was not made for this top-up, or was used before. Begin again.")
        now: datetime = fetch("topup_refunds", "now", {"ahead": self.clock.ahead()})[0][0]
        check_proof(claim, asked.signature.strip(), now)
        claim.signature, claim.proven_at = asked.signature.strip(), now
        claim.save(update_fields=["signature", "proven_at"])
        work.address = claim

    def ask(self, asking: Asking) -> None:
        """One row for each receipt: the signer sends each back by its own transaction, at most what it brought."""
        work = asking.internals
        asking.outputs.refunds = [
            TopUpRefund.objects.create(
                top_up=work.top_up,
                receipt=each.signature,
                receiver=each.receiver,
                mint=each.mint,
                symbol=each.symbol,
                decimals=each.decimals,
                amount=each.amount,
                address=work.address,
                request_key=asking.inputs.request_key,
            )
            for each in work.left
        ]
        asking.outputs.is_repeated = False


@dataclass(frozen=True)
class ApproveRefundInputs:
    refund_id: int
    staff_id: int
    reason: str


Approving = State[ApproveRefundInputs, NoInternals, NoOutputs]


class ApproveRefund(Service[ApproveRefundInputs, NoInternals, NoOutputs]):
    """Somebody of the staff approves it, with a reason; the signer is asked in the same transaction, for no more than what is left."""

    failures = (Unacceptable, CannotSendBack)

    def steps(self) -> Steps[ApproveRefundInputs, NoInternals, NoOutputs]:
        return (atomic(self.approve, savepoint=True),)

    def approve(self, approving: Approving) -> None:
        asked = approving.inputs
        refund = locked_refund(asked.refund_id)
        if refund.state != TopUpRefund.State.REQUESTED:
            raise CannotSendBack(why=f"This refund is {refund.get_state_display()}.")
        if refund.top_up.person_id == asked.staff_id:
            raise CannotSendBack(why="It is your own top-up: somebody else has to approve it.")
        reason = given_reason(asked.reason)
        # As it is now: late money may have been credited since it was asked for.
        still_left(refund)
        try:
            request_refund(
                refund.key(),
                receipt=refund.receipt,
                receiver=refund.receiver,
                amount=refund.amount,
                mint=refund.mint,
                destination=refund.address.address if refund.address is not None else "",
            )
        except MalformedRequest as refused:
            raise CannotSendBack(why=f"The signer does not take it: {refused.problem}.") from None
        TopUpRefund.objects.filter(pk=refund.pk).update(
            state=TopUpRefund.State.APPROVED,
            progress=Progress.ORDERED,
            decided_by_id=asked.staff_id,
            decided_at=Now(),
            reason=reason,
        )


@dataclass(frozen=True)
class EndRefundInputs:
    refund_id: int
    outcome: TopUpRefund.State
    """PAID, FAILED or VOIDED of an approved one, by the signer; REFUSED by staff or CANCELLED by its viewer while it waits."""
    reason: str = ""
    """Why staff refused it, or why the signer sent nothing."""
    signature: str = ""
    staff_id: int | None = None


Ending = State[EndRefundInputs, NoInternals, NoOutputs]

BY_THE_SIGNER = (TopUpRefund.State.PAID, TopUpRefund.State.FAILED, TopUpRefund.State.VOIDED)


class EndRefund(Service[EndRefundInputs, NoInternals, NoOutputs]):
    """It was sent back; or it was not, and can be asked for again. The same end twice is one; of staff it is refused, as with payouts."""

    failures = (Unacceptable, CannotSendBack)

    def steps(self) -> Steps[EndRefundInputs, NoInternals, NoOutputs]:
        return (atomic(self.end, savepoint=True),)

    def end(self, ending: Ending) -> None:
        asked = ending.inputs
        refund = locked_refund(asked.refund_id)
        if refund.state == asked.outcome and asked.staff_id is None:
            return
        is_by_signer = asked.outcome in BY_THE_SIGNER
        # One that was approved may be on its way to the chain: the signer alone knows how it ends.
        before = TopUpRefund.State.APPROVED if is_by_signer else TopUpRefund.State.REQUESTED
        if refund.state != before:
            raise CannotSendBack(why=f"This refund is {refund.get_state_display()}.")
        ended = {"state": asked.outcome, "ended_at": Now()}
        if is_by_signer:
            ended |= {"trouble": asked.reason[:REASON_LENGTH_MAX], "signature": asked.signature}
        elif asked.outcome == TopUpRefund.State.REFUSED:
            ended |= {"reason": given_reason(asked.reason), "decided_by_id": asked.staff_id, "decided_at": Now()}
        TopUpRefund.objects.filter(pk=refund.pk).update(**ended)


def still_left(refund: TopUpRefund) -> Returnable:
    """The receipt of a refund, with its payment locked. Raises CannotSendBack where so much of it is not left any more."""
    left = not_sent_back(refund.top_up, locked_payment(refund.top_up.payment_id))
    receipt = next((each for each in left if (each.signature, each.mint) == (refund.receipt, refund.mint)), None)
    if receipt is None or receipt.amount < refund.amount:
        raise CannotSendBack(why="So much is not left any more: it was credited, or went back. Refuse this one.")
    return receipt


def locked_refund(refund_id: int) -> TopUpRefund:
    """The refund, with its top-up locked until the transaction ends. Raises CannotSendBack when there is none."""
    named = TopUpRefund.objects.filter(pk=refund_id).values_list("top_up_id", flat=True).first()
    if named is None:
        raise CannotSendBack(why="There is no such refund.")
    TopUp.objects.select_for_update(of=("self",), no_key=True).get(pk=named)
    return TopUpRefund.objects.select_related("top_up", "address").get(pk=refund_id)
