"""How a refund stands, in words for its viewer and for the operator."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from mutoscope.engines.solana import public as solana
from mutoscope.engines.solana.payments.refunding import Returnable
from mutoscope.platform.billing.models import TopUp, TopUpRefund
from mutoscope.platform.billing.on_chain import Progress
from mutoscope.platform.billing.topup_refunds.left import money_left
from mutoscope.platform.billing.topup_refunds.models import BY_HAND

State = TopUpRefund.State

UNDER_WAY = {
    Progress.ORDERED: "Approved: the signer sends it next.",
    Progress.SIGNED: "Being sent: signed.",
    Progress.SENT: "Being sent: on its way to the chain.",
    Progress.CONFIRMED: "Being sent: on the chain, and final in a moment.",
}
ENDED = {
    State.REQUESTED: "Asked for: somebody of the staff looks at it.",
    State.PAID: "Sent back.",
    State.REFUSED: "Refused.",
    State.CANCELLED: "Withdrawn by you.",
    State.FAILED: "Not sent, and nothing moved. You can ask again.",
    State.VOIDED: "Not sent, and nothing moved. You can ask again.",
}


@dataclass(frozen=True, slots=True)
class RefundShown:
    """What a page says about a refund."""

    number: int
    asked_at: datetime
    amount: str
    """With its token."""
    words: str
    address: str
    """Empty for the wallet that paid."""
    signature: str
    link: str
    may_cancel: bool
    is_moving: bool


def shown(refund: TopUpRefund) -> RefundShown:
    """What a page says about this refund. Its address should have been selected with it."""
    state = State(refund.state)
    words = UNDER_WAY[Progress(refund.progress)] if state is State.APPROVED else ENDED[state]
    if refund.progress == BY_HAND:
        words = "Sent back by hand, by the staff of this site."
    why = refund.reason if state is State.REFUSED else refund.trouble
    return RefundShown(
        number=refund.pk,
        asked_at=refund.asked_at,
        amount=solana.amount_text(refund.amount, refund.symbol, refund.decimals),
        words=f"{words} {why}".strip(),
        address=refund.address.address if refund.address is not None else "",
        signature=refund.signature,
        link=settings.EXPLORER_TRANSACTION.format(signature=refund.signature) if refund.signature else "",
        may_cancel=state is State.REQUESTED,
        is_moving=state is State.APPROVED,
    )


def refunds_of(top_up_id: int) -> list[RefundShown]:
    """The refunds of a top-up, newest first."""
    return [shown(each) for each in TopUpRefund.objects.filter(top_up_id=top_up_id).select_related("address")]


def sums(left: Iterable[Returnable]) -> str:
    """What is left, by token: `2.5 USDC and 0.1 SOL`."""
    by_token: dict[tuple[str, int], int] = {}
    for each in left:
        token = (each.symbol, each.decimals)
        by_token[token] = by_token.get(token, 0) + each.amount
    return " and ".join(solana.amount_text(amount, symbol, decimals) for (symbol, decimals), amount in by_token.items())


def section_of(top_up: TopUp) -> dict[str, Any]:
    """What the section is drawn from: what can still be asked for, and what was."""
    found = refunds_of(top_up.pk)
    return {
        "public_id": top_up.public_id,
        "left": sums(money_left(top_up)),
        "refunds": found,
        "is_moving": any(each.is_moving for each in found),
    }
