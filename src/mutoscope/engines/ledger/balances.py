"""What the ledger answers: balances, statements, the trial balance."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mutoscope.engines.ledger.accounts import Account


@dataclass(frozen=True, slots=True)
class Balance:
    """In the currency's smallest unit. `held` is promised to open holds; `available` may be spent."""

    posted: int
    held: int

    @property
    def available(self) -> int:
        return self.posted - self.held


@dataclass(frozen=True, slots=True)
class StatementLine:
    """What one transfer did to the account, and the balance after it."""

    transfer_id: int
    recorded_at: datetime
    effective_at: datetime
    kind: str
    key: str
    amount: int
    balance: int
    metadata: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """The line for JSON, with times in ISO 8601."""
        return {
            "transfer_id": self.transfer_id,
            "recorded_at": self.recorded_at.isoformat(),
            "effective_at": self.effective_at.isoformat(),
            "kind": self.kind,
            "key": self.key,
            "amount": self.amount,
            "balance": self.balance,
            "metadata": dict(self.metadata),
        }


@dataclass(frozen=True, slots=True)
class Statement:
    """One page of an account's transfers, oldest first. `next_after` asks for the next page; None on the last."""

    account: Account
    lines: tuple[StatementLine, ...]
    next_after: int | None

    def as_json(self) -> str:
        """The page as one JSON document."""
        lines = [line.as_dict() for line in self.lines]
        account = {"id": self.account.id, "owner": self.account.owner, "kind": self.account.kind}
        return json.dumps(
            {"account": {**account, "currency": self.account.currency}, "lines": lines, "next_after": self.next_after}
        )

    def as_csv(self) -> str:
        """The page as CSV with a header line. A text that a spreadsheet would run as a formula gets a quote in front."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["transfer_id", "recorded_at", "effective_at", "kind", "key", "amount", "balance", "metadata"])
        for line in self.lines:
            shown = {**line.as_dict(), "metadata": json.dumps(dict(line.metadata)), "key": _harmless(line.key)}
            writer.writerow(shown.values())
        return out.getvalue()


@dataclass(frozen=True, slots=True)
class TrialBalanceLine:
    """All accounts of one kind and currency together. Over a currency the balances sum to zero."""

    currency: str
    kind: str
    accounts: int
    balance: int
    held: int


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
