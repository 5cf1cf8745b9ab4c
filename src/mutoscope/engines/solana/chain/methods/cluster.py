"""Slots, heights, times, hashes and how the node does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mutoscope.engines.solana.chain.bank import Slot
from mutoscope.engines.solana.chain.errors import BLOCK_NOT_AVAILABLE, LONG_TERM_SLOT_SKIPPED, NODE_UNHEALTHY, RpcError
from mutoscope.engines.solana.chain.machine import SLOTS_PER_EPOCH
from mutoscope.engines.solana.chain.methods import method
from mutoscope.engines.solana.chain.params import Params

if TYPE_CHECKING:
    from mutoscope.engines.solana.chain.node import Node

# What the machine below was built to be like; clients use it to tell what a node can do.
VERSION = "3.0.0"
FEATURE_SET = 3_604_001_754


def in_context(slot: int, value: Any) -> dict[str, Any]:
    return {"context": {"slot": slot, "apiVersion": VERSION}, "value": value}


def slot_seen(node: Node, params: Params) -> Slot:
    slot = node.bank.slot_numbered(node.view(params))
    assert slot is not None
    return slot


@method("getSlot", options_at=0)
def get_slot(node: Node, params: Params) -> Any:
    return node.view(params)


@method("getBlockHeight", options_at=0)
def get_block_height(node: Node, params: Params) -> Any:
    return slot_seen(node, params).height


@method("getBlockTime", options_at=1)
def get_block_time(node: Node, params: Params) -> Any:
    number = params.u64(0, "slot")
    slot = node.bank.slot_numbered(number)
    if slot is None:
        if number > node.bank.head().number:
            raise RpcError(BLOCK_NOT_AVAILABLE, f"Block not available for slot {number}")
        raise RpcError(LONG_TERM_SLOT_SKIPPED, f"Slot {number} was skipped, or missing in long-term storage")
    return slot.time_ms // 1000


@method("getLatestBlockhash", options_at=0)
def get_latest_blockhash(node: Node, params: Params) -> Any:
    slot = slot_seen(node, params)
    return in_context(
        slot.number,
        {"blockhash": str(node.bank.hash_of(slot.number)), "lastValidBlockHeight": node.bank.last_height_for(slot)},
    )


@method("isBlockhashValid", options_at=1)
def is_blockhash_valid(node: Node, params: Params) -> Any:
    blockhash = params.hash(0, "blockhash")
    return in_context(node.view(params), node.bank.is_recent(blockhash))


@method("getGenesisHash", options_at=0)
def get_genesis_hash(node: Node, params: Params) -> Any:
    return str(node.bank.genesis_hash)


@method("getHealth", options_at=0)
def get_health(node: Node, params: Params) -> Any:
    if node.lag():
        raise RpcError(NODE_UNHEALTHY, f"Node is behind by {node.lag()} slots", {"numSlotsBehind": node.lag()})
    return "ok"


@method("getVersion", options_at=0)
def get_version(node: Node, params: Params) -> Any:
    return {"solana-core": VERSION, "feature-set": FEATURE_SET}


@method("getEpochInfo", options_at=0)
def get_epoch_info(node: Node, params: Params) -> Any:
    slot = slot_seen(node, params)
    epoch, index = divmod(slot.number, SLOTS_PER_EPOCH)
    return {
        "absoluteSlot": slot.number,
        "blockHeight": slot.height,
        "epoch": epoch,
        "slotIndex": index,
        "slotsInEpoch": SLOTS_PER_EPOCH,
        "transactionCount": node.bank.store.count(),
    }


@method("getFirstAvailableBlock", options_at=0)
def get_first_available_block(node: Node, params: Params) -> Any:
    return node.bank.first_slot()


@method("minimumLedgerSlot", options_at=0)
def minimum_ledger_slot(node: Node, params: Params) -> Any:
    return node.bank.first_slot()


@method("getTransactionCount", options_at=0)
def get_transaction_count(node: Node, params: Params) -> Any:
    return node.bank.store.count()


@method("getRecentPrioritizationFees", options_at=1)
def get_recent_prioritization_fees(node: Node, params: Params) -> Any:
    head = node.bank.head().number
    return [{"slot": slot, "prioritizationFee": 0} for slot in range(max(head - 149, 0), head + 1)]
