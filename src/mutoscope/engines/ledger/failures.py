"""Why the ledger refuses a request that is well-formed."""

from __future__ import annotations

from mutoscope.engines.services import Failure


class InsufficientFunds(Failure):
    """The account holds less than the transfer takes from it."""

    account_id: int
    needed: int
    available: int


class KeyReused(Failure):
    """This idempotency key was used for a transfer with other content."""

    key: str
    transfer_id: int | None


class UnknownTransfer(Failure):
    """There is no such transfer, or it is not of the kind that this can be done to."""

    transfer_id: int


class AlreadyEnded(Failure):
    """The transfer was reversed, or the hold posted, voided or expired, by another transfer before."""

    transfer_id: int
    ended_by: int


class HoldExpired(Failure):
    """The hold's time is over: it can be voided, and no longer posted."""

    transfer_id: int


class AccountDiffers(Failure):
    """The account is open already, and with another limit."""

    account_id: int


class MalformedTransfer(Failure):
    """A transfer of the batch does not balance in each currency, or names an account that does not exist."""

    key: str


class LinkedRefused(Failure):
    """Refused because a transfer that is linked to it was."""

    key: str
