"""What the chain keeps: accounts, slots, transactions and who they mention, and how to undo what is not final yet.

One SQLite file in the chain's own folder, or memory. Each transaction is committed before it is acknowledged; a killed
process loses nothing, a power cut at most the last moments.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solders.account import Account
from solders.pubkey import Pubkey
from solders.signature import Signature

SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS slots (slot INTEGER PRIMARY KEY, height INTEGER NOT NULL, time_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS accounts (address BLOB PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID;
-- What an account was before the first change in a slot that is not final yet; NULL where there was none.
CREATE TABLE IF NOT EXISTS undo (
    address BLOB NOT NULL, slot INTEGER NOT NULL, before BLOB, PRIMARY KEY (address, slot)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS undo_by_slot ON undo (slot);
CREATE TABLE IF NOT EXISTS transactions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, signature BLOB NOT NULL UNIQUE, slot INTEGER NOT NULL,
    time_s INTEGER NOT NULL, error TEXT, memo TEXT, raw BLOB NOT NULL, meta BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS transactions_by_slot ON transactions (slot);
CREATE TABLE IF NOT EXISTS mentions (
    address BLOB NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (address, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS mentions_by_number ON mentions (number);
"""
ACCOUNT_HEAD = struct.Struct("<QQ?32s")


@dataclass(frozen=True, slots=True)
class Record:
    """One transaction that a block holds. `meta` as getTransaction gives it; `error` in Solana's JSON form."""

    number: int
    signature: Signature
    slot: int
    time_s: int
    error: Any
    memo: str | None
    raw: bytes
    meta: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mention:
    """One line of an address's history."""

    signature: Signature
    slot: int
    time_s: int
    error: Any
    memo: str | None


class ChainInUse(Exception):
    """Another process serves the chain in this folder."""


class Store:
    """Typed reads and writes; nothing in here decides anything. Callers hold a lock. Raises ChainInUse."""

    def __init__(self, file: Path | None = None) -> None:
        self._hold: int | None = None
        if file is not None:
            self._hold = _hold(file.with_suffix(".lock"))
            file.touch(mode=0o600)
        self._db = sqlite3.connect(file or ":memory:", isolation_level=None, check_same_thread=False)
        if file is not None:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        self._db.close()
        if self._hold is not None:
            os.close(self._hold)
            self._hold = None

    @contextmanager
    def atomically(self) -> Iterator[None]:
        """All of the block is kept, or none."""
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # Facts

    def fact(self, name: str) -> bytes | None:
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def set_fact(self, name: str, value: bytes) -> None:
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def facts(self, prefix: str) -> dict[str, bytes]:
        """Every fact whose name begins so, in the order of the names."""
        rows = self._db.execute(
            "SELECT name, value FROM facts WHERE substr(name, 1, ?) = ? ORDER BY name", (len(prefix), prefix)
        )
        return {name: bytes(value) for name, value in rows}

    # Slots

    def slots(self) -> list[tuple[int, int, int]]:
        """(slot, block height, time in ms) of the slots that are kept, oldest first."""
        return self._db.execute("SELECT slot, height, time_ms FROM slots ORDER BY slot").fetchall()

    def add_slots(self, rows: list[tuple[int, int, int]]) -> None:
        self._db.executemany("INSERT INTO slots VALUES (?, ?, ?)", rows)

    def drop_slots_before(self, slot: int) -> None:
        self._db.execute("DELETE FROM slots WHERE slot < ?", (slot,))

    # Accounts

    def accounts(self) -> Iterator[tuple[Pubkey, Account]]:
        for address, state in self._db.execute("SELECT address, state FROM accounts"):
            account = unpack(state)
            assert account is not None
            yield Pubkey.from_bytes(address), account

    def put_accounts(self, changes: dict[Pubkey, Account | None]) -> None:
        gone = [(bytes(address),) for address, account in changes.items() if account is None]
        there = [(bytes(address), pack(account)) for address, account in changes.items() if account is not None]
        if gone:
            self._db.executemany("DELETE FROM accounts WHERE address = ?", gone)
        self._db.executemany("INSERT OR REPLACE INTO accounts VALUES (?, ?)", there)

    def remember(self, slot: int, before: dict[Pubkey, Account | None]) -> None:
        """Note what accounts were before this slot, unless it has been noted."""
        rows = [(bytes(address), slot, pack(account)) for address, account in before.items()]
        self._db.executemany("INSERT OR IGNORE INTO undo VALUES (?, ?, ?)", rows)

    def account_after(self, address: Pubkey, slot: int) -> tuple[bool, Account | None]:
        """Whether the account changed in a later slot, and if so what it was at the end of this one."""
        row = self._db.execute(
            "SELECT before FROM undo WHERE address = ? AND slot > ? ORDER BY slot LIMIT 1", (bytes(address), slot)
        ).fetchone()
        return (False, None) if row is None else (True, unpack(row[0]))

    def changed_in(self, slot: int) -> list[Pubkey]:
        rows = self._db.execute("SELECT address FROM undo WHERE slot = ?", (slot,))
        return [Pubkey.from_bytes(address) for (address,) in rows]

    def forget_undo(self, slot: int) -> None:
        """That slot, and all before it, are final."""
        self._db.execute("DELETE FROM undo WHERE slot <= ?", (slot,))

    def roll_back(self, slot: int) -> dict[Pubkey, Account | None]:
        """Drop every later slot with its transactions. Returns what accounts were at its end."""
        rows = self._db.execute(
            "SELECT address, before, min(slot) FROM undo WHERE slot > ? GROUP BY address", (slot,)
        ).fetchall()
        restored = {Pubkey.from_bytes(address): unpack(before) for address, before, _ in rows}
        self.put_accounts(restored)
        self._db.execute("DELETE FROM undo WHERE slot > ?", (slot,))
        self._db.execute(
            "DELETE FROM mentions WHERE number IN (SELECT number FROM transactions WHERE slot > ?)", (slot,)
        )
        self._db.execute("DELETE FROM transactions WHERE slot > ?", (slot,))
        self._db.execute("DELETE FROM slots WHERE slot > ?", (slot,))
        return restored

    # Transactions

    def add(self, record: Record, mentioned: list[Pubkey]) -> None:
        """Keep a transaction. Its number is given by the order of adding."""
        cursor = self._db.execute(
            "INSERT INTO transactions (signature, slot, time_s, error, memo, raw, meta) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                bytes(record.signature),
                record.slot,
                record.time_s,
                None if record.error is None else json.dumps(record.error),
                record.memo,
                record.raw,
                zlib.compress(json.dumps(record.meta, separators=(",", ":")).encode(), 1),
            ),
        )
        number = cursor.lastrowid
        self._db.executemany(
            "INSERT OR IGNORE INTO mentions VALUES (?, ?)", [(bytes(address), number) for address in mentioned]
        )

    def transaction(self, signature: Signature) -> Record | None:
        row = self._db.execute(f"{SELECT} WHERE signature = ?", (bytes(signature),)).fetchone()
        return None if row is None else _record(row)

    def status(self, signature: Signature) -> tuple[int, Any] | None:
        """(slot, error) of a transaction."""
        row = self._db.execute(
            "SELECT slot, error FROM transactions WHERE signature = ?", (bytes(signature),)
        ).fetchone()
        return None if row is None else (row[0], None if row[1] is None else json.loads(row[1]))

    def transactions_in(self, slot: int) -> list[Record]:
        rows = self._db.execute(f"{SELECT} WHERE slot = ? ORDER BY number", (slot,))
        return [_record(row) for row in rows]

    def latest(self, limit: int) -> list[Record]:
        """The newest transactions first."""
        rows = self._db.execute(f"{SELECT} ORDER BY number DESC LIMIT ?", (limit,))
        return [_record(row) for row in rows]

    def mentions(
        self, address: Pubkey, slot_max: int, before: int | None, after: int | None, limit: int
    ) -> list[Mention]:
        """An address's transactions, newest first: numbers below `before` and above `after`, slots up to `slot_max`."""
        rows = self._db.execute(
            "SELECT signature, slot, time_s, error, memo FROM mentions JOIN transactions USING (number)"
            " WHERE address = ? AND slot <= ? AND number < ? AND number > ? ORDER BY number DESC LIMIT ?",
            (bytes(address), slot_max, before if before is not None else 1 << 62, after or 0, limit),
        )
        return [
            Mention(Signature.from_bytes(signature), slot, time_s, None if error is None else json.loads(error), memo)
            for signature, slot, time_s, error, memo in rows
        ]

    def mentioned_in(self, number: int) -> set[Pubkey]:
        """Everybody whom a transaction mentions."""
        rows = self._db.execute("SELECT address FROM mentions WHERE number = ?", (number,))
        return {Pubkey.from_bytes(address) for (address,) in rows}

    def number_of(self, signature: Signature) -> int | None:
        row = self._db.execute("SELECT number FROM transactions WHERE signature = ?", (bytes(signature),)).fetchone()
        return None if row is None else int(row[0])

    def count(self) -> int:
        (lowest, highest) = self._db.execute("SELECT min(number), max(number) FROM transactions").fetchone()
        return 0 if lowest is None else highest - lowest + 1

    def forget_transactions(self, keep: int, slot_max: int) -> None:
        """Drop the oldest, of slots up to `slot_max` only, so that about `keep` remain."""
        (highest,) = self._db.execute("SELECT max(number) FROM transactions").fetchone()
        if highest is None:
            return
        bounds = (highest - keep, slot_max)
        self._db.execute(
            "DELETE FROM mentions WHERE number IN (SELECT number FROM transactions WHERE number <= ? AND slot <= ?)",
            bounds,
        )
        self._db.execute("DELETE FROM transactions WHERE number <= ? AND slot <= ?", bounds)


SELECT = "SELECT number, signature, slot, time_s, error, memo, raw, meta FROM transactions"


def _hold(lock: Path) -> int:
    """Hold the folder for as long as the handle is open. The kernel lets go when the process ends, however it ends."""
    handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise ChainInUse(f"another process serves the chain in {lock.parent}") from None
    return handle


def _record(row: tuple[Any, ...]) -> Record:
    number, signature, slot, time_s, error, memo, raw, meta = row
    return Record(
        number,
        Signature.from_bytes(signature),
        slot,
        time_s,
        None if error is None else json.loads(error),
        memo,
        raw,
        json.loads(zlib.decompress(meta)),
    )


def pack(account: Account | None) -> bytes | None:
    """An account as bytes."""
    if account is None:
        return None
    head = ACCOUNT_HEAD.pack(account.lamports, account.rent_epoch, account.executable, bytes(account.owner))
    return head + bytes(account.data)


def unpack(state: bytes | None) -> Account | None:
    if state is None:
        return None
    lamports, rent_epoch, executable, owner = ACCOUNT_HEAD.unpack_from(state)
    return Account(lamports, state[ACCOUNT_HEAD.size :], Pubkey.from_bytes(owner), executable, rent_epoch)
