"""What is posted: legs, transfers, receipts. Whatever can be known to be wrong without asking the database is refused here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any

from mutoscope.engines.ledger.accounts import Account
from mutoscope.engines.ledger.checking import BIGINT_MAX, InvalidTransfer, check_moment, check_text

LEGS_MAX = 1000
PAYEES_MAX = 2
# Payer, payee, amount, and a second payee with its amount, or None twice.
Payment = tuple[int, int, int, int | None, int | None]


@dataclass(frozen=True, slots=True)
class Leg:
    """One account's share: above zero a credit, below zero a debit, in the currency's smallest unit. See `credit`, `debit`."""

    account_id: int
    amount: int

    def __post_init__(self) -> None:
        # `type(...) is int`, because True is an int to isinstance.
        if type(self.account_id) is not int or not 0 < self.account_id <= BIGINT_MAX:
            raise InvalidTransfer("account", f"must be an Account or its id, not {self.account_id!r}")
        if type(self.amount) is not int:
            raise InvalidTransfer("amount", f"must be a whole number, not {self.amount!r}")
        if not 0 < abs(self.amount) <= BIGINT_MAX:
            raise InvalidTransfer("amount", f"must be from 1 to {BIGINT_MAX}, not {self.amount}")


def credit(account: Account | int, amount: int) -> Leg:
    """A leg that raises an account's balance by `amount`, 1 to 2^63 - 1. Raises InvalidTransfer."""
    return Leg(account.id if isinstance(account, Account) else account, positive(amount))


def debit(account: Account | int, amount: int) -> Leg:
    """A leg that lowers an account's balance by `amount`, 1 to 2^63 - 1. Raises InvalidTransfer."""
    return Leg(account.id if isinstance(account, Account) else account, -positive(amount))


def positive(amount: int) -> int:
    """The same amount. Raises InvalidTransfer for anything but a whole number from 1 to 2^63 - 1: never rounds, never converts."""
    if type(amount) is not int:
        raise InvalidTransfer("amount", f"must be a whole number, not {amount!r}")
    if not 0 < amount <= BIGINT_MAX:
        raise InvalidTransfer("amount", f"must be from 1 to {BIGINT_MAX}, not {amount}")
    return amount


@dataclass(frozen=True, slots=True)
class Transfer:
    """Legs that sum to zero in each currency, under an idempotency key.

    The same key with the same content is the same transfer, however often it is posted. `effective_at` is when it counts
    from, where that is not when it is recorded.
    """

    key: str
    legs: tuple[Leg, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    effective_at: datetime | None = None

    def __post_init__(self) -> None:
        check_text("key", self.key)
        check_legs(self.legs)
        if self.effective_at is not None:
            check_moment("effective_at", self.effective_at)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A transfer that is in the ledger. `repeated` says that it was there before this call."""

    transfer_id: int
    recorded_at: datetime
    repeated: bool = False


def check_legs(legs: Iterable[Leg]) -> None:
    """Raises InvalidTransfer unless there are two or more legs that sum to zero."""
    if type(legs) is not tuple or not 2 <= len(legs) <= LEGS_MAX:
        raise InvalidTransfer("legs", f"must be a tuple of 2 to {LEGS_MAX} legs")
    total = 0
    seen = set()
    for number, leg in enumerate(legs):
        if type(leg) is not Leg:
            raise InvalidTransfer(f"legs[{number}]", "must be made by credit() or debit()")
        if leg.account_id in seen:
            raise InvalidTransfer(f"legs[{number}].account", "is named twice in one transfer")
        seen.add(leg.account_id)
        total += leg.amount
    if total != 0:
        raise InvalidTransfer("legs", f"must sum to zero, not {total}")


def in_order(legs: tuple[Leg, ...]) -> tuple[list[int], list[int]]:
    """Account ids and amounts in order of account: the form in which the database stores legs and locks accounts."""
    ordered = sorted(legs, key=_account_id)
    return [leg.account_id for leg in ordered], [leg.amount for leg in ordered]


def legs_text(legs: tuple[Leg, ...]) -> tuple[str, str]:
    """The same as PostgreSQL's text for arrays, which takes a tenth of the time that psycopg needs to write a list."""
    accounts, amounts = in_order(legs)
    return array_text(map(str, accounts)), array_text(map(str, amounts))


def as_payment(legs: tuple[Leg, ...]) -> Payment | None:
    """Legs by which one account pays one or two others, as the door for those takes them; None for any other legs."""
    payers = [leg for leg in legs if leg.amount < 0]
    payees = [leg for leg in legs if leg.amount > 0]
    if len(payers) != 1 or len(payees) > PAYEES_MAX:
        return None
    first, *others = payees
    second = (others[0].account_id, others[0].amount) if others else (None, None)
    return payers[0].account_id, first.account_id, first.amount, *second


def array_text(elements: Iterable[str]) -> str:
    """PostgreSQL's text for an array of numbers, of `quoted` texts or of NULL."""
    return f"{{{','.join(elements)}}}"


def quoted(text: str) -> str:
    """A text as an element of an array."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def moment_text(moment: datetime | None) -> str:
    """A moment as an element of an array."""
    return "NULL" if moment is None else quoted(moment.isoformat())


_account_id = attrgetter("account_id")
