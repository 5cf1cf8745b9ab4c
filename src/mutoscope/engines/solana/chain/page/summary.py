"""The chain at a glance, as JSON for the page."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from solders.pubkey import Pubkey

from mutoscope.engines.solana.chain import programs
from mutoscope.engines.solana.chain.bank import Commitment
from mutoscope.engines.solana.chain.store import Record
from mutoscope.engines.solana.chain.tokens import FAUCET, MINT_AUTHORITY, TEST_TOKENS

if TYPE_CHECKING:
    from mutoscope.engines.solana.chain.sandbox import SandboxChain

TRANSACTIONS_SHOWN = 25
ACCOUNTS_SHOWN = 12
SOL = {"symbol": "SOL", "decimals": 9}
SYMBOLS = {str(mint): token.symbol for mint, token in TEST_TOKENS.items()}


def summary(chain: SandboxChain) -> dict[str, Any]:
    """Slots, the wallet's money, who moved money lately and how much."""
    bank = chain.bank
    with bank.lock:
        records = bank.store.latest(TRANSACTIONS_SHOWN)
        wallet = chain.wallet()
        names = {str(wallet.address): "this wallet", str(FAUCET.pubkey()): "faucet"}
        owners = [wallet.address, *_owners(chain, records, {wallet.address})]
        return {
            "slot": bank.head().number,
            "final": bank.slot(Commitment.FINALIZED).number,
            "time_s": bank.head().time_ms // 1000,
            "genesis": str(bank.genesis_hash),
            "transactions_kept": bank.store.count(),
            "wallet": str(wallet.address),
            "accounts": [_account(chain, owner, names) for owner in owners[:ACCOUNTS_SHOWN]],
            "transactions": [transaction_line(chain, record, names) for record in records],
            "faults": [fault for node in chain.nodes() for fault in node.faults.armed()],
        }


def transaction_line(chain: SandboxChain, record: Record, names: dict[str, str]) -> dict[str, Any]:
    """One transaction in a line: when, how sure, and who gained or lost what."""
    return {
        "signature": str(record.signature),
        "slot": record.slot,
        "time_s": record.time_s,
        "error": record.error,
        "commitment": str(chain.bank.commitment_of(record.slot)),
        "memo": record.memo,
        "fee": record.meta["fee"],
        "moves": [{**move, "name": names.get(move["owner"])} for move in moves(record)],
    }


def moves(record: Record) -> list[dict[str, Any]]:
    """Every change of a balance but the fee. `amount` in base units, below zero for who paid. Token amounts are booked
    to the account's owner; the rent of accounts that hold data is left out."""
    meta = record.meta
    keys = _keys(record)
    tokens: dict[tuple[str, str, int], int] = defaultdict(int)
    held_by_tokens = set()
    for sign, side in ((-1, "preTokenBalances"), (1, "postTokenBalances")):
        for balance in meta[side]:
            amount = balance["uiTokenAmount"]
            tokens[balance["owner"], balance["mint"], amount["decimals"]] += sign * int(amount["amount"])
            held_by_tokens.add(balance["accountIndex"])
    found = []
    for index, (before, after) in enumerate(zip(meta["preBalances"], meta["postBalances"], strict=True)):
        change = after - before + (meta["fee"] if index == 0 else 0)
        if change and index not in held_by_tokens:
            found.append({"owner": keys[index], "amount": str(change), **SOL})
    for (owner, mint, decimals), change in tokens.items():
        if change:
            symbol = SYMBOLS.get(mint, f"{mint[:4]}..")
            found.append({"owner": owner, "amount": str(change), "symbol": symbol, "decimals": decimals})
    return found


def _keys(record: Record) -> list[str]:
    from solders.transaction import VersionedTransaction

    loaded = record.meta["loadedAddresses"]
    message = VersionedTransaction.from_bytes(record.raw).message
    return [*(str(key) for key in message.account_keys), *loaded["writable"], *loaded["readonly"]]


def _owners(chain: SandboxChain, records: list[Record], but: set[Pubkey]) -> list[Pubkey]:
    """Who was in the latest transactions, newest first: wallets, not programs' accounts."""
    hidden = {*but, FAUCET.pubkey(), MINT_AUTHORITY.pubkey()}
    found: dict[Pubkey, None] = {}
    for record in records:
        for move in moves(record):
            owner = Pubkey.from_string(move["owner"])
            account = chain.bank.account(owner)
            if owner not in hidden and (account is None or account.owner == programs.SYSTEM_PROGRAM):
                found[owner] = None
    return list(found)


def _account(chain: SandboxChain, owner: Pubkey, names: dict[str, str]) -> dict[str, Any]:
    balances = [{"amount": str(chain.balance(owner)), **SOL}]
    for token in TEST_TOKENS.values():
        amount = chain.token_balance(owner, token)
        if amount:
            balances.append({"amount": str(amount), "symbol": token.symbol, "decimals": token.decimals})
    return {"address": str(owner), "name": names.get(str(owner)), "balances": balances}
