"""When a creator may be paid, and how much."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PayoutRules:
    """What the operator set. Sales younger than `delay_days` may still be refunded, so they are not paid out."""

    points_min: int
    delay_days: int
    approval_points: int
    """What goes without anybody's approval within a day: a payout that makes it more waits for somebody of the staff."""

    def left_at_once(self, unapproved_points: int) -> int:
        """How much still goes without approval, when so much went within the last day."""
        return max(self.approval_points - unapproved_points, 0)


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


def check(points: int, earnings: Earnings, rules: PayoutRules, unapproved_points: int) -> bool:
    """Whether this payout needs somebody's approval, when so many points went without within the last day. Raises BadPayout."""
    if points < rules.points_min:
        raise BadPayout(f"The smallest payout is {rules.points_min:,} points.")
    if points > earnings.available():
        raise BadPayout(f"You can be paid {earnings.available():,} points now.")
    return points > rules.left_at_once(unapproved_points)
