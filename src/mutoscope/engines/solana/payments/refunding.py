"""Asking the signer to send back what a payment got beyond its price. It sends to who paid, never more than came."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction

from mutoscope.engines.services import Failure
from mutoscope.engines.solana.payments.abstract import AbstractPayment
from mutoscope.engines.solana.payments.assessing import refundable
from mutoscope.engines.solana.payments.domain.amounts import DECIMALS_MAX
from mutoscope.engines.solana.payments.domain.states import Status
from mutoscope.engines.solana.payments.models import Transfer
from mutoscope.engines.solana.payments.swapped import payment_model
from mutoscope.engines.solana.signer.models import JobState, Kind, SignerJob
from mutoscope.engines.solana.signer.requests import AMOUNT_MAX, request_refund

ENDED = (Status.SETTLED, Status.EXPIRED)
MOVES_NOTHING = (JobState.FAILED, JobState.VOIDED)


class CannotRefund(Failure):
    """Nothing can be refunded, or not yet."""

    problem: str


@dataclass(frozen=True, slots=True)
class Returnable:
    """What of one receipt can still be sent back: `amount` base units. `asked` is how often some of it was asked for.

    `is_accepted` is false for a token that is not configured: its symbol is a short form of its mint.
    """

    transfer_id: int
    signature: str
    receiver: str
    mint: str
    symbol: str
    decimals: int
    amount: int
    asked: int
    is_accepted: bool = True


def returnable(payment: AbstractPayment) -> list[Returnable]:
    """What an ended payment got beyond its price and the signer was not asked to send back, newest receipts first.

    A token that is not configured never pays for anything, so all of it is among them, after the others.
    Whoever asks the signer by it holds the payment locked, or two at once ask for the same. Raises CannotRefund while it is open.
    """
    if payment.status not in ENDED:
        raise CannotRefund(problem="it is still open: more may arrive, or settle it")
    left = refundable(payment)
    receipts = []
    for transfer in (
        Transfer.objects.filter(payment_id=payment.pk, amount__gt=0, token__isnull=False)
        .select_related("token")
        .order_by("-slot", "-signature")
    ):
        assert transfer.token_id is not None
        jobs = _jobs_of([transfer])
        asked = sum(job.amount or 0 for job in jobs if job.state not in MOVES_NOTHING)
        receipts.append((transfer, asked, len(jobs)))
        left[transfer.token_id] = left.get(transfer.token_id, 0) - asked
    found = []
    for transfer, asked, number in receipts:
        assert transfer.token is not None
        amount = min(left[transfer.token.pk], transfer.amount - asked, AMOUNT_MAX)
        if amount > 0:
            left[transfer.token.pk] -= amount
            token = transfer.token
            found.append(
                Returnable(
                    transfer.pk,
                    transfer.signature,
                    transfer.owner,
                    transfer.mint,
                    token.symbol,
                    token.decimals,
                    amount,
                    number,
                )
            )
    return [*found, *_strays(payment)]


def short(mint: str) -> str:
    """A mint as a person tells it from another: `4zMM…ncDU`."""
    return f"{mint[:4]}…{mint[-4:]}"


def _decimals(transfer: Transfer) -> int:
    """Of a token that is not configured; 0, which shows base units, where they were not recorded yet or are nonsense."""
    decimals = transfer.decimals or 0
    return decimals if decimals <= DECIMALS_MAX else 0


def _strays(payment: AbstractPayment) -> Iterable[Returnable]:
    """What came in tokens that are not configured and was not asked back."""
    for transfer in (
        Transfer.objects.filter(payment_id=payment.pk, amount__gt=0, token=None)
        .exclude(mint="")
        .order_by("-slot", "-signature")
    ):
        jobs = _jobs_of([transfer])
        left = transfer.amount - sum(job.amount or 0 for job in jobs if job.state not in MOVES_NOTHING)
        if left > 0:
            yield Returnable(
                transfer.pk,
                transfer.signature,
                transfer.owner,
                transfer.mint,
                short(transfer.mint),
                _decimals(transfer),
                min(left, AMOUNT_MAX),
                len(jobs),
                is_accepted=False,
            )


def locked_payment(payment_id: int) -> AbstractPayment:
    """The payment, locked until the caller's transaction ends: nobody settles it or asks for its money meanwhile."""
    locked: AbstractPayment = payment_model().objects.select_for_update(no_key=True).get(pk=payment_id)
    return locked


def request_refunds(payment: AbstractPayment) -> list[SignerJob]:
    """Ask for everything refundable of an ended payment that was not asked for yet, newest receipts first.

    Raises CannotRefund. Asks no chain; the signer checks each receipt there. Locks: the payment, so that two people at once ask
    once.
    """
    with transaction.atomic():
        locked = locked_payment(payment.pk)
        jobs = [
            request_refund(
                f"refund:{locked.public_id}:{each.transfer_id}:{each.asked + 1}",
                receipt=each.signature,
                receiver=each.receiver,
                amount=each.amount,
                mint=each.mint,
            )
            for each in returnable(locked)
        ]
        if not jobs:
            raise CannotRefund(problem="nothing of it is refundable, or it was asked for already")
    return jobs


def goes_back(payment: AbstractPayment) -> bool:
    """Whether some of a payment's money was sent back, or still may be."""
    receipts = Transfer.objects.filter(payment_id=payment.pk, amount__gt=0)
    return any(job.state not in MOVES_NOTHING for job in _jobs_of(receipts))


def _jobs_of(receipts: Iterable[Transfer]) -> list[SignerJob]:
    """The refunds that the signer was asked for of these receipts, whatever became of them."""
    ours = {(each.signature, each.owner, each.mint) for each in receipts}
    jobs = SignerJob.objects.filter(kind=Kind.REFUND, receipt__in=[signature for signature, _, _ in ours])
    return [job for job in jobs if (job.receipt, job.receiver, job.mint) in ours]
