"""Whether books and receipts agree."""

from __future__ import annotations

from mutoscope.platform.billing.reconcile.service import find


def receipts_agree() -> bool:
    """Where tests commit: transfers of earlier ones stay in the ledger, whose receipts are gone."""
    return {finding.name for finding in find()} <= {
        "account_differs",
        "transfer_without_receipt",
        "chain_differs",
        "chain_not_read",
    }


def all_is_well() -> bool:
    return not [finding for finding in find() if finding.name not in ("chain_differs", "chain_not_read")]
