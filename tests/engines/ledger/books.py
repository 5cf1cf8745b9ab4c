"""Accounts for one test. The test database keeps its ledger between tests, as ledgers do, so each test opens its own."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass

from mutoscope.engines.ledger import Account, Ledger, Transfer, credit, debit

_numbers = itertools.count()


def fresh(word: str) -> str:
    """A name that no other test uses."""
    return f"{word}:{uuid.uuid4().hex[:12]}:{next(_numbers)}"


@dataclass
class Books:
    """A viewer with points, a creator, a platform that everybody credits, and where points come from."""

    ledger: Ledger
    source: Account
    viewer: Account
    creator: Account
    platform: Account

    @classmethod
    def open(cls, viewer_points: int = 100, ledger: Ledger | None = None) -> Books:
        ledger = ledger or Ledger()
        name = fresh("test")
        books = cls(
            ledger,
            ledger.open_account(name, "issued", "PTS", may_go_negative=True),
            ledger.open_account(name, "viewer", "PTS"),
            ledger.open_account(name, "creator", "PTS"),
            ledger.open_account(name, "platform", "PTS"),
        )
        if viewer_points:
            books.fund(books.viewer, viewer_points)
        return books

    def fund(self, account: Account, points: int) -> None:
        self.ledger.post(Transfer(fresh("fund"), (debit(self.source, points), credit(account, points))))

    def unlock(self, price: int = 30, key: str | None = None) -> Transfer:
        fee = price // 10 or 1
        legs = (debit(self.viewer, price), credit(self.creator, price - fee), credit(self.platform, fee))
        return Transfer(key or fresh("unlock"), legs, {"video": 7})

    def posted(self, account: Account) -> int:
        return self.ledger.balance(account).posted
