"""Sealing: a hash over every transfer up to a point, chained to the one before, and now and then a snapshot of balances.

Sealing runs beside the postings and blocks none. Ids are drawn before they are visible, so the highest visible id does not mean that
all lower ones are there. What does: every transaction that was running when an id was the last one drawn has ended since.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS, connections, transaction

from mutoscope.engines.ledger.queries import QUERIES

BATCH_TRANSFERS = 50_000
POLL_S = 0.02


class SealingBlocked(Exception):
    """Transactions that began before the sealing are still running. Nothing was sealed; try again later."""


class SealingNotAllowed(Exception):
    """This role may not seal: one that `restrict` made posts and looks. Nothing was sealed."""


@dataclass(frozen=True)
class Sealed:
    """What one run sealed: so many transfers in so many seals, through this transfer id."""

    transfers: int
    seals: int
    through_id: int


@dataclass(frozen=True)
class SealingLag:
    """How long ago, in seconds, the last seal was made, and how long the oldest transfer after it waits; None where there is none."""

    last_seal_s: float | None
    oldest_unsealed_s: float | None


def seal(using: str = DEFAULT_DB_ALIAS, *, wait_s: float = 30.0, snapshot: bool | None = None) -> Sealed:
    """Seal every transfer that is there now. Call it at least daily, outside a transaction.

    `snapshot` says whether to note balances as well; by default, once a day. Raises SealingBlocked and SealingNotAllowed.
    """
    if connections[using].in_atomic_block:
        raise RuntimeError("seal() waits for transactions to end, so it cannot run inside one")
    # In this order: an id at or below the mark was drawn by a transaction that has a number below the next one.
    through, role, may_seal = QUERIES.fetch_one(using, "last_drawn_id")
    if not may_seal:
        raise SealingNotAllowed(f"{role} may not write seals: seal as the role that owns the ledger's tables")
    next_transaction = int(QUERIES.fetch_one(using, "next_transaction")[0])
    deadline = time.monotonic() + wait_s
    while int(QUERIES.fetch_one(using, "oldest_transaction")[0]) < next_transaction:
        if time.monotonic() > deadline:
            raise SealingBlocked(f"a transaction has been running for more than {wait_s:.0f} s: see pg_stat_activity")
        time.sleep(POLL_S)
    transfers = seals = 0
    while True:
        with transaction.atomic(using=using):
            if snapshot is None:
                snapshot = bool(QUERIES.fetch_one(using, "snapshot_due")[0])
            asked = {"through": through, "batch": BATCH_TRANSFERS, "snapshot": snapshot}
            sealed = int(QUERIES.fetch_one(using, "seal", asked)[0])
        if sealed == 0:
            return Sealed(transfers, seals, through)
        transfers += sealed
        seals += 1


def sealing_lag(using: str = DEFAULT_DB_ALIAS) -> SealingLag:
    """How far the seals are behind the transfers, by the database's clock."""
    return SealingLag(*QUERIES.fetch_one(using, "sealing_lag"))
