"""Whether books and receipts agree."""

from __future__ import annotations

from mutoscope.platform.billing.reconcile.service import find


def differences() -> set[tuple[str, str]]:
    """Every difference that reconciliation finds in the database, by name. Where tests commit, transfers and jobs of earlier
    ones stay, whose receipts are gone: a test looks at what came since it began."""
    return {
        (finding.name, repr(row))
        for finding in find()
        if finding.name not in ("chain_differs", "chain_not_read")
        for row in finding.rows
    }


def all_is_well() -> bool:
    return not differences()
