"""The payments engine says that a payment is final: its points are credited, in the transaction in which it says so.

The engine tells each event until nobody refuses it, in a transaction that also notes that it was told (its outbox). What is
done here commits with that note or not at all; and the ledger's key is the payment, so a second telling credits nothing.
"""

from __future__ import annotations

from typing import Any

from django.db.models.functions import Now

from mutoscope.engines.solana.outbox import signals
from mutoscope.platform.billing.models import TopUp
from mutoscope.platform.billing.topup.service import CreditTopUp, CreditTopUpInputs


def credit_settled(sender: Any, payment: Any, key: str, data: Any, **_: Any) -> None:
    """Credit what this payment paid for. A payment that is not for points is none of ours."""
    if payment is None:
        # An event about no payment is not about a top-up either.
        return
    top_up = TopUp.objects.select_for_update(no_key=True).filter(payment_id=payment.pk).first()
    if top_up is None:
        return
    asked = CreditTopUpInputs(top_up.person_id, payment.pk, top_up.points, top_up.bonus_points)
    credited = CreditTopUp().call(asked)
    TopUp.objects.filter(pk=top_up.pk, transfer_id=None).update(transfer_id=credited.transfer_id, credited_at=Now())


def listen() -> None:
    """Be told of every payment that becomes final."""
    signals.settled.connect(credit_settled, dispatch_uid="billing.topup.credit")
