"""What of a top-up's money can still be asked back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mutoscope.engines.solana.payments.abstract import AbstractPayment
from mutoscope.engines.solana.payments.refunding import CannotRefund, Returnable, returnable
from mutoscope.engines.solana.public import payment_model
from mutoscope.platform.billing.models import TopUp, TopUpRefund
from mutoscope.platform.billing.topup_refunds.models import BY_HAND


def money_left(top_up: TopUp) -> list[Returnable]:
    """What arrived beyond what was credited and nobody asked back, by receipt; nothing while it can still be paid. To look at only."""
    payment = payment_model().objects.get(pk=top_up.payment_id)
    try:
        found = not_sent_back(top_up, payment)
    except CannotRefund:
        return []
    # What was approved is with the signer, and counted there.
    waiting = TopUpRefund.objects.filter(top_up=top_up, state=TopUpRefund.State.REQUESTED)
    return list(_less(found, waiting))


def not_sent_back(top_up: TopUp, payment: AbstractPayment) -> list[Returnable]:
    """What arrived beyond what was credited and neither the signer nor somebody by hand sends back. Raises CannotRefund.

    Whoever decides by it holds the payment locked.
    """
    # What the signer does is counted by its jobs.
    return list(_less(returnable(payment), TopUpRefund.objects.filter(top_up=top_up, progress=BY_HAND)))


def _less(found: Iterable[Returnable], refunds: Iterable[TopUpRefund]) -> Iterable[Returnable]:
    """The same without these."""
    asked: dict[tuple[str, str], int] = {}
    for refund in refunds:
        key = (refund.receipt, refund.mint)
        asked[key] = asked.get(key, 0) + refund.amount
    for each in found:
        amount = each.amount - asked.get((each.signature, each.mint), 0)
        if amount > 0:
            yield replace(each, amount=amount)
