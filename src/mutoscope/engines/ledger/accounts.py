"""Accounts: who holds what, in which currency, and whether it may go below zero."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """One account. Fixed when it is opened."""

    id: int
    owner: str
    kind: str
    currency: str
    may_go_negative: bool = False

    def __str__(self) -> str:
        return f"{self.owner}/{self.kind}/{self.currency}"
