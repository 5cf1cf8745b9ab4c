"""How a payout stands, in words for its creator and for the operator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from mutoscope.engines.solana import public as solana
from mutoscope.platform.billing.domain.money import points_text
from mutoscope.platform.billing.failures import CannotPayOut
from mutoscope.platform.billing.models import Payout
from mutoscope.platform.billing.on_chain import Progress
from mutoscope.platform.billing.payouts.ports import pays_creators
from mutoscope.platform.billing.payouts.reference import is_signature

State = Payout.State

UNDER_WAY = {
    Progress.NONE: "Approved: the operator pays it by hand.",
    Progress.ORDERED: "Requested: the signer takes it next.",
    Progress.SIGNED: "Being paid: signed.",
    Progress.SENT: "Being paid: sent to the chain.",
    Progress.CONFIRMED: "Being paid: on the chain, and final in a moment.",
}
ENDED = {
    State.PAID: "Paid.",
    State.REFUSED: "Refused. The points are available again.",
    State.CANCELLED: "Cancelled. The points are available again.",
    State.FAILED: "Failed: nothing was sent. The points are available again.",
    State.VOIDED: "Voided before anything was sent. The points are available again.",
}


@dataclass(frozen=True, slots=True)
class PayoutShown:
    """What a page says about a payout."""

    number: int
    asked_at: datetime
    points: int
    words: str
    paid: str
    """The amount with its token; empty until it is known."""
    address: str
    signature: str
    link: str
    reference: str
    """What the operator wrote of a payment by hand, where it is no transaction's signature."""
    may_cancel: bool


@dataclass(frozen=True, slots=True)
class Worth:
    """What points would be paid with now. `amount` is empty where no rate is known."""

    amount: str
    """With its token."""
    symbol: str
    rate_usd: str
    point_usd: str


def worth_now(points: int) -> Worth | None:
    """What so many points are worth at this moment; None where an operator pays by hand and reckons. May ask a source of rates."""
    try:
        quote = pays_creators.get().quote(points)
    except CannotPayOut:
        return Worth("", "", "", "")
    if quote is None:
        return None
    amount = amount_shown(quote.amount, quote.symbol, quote.decimals)
    return Worth(amount, quote.symbol, quote.rate_usd, f"{settings.PAYOUT_POINT_USD}")


def amount_shown(amount: int, symbol: str, decimals: int) -> str:
    """An amount as it stands beside points, which have their thousands apart: `1,112.91 USDC`."""
    whole, point, fraction = solana.plain_text(amount, decimals).partition(".")
    return f"{int(whole):,}{point}{fraction} {symbol}"


def shown(payout: Payout) -> PayoutShown:
    """What a page says about this payout. Its address should have been selected with it."""
    state = State(payout.state)
    if state is State.WAITING:
        words = f"Requested: waits for approval by the staff. {why_it_waits()}"
    else:
        words = UNDER_WAY[Progress(payout.progress)] if state is State.APPROVED else ENDED[state]
    if payout.reason:
        words = f"{words} {payout.reason}"
    # A transaction that did not land is nobody's to look at, and an operator's own words are no signature.
    named = payout.reference if state in (State.APPROVED, State.PAID) else ""
    signature = named if payout.is_ordered() or is_signature(named) else ""
    paid = ""
    if payout.amount is not None:
        paid = amount_shown(payout.amount, payout.symbol, payout.decimals)
    return PayoutShown(
        number=payout.number,
        asked_at=payout.asked_at,
        points=payout.points,
        words=words,
        paid=paid,
        address=payout.address.address if payout.address is not None else "",
        signature=signature,
        link=settings.EXPLORER_TRANSACTION.format(signature=signature) if signature else "",
        reference="" if signature else named,
        may_cancel=state is State.WAITING,
    )


def why_it_waits() -> str:
    """What the operator set, in a sentence: it holds for one large payout, and for the last of several."""
    at_once = settings.PAYOUT_APPROVAL_POINTS
    return (
        f"More than {points_text(at_once)} within 24 hours are approved first."
        if at_once
        else "Every payout is approved first."
    )
