"""How much a channel has, and how much of it may be paid out now."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings

from mutoscope.platform.billing import books
from mutoscope.platform.billing.books import Kind
from mutoscope.platform.billing.clock import SERVER_CLOCK, Clock
from mutoscope.platform.billing.domain.payouts import Earnings, PayoutRules
from mutoscope.platform.billing.statements import fetch


def payout_rules() -> PayoutRules:
    """What the operator set."""
    return PayoutRules(settings.PAYOUT_POINTS_MIN, settings.PAYOUT_DELAY_DAYS, settings.PAYOUT_APPROVAL_POINTS)


def earnings_of(channel_id: int, clock: Clock = SERVER_CLOCK) -> Earnings:
    """A channel's points as they stand. Three queries."""
    held = books.balance(Kind.EARNINGS, channel_id)
    delay = timedelta(days=payout_rules().delay_days)
    recent = fetch("payouts", "recent", {"channel_id": channel_id, "delay": delay, "ahead": clock.ahead()})[0][0]
    return Earnings(posted=held.posted, held=held.held, recent=recent)
