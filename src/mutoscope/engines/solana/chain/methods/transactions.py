"""Sending, simulating, and finding out what became of it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from solders.hash import Hash
from solders.message import Message, MessageV0, MessageV1
from solders.transaction import VersionedTransaction

from mutoscope.engines.solana.chain.accounts_json import account_json
from mutoscope.engines.solana.chain.bank import Commitment, Refused
from mutoscope.engines.solana.chain.errors import (
    INVALID_PARAMS,
    PREFLIGHT_FAILURE,
    SIGNATURE_FAILURE,
    RpcError,
    invalid_param,
)
from mutoscope.engines.solana.chain.machine import Execution
from mutoscope.engines.solana.chain.meta import return_data_json
from mutoscope.engines.solana.chain.methods import method
from mutoscope.engines.solana.chain.methods.cluster import in_context
from mutoscope.engines.solana.chain.params import Params, as_address, as_signature, as_transaction
from mutoscope.engines.solana.chain.transaction_errors import sentence
from mutoscope.engines.solana.chain.transactions_json import ENCODINGS, transaction_json

if TYPE_CHECKING:
    from mutoscope.engines.solana.chain.node import Node

STATUSES_MAX = 256
SIGNATURES_MAX = 1000
LAMPORTS_PER_SIGNATURE = 5000


@method("sendTransaction", options_at=1)
def send_transaction(node: Node, params: Params) -> Any:
    transaction = as_transaction(
        params.value(0, "transaction"), params.choice("encoding", ("base58", "base64"), "base58")
    )
    params.commitment("preflightCommitment")
    params.number("maxRetries")
    node.view(params)
    skip = params.flag("skipPreflight")
    if not all(transaction.verify_with_results()):
        raise RpcError(SIGNATURE_FAILURE, "Transaction signature verification failure")
    try:
        return str(node.bank.send(transaction, preflight=not skip))
    except Refused as refused:
        if skip:
            # A real node has answered before it knows; the transaction just never appears.
            return str(transaction.signatures[0])
        raise RpcError(
            PREFLIGHT_FAILURE,
            f"Transaction simulation failed: {sentence(refused.error)}",
            simulation_json(refused.error, refused.execution),
        ) from None


@method("simulateTransaction", options_at=1)
def simulate_transaction(node: Node, params: Params) -> Any:
    transaction = as_transaction(
        params.value(0, "transaction"), params.choice("encoding", ("base58", "base64"), "base58")
    )
    verify, replace = params.flag("sigVerify"), params.flag("replaceRecentBlockhash")
    if verify and replace:
        raise RpcError(INVALID_PARAMS, "sigVerify may not be used with replaceRecentBlockhash")
    slot = node.view(params)
    wanted = _accounts_wanted(params)
    replacement = None
    if replace:
        newest = node.bank.head()
        blockhash = node.bank.hash_of(newest.number)
        transaction = _with_blockhash(transaction, blockhash)
        replacement = {"blockhash": str(blockhash), "lastValidBlockHeight": node.bank.last_height_for(newest)}
    if verify and not all(transaction.verify_with_results()):
        raise RpcError(SIGNATURE_FAILURE, "Transaction signature verification failure")
    try:
        execution = node.bank.simulate(transaction, verify=verify, replace_blockhash=replace)
    except Refused as refused:
        return in_context(slot, simulation_json(refused.error, refused.execution))
    answer = simulation_json(execution.error, execution)
    if wanted is not None and execution.error is None:
        answer["accounts"] = [
            account_json(execution.after.get(address, node.bank.account(address)), "base64", None, node.bank.account)
            for address in wanted
        ]
    if replacement is not None:
        answer["replacementBlockhash"] = replacement
    return in_context(slot, answer)


def _accounts_wanted(params: Params) -> list[Any] | None:
    given = params.options.get("accounts")
    if given is None:
        return None
    if not isinstance(given, dict) or not isinstance(given.get("addresses"), list):
        raise invalid_param("accounts", "must be an object with addresses")
    return [as_address(value, f"accounts.addresses[{i}]") for i, value in enumerate(given["addresses"])]


def _with_blockhash(transaction: VersionedTransaction, blockhash: Hash) -> VersionedTransaction:
    old = transaction.message
    message: Message | MessageV0 | MessageV1
    if isinstance(old, MessageV0):
        message = MessageV0(old.header, old.account_keys, blockhash, old.instructions, old.address_table_lookups)
    elif isinstance(old, MessageV1):
        message = MessageV1(old.header, old.config, blockhash, old.account_keys, old.instructions)
    else:
        header = old.header
        message = Message.new_with_compiled_instructions(
            header.num_required_signatures,
            header.num_readonly_signed_accounts,
            header.num_readonly_unsigned_accounts,
            old.account_keys,
            blockhash,
            old.instructions,
        )
    return VersionedTransaction.populate(message, transaction.signatures)


def simulation_json(error: Any, execution: Execution | None) -> dict[str, Any]:
    """What a simulation, or a failed preflight, tells."""
    return {
        "err": error,
        "logs": [] if execution is None else execution.logs,
        "accounts": None,
        "unitsConsumed": 0 if execution is None else execution.units,
        "returnData": None if execution is None else return_data_json(execution.return_data),
        "innerInstructions": None,
        "loadedAccountsDataSize": 0,
        "replacementBlockhash": None,
        "fee": None if execution is None else execution.fee,
    }


@method("getSignatureStatuses", options_at=1)
def get_signature_statuses(node: Node, params: Params) -> Any:
    signatures = [
        as_signature(value, f"signatures[{i}]") for i, value in enumerate(params.array(0, "signatures", STATUSES_MAX))
    ]
    params.flag("searchTransactionHistory")
    seen = node.head_seen()
    return in_context(seen, [_status(node, signature, seen) for signature in signatures])


def _status(node: Node, signature: Any, seen: int) -> dict[str, Any] | None:
    found = node.bank.store.status(signature)
    if found is None or found[0] > seen:
        return None
    slot, error = found
    commitment = node.commitment_seen(slot)
    return {
        "slot": slot,
        "confirmations": None if commitment is Commitment.FINALIZED else seen - slot,
        "err": error,
        "status": {"Ok": None} if error is None else {"Err": error},
        "confirmationStatus": str(commitment),
    }


@method("getSignaturesForAddress", options_at=1)
def get_signatures_for_address(node: Node, params: Params) -> Any:
    address = params.address(0, "address")
    limit = params.number("limit", SIGNATURES_MAX, SIGNATURES_MAX)
    assert limit is not None
    if limit < 1:
        raise invalid_param("limit", f"must be between 1 and {SIGNATURES_MAX}")
    commitment = params.commitment()
    if commitment is Commitment.PROCESSED:
        raise invalid_param("commitment", "Method does not support commitment below `confirmed`")
    slot = node.view(params)
    before = _number(node, params, "before")
    after = _number(node, params, "until")
    return [
        {
            "signature": str(mention.signature),
            "slot": mention.slot,
            "err": mention.error,
            "memo": mention.memo,
            "blockTime": mention.time_s,
            "confirmationStatus": str(node.commitment_seen(mention.slot)),
        }
        for mention in node.bank.store.mentions(address, slot, before, after, limit)
    ]


def _number(node: Node, params: Params, name: str) -> int | None:
    given = params.options.get(name)
    return None if given is None else node.bank.store.number_of(as_signature(given, name))


@method("getTransaction", options_at=1)
def get_transaction(node: Node, params: Params) -> Any:
    signature = params.signature(0, "signature")
    if len(params.values()) > 1 and isinstance(params.values()[1], str):
        params.options["encoding"] = params.values()[1]
    encoding = params.choice("encoding", ENCODINGS, "json")
    version_max = params.number("maxSupportedTransactionVersion", at_most=255)
    if params.commitment() is Commitment.PROCESSED:
        raise invalid_param("commitment", "Method does not support commitment below `confirmed`")
    slot = node.view(params)
    record = node.bank.store.transaction(signature)
    if record is None or record.slot > slot:
        return None
    return transaction_json(record, encoding, version_max)


@method("getFeeForMessage", options_at=1)
def get_fee_for_message(node: Node, params: Params) -> Any:
    from solders.message import from_bytes_versioned

    try:
        message = from_bytes_versioned(base64.b64decode(params.value(0, "message"), validate=True))
    except (ValueError, TypeError):
        raise invalid_param("message", "is not a message in base64") from None
    slot = node.view(params)
    if not node.bank.is_recent(message.recent_blockhash):
        return in_context(slot, None)
    return in_context(slot, node.bank.fee_of(message))


@method("requestAirdrop", options_at=2)
def request_airdrop(node: Node, params: Params) -> Any:
    return str(
        node.chain.airdrop(params.address(0, "pubkey"), params.u64(1, "lamports", node.chain.airdrop_lamports_max))
    )
