"""What the signer asks a chain, typed. Below it is the port: anything that can do one JSON-RPC call."""

from __future__ import annotations

import functools
import struct
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from solders.pubkey import Pubkey

Asked = ParamSpec("Asked")
R = TypeVar("R")

ACCOUNTS_PER_CALL = 100
STATUSES_PER_CALL = 256
ADDRESSES_PER_FEE_CALL = 128
# Of an account of either token program: mint, owner, amount.
TOKEN_ACCOUNT = struct.Struct("<32s32sQ")
TOKEN_ACCOUNT_BYTES_MIN = 165
# In Token-2022, what the account is: byte 165 is 1 for a mint and 2 for a token account. From 166 on, its extensions.
EXTENSIONS_FROM = 166
WITHHELD_FEES = 2


class Rpc(Protocol):
    """The port. `call` returns the `result`, and raises whatever the client raises when there is none."""

    def call(self, method: str, params: Sequence[Any] = ()) -> Any: ...


class ChainUnavailable(Exception):
    """No answer that could be used: nothing is known, nothing follows from it."""


@dataclass(frozen=True, slots=True)
class Position:
    """A finalized slot, and how many blocks there were up to it. Both from one answer of one node."""

    slot: int
    block_height: int


@dataclass(frozen=True, slots=True)
class Blockhash:
    """A recent block; a transaction that names it can land up to that block height."""

    value: str
    last_valid_block_height: int


@dataclass(frozen=True, slots=True)
class Account:
    """An account at finality."""

    lamports: int
    owner: Pubkey
    executable: bool
    data: bytes

    def token(self) -> TokenBalance | None:
        """What it holds when it is a token account of either program."""
        if len(self.data) < TOKEN_ACCOUNT_BYTES_MIN:
            return None
        mint, owner, amount = TOKEN_ACCOUNT.unpack_from(self.data)
        return TokenBalance(Pubkey(mint), Pubkey(owner), amount, _withheld(self.data))


@dataclass(frozen=True, slots=True)
class TokenBalance:
    """Base units in a token account. `withheld` are Token-2022's transfer fees, for the mint's authority; None where there are none ever."""

    mint: Pubkey
    owner: Pubkey
    amount: int
    withheld: int | None


@dataclass(frozen=True, slots=True)
class Status:
    """What a node knows of a signature."""

    slot: int
    finalized: bool
    confirmed: bool
    error: str


@dataclass(frozen=True, slots=True)
class Simulation:
    """What would happen. `error` is empty when it would succeed."""

    error: str
    units: int
    logs: tuple[str, ...]


def _answered(ask: Callable[Concatenate[Chain, Asked], R]) -> Callable[Concatenate[Chain, Asked], R]:
    """Whatever goes wrong in a call or in reading its answer, the chain's state is unknown, and that is all that is known."""

    @functools.wraps(ask)
    def asked(chain: Chain, /, *arguments: Asked.args, **named: Asked.kwargs) -> R:
        try:
            return ask(chain, *arguments, **named)
        except Exception as error:
            raise ChainUnavailable(f"{chain.name}: {ask.__name__}: {type(error).__name__}: {error}") from error

    return asked


class Chain:
    """Questions to one node. Every method raises ChainUnavailable when there is no answer, or none that makes sense."""

    def __init__(self, rpc: Rpc) -> None:
        self.rpc = rpc
        self.name: str = getattr(rpc, "name", "the node")

    @_answered
    def genesis(self) -> str:
        """Which cluster this is."""
        return str(self.rpc.call("getGenesisHash"))

    @_answered
    def position(self) -> Position:
        """The finalized slot with its block height."""
        read = self.rpc.call("getEpochInfo", [{"commitment": "finalized"}])
        return Position(int(read["absoluteSlot"]), int(read["blockHeight"]))

    @_answered
    def latest_blockhash(self) -> Blockhash:
        """A confirmed block to sign for."""
        value = self.rpc.call("getLatestBlockhash", [{"commitment": "confirmed"}])["value"]
        return Blockhash(str(value["blockhash"]), int(value["lastValidBlockHeight"]))

    @_answered
    def accounts(self, addresses: Sequence[str], commitment: str = "finalized") -> dict[str, Account | None]:
        """Accounts by address, None for what is not there. 100 a call."""
        found: dict[str, Account | None] = {}
        for start in range(0, len(addresses), ACCOUNTS_PER_CALL):
            some = list(addresses[start : start + ACCOUNTS_PER_CALL])
            answer = self.rpc.call("getMultipleAccounts", [some, {"encoding": "base64", "commitment": commitment}])
            found |= {address: _account(value) for address, value in zip(some, answer["value"], strict=True)}
        return found

    @_answered
    def statuses(self, signatures: Sequence[str]) -> tuple[int, dict[str, Status | None]]:
        """The lowest slot that the answers are from, and what is known of each signature, however old."""
        slots: list[int] = []
        found: dict[str, Status | None] = {}
        for start in range(0, len(signatures), STATUSES_PER_CALL):
            some = list(signatures[start : start + STATUSES_PER_CALL])
            answer = self.rpc.call("getSignatureStatuses", [some, {"searchTransactionHistory": True}])
            slots.append(int(answer["context"]["slot"]))
            found |= {signature: _status(value) for signature, value in zip(some, answer["value"], strict=True)}
        return min(slots, default=0), found

    @_answered
    def transaction(self, signature: str) -> dict[str, Any] | None:
        """A finalized transaction with its balances before and after, or None."""
        options = {"encoding": "json", "commitment": "finalized", "maxSupportedTransactionVersion": 1}
        read: dict[str, Any] | None = self.rpc.call("getTransaction", [signature, options])
        return read

    @_answered
    def recent_prices(self, addresses: Sequence[str]) -> list[int]:
        """What others paid lately to write these accounts, in micro-lamports per compute unit."""
        read = self.rpc.call("getRecentPrioritizationFees", [list(addresses)[:ADDRESSES_PER_FEE_CALL]])
        return [int(each["prioritizationFee"]) for each in read]

    @_answered
    def rent(self, data_bytes: int) -> int:
        """Lamports that keep an account of that size alive."""
        return int(self.rpc.call("getMinimumBalanceForRentExemption", [data_bytes]))

    @_answered
    def simulate(self, wire: bytes) -> Simulation:
        """Try a transaction whose signatures need not be right."""
        options = {"encoding": "base64", "sigVerify": False, "replaceRecentBlockhash": True, "commitment": "confirmed"}
        value = self.rpc.call("simulateTransaction", [b64encode(wire).decode(), options])["value"]
        error = "" if value.get("err") is None else str(value["err"])
        return Simulation(error, int(value.get("unitsConsumed") or 0), tuple(value.get("logs") or ()))

    @_answered
    def send(self, wire: bytes) -> None:
        """Broadcast. Whatever it says, only the signature's status tells whether it landed."""
        options = {"encoding": "base64", "skipPreflight": True, "maxRetries": 0}
        self.rpc.call("sendTransaction", [b64encode(wire).decode(), options])


def _account(value: Any) -> Account | None:
    if value is None:
        return None
    data = b64decode(value["data"][0])
    return Account(int(value["lamports"]), Pubkey.from_string(value["owner"]), bool(value["executable"]), data)


def _status(value: Any) -> Status | None:
    if value is None:
        return None
    level = value.get("confirmationStatus")
    error = "" if value.get("err") is None else str(value["err"])
    return Status(int(value["slot"]), level == "finalized", level in ("confirmed", "finalized"), error)


def _withheld(data: bytes) -> int | None:
    """The fees withheld in a Token-2022 account: extensions follow each other as type, length, content."""
    place = EXTENSIONS_FROM
    while place + 4 <= len(data):
        kind, length = struct.unpack_from("<HH", data, place)
        if kind == WITHHELD_FEES and length >= 8:
            return int(struct.unpack_from("<Q", data, place + 4)[0])
        if kind == 0:
            break
        place += 4 + length
    return None
