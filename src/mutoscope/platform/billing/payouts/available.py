"""How much a channel has, and how much of it may be paid out now."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings

from mutoscope.platform.billing.clock import SERVER_CLOCK, Clock
from mutoscope.platform.billing.domain.payouts import Earnings, PayoutRules
from mutoscope.platform.billing.statements import fetch


def payout_rules() -> PayoutRules:
    """What the operator set."""
    return PayoutRules(settings.PAYOUT_POINTS_MIN, settings.PAYOUT_DELAY_DAYS, settings.PAYOUT_APPROVAL_POINTS)


def earnings_of(channel_id: int, clock: Clock = SERVER_CLOCK) -> Earnings:
    """A channel's points as they stand, in one query."""
    delay = timedelta(days=payout_rules().delay_days)
    asked = {"channel_id": channel_id, "delay": delay, "ahead": clock.ahead()}
    posted, held, recent = fetch("payouts", "earnings", asked)[0]
    return Earnings(posted=posted, held=held, recent=recent)


def unapproved_points_of(channel_id: int) -> int:
    """What a channel was paid, or is being paid, without anybody's approval: within the last 24 hours."""
    points: int = fetch("payouts", "unapproved", {"channel_id": channel_id})[0][0]
    return points
