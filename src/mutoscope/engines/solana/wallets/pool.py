"""The pool of addresses. Claiming is one statement in the caller's transaction, with no call to a chain and no key."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS, IntegrityError, transaction

from mutoscope.engines.postgres.named_sql import SqlFile
from mutoscope.engines.services import Failure
from mutoscope.engines.solana.wallets.models import Wallet

SQL = SqlFile("mutoscope.engines.solana", "wallets/queries.sql")
REFERENCE_LENGTH_MAX = 200
# Below this many free addresses somebody should look: the signer, which fills the pool up, may be down.
LOW_WATER = 100
COUNTED_MAX = 100_000


class PoolEmpty(Failure):
    """No wallet address is free: the signer, which derives them, is not running or not keeping up."""


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """How many addresses are free. `is_low` is the alarm."""

    free: int
    low_water: int

    @property
    def is_low(self) -> bool:
        return self.free < self.low_water


def claim(reference: str, *, using: str = DEFAULT_DB_ALIAS) -> Wallet:
    """The wallet of this reference: the one it has already, or a free one, which is its own from now on.

    Runs in the caller's transaction; rolled back, the wallet is free again, and nobody has seen its address. Raises PoolEmpty, and ValueError
    for a reference that is empty or longer than 200 characters.
    """
    if not reference or len(reference) > REFERENCE_LENGTH_MAX:
        raise ValueError(f"A reference has 1 to {REFERENCE_LENGTH_MAX} characters.")
    known = _claimed(reference, using)
    if known is not None:
        return known
    try:
        with transaction.atomic(using=using):
            rows = SQL.fetch(using, "claim", {"reference": reference})
    except IntegrityError:
        # Somebody claimed for the same reference between the two statements.
        known = _claimed(reference, using)
        if known is None:
            raise
        return known
    if not rows:
        raise PoolEmpty()
    return Wallet.from_db(using, WALLET_FIELDS, rows[0])


WALLET_FIELDS = ["id", "epoch", "index", "address", "reference", "created_at", "claimed_at", "withdrawn_at"]


def _claimed(reference: str, using: str) -> Wallet | None:
    rows = SQL.fetch(using, "claimed", {"reference": reference})
    return Wallet.from_db(using, WALLET_FIELDS, rows[0]) if rows else None


def pool_status(low_water: int = LOW_WATER, *, using: str = DEFAULT_DB_ALIAS) -> PoolStatus:
    """How full the pool is, counted up to 100,000."""
    ((free,),) = SQL.fetch(using, "free", {"bound": COUNTED_MAX})
    return PoolStatus(free, low_water)


def add_to_pool(epoch: int, addresses: dict[int, str], *, using: str = DEFAULT_DB_ALIAS) -> None:
    """Put derived addresses, by index, into the pool. For the signer. Raises IntegrityError for an index used before."""
    SQL.run(using, "add", {"epoch": epoch, "indices": list(addresses), "addresses": list(addresses.values())})


def withdraw_before(epoch: int, *, using: str = DEFAULT_DB_ALIAS) -> int:
    """Take unclaimed addresses of earlier epochs out of the pool; how many. Claimed ones stay in use."""
    return SQL.run(using, "withdraw", {"epoch": epoch})
