"""Money in, out and owed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mutoscope.engines.solana.public import Money
from mutoscope.platform.billing.books import Kind
from mutoscope.platform.billing.models import Reconciliation
from mutoscope.platform.billing.statements import fetch


@dataclass(frozen=True, slots=True)
class MoneyOverview:
    """Since a moment: top-ups that were credited, payouts that were paid. Now: what is owed, and what waits."""

    top_ups: int
    top_up_cents: int
    top_up_points: int
    payouts: int
    payout_points: int
    waiting_payouts: int
    waiting_payout_points: int
    owed_to_creators: int
    """Points in creators' accounts, those held for a payout under way included."""
    held: int
    owed_to_viewers: int
    """Points that viewers bought or were given, and may still spend."""
    fees: int
    """What the site's fee brought, ever."""


def money_since(since: datetime) -> MoneyOverview:
    """Two queries, the second over every account of the books."""
    top_ups, cents, top_up_points, payouts, payout_points, waiting, waiting_points = fetch(
        "overview", "flows", {"since": since}
    )[0]
    owed = {row[0]: (row[1], row[2]) for row in fetch("overview", "owed", {})}
    nothing = (0, 0)
    return MoneyOverview(
        top_ups=top_ups,
        top_up_cents=cents,
        top_up_points=top_up_points,
        payouts=payouts,
        payout_points=payout_points,
        waiting_payouts=waiting,
        waiting_payout_points=waiting_points,
        owed_to_creators=owed.get(Kind.EARNINGS, nothing)[0],
        held=owed.get(Kind.EARNINGS, nothing)[1],
        owed_to_viewers=owed.get(Kind.POINTS, nothing)[0],
        fees=owed.get(Kind.FEES, nothing)[0],
    )


@dataclass(frozen=True, slots=True)
class LeftOver:
    """Payments with one thing the matter: how many still have money here that bought no points, and of how many all of it goes back."""

    left: int = 0
    sent_back: int = 0


def left_over() -> dict[Money, LeftOver]:
    """By what is the matter; what nothing is the matter with is left out. One query, over every payment that was ever odd."""
    return {Money(row[0]): LeftOver(row[1], row[2]) for row in fetch("overview", "left_over", {})}


def refunds_waiting() -> int:
    """How many refunds of top-ups' money wait for somebody's approval. One query."""
    waiting: int = fetch("overview", "refunds_waiting", {})[0][0]
    return waiting


def last_reconciliation() -> Reconciliation | None:
    """The newest comparison of chain, payments, ledger and entitlements. One query."""
    return Reconciliation.objects.first()
