"""Asking the signer to send back what a payment got beyond its price. It sends to who paid, never more than came."""

from __future__ import annotations

from django.db import transaction

from mutoscope.engines.services import Failure
from mutoscope.engines.solana.payments.abstract import AbstractPayment
from mutoscope.engines.solana.payments.assessing import refundable
from mutoscope.engines.solana.payments.domain.states import Status
from mutoscope.engines.solana.payments.models import Transfer
from mutoscope.engines.solana.payments.swapped import payment_model
from mutoscope.engines.solana.signer.models import JobState, Kind, SignerJob
from mutoscope.engines.solana.signer.requests import AMOUNT_MAX, request_refund

ENDED = (Status.SETTLED, Status.EXPIRED)


class CannotRefund(Failure):
    """Nothing can be refunded, or not yet."""

    problem: str


def request_refunds(payment: AbstractPayment) -> list[SignerJob]:
    """Ask for everything refundable of an ended payment that was not asked for yet, newest receipts first.

    Raises CannotRefund. Asks no chain; the signer checks each receipt there. Locks: the payment, so that two people at once ask
    once.
    """
    with transaction.atomic():
        locked: AbstractPayment = payment_model().objects.select_for_update(no_key=True).get(pk=payment.pk)
        if locked.status not in ENDED:
            raise CannotRefund(problem="it is still open: more may arrive, or settle it")
        left = refundable(locked)
        asked = []
        for transfer in Transfer.objects.filter(payment_id=locked.pk, amount__gt=0, token__isnull=False).order_by(
            "-slot", "-signature"
        ):
            assert transfer.token_id is not None
            before = _asked_before(transfer)
            asked.append((transfer, sum(before), len(before)))
            left[transfer.token_id] = left.get(transfer.token_id, 0) - sum(before)
        jobs = []
        for transfer, already, number in asked:
            assert transfer.token_id is not None
            amount = min(left[transfer.token_id], transfer.amount - already, AMOUNT_MAX)
            if amount > 0:
                left[transfer.token_id] -= amount
                jobs.append(
                    request_refund(
                        f"refund:{locked.public_id}:{transfer.pk}:{number + 1}",
                        receipt=transfer.signature,
                        receiver=transfer.owner,
                        amount=amount,
                        mint=transfer.mint,
                    )
                )
        if not jobs:
            raise CannotRefund(problem="nothing of it is refundable, or it was asked for already")
    return jobs


def _asked_before(transfer: Transfer) -> list[int]:
    """Amounts of refunds of this receipt; 0 for those that moved nothing and never will."""
    jobs = SignerJob.objects.filter(
        kind=Kind.REFUND, receipt=transfer.signature, receiver=transfer.owner, mint=transfer.mint
    )
    return [0 if job.state in (JobState.FAILED, JobState.VOIDED) else job.amount or 0 for job in jobs]
