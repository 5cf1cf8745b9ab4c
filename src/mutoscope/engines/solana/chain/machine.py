"""Solana's virtual machine with what a node records about a transaction: who was involved, what changed, what it cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from solders.account import Account
from solders.clock import Clock
from solders.hash import Hash
from solders.litesvm import LiteSVM
from solders.message import Message, MessageV0, MessageV1
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata, TransactionMetadata

from mutoscope.engines.solana.chain import programs
from mutoscope.engines.solana.chain.transaction_errors import error_json

SLOTS_PER_EPOCH = 432_000
# Of an address lookup table's account: what comes before its addresses.
LOOKUP_TABLE_META_BYTES = 56


@dataclass(frozen=True, slots=True)
class TokenBalance:
    """What one token account held. `amount` in the mint's base units."""

    index: int
    mint: Pubkey
    owner: Pubkey
    program: Pubkey
    amount: int
    decimals: int


@dataclass(frozen=True, slots=True)
class Execution:
    """One transaction's run. `error` is Solana's JSON form or None. `landed` is False where no fee could be charged: a
    node drops such a transaction and no block ever holds it."""

    error: Any
    landed: bool
    fee: int
    logs: list[str]
    units: int
    inner: list[list[Any]]
    return_data: tuple[Pubkey, bytes] | None
    keys: list[Pubkey]
    loaded_writable: list[Pubkey]
    loaded_readonly: list[Pubkey]
    lamports_before: list[int]
    lamports_after: list[int]
    tokens_before: list[TokenBalance]
    tokens_after: list[TokenBalance]
    before: dict[Pubkey, Account | None] = field(default_factory=dict)
    after: dict[Pubkey, Account | None] = field(default_factory=dict)

    def changed(self) -> list[Pubkey]:
        """The accounts that are not what they were."""
        return [key for key, account in self.before.items() if account != self.after[key]]


class Machine:
    """A LiteSVM whose state can be read, run and put back. Not safe across threads: callers hold a lock."""

    def __init__(self) -> None:
        # Blockhashes, their age and repeated signatures are the bank's affair: LiteSVM knows only its latest blockhash.
        self._svm = LiteSVM().with_blockhash_check(False).with_transaction_history(0)

    def account(self, address: Pubkey) -> Account | None:
        """None where there is none, which on Solana is the same as one without lamports."""
        return self._svm.get_account(address)

    def lamports(self, address: Pubkey) -> int:
        return self._svm.get_balance(address) or 0

    def put(self, address: Pubkey, account: Account | None) -> None:
        """Make the account what it shall be, past all rules."""
        self._svm.set_account(address, account or Account(0, b"", SYSTEM_PROGRAM))

    def owned_by(self, program: Pubkey) -> list[tuple[Pubkey, Account]]:
        return self._svm.get_program_accounts(program)

    def rent_exempt_minimum(self, data_bytes: int) -> int:
        """Lamports that an account of that size must hold."""
        return self._svm.minimum_balance_for_rent_exemption(data_bytes)

    def set_time(self, slot: int, unix_s: int) -> None:
        """What programs read from the clock."""
        epoch = slot // SLOTS_PER_EPOCH
        self._svm.set_clock(Clock(slot, 0, epoch, epoch + 1, unix_s))

    def set_slot_hashes(self, hashes: list[tuple[int, Hash]]) -> None:
        """Recent slots, newest first: who makes a lookup table names one of them."""
        self._svm.set_slot_hashes(hashes)

    def run(self, transaction: VersionedTransaction, *, verify: bool = True) -> Execution:
        """Execute and keep the effect. Without `verify` the signatures may be anything."""
        message = transaction.message
        static = list(message.account_keys)
        writable, readonly = self._looked_up(message)
        keys = [*static, *writable, *readonly]
        is_called = [i < len(static) and message.is_key_called_as_program(i) for i in range(len(keys))]
        may_change = {
            key
            for i, key in enumerate(keys)
            if (is_writable(message, i) if i < len(static) else i < len(static) + len(writable))
        }
        before = {key: None if is_called[i] else self.account(key) for i, key in enumerate(keys)}
        called = {key: self.lamports(key) for i, key in enumerate(keys) if is_called[i]}
        tokens_before = self._tokens(keys, before)
        if not verify:
            self._svm.with_sigverify(False)
        try:
            result = self._svm.send_transaction(transaction)
        finally:
            if not verify:
                self._svm.with_sigverify(True)
        failed = isinstance(result, FailedTransactionMetadata)
        meta: TransactionMetadata = result.meta() if isinstance(result, FailedTransactionMetadata) else result
        after = {key: self.account(key) if key in may_change else account for key, account in before.items()}
        return_data = meta.return_data()
        return Execution(
            error=error_json(result.err()) if isinstance(result, FailedTransactionMetadata) else None,
            landed=not failed or any(before[key] != after[key] for key in static[:1]),
            fee=meta.fee(),
            logs=list(meta.logs()),
            units=meta.compute_units_consumed(),
            inner=list(meta.inner_instructions()),
            return_data=(return_data.program_id, bytes(return_data.data)) if return_data.data else None,
            keys=keys,
            loaded_writable=writable,
            loaded_readonly=readonly,
            lamports_before=[called.get(key, _lamports(before[key])) for key in keys],
            lamports_after=[called.get(key, _lamports(after[key])) for key in keys],
            tokens_before=tokens_before,
            tokens_after=self._tokens(keys, after),
            before={key: before[key] for key in keys if key in may_change},
            after={key: after[key] for key in keys if key in may_change},
        )

    def undo(self, execution: Execution) -> None:
        """Put back what a run changed."""
        for key in execution.changed():
            self.put(key, execution.before[key])

    def _looked_up(self, message: Any) -> tuple[list[Pubkey], list[Pubkey]]:
        """The addresses that a v0 message takes from lookup tables: writable ones, readonly ones."""
        writable: list[Pubkey] = []
        readonly: list[Pubkey] = []
        if isinstance(message, MessageV0):
            for lookup in message.address_table_lookups:
                table = self.account(lookup.account_key)
                addresses = b"" if table is None else bytes(table.data)[LOOKUP_TABLE_META_BYTES:]
                for indexes, into in ((lookup.writable_indexes, writable), (lookup.readonly_indexes, readonly)):
                    into.extend(
                        Pubkey.from_bytes(addresses[32 * i : 32 * i + 32])
                        for i in bytes(indexes)
                        if 32 * i + 32 <= len(addresses)
                    )
        return writable, readonly

    def _tokens(self, keys: list[Pubkey], accounts: dict[Pubkey, Account | None]) -> list[TokenBalance]:
        balances = []
        for index, key in enumerate(keys):
            account = accounts[key]
            state = None if account is None else programs.token_account(account)
            if account is None or state is None:
                continue
            mint = accounts.get(state.mint) or self.account(state.mint)
            decimals = None if mint is None else programs.mint_decimals(mint)
            if decimals is not None:
                balances.append(TokenBalance(index, state.mint, state.owner, account.owner, state.amount, decimals))
        return balances


def is_writable(message: Message | MessageV0 | MessageV1, index: int) -> bool:
    """Whether the message's own (not looked-up) key of that index may be written to."""
    header = message.header
    if index < header.num_required_signatures:
        return index < header.num_required_signatures - header.num_readonly_signed_accounts
    return index < len(message.account_keys) - header.num_readonly_unsigned_accounts


def _lamports(account: Account | None) -> int:
    return 0 if account is None else account.lamports
