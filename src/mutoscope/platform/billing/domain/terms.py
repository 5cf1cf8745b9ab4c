"""For how long a viewer may watch, and what buying again does to that. The words for people are in docs/billing.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from mutoscope.platform.billing.domain.coupons import Discount


class Term(StrEnum):
    """What is bought: a day is 24 hours and a month is 30 days, whatever the calendar says."""

    DAY = "day"
    MONTH = "month"
    LIFETIME = "lifetime"


FOR: Mapping[str, str] = {Term.DAY: "for a day", Term.MONTH: "for a month", Term.LIFETIME: "for ever"}
LENGTHS = {Term.DAY: timedelta(days=1), Term.MONTH: timedelta(days=30), Term.LIFETIME: None}
RANKS = {Term.DAY: 1, Term.MONTH: 2, Term.LIFETIME: 3}

# The least that an upgrade costs, whatever it credits: what is bought for points goes through the ledger. Only a code makes it nothing.
DUE_POINTS_MIN = 1


class AlreadyForever(Exception):
    """Nothing can be added to a lifetime."""


@dataclass(frozen=True, slots=True)
class Until:
    """Until when a viewer may watch one film. `expires_at` None is for ever."""

    expires_at: datetime | None

    def is_live(self, now: datetime) -> bool:
        """Whether it may be watched at this moment. The last instant is no longer part of the term."""
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True, slots=True)
class Holding(Until):
    """What a viewer has of one film at a moment, and what of it counts towards a longer term.

    `rank` is that of the longest purchase which still runs, and `worth_points` what all that still runs was sold at.
    """

    rank: int
    worth_points: int


@dataclass(frozen=True, slots=True)
class Quote:
    """What one click would do: `due_points` = `price_points` - `credit_points` - `discount_points`, and watching until `expires_at` (None: for ever)."""

    term: Term
    price_points: int
    credit_points: int
    due_points: int
    starts_at: datetime
    expires_at: datetime | None
    is_upgrade: bool
    discount_points: int = 0

    def less(self, discount: Discount | None) -> Quote:
        """The same with a code, which is taken from what is left to pay."""
        off = 0 if discount is None else discount.off(self.due_points)
        return replace(self, due_points=self.due_points - off, discount_points=off)

    def is_extension(self, now: datetime) -> bool:
        """Whether it begins when something else ends."""
        return self.starts_at > now


def quote(term: Term, price_points: int, holding: Holding | None, now: datetime) -> Quote:
    """What buying this term now would cost and give. Raises AlreadyForever.

    A longer term than what runs begins at once, and what runs counts at the price it was sold at. The same or a shorter
    one begins when what runs ends, at its full price.
    """
    live = holding if holding is not None and holding.is_live(now) else None
    if live is not None and live.expires_at is None:
        raise AlreadyForever
    length = LENGTHS[term]
    if live is None or live.expires_at is None:
        return Quote(term, price_points, 0, price_points, now, now + length if length else None, False)
    if RANKS[term] > live.rank:
        due = max(price_points - live.worth_points, DUE_POINTS_MIN)
        expires_at = max(now + length, live.expires_at) if length else None
        return Quote(term, price_points, price_points - due, due, now, expires_at, True)
    assert length is not None, "a lifetime is longer than whatever has an end"
    return Quote(term, price_points, 0, price_points, live.expires_at, live.expires_at + length, False)


@dataclass(frozen=True, slots=True)
class Bought:
    """One purchase, as much of it as decides how long it lets watch."""

    term: Term
    bought_at: datetime
    is_upgrade: bool


@dataclass(frozen=True, slots=True)
class Span:
    """When one purchase lets watch, among those that stand beside it. `expires_at` None is for ever."""

    starts_at: datetime
    expires_at: datetime | None


def spans(purchases: Iterable[Bought]) -> list[Span]:
    """When each of these purchases, in their order, lets watch. What would come after a lifetime is left out: nothing does.

    Used when one of them is taken back: what came after it moves forward.
    """
    found: list[Span] = []
    until: datetime | None = None
    for bought in purchases:
        length = LENGTHS[bought.term]
        if length is None:
            return [*found, Span(bought.bought_at, None)]
        if until is None or until <= bought.bought_at:
            span = Span(bought.bought_at, bought.bought_at + length)
        elif bought.is_upgrade:
            span = Span(bought.bought_at, max(until, bought.bought_at + length))
        else:
            span = Span(until, until + length)
        found.append(span)
        until = span.expires_at
    return found


def replay(purchases: Iterable[Bought]) -> tuple[bool, datetime | None]:
    """What these purchases, in their order, give together: whether anything, and until when (None: for ever)."""
    found = spans(purchases)
    return (True, found[-1].expires_at) if found else (False, None)
