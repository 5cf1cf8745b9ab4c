"""What happened to a payment, in order: its news, its money, and what the signer was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mutoscope.engines.solana.outbox.models import Event
from mutoscope.engines.solana.payments.abstract import AbstractPayment
from mutoscope.engines.solana.payments.domain.amounts import amount_text
from mutoscope.engines.solana.payments.models import Transfer
from mutoscope.engines.solana.signer.models import SignerJob

SHOWN_MAX = 200


@dataclass(frozen=True)
class Moment:
    at: datetime
    what: str
    detail: str


def timeline(payment: AbstractPayment) -> Sequence[Moment]:
    """Oldest first; up to 200 of each kind. Three queries."""
    events = Event.objects.filter(payment_id=payment.pk).order_by("id")[:SHOWN_MAX]
    transfers = Transfer.objects.filter(payment_id=payment.pk).select_related("token").order_by("id")[:SHOWN_MAX]
    moments = [Moment(event.created_at, event.name, "" if event.told_at else "not told yet") for event in events]
    for transfer in transfers:
        token = transfer.token
        amount = (
            amount_text(transfer.amount, token.symbol, token.decimals) if token else f"{transfer.amount:,} base units"
        )
        moments.append(Moment(transfer.block_time, "received", f"{amount} by {transfer.signature}"))
    signatures = [transfer.signature for transfer in transfers]
    jobs = SignerJob.objects.filter(receipt__in=signatures).exclude(receipt="").order_by("id")[:SHOWN_MAX]
    moments += [Moment(job.requested_at, f"{job.kind} asked for", f"{job.amount} units: {job.state}") for job in jobs]
    return sorted(moments, key=lambda moment: moment.at)
