"""Append-only double entry that PostgreSQL itself guards. See docs/ledger.md.

from mutoscope.engines.ledger import Ledger, Transfer, credit, debit
"""

from __future__ import annotations

from mutoscope.engines.ledger.accounts import Account
from mutoscope.engines.ledger.balances import Balance, Statement, StatementLine, TrialBalanceLine
from mutoscope.engines.ledger.checking import InvalidTransfer
from mutoscope.engines.ledger.failures import (
    AccountDiffers,
    AlreadyEnded,
    HoldExpired,
    InsufficientFunds,
    KeyReused,
    LinkedRefused,
    MalformedTransfer,
    UnknownTransfer,
)
from mutoscope.engines.ledger.ledger import Ledger
from mutoscope.engines.ledger.transfers import Leg, Receipt, Transfer, credit, debit

__all__ = [
    "Account",
    "AccountDiffers",
    "AlreadyEnded",
    "Balance",
    "HoldExpired",
    "InsufficientFunds",
    "InvalidTransfer",
    "KeyReused",
    "Ledger",
    "Leg",
    "LinkedRefused",
    "MalformedTransfer",
    "Receipt",
    "Statement",
    "StatementLine",
    "Transfer",
    "TrialBalanceLine",
    "UnknownTransfer",
    "credit",
    "debit",
]
