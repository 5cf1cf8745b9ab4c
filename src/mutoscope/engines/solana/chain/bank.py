"""The chain itself: slots, recent blockhashes, commitment, and transactions that are executed, recorded and undone.

Knows nothing of JSON-RPC or of transports. Its words are Solana's.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from solders.account import Account
from solders.hash import Hash
from solders.message import Message, MessageV0, MessageV1
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.transaction import VersionedTransaction

from mutoscope.engines.solana.chain.machine import Execution, Machine
from mutoscope.engines.solana.chain.meta import memo_of, meta_json
from mutoscope.engines.solana.chain.store import Record, Store

# How many slots' times and hashes are kept; a transaction keeps its own time.
SLOTS_KEPT = 2048
SLOT_HASHES = 512
# How many slots before the final one can still be looked at: for nodes that lag.
UNDO_KEPT = 512
FORGET_EVERY = 1000
# SystemInstruction::AdvanceNonceAccount, and where a nonce account keeps its nonce: after version, state and authority.
# Source: https://docs.rs/solana-nonce/latest/solana_nonce/state/struct.Data.html
ADVANCE_NONCE = (4).to_bytes(4, "little")
NONCE_BYTES = 80
NONCE_AT = slice(40, 72)


class Commitment(StrEnum):
    """How sure a reader wants to be."""

    PROCESSED = "processed"
    CONFIRMED = "confirmed"
    FINALIZED = "finalized"


@dataclass(frozen=True, slots=True)
class Pace:
    """How the chain moves. Delays in slots. `history_max` transactions are kept, and a few more."""

    slot_ms: int = 400
    confirmed_after: int = 2
    finalized_after: int = 32
    blockhash_life: int = 150
    history_max: int = 100_000


@dataclass(frozen=True, slots=True)
class Slot:
    number: int
    height: int
    time_ms: int


class Refused(Exception):
    """A transaction that no block will hold, or that failed its preflight. `execution` where it got as far as running."""

    def __init__(self, error: Any, execution: Execution | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.execution = execution


class Watcher:
    """Told what happens on the chain, with the bank's lock held. This one does nothing about it."""

    def ran(self, record: Record, mentioned: list[Pubkey], changed: list[Pubkey]) -> None:
        """A transaction ran in the newest slot."""

    def began(self, slot: Slot) -> None:
        """A new slot."""

    def restored(self, addresses: list[Pubkey]) -> None:
        """These accounts are again what they were before slots that were dropped."""


class Bank:
    """All of its methods may be called from any thread."""

    def __init__(self, store: Store, pace: Pace | None = None, time_ms: int = 0) -> None:
        self.lock = threading.RLock()
        self.pace = pace or Pace()
        self.store = store
        self.watcher: Watcher = Watcher()
        self._machine = Machine()
        seed = store.fact("genesis")
        self.is_new = seed is None
        if seed is None:
            seed = secrets.token_bytes(32)
            with store.atomically():
                store.set_fact("genesis", seed)
                store.add_slots([(0, 0, time_ms)])
        self.genesis_hash = Hash(seed)
        self._slots = {number: Slot(number, height, at) for number, height, at in store.slots()}
        self._head = self._slots[max(self._slots)]
        self._final = max(
            (n for n in self._slots if n <= self._head.number - self.pace.finalized_after), default=min(self._slots)
        )
        self._heights = {self.hash_of(slot.number): slot.height for slot in self._slots.values()}
        for address, account in store.accounts():
            self._machine.put(address, account)
        self._tell_time()

    # Slots

    def head(self) -> Slot:
        """The newest slot."""
        return self._head

    def slot(self, commitment: Commitment) -> Slot:
        """The newest slot that is as sure as that."""
        with self.lock:
            if commitment is Commitment.PROCESSED:
                return self._head
            if commitment is Commitment.FINALIZED:
                return self._slots[self._final]
            number = self._head.number - self.pace.confirmed_after
            while number > self._final and number not in self._slots:
                number -= 1
            return self._slots[max(number, self._final)]

    def slot_numbered(self, number: int) -> Slot | None:
        return self._slots.get(number)

    def commitment_of(self, slot: int) -> Commitment:
        """How sure what happened in that slot is."""
        with self.lock:
            if slot <= self._final:
                return Commitment.FINALIZED
            return Commitment.CONFIRMED if slot <= self.slot(Commitment.CONFIRMED).number else Commitment.PROCESSED

    def hash_of(self, slot: int) -> Hash:
        """A slot's blockhash. Slot numbers are never used twice, so a dropped slot's hash never comes back."""
        return Hash(hashlib.sha256(bytes(self.genesis_hash) + slot.to_bytes(8, "little")).digest())

    def is_recent(self, blockhash: Hash) -> bool:
        """Whether a transaction with that blockhash may still run."""
        height = self._heights.get(blockhash)
        return height is not None and self._head.height - height <= self.pace.blockhash_life

    def last_height_for(self, slot: Slot) -> int:
        """The last block height at which a transaction with that slot's blockhash may run."""
        return slot.height + self.pace.blockhash_life

    def advance(self, slots: int = 1, time_ms: int | None = None) -> None:
        """Let slots pass; the last begins at `time_ms`, by default when it is due after the one before."""
        with self.lock, self.store.atomically():
            last = self._head
            new = []
            for _ in range(slots):
                due = last.time_ms + self.pace.slot_ms
                last = Slot(last.number + 1, last.height + 1, due)
                new.append(last)
            if time_ms is not None and new:
                new[-1] = last = Slot(last.number, last.height, max(time_ms, self._head.time_ms))
            for slot in new[-SLOTS_KEPT:]:
                self._begin(slot)
            self.store.add_slots([(slot.number, slot.height, slot.time_ms) for slot in new[-SLOTS_KEPT:]])
            self._forget()
            self._tell_time()

    def roll_back(self, slots: int) -> int:
        """Drop the newest slots that are not final, with what happened in them. Returns how many were dropped."""
        with self.lock, self.store.atomically():
            target = max(self._head.number - slots, self._final)
            while target not in self._slots:
                target -= 1
            dropped = [number for number in self._slots if number > target]
            restored = self.store.roll_back(target)
            for address, account in restored.items():
                self._machine.put(address, account)
            for number in dropped:
                del self._slots[number]
                self._heights.pop(self.hash_of(number), None)
            ancestor = self._slots[target]
            fresh = Slot(self._head.number + 1, ancestor.height + 1, self._head.time_ms)
            self.store.add_slots([(fresh.number, fresh.height, fresh.time_ms)])
            self._begin(fresh)
            self._tell_time()
            self.watcher.restored(list(restored))
            return len(dropped)

    def _begin(self, slot: Slot) -> None:
        self._slots[slot.number] = slot
        self._heights[self.hash_of(slot.number)] = slot.height
        self._head = slot
        final = slot.number - self.pace.finalized_after
        while final > self._final and final not in self._slots:
            final -= 1
        self._final = max(final, self._final)
        self.watcher.began(slot)

    def _forget(self) -> None:
        self.store.forget_undo(self._final - UNDO_KEPT)
        oldest = self._head.number - SLOTS_KEPT
        old = [number for number in self._slots if number < oldest and number < self._final]
        for number in old:
            del self._slots[number]
            self._heights.pop(self.hash_of(number), None)
        if old:
            self.store.drop_slots_before(max(old) + 1)
        if self.store.count() >= self.pace.history_max + FORGET_EVERY:
            self.store.forget_transactions(self.pace.history_max, self._final)

    def _tell_time(self) -> None:
        self._machine.set_time(self._head.number, self._head.time_ms // 1000)
        recent = range(self._head.number - 1, max(self._head.number - SLOT_HASHES, -1), -1)
        self._machine.set_slot_hashes([(number, self.hash_of(number)) for number in recent if number in self._slots])

    def first_slot(self) -> int:
        """The oldest slot that is kept."""
        return min(self._slots)

    # Accounts

    def account(self, address: Pubkey, commitment: Commitment = Commitment.PROCESSED) -> Account | None:
        """The account as of that commitment, or None."""
        return self.account_at(address, self.slot(commitment).number)

    def account_at(self, address: Pubkey, slot: int) -> Account | None:
        """The account as it was at the end of a slot, which is the final one or a later one."""
        with self.lock:
            if slot < self._head.number:
                changed, before = self.store.account_after(address, slot)
                if changed:
                    return before
            return self._machine.account(address)

    def accounts_of(self, program: Pubkey) -> list[tuple[Pubkey, Account]]:
        """Every account that a program owns, as of now."""
        with self.lock:
            return self._machine.owned_by(program)

    def rent_exempt_minimum(self, data_bytes: int) -> int:
        with self.lock:
            return self._machine.rent_exempt_minimum(data_bytes)

    def put(self, address: Pubkey, account: Account | None) -> None:
        """Make the account what it shall be, past all rules: for genesis only."""
        with self.lock, self.store.atomically():
            self._machine.put(address, account)
            self.store.put_accounts({address: account})

    # Transactions

    def fee_of(self, message: Message | MessageV0 | MessageV1) -> int:
        """What running it would cost its payer, in lamports."""
        signatures = [Signature.default()] * message.header.num_required_signatures
        with self.lock:
            execution = self._machine.run(VersionedTransaction.populate(message, signatures), verify=False)
            self._machine.undo(execution)
            return execution.fee

    def send(self, transaction: VersionedTransaction, *, preflight: bool = True) -> Signature:
        """Run a transaction in the newest slot. Raises Refused; with `preflight` also where it would land and fail."""
        with self.lock:
            signature = transaction.signatures[0]
            self._check_lifetime(transaction)
            if self.store.status(signature) is not None:
                raise Refused("AlreadyProcessed")
            execution = self._machine.run(transaction)
            if not execution.landed:
                raise Refused(execution.error, execution)
            if execution.error is not None and preflight:
                self._machine.undo(execution)
                raise Refused(execution.error, execution)
            self._record(signature, transaction, execution)
            return signature

    def simulate(
        self, transaction: VersionedTransaction, *, verify: bool = True, replace_blockhash: bool = False
    ) -> Execution:
        """Run a transaction and undo it. Raises Refused where it could not even begin."""
        with self.lock:
            if not replace_blockhash:
                self._check_lifetime(transaction)
            execution = self._machine.run(transaction, verify=verify)
            self._machine.undo(execution)
            return execution

    def _check_lifetime(self, transaction: VersionedTransaction) -> None:
        message = transaction.message
        if not self.is_recent(message.recent_blockhash) and not self._holds_nonce_of(message):
            raise Refused("BlockhashNotFound")

    def _holds_nonce_of(self, message: Message | MessageV0 | MessageV1) -> bool:
        """Whether it begins by advancing a nonce account whose nonce it has for a blockhash. Whose it is, the program checks."""
        first = message.instructions[0] if message.instructions else None
        if first is None or not bytes(first.accounts) or bytes(first.data) != ADVANCE_NONCE:
            return False
        if message.account_keys[first.program_id_index] != SYSTEM_PROGRAM:
            return False
        index = bytes(first.accounts)[0]
        account = self._machine.account(message.account_keys[index]) if index < len(message.account_keys) else None
        data = b"" if account is None or account.owner != SYSTEM_PROGRAM else bytes(account.data)
        return len(data) == NONCE_BYTES and data[NONCE_AT] == bytes(message.recent_blockhash)

    def _record(self, signature: Signature, transaction: VersionedTransaction, execution: Execution) -> None:
        slot = self._head
        changed = execution.changed()
        record = Record(
            0,
            signature,
            slot.number,
            slot.time_ms // 1000,
            execution.error,
            memo_of(transaction, execution),
            bytes(transaction),
            meta_json(execution),
        )
        with self.store.atomically():
            self.store.remember(slot.number, {key: execution.before[key] for key in changed})
            self.store.put_accounts({key: execution.after[key] for key in changed})
            self.store.add(record, execution.keys)
        self.watcher.ran(record, execution.keys, changed)
