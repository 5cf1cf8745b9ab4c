"""Whole blocks. On this chain every slot has one, with whatever ran in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from solders.transaction import VersionedTransaction

from mutoscope.engines.solana.chain.bank import Commitment, Slot
from mutoscope.engines.solana.chain.errors import BLOCK_NOT_AVAILABLE, LONG_TERM_SLOT_SKIPPED, RpcError, invalid_param
from mutoscope.engines.solana.chain.methods import method
from mutoscope.engines.solana.chain.params import Params, as_commitment
from mutoscope.engines.solana.chain.store import Record
from mutoscope.engines.solana.chain.transactions_json import ENCODINGS, keys_json, transaction_json

if TYPE_CHECKING:
    from mutoscope.engines.solana.chain.node import Node

DETAILS = ("full", "accounts", "signatures", "none")
BLOCKS_MAX = 500_000
# Rollbacks leave gaps of at most as many slots as are not final.
SKIPPED_MAX = 1000


@method("getBlock", options_at=1)
def get_block(node: Node, params: Params) -> Any:
    number = params.u64(0, "slot")
    encoding = params.choice("encoding", ENCODINGS, "json")
    details = params.choice("transactionDetails", DETAILS, "full")
    version_max = params.number("maxSupportedTransactionVersion", at_most=255)
    with_rewards = params.options.get("rewards") is not False
    if params.commitment() is Commitment.PROCESSED:
        raise invalid_param("commitment", "Method does not support commitment below `confirmed`")
    slot = _slot(node, number, node.view(params))
    before = next(
        (each for back in range(1, min(number, SKIPPED_MAX)) if (each := node.bank.slot_numbered(number - back))), None
    )
    answer: dict[str, Any] = {
        "blockhash": str(node.bank.hash_of(number)),
        "previousBlockhash": str(node.bank.hash_of(before.number if before else max(number - 1, 0))),
        "parentSlot": before.number if before else max(number - 1, 0),
        "blockHeight": slot.height,
        "blockTime": slot.time_ms // 1000,
    }
    if with_rewards:
        answer["rewards"] = []
    records = node.bank.store.transactions_in(number) if details != "none" else []
    if details == "signatures":
        answer["signatures"] = [str(VersionedTransaction.from_bytes(record.raw).signatures[0]) for record in records]
    elif details != "none":
        answer["transactions"] = [_transaction(record, encoding, details, version_max) for record in records]
    return answer


@method("getBlocks", options_at=2)
def get_blocks(node: Node, params: Params) -> Any:
    values = params.values()
    first = params.u64(0, "start_slot")
    # The end may be left out, and the options then come in its place.
    if len(values) > 1 and isinstance(values[1], dict):
        params.options, last = values[1], None
    else:
        last = params.u64(1, "end_slot") if len(values) > 1 and values[1] is not None else None
    if params.options.get("commitment") is not None:
        as_commitment(params.options["commitment"], "commitment")
    newest = node.view(params)
    last = newest if last is None else min(last, newest)
    if last - first > BLOCKS_MAX:
        raise invalid_param("end_slot", f"Slot range too large; max {BLOCKS_MAX}")
    return [number for number in range(first, last + 1) if node.bank.slot_numbered(number)]


def _slot(node: Node, number: int, newest: int) -> Slot:
    slot = node.bank.slot_numbered(number)
    if number > newest:
        raise RpcError(BLOCK_NOT_AVAILABLE, f"Block not available for slot {number}")
    if slot is None:
        raise RpcError(LONG_TERM_SLOT_SKIPPED, f"Slot {number} was skipped, or missing in long-term storage")
    return slot


def _transaction(record: Record, encoding: str, details: str, version_max: int | None) -> dict[str, Any]:
    # Slot and time are the block's.
    answer = transaction_json(record, "json" if details == "accounts" else encoding, version_max)
    del answer["slot"], answer["blockTime"]
    if details == "accounts":
        answer["transaction"] = {
            "signatures": answer["transaction"]["signatures"],
            "accountKeys": keys_json(record, VersionedTransaction.from_bytes(record.raw).message),
        }
        told = ("err", "fee", "preBalances", "postBalances", "preTokenBalances", "postTokenBalances", "status")
        answer["meta"] = {name: answer["meta"][name] for name in told if name in answer["meta"]}
    return answer
