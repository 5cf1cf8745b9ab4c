"""Verify: every invariant of the ledger, checked on a live system in one snapshot.

Linear in the number of transfers: each check is one pass over a table, in the order of its key or by hash, and none looks up row by
row. Ranges of transfers bound the memory of those checks that need whole transfers.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction

from mutoscope.engines.ledger.queries import CHECKS

RANGE_TRANSFERS = 50_000
PROBLEMS_MAX = 20

BY_RANGE = {
    "misshapen": "every transfer has its legs in one place, each account once, and what its kind must have",
    "unbalanced": "every transfer that is no payment sums to zero in each currency, between accounts that exist",
    "unfaithful": "every reversal mirrors its transfer, every end of a hold stays within it",
}
WHOLE = {
    "payments_differ": "every payment is between accounts that exist, in one currency",
    "entries_differ": "entries that stand apart are what the transfers say",
    "balances_differ": "every balance is the sum of its entries",
    "overdrawn": "no account is below its limit",
    "held_differs": "what is held is what open holds would take",
    "open_holds_differ": "open holds are those that have not ended",
    "keys_repeated": "every key has one transfer, and every transfer at most one end",
    "references_differ": "what ends or reverses what, and what was backdated, is what the transfers say",
    "snapshots_differ": "snapshots agree with the entries",
    "currency_sums": "each currency sums to zero over all accounts",
    "guards_missing": "the guards in the database are in place",
}

# What `guards_missing` looks for: the triggers and constraints of sql/.
GUARDS = [
    *("ledger_transfer_append_only", "ledger_entry_append_only", "ledger_reference_append_only"),
    *("ledger_backdated_append_only", "ledger_seal_append_only", "ledger_snapshot_append_only"),
    *("ledger_transfer_read_only", "ledger_entry_read_only"),
    *("ledger_account_stays", "ledger_account_identity_fixed"),
    *("ledger_sub_balance_stays", "ledger_sub_balance_of_its_account", "ledger_sub_balance_new_by_doors"),
    *("ledger_account_by_doors", "ledger_sub_balance_by_doors", "ledger_transfer_by_doors", "ledger_entry_by_doors"),
    *("ledger_reference_by_doors", "ledger_backdated_by_doors", "ledger_open_hold_by_doors"),
    *("ledger_seal_by_doors", "ledger_snapshot_by_doors"),
    *("ledger_opening_applied", "ledger_payment_applied", "ledger_posting_applied", "ledger_batch_applied"),
    "ledger_sealing_applied",
    *("ledger_account_not_overdrawn", "ledger_account_one_per_owner", "ledger_journal_key_once"),
    "ledger_reference_pkey",
]


@dataclass(frozen=True)
class Check:
    """One invariant: what it says, what breaks it (at most 20 rows), and how long the look took."""

    name: str
    claim: str
    problems: tuple[tuple[Any, ...], ...]
    seconds: float


@dataclass
class Report:
    """What verify found."""

    transfers: int = 0
    sealed: int = 0
    head: str = ""
    seconds: float = 0.0
    checks: list[Check] = field(default_factory=list)

    def is_sound(self) -> bool:
        """Whether every invariant holds."""
        return not any(check.problems for check in self.checks)

    def as_dict(self) -> dict[str, Any]:
        """The report for JSON."""
        return {
            "sound": self.is_sound(),
            "transfers": self.transfers,
            "sealed": self.sealed,
            "chain_head": self.head,
            "seconds": round(self.seconds, 2),
            "checks": [
                {
                    "name": check.name,
                    "claim": check.claim,
                    "problems": [[str(value) for value in row] for row in check.problems],
                    "seconds": round(check.seconds, 2),
                }
                for check in self.checks
            ],
        }


def verify(using: str = DEFAULT_DB_ALIAS) -> Report:
    """Check every invariant. Reads only, blocks nobody, sees one moment. Call it outside a transaction."""
    if connections[using].in_atomic_block:
        raise RuntimeError("verify() needs a snapshot of its own, so it cannot run inside a transaction")
    began = time.monotonic()
    report = Report()
    with transaction.atomic(using=using):
        with connections[using].cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            # For hashes and sorts over whole tables; ends with the transaction.
            cursor.execute("SET LOCAL work_mem = '128MB'")
        ranges = list(_ranges(using, report))
        for name, claim in BY_RANGE.items():
            report.checks.append(_check(using, name, claim, ranges))
        for name, claim in WHOLE.items():
            report.checks.append(_check(using, name, claim, [{}]))
        report.checks.append(_check_chain(using, report))
    report.seconds = time.monotonic() - began
    return report


def _ranges(using: str, report: Report) -> Iterator[dict[str, int]]:
    # From below the first, so that an id which no door gives is seen as well.
    after = -(2**63)
    while True:
        asked = {"after": after, "limit": RANGE_TRANSFERS}
        through, count = CHECKS.fetch_one(using, "transfer_range", asked)
        if through is None:
            return
        report.transfers += count
        yield {"after": after, "through": through}
        after = through


def _check(using: str, name: str, claim: str, ranges: list[dict[str, int]]) -> Check:
    began = time.monotonic()
    problems: list[tuple[Any, ...]] = []
    for each in ranges:
        problems += CHECKS.fetch(using, name, {**each, "limit": PROBLEMS_MAX, "guards": GUARDS})
        if len(problems) >= PROBLEMS_MAX:
            break
    return Check(name, claim, tuple(problems[:PROBLEMS_MAX]), time.monotonic() - began)


def _check_chain(using: str, report: Report) -> Check:
    began = time.monotonic()
    problems: list[tuple[Any, ...]] = []
    previous, expected_first = b"", 1
    for number, first, through, transfers, previous_hash, stored in CHECKS.fetch(using, "seals"):
        asked = {"previous": previous, "first": first, "through": through}
        found, computed = CHECKS.fetch_one(using, "seal_hash", asked)
        whole = bytes(previous_hash) == previous and first == expected_first
        if not whole or found != transfers or bytes(computed) != bytes(stored):
            problems.append((number, f"transfers {first} to {through}: {found} found, {transfers} sealed"))
        previous, expected_first = bytes(stored), through + 1
        report.sealed += transfers
    report.head = previous.hex()
    claim = "no sealed transfer was changed, added or removed"
    return Check("chain", claim, tuple(problems[:PROBLEMS_MAX]), time.monotonic() - began)
