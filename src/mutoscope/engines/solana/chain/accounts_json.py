"""An account as a node answers it, in each encoding."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from solders.account import Account
from solders.pubkey import Pubkey

from mutoscope.engines.solana.chain import base58, programs
from mutoscope.engines.solana.chain.errors import RpcError, invalid_param
from mutoscope.engines.solana.chain.meta import token_amount
from mutoscope.engines.solana.chain.params import Params, as_u64

ENCODINGS = ("base58", "base64", "jsonParsed", "binary")
BASE58_BYTES_MAX = 128
STATES = {1: "initialized", 2: "frozen"}
PROGRAM_NAMES = {programs.TOKEN_PROGRAM: "spl-token", programs.TOKEN_2022_PROGRAM: "spl-token-2022"}

ReadAccount = Callable[[Pubkey], Account | None]


def data_slice(params: Params) -> tuple[int, int] | None:
    """(offset, length) of the option `dataSlice`."""
    given = params.options.get("dataSlice")
    if given is None:
        return None
    if not isinstance(given, dict):
        raise invalid_param("dataSlice", "must be an object with offset and length")
    return as_u64(given.get("offset"), "dataSlice.offset"), as_u64(given.get("length"), "dataSlice.length")


def account_json(
    account: Account | None, encoding: str, part: tuple[int, int] | None, read: ReadAccount
) -> dict[str, Any] | None:
    """None for an account that is not there. `read` finds a token account's mint for `jsonParsed`."""
    if account is None:
        return None
    data = bytes(account.data)
    space = len(data)
    return {
        "lamports": account.lamports,
        "owner": str(account.owner),
        "data": _data(account, data, encoding, part, read),
        "executable": account.executable,
        "rentEpoch": account.rent_epoch,
        "space": space,
    }


def _data(account: Account, data: bytes, encoding: str, part: tuple[int, int] | None, read: ReadAccount) -> Any:
    if encoding == "jsonParsed":
        parsed = parsed_account(account, read)
        if parsed is not None:
            name = PROGRAM_NAMES[account.owner]
            return {"program": name, "parsed": parsed, "space": len(data)}
        encoding = "base64"
    if part is not None:
        offset, length = part
        data = data[offset : offset + length]
    if encoding == "base64":
        return [base64.b64encode(data).decode(), "base64"]
    if len(data) > BASE58_BYTES_MAX:
        raise RpcError(
            -32600,
            f"Encoded binary (base 58) data should be less than {BASE58_BYTES_MAX} bytes, please use Base64 encoding.",
        )
    return base58.encode(data) if encoding == "binary" else [base58.encode(data), "base58"]


def parsed_account(account: Account, read: ReadAccount) -> dict[str, Any] | None:
    """A token account or a mint in words, or None for any other."""
    token = programs.token_account(account)
    if token is not None:
        mint = read(token.mint)
        decimals = None if mint is None else programs.mint_decimals(mint)
        if decimals is None:
            return None
        info: dict[str, Any] = {
            "isNative": token.native_rent is not None,
            "mint": str(token.mint),
            "owner": str(token.owner),
            "state": STATES.get(token.state, "uninitialized"),
            "tokenAmount": token_amount(token.amount, decimals),
        }
        if token.delegate is not None:
            info["delegate"] = str(token.delegate)
            info["delegatedAmount"] = token_amount(token.delegated_amount, decimals)
        if token.native_rent is not None:
            info["rentExemptReserve"] = token_amount(token.native_rent, decimals)
        if token.close_authority is not None:
            info["closeAuthority"] = str(token.close_authority)
        return {"type": "account", "info": info}
    found = programs.mint(account)
    if found is None:
        return None
    return {
        "type": "mint",
        "info": {
            "decimals": found.decimals,
            "freezeAuthority": None if found.freeze_authority is None else str(found.freeze_authority),
            "isInitialized": True,
            "mintAuthority": None if found.authority is None else str(found.authority),
            "supply": str(found.supply),
        },
    }
