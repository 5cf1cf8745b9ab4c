"""What a transaction did to an account: the balance after it minus the balance before it, and nothing else.

Instructions, memos and logs are never read: inner instructions, lookup tables, transaction versions and programs that are
yet to be written make no difference to a difference. Source: https://solana.com/docs/rpc/http/gettransaction
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mutoscope.engines.solana.payments.domain.addresses import TOKEN_PROGRAMS
from mutoscope.engines.solana.payments.domain.amounts import U64_MAX

U8_MAX = 255
# Of what is kept as a number in the database.
I64_MAX = 2**63 - 1
# A signature in base58, the longest word there is.
WORD_LENGTH_MAX = 88


class Unreadable(ValueError):
    """A node answered with something that is not a transaction with its balances. It proves nothing, so nothing is recorded."""


@dataclass(frozen=True)
class Holding:
    """One account in which something is received: its own address, whose it is, and of which token. SOL has no mint."""

    address: str
    owner: str
    mint: str = ""
    program: str = ""
    decimals: int | None = None
    """As the transaction says, for a token that nobody configured."""


@dataclass(frozen=True)
class Delta:
    """What one transaction changed in one account, in base units.

    `amount` leaves out the fee, which the account paid only if it is the transaction's first; both together are the change.
    """

    amount: int
    fee: int = 0


@dataclass(frozen=True)
class TokenBalance:
    mint: str
    owner: str
    program: str
    amount: int
    decimals: int


@dataclass(frozen=True)
class Transaction:
    """The parts of a transaction that money depends on."""

    signature: str
    slot: int
    block_time: datetime | None
    failed: bool
    fee: int
    keys: tuple[str, ...]
    lamports_before: tuple[int, ...]
    lamports_after: tuple[int, ...]
    tokens_before: Mapping[int, TokenBalance]
    tokens_after: Mapping[int, TokenBalance]


def read_transaction(answer: Mapping[str, Any]) -> Transaction:
    """A transaction out of what `getTransaction` answers, in "json" or "jsonParsed". Raises Unreadable."""
    try:
        meta, inner = answer["meta"], answer["transaction"]
        keys = _keys(inner["message"]["accountKeys"], meta)
        block_time = answer.get("blockTime")
        transaction = Transaction(
            signature=read_word(inner["signatures"][0]),
            slot=read_slot(answer["slot"]),
            block_time=None if block_time is None else datetime.fromtimestamp(block_time, UTC),
            failed=meta["err"] is not None,
            fee=_amount(meta["fee"]),
            keys=keys,
            lamports_before=tuple(map(_amount, meta["preBalances"])),
            lamports_after=tuple(map(_amount, meta["postBalances"])),
            tokens_before=_token_balances(meta.get("preTokenBalances")),
            tokens_after=_token_balances(meta.get("postTokenBalances")),
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, OSError) as error:
        raise Unreadable(f"not a transaction with its balances: {type(error).__name__}: {error}") from error
    if not len(keys) == len(transaction.lamports_before) == len(transaction.lamports_after) > 0:
        raise Unreadable("a transaction lists as many balances as it has accounts")
    return transaction


def deltas(transaction: Transaction, holdings: Iterable[Holding]) -> dict[Holding, Delta]:
    """What the transaction did to each holding that it changed. A failed one changed nothing but who paid its fee."""
    index = {key: position for position, key in enumerate(transaction.keys)}
    changed = {}
    for holding in holdings:
        position = index.get(holding.address)
        if position is None:
            continue
        delta = _tokens(transaction, holding, position) if holding.mint else _lamports(transaction, position)
        if delta.amount or delta.fee:
            changed[holding] = delta
    return changed


def strays(transaction: Transaction, owners: Iterable[str], known: Iterable[str]) -> dict[Holding, Delta]:
    """Tokens that reached these wallets in accounts nobody configured: a mint we do not know, or an unusual account.

    They are never credited. They are listed, so that nothing received goes unrecorded.
    """
    wanted, passed = frozenset(owners), frozenset(known)
    holdings = [
        Holding(transaction.keys[position], balance.owner, balance.mint, balance.program, balance.decimals)
        for position, balance in transaction.tokens_after.items()
        if balance.owner in wanted and transaction.keys[position] not in passed
    ]
    return {holding: delta for holding, delta in deltas(transaction, holdings).items() if delta.amount > 0}


def _lamports(transaction: Transaction, position: int) -> Delta:
    change = transaction.lamports_after[position] - transaction.lamports_before[position]
    fee = transaction.fee if position == 0 else 0
    return Delta(0 if transaction.failed else change + fee, fee)


def _tokens(transaction: Transaction, holding: Holding, position: int) -> Delta:
    if transaction.failed or holding.program not in TOKEN_PROGRAMS:
        return Delta(0)
    before, after = transaction.tokens_before.get(position), transaction.tokens_after.get(position)
    # Whose the account was before does not matter, or handing over a full account would look like paying.
    had = before.amount if before and (before.mint, before.program) == (holding.mint, holding.program) else 0
    ours = (holding.mint, holding.program, holding.owner)
    has = after.amount if after and (after.mint, after.program, after.owner) == ours else 0
    return Delta(has - had)


def _keys(listed: Any, meta: Mapping[str, Any]) -> tuple[str, ...]:
    # "jsonParsed" lists objects, those out of lookup tables among them; "json" lists texts, and those apart.
    if listed and isinstance(listed[0], Mapping):
        keys = [key["pubkey"] for key in listed]
    else:
        loaded = meta.get("loadedAddresses") or {}
        keys = [*listed, *loaded.get("writable", ()), *loaded.get("readonly", ())]
    if len({read_word(key) for key in keys}) != len(keys):
        raise ValueError("account keys are distinct")
    return tuple(keys)


def _token_balances(listed: Any) -> dict[int, TokenBalance]:
    return {
        _amount(entry["accountIndex"]): TokenBalance(
            mint=read_word(entry["mint"]),
            owner=read_word(entry.get("owner") or ""),
            program=read_word(entry.get("programId") or ""),
            amount=_amount_text(entry["uiTokenAmount"]["amount"]),
            decimals=_decimals(entry["uiTokenAmount"]["decimals"]),
        )
        for entry in listed or ()
    }


def read_word(value: Any) -> str:
    """An address or a signature, as far as the database could take it: no answer of a node may break a statement."""
    if (
        not isinstance(value, str)
        or len(value) > WORD_LENGTH_MAX
        or not ((value.isascii() and value.isalnum()) or value == "")
    ):
        raise ValueError(f"{str(value)[:100]!r} is neither an address nor a signature")
    return value


def read_slot(value: Any) -> int:
    """A slot, within what the database can count."""
    if type(value) is not int or not 0 <= value <= I64_MAX:
        raise ValueError(f"{value!r} is no slot")
    return value


def _amount(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= U64_MAX:
        raise ValueError(f"{value!r} is not an unsigned 64-bit integer")
    return value


def _decimals(value: Any) -> int:
    if _amount(value) > U8_MAX:
        raise ValueError(f"{value!r} is not a number of decimals")
    return int(value)


def _amount_text(value: Any) -> int:
    # Token amounts travel as texts, since JSON's readers elsewhere would round them.
    if not isinstance(value, str) or not value.isascii() or not value.isdigit():
        raise ValueError(f"{value!r} is not an amount in digits")
    return _amount(int(value))
