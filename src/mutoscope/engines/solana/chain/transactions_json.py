"""A recorded transaction as getTransaction answers it: json, jsonParsed, base64, base58."""

from __future__ import annotations

import base64
from typing import Any

from solders.message import MessageV0, MessageV1
from solders.transaction import VersionedTransaction

from mutoscope.engines.solana.chain import base58
from mutoscope.engines.solana.chain.errors import UNSUPPORTED_VERSION, RpcError
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
        "meta": record.meta,
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
    if isinstance(message, MessageV0):
        body["addressTableLookups"] = [
            {
                "accountKey": str(lookup.account_key),
                "writableIndexes": list(bytes(lookup.writable_indexes)),
                "readonlyIndexes": list(bytes(lookup.readonly_indexes)),
            }
            for lookup in message.address_table_lookups
        ]
    assert not isinstance(message, MessageV1) or encoding
    return {"signatures": [str(signature) for signature in transaction.signatures], "message": body}
