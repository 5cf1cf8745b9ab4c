"""The parameters of one call, read by name and refused by name."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from solders.hash import Hash, ParseHashError
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from mutoscope.engines.solana.chain import base58
from mutoscope.engines.solana.chain.bank import Commitment
from mutoscope.engines.solana.chain.errors import RpcError, invalid_param

U64_MAX = (1 << 64) - 1
# The largest transaction of version 1; earlier ones fit into a packet of 1,232 bytes.
TRANSACTION_BYTES_MAX = 4096
PACKET_BYTES = 1232
MISSING = object()


class Params:
    """Positional parameters, of which the last may be an object of options. Raises RpcError naming what is wrong."""

    def __init__(self, values: list[Any], options_at: int) -> None:
        self._values = values
        given = values[options_at] if len(values) > options_at else None
        if given is not None and not isinstance(given, dict):
            raise invalid_param("config", "must be an object")
        self.options: dict[str, Any] = given or {}

    def value(self, index: int, name: str) -> Any:
        if index >= len(self._values) or self._values[index] is None:
            raise invalid_param(name, "is missing")
        return self._values[index]

    def values(self) -> list[Any]:
        return self._values

    def address(self, index: int, name: str) -> Pubkey:
        return as_address(self.value(index, name), name)

    def signature(self, index: int, name: str) -> Signature:
        return as_signature(self.value(index, name), name)

    def hash(self, index: int, name: str) -> Hash:
        value = self.value(index, name)
        try:
            return Hash.from_string(value)
        except (TypeError, ValueError, ParseHashError):
            raise invalid_param(name, "is not a blockhash") from None

    def u64(self, index: int, name: str, at_most: int = U64_MAX) -> int:
        return as_u64(self.value(index, name), name, at_most)

    def array(self, index: int, name: str, at_most: int) -> list[Any]:
        value = self.value(index, name)
        if not isinstance(value, list):
            raise invalid_param(name, "must be an array")
        if len(value) > at_most:
            raise RpcError(-32602, f"Too many inputs provided; max {at_most}: `{name}`")
        return value

    # Options

    def commitment(self, name: str = "commitment") -> Commitment:
        given = self.options.get(name)
        if given is None:
            return Commitment.FINALIZED
        return as_commitment(given, name)

    def flag(self, name: str) -> bool:
        given = self.options.get(name)
        if given is not None and not isinstance(given, bool):
            raise invalid_param(name, "must be true or false")
        return bool(given)

    def number(self, name: str, default: int | None = None, at_most: int = U64_MAX) -> int | None:
        given = self.options.get(name)
        return default if given is None else as_u64(given, name, at_most)

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        given = self.options.get(name)
        if given is None:
            return default
        if given not in choices:
            raise invalid_param(name, f"must be one of {', '.join(choices)}")
        return str(given)


def as_commitment(value: Any, name: str) -> Commitment:
    # Names of older releases.
    older = {
        "recent": "processed",
        "single": "confirmed",
        "singleGossip": "confirmed",
        "root": "finalized",
        "max": "finalized",
    }
    try:
        return Commitment(older.get(value, value) if isinstance(value, str) else value)
    except ValueError:
        raise invalid_param(name, "must be processed, confirmed or finalized") from None


def as_address(value: Any, name: str) -> Pubkey:
    if not isinstance(value, str) or not 32 <= len(value) <= 44:
        raise invalid_param(name, "WrongSize, must be an address of 32 bytes in base 58")
    try:
        return Pubkey.from_string(value)
    except ValueError:
        raise invalid_param(name, "is not an address of 32 bytes in base 58") from None


def as_signature(value: Any, name: str) -> Signature:
    if not isinstance(value, str) or not 64 <= len(value) <= 88:
        raise invalid_param(name, "WrongSize, must be a signature of 64 bytes in base 58")
    try:
        return Signature.from_string(value)
    except ValueError:
        raise invalid_param(name, "is not a signature of 64 bytes in base 58") from None


def as_u64(value: Any, name: str, at_most: int = U64_MAX) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid_param(name, "must be a whole number")
    if not 0 <= value <= at_most:
        raise invalid_param(name, f"must be between 0 and {at_most}")
    return value


def as_transaction(text: Any, encoding: str) -> VersionedTransaction:
    """A wire transaction. Raises RpcError that says at which step it could not be read."""
    if not isinstance(text, str):
        raise invalid_param("transaction", "must be text")
    if len(text) > TRANSACTION_BYTES_MAX * 2:
        raise invalid_param("transaction", f"is too large: {len(text)} characters")
    try:
        raw = base64.b64decode(text, validate=True) if encoding == "base64" else base58.decode(text)
    except (ValueError, binascii.Error):
        raise invalid_param("transaction", f"is not {encoding}") from None
    try:
        transaction = VersionedTransaction.from_bytes(raw)
    except ValueError as error:
        raise invalid_param("transaction", f"failed to deserialize: {error}") from None
    is_v1 = transaction.version() == 1
    if len(raw) > (TRANSACTION_BYTES_MAX if is_v1 else PACKET_BYTES):
        raise invalid_param("transaction", f"is too large: {len(raw)} bytes")
    try:
        transaction.sanitize()
    except Exception as error:
        raise RpcError(-32602, f"invalid transaction: {error}") from None
    return transaction
