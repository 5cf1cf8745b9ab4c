"""The chart of accounts: which of the ledger's accounts is whose. Described in docs/billing.md.

points    of a person      what they can spend
earnings  of a channel     what it was paid, fee taken off; held while a payout is under way
fees      of the house     the site's part
issued    of the house     below zero: points that were paid for, and are now somewhere else in these books
given     of the house     below zero: bonus points and gifts, which the house pays for
paid_out  of the house     points that left as money
"""

from __future__ import annotations

from enum import StrEnum

from django.db import IntegrityError, transaction

from mutoscope.engines.ledger import (
    Account,
    Balance,
    InsufficientFunds,
    KeyReused,
    Ledger,
    Leg,
    Receipt,
    Transfer,
    credit,
    debit,
)
from mutoscope.platform.billing.domain.money import Split
from mutoscope.platform.billing.failures import InsufficientPoints, Refused
from mutoscope.platform.billing.models import BookAccount

CURRENCY = "PTS"
HOUSE_ID = 0


class Kind(StrEnum):
    """Kinds of accounts, as they are named in the ledger."""

    POINTS = "points"
    EARNINGS = "earnings"
    FEES = "fees"
    ISSUED = "issued"
    GIVEN = "given"
    PAID_OUT = "paid_out"


OWNERS = {Kind.POINTS: "person", Kind.EARNINGS: "channel"}
MAY_GO_NEGATIVE = frozenset({Kind.ISSUED, Kind.GIVEN})


def ledger() -> Ledger:
    """The one ledger of the site."""
    return _LEDGER


_LEDGER = Ledger()


def find_account(kind: Kind, owner_id: int = HOUSE_ID) -> Account | None:
    """The account, or None if it was never needed."""
    found = BookAccount.objects.filter(kind=kind, owner_id=owner_id).values_list("account_id", flat=True).first()
    return None if found is None else _account(kind, owner_id, found)


def account(kind: Kind, owner_id: int = HOUSE_ID) -> Account:
    """The account, opened if it was never needed before."""
    found = find_account(kind, owner_id)
    if found is not None:
        return found
    try:
        with transaction.atomic():
            opened = _LEDGER.open_account(
                _owner(kind, owner_id), kind.value, CURRENCY, may_go_negative=kind in MAY_GO_NEGATIVE
            )
            BookAccount.objects.create(kind=kind, owner_id=owner_id, account_id=opened.id)
    except IntegrityError:
        # Somebody else opened it in this moment.
        found = find_account(kind, owner_id)
        if found is None:
            raise
        return found
    return opened


def balance(kind: Kind, owner_id: int = HOUSE_ID) -> Balance:
    """What is in an account; nothing, if it was never needed."""
    found = find_account(kind, owner_id)
    return Balance(0, 0) if found is None else _LEDGER.balance(found)


def sale_legs(viewer_id: int, channel_id: int, parts: Split) -> tuple[Leg, ...]:
    """A viewer pays a channel, and the site its fee where there is one."""
    legs: tuple[Leg, ...] = (
        debit(account(Kind.POINTS, viewer_id), parts.fee_points + parts.creator_points),
        credit(account(Kind.EARNINGS, channel_id), parts.creator_points),
    )
    return (*legs, credit(account(Kind.FEES), parts.fee_points)) if parts.fee_points else legs


def post(transfer: Transfer, reused: type[Refused]) -> Receipt:
    """Post to the ledger, with its refusals in this context's words: InsufficientPoints, or `reused` for another use of the key."""
    try:
        return _LEDGER.post(transfer)
    except InsufficientFunds as short:
        raise InsufficientPoints(needed=short.needed, available=short.available) from None
    except KeyReused:
        raise reused() from None


def points_of(person_id: int) -> int:
    """What a person can spend."""
    return balance(Kind.POINTS, person_id).available


def _owner(kind: Kind, owner_id: int) -> str:
    return f"{OWNERS[kind]}:{owner_id}" if kind in OWNERS else "house"


def _account(kind: Kind, owner_id: int, account_id: int) -> Account:
    return Account(account_id, _owner(kind, owner_id), kind, CURRENCY, kind in MAY_GO_NEGATIVE)
