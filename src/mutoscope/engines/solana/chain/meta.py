"""What getTransaction calls `meta`: cost, logs, balances before and after, as JSON."""

from __future__ import annotations

import base64
from typing import Any

from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from mutoscope.engines.solana.chain import base58, programs
from mutoscope.engines.solana.chain.machine import Execution, TokenBalance

MEMO_PROGRAMS = frozenset({programs.MEMO_PROGRAM, programs.OLD_MEMO_PROGRAM})


def meta_json(execution: Execution) -> dict[str, Any]:
    """The form that `encoding: json` gives; amounts as the node gives them, u64 as numbers and token amounts as text."""
    error = execution.error
    return {
        "err": error,
        "status": {"Ok": None} if error is None else {"Err": error},
        "fee": execution.fee,
        "preBalances": execution.lamports_before,
        "postBalances": execution.lamports_after,
        "innerInstructions": [
            {"index": index, "instructions": [_inner(instruction) for instruction in group]}
            for index, group in enumerate(execution.inner)
            if group
        ],
        "logMessages": execution.logs,
        "preTokenBalances": [token_balance_json(balance) for balance in execution.tokens_before],
        "postTokenBalances": [token_balance_json(balance) for balance in execution.tokens_after],
        "rewards": [],
        "loadedAddresses": {
            "writable": [str(key) for key in execution.loaded_writable],
            "readonly": [str(key) for key in execution.loaded_readonly],
        },
        **({"returnData": return_data_json(execution.return_data)} if execution.return_data else {}),
        "computeUnitsConsumed": execution.units,
        "costUnits": execution.units,
    }


def return_data_json(return_data: tuple[Pubkey, bytes] | None) -> dict[str, Any] | None:
    if return_data is None:
        return None
    program, data = return_data
    return {"programId": str(program), "data": [base64.b64encode(data).decode(), "base64"]}


def token_balance_json(balance: TokenBalance) -> dict[str, Any]:
    return {
        "accountIndex": balance.index,
        "mint": str(balance.mint),
        "uiTokenAmount": token_amount(balance.amount, balance.decimals),
        "owner": str(balance.owner),
        "programId": str(balance.program),
    }


def token_amount(amount: int, decimals: int) -> dict[str, Any]:
    """A number of base units in the four ways a node writes it."""
    digits = str(amount).rjust(decimals + 1, "0")
    whole, fraction = (digits[:-decimals], digits[-decimals:].rstrip("0")) if decimals else (digits, "")
    text = f"{whole}.{fraction}" if fraction else whole
    return {"amount": str(amount), "decimals": decimals, "uiAmount": float(text), "uiAmountString": text}


def memo_of(transaction: VersionedTransaction, execution: Execution) -> str | None:
    """The memos of a transaction as getSignaturesForAddress shows them: `[length] text`, joined by semicolons."""
    memos = []
    for instruction in transaction.message.instructions:
        if execution.keys[instruction.program_id_index] in MEMO_PROGRAMS:
            data = bytes(instruction.data)
            memos.append(f"[{len(data)}] {data.decode(errors='replace')}")
    return "; ".join(memos) or None


def _inner(inner: Any) -> dict[str, Any]:
    instruction = inner.instruction()
    return {
        "programIdIndex": instruction.program_id_index,
        "accounts": list(bytes(instruction.accounts)),
        "data": base58.encode(bytes(instruction.data)),
        "stackHeight": inner.stack_height(),
    }
