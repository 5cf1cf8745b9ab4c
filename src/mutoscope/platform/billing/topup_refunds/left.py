"""What of a top-up's money can still be asked back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mutoscope.engines.solana.payments.refunding import CannotRefund, Returnable, returnable
from mutoscope.engines.solana.public import payment_model
from mutoscope.platform.billing.models import TopUp, TopUpRefund


def money_left(top_up: TopUp) -> list[Returnable]:
    """What arrived beyond what was credited and nobody asked back, by receipt; nothing while it can still be paid. To look at only."""
    payment = payment_model().objects.get(pk=top_up.payment_id)
    try:
        found = returnable(payment)
    except CannotRefund:
        return []
    # What was approved is with the signer, and counted there.
    waiting = TopUpRefund.objects.filter(top_up=top_up, state=TopUpRefund.State.REQUESTED)
    return list(less(found, waiting))


def less(found: Iterable[Returnable], waiting: Iterable[TopUpRefund]) -> Iterable[Returnable]:
    """The same without what is asked for and not approved yet."""
    asked = {(each.receipt, each.mint): each.amount for each in waiting}
    for each in found:
        amount = each.amount - asked.get((each.signature, each.mint), 0)
        if amount > 0:
            yield replace(each, amount=amount)
