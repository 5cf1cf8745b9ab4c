"""What points may be sold for: never for less than creators are paid for them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil


@dataclass
class PaidOutForMore(ValueError):
    """Points of this pack could be paid out for more than they cost. As text it is a sentence for the operator."""

    points: int
    price_usd_cents: int
    paid_out_usd_cents: int
    point_usd: str

    def sums(self) -> str:
        """Both, in a few words."""
        return f"costs {_dollars(self.price_usd_cents)} and pays out {_dollars(self.paid_out_usd_cents)}"

    def __str__(self) -> str:
        return (
            f"These {self.points:,} points cost {_dollars(self.price_usd_cents)}, and creators are paid {_dollars(self.paid_out_usd_cents)} for them: "
            "whoever spends them on a film of their own is paid more than they paid. Raise the price, or lower the points or the bonus. "
            f"What a point is worth is set by MUTOSCOPE_PAYOUT_POINT_USD, now {self.point_usd}."
        )


def check(points: int, price_usd_cents: int, point_usd: str) -> None:
    """Refuse a pack whose points, bonus included, creators are paid more for than it costs. Raises PaidOutForMore.

    The site's fee is left out: it is rounded down to a whole point, so that of small sales there is none. `point_usd` is what a
    creator gets for a point, in dollars.
    """
    paid_out_cents = paid_out_usd_cents(points, point_usd)
    if paid_out_cents > price_usd_cents:
        raise PaidOutForMore(points, price_usd_cents, paid_out_cents, point_usd)


def paid_out_usd_cents(points: int, point_usd: str) -> int:
    """What creators get for so many points at most, in cents, a begun one as a whole one. `point_usd` as above."""
    return ceil(points * Fraction(point_usd) * 100)


def _dollars(cents: int) -> str:
    return f"${cents // 100:,}.{cents % 100:02}"
