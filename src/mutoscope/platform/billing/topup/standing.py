"""How a top-up stands, as its page says it: what to pay, how far it is, and the end that every case comes to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from mutoscope.engines.solana import public as solana
from mutoscope.engines.solana.public import Money, Status
from mutoscope.platform.billing.statements import fetch

LABELS = ("Waiting", "Seen", "Confirmed", "Credited")


@dataclass(frozen=True, slots=True)
class StepShown:
    """One of the steps: `done`, `now` or `later`."""

    label: str
    state: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything that the page draws from. Amounts are base units of the token."""

    number: int
    public_id: str
    points: int
    price_usd_cents: int
    film: str
    is_credited: bool
    status: Status
    money: Money
    recipient: str
    reference: str
    expires_at: datetime
    left_s: int
    signature: str
    symbol: str
    mint: str
    decimals: int
    amount: int
    received: int
    rate_usd: str

    def is_open(self) -> bool:
        """Whether it can still be paid."""
        return self.status in {Status.WAITING, Status.SEEN, Status.CONFIRMED} and self.left_s > 0

    def is_payable(self) -> bool:
        """Whether the page asks for money: not while all of it may be on its way, or somebody would pay twice."""
        return self.is_open() and self.due() > 0 and (self.status is Status.WAITING or self.is_seen_in_part())

    def is_seen_in_part(self) -> bool:
        """Whether what is on its way is known to be less than asked for: the rest can be sent before that is final."""
        return self.status in {Status.SEEN, Status.CONFIRMED} and 0 < self.received < self.amount

    def is_moving(self) -> bool:
        """Whether the page has to look again. Ended is ended, but for a payment that is final and about to be credited."""
        return not self.is_credited and self.status is not Status.EXPIRED

    def is_partial(self) -> bool:
        return self.money is Money.PARTIAL or self.is_seen_in_part()

    def due(self) -> int:
        """What is missing."""
        return max(self.amount - self.received, 0)

    def due_text(self) -> str:
        return solana.plain_text(self.due(), self.decimals)

    def amount_text(self) -> str:
        return solana.plain_text(self.amount, self.decimals)

    def received_text(self) -> str:
        return solana.plain_text(self.received, self.decimals)

    def excess_text(self) -> str:
        return solana.plain_text(max(self.received - self.amount, 0), self.decimals)

    def link(self) -> str:
        """What a wallet opens, for what is missing."""
        references = [self.reference] if self.reference else []
        return solana.transfer_link(
            self.recipient, self.due(), self.decimals, mint=self.mint, references=references, label="Mutoscope"
        )

    def steps(self) -> list[StepShown]:
        """Waiting, seen, confirmed, credited. A part alone leads to no credit: the rest is waited for."""
        at = len(LABELS) if self.is_credited else 0 if self.is_partial() else _PLACE.get(self.status, 0)
        return [
            StepShown(label, "done" if place < at else "now" if place == at else "later")
            for place, label in enumerate(LABELS)
        ]

    def left_text(self) -> str:
        """The time that is left, as a clock shows it: `14:32`."""
        return f"{self.left_s // 60}:{self.left_s % 60:02}"

    def left_percent(self) -> int:
        """How much of the whole time is left."""
        lifetime_s: int = settings.TOP_UPS["QUOTE_LIFETIME_S"]
        return min(100, 100 * self.left_s // lifetime_s)

    def version(self) -> str:
        """Changes when more of the page changes than its steps."""
        return f"{self.money}-{self.received}-{self.is_payable():d}-{self.is_credited:d}"

    def end(self) -> str:
        """The case that its words are about: a template's branch."""
        if self.is_credited:
            return {Money.OVER: "over", Money.DOUBLE: "double", Money.FOREIGN: "credited-foreign"}.get(
                self.money, "credited"
            )
        if self.money is Money.LATE:
            return "late"
        if self.money is Money.FOREIGN:
            return "foreign"
        if self.status is Status.EXPIRED:
            return "expired-partial" if self.money is Money.PARTIAL else "expired"
        return "open" if self.is_open() or self.status in {Status.SETTLED, Status.CONFIRMED} else "ending"


_PLACE = {Status.WAITING: 0, Status.SEEN: 1, Status.CONFIRMED: 2, Status.SETTLED: 3}


def standing_of(person_id: int, public_id: str) -> Standing | None:
    """How this person's top-up stands; None where it is nobody's, or somebody else's."""
    rows = fetch("topup", "standing", {"person_id": person_id, "public_id": public_id})
    if not rows:
        return None
    row = rows[0]
    return Standing(
        number=row[0],
        public_id=public_id,
        points=row[1],
        price_usd_cents=row[2],
        film=row[3],
        is_credited=row[4],
        status=Status(row[5]),
        money=Money(row[6]),
        recipient=row[7],
        reference=row[8],
        expires_at=row[9],
        left_s=row[10],
        signature=row[11],
        symbol=row[12],
        mint=row[13],
        decimals=row[14],
        amount=int(row[15]),
        received=int(row[16]),
        rate_usd=row[17],
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """A top-up in the wallet's list."""

    public_id: str
    points: int
    price_usd_cents: int
    asked_at: datetime
    words: str
    number: int
    credited_at: datetime | None


def newest_top_ups(person_id: int, limit: int = 5, before: int = 2**63 - 1) -> list[Entry]:
    """The newest top-ups of a person, of those with a lower number than `before`."""
    rows = fetch("topup", "newest", {"person_id": person_id, "limit": limit, "before": before})
    return [Entry(row[0], row[1], row[2], row[3], _in_words(*row[4:8]), row[8], row[9]) for row in rows]


# What became of its refund, where one was asked for and is not over without an effect.
REFUND_WORDS = {"requested": "refund asked for", "approved": "refund on its way", "paid": "refunded"}


def _in_words(is_credited: bool, status: str, money: str, refund: str) -> str:
    if refund in REFUND_WORDS:
        words = REFUND_WORDS[refund]
        return f"Credited, {words}" if is_credited else words.capitalize()
    if is_credited:
        return "Credited, and more than that arrived" if money in {Money.OVER, Money.DOUBLE} else "Credited"
    if money == Money.LATE:
        return "Somebody looks at it"
    if money == Money.FOREIGN:
        return "Another token came: refundable" if status == Status.EXPIRED else "Another token came"
    if status == Status.EXPIRED:
        return "Paid in part: refundable" if money == Money.PARTIAL else "Ended unpaid"
    return "Paid in part" if money == Money.PARTIAL else "Under way" if status != Status.WAITING else "Waiting"
