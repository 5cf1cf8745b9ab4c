"""A recorded transaction as getTransaction answers it: json, jsonParsed, base64, base58."""

from __future__ import annotations

import base64
from typing import Any

from solders.message import Message, MessageV0, MessageV1
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from mutoscope.engines.solana.chain import base58
from mutoscope.engines.solana.chain.errors import UNSUPPORTED_VERSION, RpcError
from mutoscope.engines.solana.chain.instructions_json import instruction_json
from mutoscope.engines.solana.chain.machine import is_writable
from mutoscope.engines.solana.chain.store import Record

ENCODINGS = ("json", "jsonParsed", "base64", "base58", "binary")


def transaction_json(record: Record, encoding: str, version_max: int | None) -> dict[str, Any]:
    """Raises RpcError where the caller cannot read that version of transactions."""
    transaction = VersionedTransaction.from_bytes(record.raw)
    version = version_of(transaction)
    if version != "legacy" and (version_max is None or int(version) > version_max):
        raise RpcError(
            UNSUPPORTED_VERSION,
            f"Transaction version ({version}) is not supported by the requesting client. Please try the request again"
            f' with the following configuration parameter: "maxSupportedTransactionVersion": {version}',
        )
    answer: dict[str, Any] = {
        "slot": record.slot,
        "blockTime": record.time_s,
        "transaction": encoded(record, transaction, encoding),
        "meta": parsed_meta(record, transaction) if encoding == "jsonParsed" else record.meta,
    }
    if version_max is not None:
        answer["version"] = version
    return answer


def version_of(transaction: VersionedTransaction) -> int | str:
    """ "legacy", 0 or 1."""
    version = transaction.version()
    return version if isinstance(version, int) else "legacy"


def encoded(record: Record, transaction: VersionedTransaction, encoding: str) -> Any:
    if encoding == "base64":
        return [base64.b64encode(record.raw).decode(), "base64"]
    if encoding == "base58":
        return [base58.encode(record.raw), "base58"]
    if encoding == "binary":
        return base58.encode(record.raw)
    message = transaction.message
    signatures = [str(signature) for signature in transaction.signatures]
    if encoding == "jsonParsed":
        return {"signatures": signatures, "message": _parsed_message(record, message)}
    body: dict[str, Any] = {
        "accountKeys": [str(key) for key in message.account_keys],
        "header": {
            "numRequiredSignatures": message.header.num_required_signatures,
            "numReadonlySignedAccounts": message.header.num_readonly_signed_accounts,
            "numReadonlyUnsignedAccounts": message.header.num_readonly_unsigned_accounts,
        },
        "recentBlockhash": str(message.recent_blockhash),
        "instructions": [
            {
                "programIdIndex": instruction.program_id_index,
                "accounts": list(bytes(instruction.accounts)),
                "data": base58.encode(bytes(instruction.data)),
                "stackHeight": 1,
            }
            for instruction in message.instructions
        ],
    }
    lookups = _lookups(message)
    if lookups is not None:
        body["addressTableLookups"] = lookups
    return {"signatures": signatures, "message": body}


def parsed_meta(record: Record, transaction: VersionedTransaction) -> dict[str, Any]:
    """`meta` with the inner instructions in words."""
    keys = _all_keys(record, transaction.message)
    meta = {name: value for name, value in record.meta.items() if name != "loadedAddresses"}
    meta["innerInstructions"] = [
        {
            "index": group["index"],
            "instructions": [
                instruction_json(
                    Pubkey.from_string(keys[inner["programIdIndex"]]),
                    [keys[i] for i in inner["accounts"]],
                    base58.decode(inner["data"]),
                    inner["stackHeight"],
                )
                for inner in group["instructions"]
            ],
        }
        for group in record.meta["innerInstructions"]
    ]
    return meta


def keys_json(record: Record, message: Message | MessageV0 | MessageV1) -> list[dict[str, Any]]:
    """Every account of a transaction in words, those out of lookup tables last."""
    static = len(message.account_keys)
    loaded_writable = len(record.meta["loadedAddresses"]["writable"])
    return [
        {
            "pubkey": key,
            "signer": i < message.header.num_required_signatures,
            "source": "transaction" if i < static else "lookupTable",
            "writable": is_writable(message, i) if i < static else i < static + loaded_writable,
        }
        for i, key in enumerate(_all_keys(record, message))
    ]


def _parsed_message(record: Record, message: Message | MessageV0 | MessageV1) -> dict[str, Any]:
    keys = _all_keys(record, message)
    body: dict[str, Any] = {
        "accountKeys": keys_json(record, message),
        "recentBlockhash": str(message.recent_blockhash),
        "instructions": [
            instruction_json(
                Pubkey.from_string(keys[instruction.program_id_index]),
                [keys[i] for i in bytes(instruction.accounts)],
                bytes(instruction.data),
                1,
            )
            for instruction in message.instructions
        ],
    }
    lookups = _lookups(message)
    if lookups is not None:
        body["addressTableLookups"] = lookups
    return body


def _all_keys(record: Record, message: Message | MessageV0 | MessageV1) -> list[str]:
    loaded = record.meta["loadedAddresses"]
    return [*(str(key) for key in message.account_keys), *loaded["writable"], *loaded["readonly"]]


def _lookups(message: Message | MessageV0 | MessageV1) -> list[dict[str, Any]] | None:
    if not isinstance(message, MessageV0):
        return None
    return [
        {
            "accountKey": str(lookup.account_key),
            "writableIndexes": list(bytes(lookup.writable_indexes)),
            "readonlyIndexes": list(bytes(lookup.readonly_indexes)),
        }
        for lookup in message.address_table_lookups
    ]
