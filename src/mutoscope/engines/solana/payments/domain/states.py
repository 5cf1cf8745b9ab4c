"""Where a payment stands, what its money amounts to, and what has to happen next. docs/solana.md shows the same tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Status(StrEnum):
    """How far the chain has carried a payment. Only `settled` is paid."""

    WAITING = "waiting"
    SEEN = "seen"
    CONFIRMED = "confirmed"
    SETTLED = "settled"
    EXPIRED = "expired"


class Money(StrEnum):
    """What the finalised receipts amount to, whatever the status."""

    NOTHING = "nothing"
    EXACT = "exact"
    PARTIAL = "partial"
    OVER = "over"
    LATE = "late"
    DOUBLE = "double"
    FOREIGN = "foreign"


class Step(StrEnum):
    """What has to happen next: wait for the payer, credit what was bought, refund the excess, have a person look."""

    WAIT = "wait"
    CREDIT = "credit"
    REFUND = "refund"
    REVIEW = "review"


class Phase(StrEnum):
    """Of a payment's statuses, what the next step depends on."""

    OPEN = "open"
    SETTLED = "settled"
    EXPIRED = "expired"


# Every way a payment can stand, and no other: a pair that is missing here cannot be written to the database.
NEXT_STEPS: Mapping[tuple[Phase, Money], tuple[Step, ...]] = {
    (Phase.OPEN, Money.NOTHING): (Step.WAIT,),
    (Phase.OPEN, Money.PARTIAL): (Step.WAIT,),
    (Phase.OPEN, Money.FOREIGN): (Step.WAIT, Step.REVIEW),
    (Phase.OPEN, Money.LATE): (Step.REVIEW,),
    (Phase.SETTLED, Money.EXACT): (Step.CREDIT,),
    (Phase.SETTLED, Money.OVER): (Step.CREDIT, Step.REFUND),
    (Phase.SETTLED, Money.DOUBLE): (Step.CREDIT, Step.REFUND),
    (Phase.SETTLED, Money.FOREIGN): (Step.CREDIT, Step.REVIEW),
    (Phase.EXPIRED, Money.NOTHING): (),
    (Phase.EXPIRED, Money.PARTIAL): (Step.REFUND,),
    (Phase.EXPIRED, Money.LATE): (Step.REVIEW,),
    (Phase.EXPIRED, Money.FOREIGN): (Step.REVIEW,),
}

# Towards waiting when the chain took a block back; out of `expired` when money turns out to have been in time.
MOVES: Mapping[Status, frozenset[Status]] = {
    Status.WAITING: frozenset({Status.SEEN, Status.CONFIRMED, Status.SETTLED, Status.EXPIRED}),
    Status.SEEN: frozenset({Status.WAITING, Status.CONFIRMED, Status.SETTLED, Status.EXPIRED}),
    Status.CONFIRMED: frozenset({Status.WAITING, Status.SEEN, Status.SETTLED, Status.EXPIRED}),
    Status.SETTLED: frozenset(),
    Status.EXPIRED: frozenset({Status.SETTLED}),
}


@dataclass(frozen=True)
class Price:
    """One of the amounts that would pay: so many base units of this token."""

    token: int
    amount: int


@dataclass(frozen=True)
class Receipt:
    """Finalised money that is this payment's. `token` is None where it is not one of the configured ones."""

    slot: int
    signature: str
    token: int | None
    amount: int
    at: datetime


@dataclass(frozen=True)
class Verdict:
    """What the receipts amount to. All sums are base units by token."""

    money: Money
    paid_in: int | None = None
    # The transaction that completed the price.
    completed_by: str = ""
    received: Mapping[int, int] = field(default_factory=dict)
    refundable: Mapping[int, int] = field(default_factory=dict)


def judge(
    prices: Iterable[Price],
    receipts: Iterable[Receipt],
    expires_at: datetime,
    *,
    paid_in: int | None = None,
    accepts_late: bool = False,
) -> Verdict:
    """What all of a payment's finalised receipts amount to, in whatever order they were found.

    A payment is paid in the token whose receipts, in the chain's order and up to `expires_at` by the chain's clock, reach
    its price first; different tokens are never added up. `paid_in` keeps an earlier verdict's token, since a fulfilment
    cannot be taken back. `accepts_late` is a person's decision to let late receipts count.
    """
    asked = {price.token: price.amount for price in prices}
    in_order = sorted(receipts, key=lambda receipt: (receipt.slot, receipt.signature))
    quoted = [receipt for receipt in in_order if receipt.token in asked]
    timely = [receipt for receipt in quoted if accepts_late or receipt.at <= expires_at]
    has_foreign = len(quoted) < len(in_order)
    received = _sums(in_order)
    first = _first_to_reach(asked, timely)
    token = paid_in if paid_in is not None else first.token if first else None
    completed_by = first.signature if first and first.token == token else ""
    if token is None:
        if len(timely) < len(quoted):
            return Verdict(Money.LATE, None, "", received, received)
        if timely:
            return Verdict(Money.PARTIAL, None, "", received, received)
        return Verdict(Money.FOREIGN if has_foreign else Money.NOTHING, None, "", received, received)
    excess = dict(received)
    excess[token] -= asked[token]
    if excess[token] <= 0:
        del excess[token]
    if any(excess.get(other, 0) >= asked[other] for other in asked):
        return Verdict(Money.DOUBLE, token, completed_by, received, excess)
    if any(other in excess for other in asked):
        return Verdict(Money.OVER, token, completed_by, received, excess)
    return Verdict(Money.FOREIGN if has_foreign else Money.EXACT, token, completed_by, received, excess)


def phase(status: Status) -> Phase:
    """The phase of a status."""
    if status is Status.SETTLED:
        return Phase.SETTLED
    return Phase.EXPIRED if status is Status.EXPIRED else Phase.OPEN


def next_steps(status: Status, money: Money) -> tuple[Step, ...]:
    """What has to happen next. Raises KeyError for what cannot be."""
    return NEXT_STEPS[phase(status), money]


def may_move(before: Status, after: Status) -> bool:
    """Whether a payment may go from one status to another; staying is always allowed."""
    return before is after or after in MOVES[before]


def _first_to_reach(asked: Mapping[int, int], timely: Iterable[Receipt]) -> Receipt | None:
    sums = dict.fromkeys(asked, 0)
    for receipt in timely:
        assert receipt.token is not None
        sums[receipt.token] += receipt.amount
        if sums[receipt.token] >= asked[receipt.token]:
            return receipt
    return None


def _sums(receipts: Iterable[Receipt]) -> dict[int, int]:
    sums: dict[int, int] = {}
    for receipt in receipts:
        if receipt.token is not None:
            sums[receipt.token] = sums.get(receipt.token, 0) + receipt.amount
    return sums
