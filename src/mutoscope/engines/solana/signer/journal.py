"""The signer's own memory outside the database, so that a database restored from an old backup can make it repeat nothing.

A SQLite file in the signer's state folder: indices that were passed, and every transaction before it was broadcast.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FILE = "journal.sqlite3"
CURE = "Run it as the user of the signer's unit: docs/keys.md has the command, signer-do"
TABLES = """
CREATE TABLE IF NOT EXISTS passed (epoch INTEGER PRIMARY KEY, next_index INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS signed (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, kind TEXT NOT NULL, mint TEXT NOT NULL, origin TEXT NOT NULL,
    destination TEXT NOT NULL, amount INTEGER NOT NULL, signature TEXT NOT NULL, blockhash TEXT NOT NULL, last_valid INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS signed_key ON signed (key);
CREATE INDEX IF NOT EXISTS signed_signature ON signed (signature);
"""


class JournalRefused(Exception):
    """The journal is another user's. The message names file and owner."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What was signed for one job."""

    key: str
    kind: str
    mint: str
    origin: str
    destination: str
    amount: int
    signature: str
    blockhash: str
    last_valid: int


class Journal:
    """The journal in a folder that only the signer's user may enter. One process writes it. Raises JournalRefused."""

    def __init__(self, folder: Path) -> None:
        path = folder / FILE
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_CLOEXEC | os.O_RDWR, 0o600))
        except PermissionError as error:
            raise JournalRefused(_whose(Path(error.filename or path))) from None
        # Autocommit; a transaction below begins with BEGIN. FULL: on the disk before the call returns.
        self._database = sqlite3.connect(path, isolation_level=None, timeout=30)
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.executescript(TABLES)

    def next_index(self, epoch: int) -> int:
        """The first index of an epoch that was never derived."""
        row = self._database.execute("SELECT next_index FROM passed WHERE epoch = ?", [epoch]).fetchone()
        return int(row[0]) if row else 0

    def epoch(self) -> int:
        """The latest epoch there ever was; 0 when none."""
        row = self._database.execute("SELECT coalesce(max(epoch), 0) FROM passed").fetchone()
        return int(row[0])

    def pass_index(self, epoch: int, next_index: int) -> None:
        """Never derive an index below `next_index` again."""
        self._database.execute(
            "INSERT INTO passed VALUES (?, ?) ON CONFLICT (epoch) DO UPDATE SET next_index = max(next_index, excluded.next_index)",
            [epoch, next_index],
        )

    def record(self, signed: Sequence[Signed]) -> None:
        """Remember transactions that are about to be broadcast, all or none."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._database.executemany(
                "INSERT INTO signed (key, kind, mint, origin, destination, amount, signature, blockhash, last_valid) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (s.key, s.kind, s.mint, s.origin, s.destination, s.amount, s.signature, s.blockhash, s.last_valid)
                    for s in signed
                ],
            )
            self._database.execute("COMMIT")
        except BaseException:
            self._database.execute("ROLLBACK")
            raise

    def signed_for(self, key: str) -> list[Signed]:
        """Everything that was ever signed for the job of this key, oldest first."""
        return self._signed("key", key)

    def signed_with(self, signature: str) -> list[Signed]:
        """What one transaction does for each of its jobs."""
        return self._signed("signature", signature)

    def _signed(self, column: str, value: str) -> list[Signed]:
        columns = "key, kind, mint, origin, destination, amount, signature, blockhash, last_valid"
        rows = self._database.execute(f"SELECT {columns} FROM signed WHERE {column} = ? ORDER BY id", [value])  # noqa: S608 - our own names
        return [Signed(*row) for row in rows]

    def close(self) -> None:
        self._database.close()


def refuse_as_root(folder: Path) -> None:
    """Raise JournalRefused for root in another user's folder: what root makes there, that user cannot write."""
    if os.geteuid() == 0 and folder.is_dir() and folder.stat().st_uid != 0:
        raise JournalRefused(f"{folder} belongs to {_name_of(folder)}, and this is root. Nothing was changed. {CURE}.")


def _whose(path: Path) -> str:
    """A sentence for a file that this user may not write: whose it is, and what to do."""
    me = _name(os.geteuid())
    # The nearest that can be looked at, where even that is forbidden.
    for near in (path, *path.parents):
        with contextlib.suppress(OSError):
            owner = _name_of(near)
            if owner == me:
                return f"{near} is {me}'s own, who may not write it: chmod u+rw {near}"
            return f"{near} belongs to {owner}, and this is {me}, who may not write it. {CURE}, or as root: chown {me} {near}"
    return f"{path} may not be looked at by {me}."


def _name_of(path: Path) -> str:
    return _name(path.stat().st_uid)


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"
