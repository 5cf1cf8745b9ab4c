"""Who paid, and how much, read from a finalized transaction: by change of balances, never by parsing instructions. See docs/solana.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mutoscope.engines.solana.signer.configuration import PROGRAMS, Caps, Token
from mutoscope.engines.solana.signer.requests import AMOUNT_MAX


class UnreadableReceipt(Exception):
    """The transaction brought nothing to the receiver, failed, or does not say who paid."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Base units that arrived, and the wallets that gave."""

    received: int
    payers: tuple[str, ...]


def read_receipt(transaction: dict[str, Any], receiver: str, token: Token) -> Receipt:
    """What a transaction brought to a wallet in one token. Raises UnreadableReceipt."""
    meta = transaction.get("meta") or {}
    if not meta or meta.get("err") is not None:
        raise UnreadableReceipt("The payment's transaction failed: it brought nothing.")
    changes = _token_changes(meta, token) if token.mint else _lamport_changes(transaction, meta)
    received = changes.get(receiver, 0)
    if received <= 0:
        raise UnreadableReceipt(f"The payment's transaction brought no {token.name} to {receiver}.")
    payers = tuple(sorted(address for address, change in changes.items() if change < 0))
    return Receipt(received, payers)


def unlisted_token(transaction: dict[str, Any], receiver: str, mint: str) -> Token:
    """A token that stands in no configuration, as the payment's transaction describes it. Raises UnreadableReceipt.

    It may go back as far as it came, and is never swept or paid out.
    """
    for balance in (transaction.get("meta") or {}).get("postTokenBalances") or ():
        program = next((each for each in PROGRAMS.values() if str(each) == balance.get("programId")), None)
        if program is not None and balance.get("mint") == mint and balance.get("owner") == receiver:
            decimals = int(balance["uiTokenAmount"]["decimals"])
            return Token(
                mint, mint, program, decimals, "", Caps(), Caps(AMOUNT_MAX, AMOUNT_MAX), Caps(), is_listed=False
            )
    raise UnreadableReceipt(f"The payment's transaction brought no {mint or 'SOL'} to {receiver}.")


def _lamport_changes(transaction: dict[str, Any], meta: dict[str, Any]) -> dict[str, int]:
    """Change of lamports by address; what the first signer paid as the fee is not a payment. Only signers give."""
    message = transaction["transaction"]["message"]
    loaded = meta.get("loadedAddresses") or {}
    keys = [*message["accountKeys"], *loaded.get("writable", ()), *loaded.get("readonly", ())]
    signers = int(message["header"]["numRequiredSignatures"])
    changes: dict[str, int] = {}
    for place, (key, before, after) in enumerate(zip(keys, meta["preBalances"], meta["postBalances"], strict=True)):
        change = int(after) - int(before) + (int(meta["fee"]) if place == 0 else 0)
        if change > 0 or place < signers:
            changes[str(key)] = change
    return changes


def _token_changes(meta: dict[str, Any], token: Token) -> dict[str, int]:
    """Change of one token by owner. The mint and the program are both pinned."""
    changes: dict[str, int] = {}
    for sign, balances in ((-1, meta.get("preTokenBalances")), (1, meta.get("postTokenBalances"))):
        for balance in balances or ():
            if balance.get("mint") != token.mint or balance.get("programId") != str(token.program):
                continue
            owner = str(balance.get("owner"))
            changes[owner] = changes.get(owner, 0) + sign * int(balance["uiTokenAmount"]["amount"])
    return changes
