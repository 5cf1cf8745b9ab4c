"""What a transaction that somebody else wrote would take from the wallet that signs it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from solders.pubkey import Pubkey

from mutoscope.engines.solana.chain.machine import Execution

SOL_DECIMALS = 9


@dataclass(frozen=True, slots=True)
class Move:
    """What one wallet pays another; `mint` None for SOL, `amount` in base units."""

    to: Pubkey
    amount: int
    mint: Pubkey | None
    decimals: int
    makes_account: bool


def largest_move(execution: Execution, payer: Pubkey) -> Move | None:
    """The payment in an execution: of a token if one left the payer, else of SOL, to whoever gained most of it."""
    gained: dict[tuple[Pubkey, Pubkey, int], int] = defaultdict(int)
    for sign, side in ((-1, execution.tokens_before), (1, execution.tokens_after)):
        for balance in side:
            gained[balance.owner, balance.mint, balance.decimals] += sign * balance.amount
    spent = [(mint, decimals) for (owner, mint, decimals), change in gained.items() if owner == payer and change < 0]
    for mint, decimals in spent:
        takers = {owner: change for (owner, of, _), change in gained.items() if of == mint and change > 0}
        if takers:
            to = max(takers, key=lambda owner: takers[owner])
            known = {balance.owner for balance in execution.tokens_before if balance.mint == mint}
            # What the payer loses, which a token with a fee makes more than what arrives.
            return Move(to, -gained[payer, mint, decimals], mint, decimals, to not in known)
    held = {balance.index for balance in execution.tokens_after}
    lamports = {
        key: after - before
        for index, (key, before, after) in enumerate(
            zip(execution.keys, execution.lamports_before, execution.lamports_after, strict=True)
        )
        if key != payer and index not in held and after > before
    }
    if not lamports:
        return None
    to = max(lamports, key=lambda key: lamports[key])
    return Move(to, lamports[to], None, SOL_DECIMALS, False)
