"""When a creator may be paid, and how much."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PayoutRules:
    """What the operator set. Sales younger than `delay_days` may still be refunded, so they are not paid out."""

    points_min: int
    delay_days: int
    approval_points: int
    """A payout above this waits for somebody of the staff."""


@dataclass(frozen=True, slots=True)
class Earnings:
    """A channel's points. `held` is in payouts under way, `recent` was earned within the delay; both are part of `posted`."""

    posted: int
    held: int
    recent: int

    def available(self) -> int:
        """What a payout may take now."""
        return max(self.posted - self.held - self.recent, 0)

    def holds_recent(self) -> bool:
        """Whether more is held than may be: some of it was earned within the delay."""
        return self.held > max(self.posted - self.recent, 0)


class BadPayout(ValueError):
    """This payout cannot be asked for. Its message is a sentence for the creator."""


def check(points: int, earnings: Earnings, rules: PayoutRules) -> bool:
    """Whether this payout needs somebody's approval. Raises BadPayout."""
    if points < rules.points_min:
        raise BadPayout(f"The smallest payout is {rules.points_min:,} points.")
    if points > earnings.available():
        raise BadPayout(f"You can be paid {earnings.available():,} points now.")
    return points > rules.approval_points
