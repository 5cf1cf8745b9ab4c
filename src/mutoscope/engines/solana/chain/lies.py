"""Answers of a node that lies about who owns how much of what."""

from __future__ import annotations

import base64
import copy
import hashlib
import struct
from typing import Any

from solders.pubkey import Pubkey

from mutoscope.engines.solana.chain import programs
from mutoscope.engines.solana.chain.faults import Fault
from mutoscope.engines.solana.chain.meta import token_amount

# Nobody holds a key for these; a node that lies may as well name somebody.
OTHER_MINT = Pubkey(hashlib.sha256(b"mutoscope sandbox chain: another mint").digest())
OTHER_OWNER = Pubkey(hashlib.sha256(b"mutoscope sandbox chain: another owner").digest())


def falsified(answer: Any, fault: Fault, by: int) -> Any:
    """The answer with every amount, mint or owner in it changed. The original stays as it is."""
    false = copy.deepcopy(answer)
    # getBalance answers with a bare number.
    if fault is Fault.WRONG_AMOUNT and isinstance(false, dict) and type(false.get("value")) is int:
        false["value"] += by
    _walk(false, fault, by)
    return false


def _walk(value: Any, fault: Fault, by: int) -> None:
    if isinstance(value, list):
        for member in value:
            _walk(member, fault, by)
        return
    if not isinstance(value, dict):
        return
    _falsify(value, fault, by)
    for member in value.values():
        _walk(member, fault, by)


def _falsify(value: dict[str, Any], fault: Fault, by: int) -> None:
    is_account = "lamports" in value and "rentEpoch" in value
    if fault is Fault.WRONG_AMOUNT:
        if {"amount", "decimals", "uiAmountString"} <= value.keys():
            value.update(token_amount(int(value["amount"]) + by, value["decimals"]))
        if is_account:
            value["lamports"] += by
        if "postBalances" in value:
            value["postBalances"] = [lamports + by for lamports in value["postBalances"]]
    if fault is Fault.WRONG_MINT and "mint" in value:
        value["mint"] = str(OTHER_MINT)
    if fault is Fault.WRONG_OWNER and "owner" in value and ("mint" in value or is_account):
        value["owner"] = str(OTHER_OWNER)
    if is_account and isinstance(value["data"], list) and value["data"][1] == "base64":
        value["data"][0] = base64.b64encode(_false_bytes(base64.b64decode(value["data"][0]), fault, by)).decode()


def _false_bytes(data: bytes, fault: Fault, by: int) -> bytes:
    """A token account's bytes, or only its amount where that was all that was asked for."""
    if fault is Fault.WRONG_AMOUNT and len(data) == 8:
        return struct.pack("<Q", struct.unpack("<Q", data)[0] + by)
    if len(data) < programs.TOKEN_ACCOUNT_BYTES:
        return data
    if fault is Fault.WRONG_AMOUNT:
        (amount,) = struct.unpack_from("<Q", data, 64)
        return data[:64] + struct.pack("<Q", amount + by) + data[72:]
    if fault is Fault.WRONG_MINT:
        return bytes(OTHER_MINT) + data[32:]
    return data[:32] + bytes(OTHER_OWNER) + data[64:]
