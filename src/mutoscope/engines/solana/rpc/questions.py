"""The questions we ask, with the answers' shapes checked: a node's answer is somebody else's word."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mutoscope.engines.solana.payments.domain.addresses import TOKEN_PROGRAMS
from mutoscope.engines.solana.payments.domain.amounts import U64_MAX
from mutoscope.engines.solana.payments.domain.deltas import (
    Transaction,
    Unreadable,
    read_slot,
    read_transaction,
    read_word,
)
from mutoscope.engines.solana.rpc.client import Answer, Rpc
from mutoscope.engines.solana.rpc.errors import RpcUnavailable

# Source: https://solana.com/docs/rpc/http
ACCOUNTS_A_CALL = 100
SIGNATURES_A_CALL = 1000
# Where a token account keeps its amount, in both token programs.
AMOUNT_AT = {"offset": 64, "length": 8}
_TRANSACTION_OPTIONS = {"encoding": "json", "commitment": "finalized", "maxSupportedTransactionVersion": 1}


@dataclass(frozen=True)
class Balance:
    """What one account held when a node looked: lamports, and base units if it belongs to a token program."""

    lamports: int
    tokens: int
    program: str


@dataclass(frozen=True)
class Mention:
    """One transaction that names an account, newest first in a list of them."""

    signature: str
    slot: int
    block_time: datetime | None
    is_failed: bool
    is_final: bool


def balances(rpc: Rpc, addresses: Sequence[str], commitment: str) -> dict[str, Balance]:
    """What the accounts hold; those that do not exist are left out. One call for each hundred."""
    found: dict[str, Balance] = {}
    for start in range(0, len(addresses), ACCOUNTS_A_CALL):
        chunk = list(addresses[start : start + ACCOUNTS_A_CALL])
        options = {"encoding": "base64", "commitment": commitment, "dataSlice": AMOUNT_AT}
        answer = rpc.call("getMultipleAccounts", chunk, options)
        try:
            values = answer["value"]
            if len(values) != len(chunk):
                raise ValueError("as many accounts as were asked for")
            found |= {
                address: _balance(value) for address, value in zip(chunk, values, strict=True) if value is not None
            }
        except (LookupError, TypeError, ValueError, binascii.Error) as error:
            raise Unreadable(f"not a list of accounts: {error}") from error
    return found


def mentions(
    rpc: Rpc, address: str, *, until: str = "", before: str = "", slot_min: int = 0, limit: int
) -> list[Mention]:
    """Transactions that name the account, newest first, from `before` down to `until`, both left out. One call."""
    options: dict[str, Any] = {"commitment": "confirmed", "limit": min(limit, SIGNATURES_A_CALL)}
    if until:
        options["until"] = until
    if before:
        options["before"] = before
    if slot_min:
        # A node that has not got as far as we were cannot know what is new.
        options["minContextSlot"] = slot_min
    answer = rpc.call("getSignaturesForAddress", address, options)
    try:
        # More than was asked for is as good as a second page, which comes when it is asked for.
        return [_mention(entry) for entry in answer[: options["limit"]]]
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError, OSError) as error:
        raise Unreadable(f"not a list of signatures: {error}") from error


def token_accounts(rpc: Rpc, owner: str) -> dict[str, int]:
    """Base units in each account of any token that belongs to this wallet, at finality. Two calls: one a token program."""
    found: dict[str, int] = {}
    for program in TOKEN_PROGRAMS:
        options = {"encoding": "base64", "commitment": "finalized", "dataSlice": AMOUNT_AT}
        answer = rpc.call("getTokenAccountsByOwner", owner, {"programId": program}, options)
        try:
            found |= {read_word(entry["pubkey"]): _balance(entry["account"]).tokens for entry in answer["value"]}
        except (LookupError, TypeError, ValueError, binascii.Error) as error:
            raise Unreadable(f"not a list of token accounts: {error}") from error
    return found


def finalised_transaction(rpc: Rpc, signature: str) -> tuple[Transaction, Answer] | None:
    """The transaction, if the node knows it as finalised under exactly this signature; and who said so. Raises Unreadable."""
    answer = rpc.ask("getTransaction", signature, _TRANSACTION_OPTIONS)
    if answer.value is None:
        return None
    transaction = read_transaction(answer.value)
    if transaction.signature != signature:
        raise Unreadable(f"asked for {signature}, answered with {transaction.signature}")
    return transaction, answer


def confirmed_transaction(rpc: Rpc, signature: str) -> Transaction | None:
    """The transaction as it stands in a confirmed block, which may still vanish: to show progress, never to credit."""
    value = rpc.call("getTransaction", signature, {**_TRANSACTION_OPTIONS, "commitment": "confirmed"})
    return None if value is None else read_transaction(value)


def confirm_with_another_node(rpc: Rpc, first: Answer, signature: str) -> None:
    """Have a second node say the same about a finalised transaction. Raises NotAgreed."""

    def read(value: Any) -> Transaction | None:
        return None if value is None else read_transaction(value)

    rpc.second_opinion(first, read, "getTransaction", signature, _TRANSACTION_OPTIONS)


def block_time(rpc: Rpc, slot: int) -> datetime:
    """When the block was made, by the chain's clock. Raises RpcUnavailable while the node does not know."""
    answer = rpc.call("getBlockTime", slot)
    if type(answer) is not int:
        raise RpcUnavailable(f"no node knows the time of slot {slot}")
    try:
        return datetime.fromtimestamp(answer, UTC)
    except (ValueError, OverflowError, OSError):
        raise Unreadable(f"not the time of slot {slot}: {answer}") from None


def rent_minimum(rpc: Rpc, data_bytes: int = 0) -> int:
    """The lamports below which an account of this size cannot exist: a payer cannot send less to a fresh wallet."""
    answer = rpc.call("getMinimumBalanceForRentExemption", data_bytes)
    if type(answer) is not int or not 0 <= answer <= U64_MAX:
        raise Unreadable(f"not lamports: {answer!r}")
    return answer


def _balance(value: Any) -> Balance:
    lamports = value["lamports"]
    if type(lamports) is not int or not 0 <= lamports <= U64_MAX:
        raise ValueError(f"{lamports!r} lamports")
    data = base64.b64decode(value["data"][0], validate=True)
    is_token = value["owner"] in TOKEN_PROGRAMS and len(data) == AMOUNT_AT["length"]
    return Balance(lamports, int.from_bytes(data, "little") if is_token else 0, read_word(value["owner"]))


def _mention(entry: Any) -> Mention:
    time_s = entry.get("blockTime")
    return Mention(
        signature=read_word(entry["signature"]),
        slot=read_slot(entry["slot"]),
        block_time=None if time_s is None else datetime.fromtimestamp(time_s, UTC),
        is_failed=entry["err"] is not None,
        is_final=entry.get("confirmationStatus") == "finalized",
    )
