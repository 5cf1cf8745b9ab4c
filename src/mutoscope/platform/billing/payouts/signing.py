"""Paying creators by the signer: a payout becomes a job of it, and what becomes of the job becomes of the payout.

The job is asked for in the transaction that approves. The engine tells of each change of a job in a transaction that also notes
that it was told: what is done here commits with that note or not at all, and a second telling changes nothing.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import structlog
from django.conf import settings

from mutoscope.engines.solana import public as solana
from mutoscope.engines.solana.outbox import signals
from mutoscope.engines.solana.signer.models import JobState, Kind
from mutoscope.engines.solana.signer.outbox import JobNews
from mutoscope.engines.solana.signer.requests import AMOUNT_MAX, MalformedRequest, request_payout
from mutoscope.platform.billing.failures import CannotPayOut
from mutoscope.platform.billing.models import Payout
from mutoscope.platform.billing.on_chain import STEPS
from mutoscope.platform.billing.payouts.ports import PaidWith, PayoutOrder
from mutoscope.platform.billing.payouts.service import EndPayout, EndPayoutInputs
from mutoscope.platform.billing.topup.ports import NoRate, Rates
from mutoscope.platform.billing.topup.rates import configured_rates

log = structlog.get_logger(__name__)

# As `send` makes them: channel and number.
KEY = re.compile(r"payout:([0-9]+):([0-9]+)")
NOT_SET_UP = "Payouts in {symbol} are not set up here. The operator has to accept that token first."
NO_RATE = "What {symbol} is worth is not known well enough right now. Nothing was changed: try again in a minute."
ENDS = {
    JobState.SETTLED: Payout.State.PAID,
    JobState.FAILED: Payout.State.FAILED,
    JobState.VOIDED: Payout.State.VOIDED,
}


class PaidBySigner:
    """Payouts leave in one token, at what a point is worth by the operator's word and the token by the rates of top-ups."""

    def __init__(self, rates: Rates | None = None) -> None:
        self._rates = rates

    def needs_address(self) -> bool:
        return True

    def quote(self, points: int, /) -> PaidWith:
        symbol = settings.PAYOUT_TOKEN
        token = solana.token_model().objects.filter(symbol=symbol, is_active=True).order_by("pk").first()
        if token is None:
            raise CannotPayOut(why=NOT_SET_UP.format(symbol=symbol))
        try:
            rate = (self._rates or configured_rates()).rate(symbol)
        except NoRate:
            raise CannotPayOut(why=NO_RATE.format(symbol=symbol)) from None
        # Rounded down: what is smaller than the token's smallest unit cannot be sent.
        amount = int(points * Fraction(settings.PAYOUT_POINT_USD) / rate.usd * 10**token.decimals)
        if not 0 < amount <= AMOUNT_MAX:
            raise CannotPayOut(why=f"{points:,} points are worth no amount of {symbol} that can be sent.")
        return PaidWith(token.mint, symbol, token.decimals, amount, rate.text)

    def order(self, payout: PayoutOrder, quote: PaidWith | None, /) -> None:
        assert quote is not None, "quoted before it is ordered"
        try:
            request_payout(payout.key, destination=payout.address, amount=quote.amount, mint=quote.mint)
        except MalformedRequest as refused:
            raise CannotPayOut(why=f"The signer does not take it: {refused.problem}.") from None


def follow_job(sender: Any, news: JobNews, **_: Any) -> None:
    """A job of the signer changed. Those that are no payouts of ours are left alone."""
    named = KEY.fullmatch(news.key)
    if news.kind != Kind.PAYOUT or named is None:
        return
    channel_id, number = map(int, named.groups())
    payout = Payout.objects.filter(channel_id=channel_id, number=number).exclude(progress="").first()
    if payout is None:
        return
    state = JobState(news.state)
    if state in STEPS:
        Payout.objects.filter(pk=payout.pk, state=Payout.State.APPROVED).update(
            progress=STEPS[state], reference=news.signature
        )
    elif state in ENDS:
        try:
            EndPayout().call(EndPayoutInputs(payout.pk, ENDS[state], reason=news.reason, reference=news.signature))
        except CannotPayOut as refusal:
            # Ended otherwise. News that is refused would come again for ever, and hold up all that comes after it: the comparison
            # of each night finds this one.
            log.error("a payout ended twice", action="payout_differs", payout=payout.pk, why=refusal.sentence())


def listen() -> None:
    """Be told of every job of the signer."""
    signals.job_changed.connect(follow_job, dispatch_uid="billing.payouts.follow")
