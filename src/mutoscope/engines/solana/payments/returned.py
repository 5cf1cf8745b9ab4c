"""Whether somebody really sent a payment's tokens back: read on the chain, where they were sent by hand.

What the signer sends needs no such look: it follows its own transactions to their end.
"""

from __future__ import annotations

from dataclasses import dataclass

from mutoscope.engines.services import Failure
from mutoscope.engines.solana.payments.domain.addresses import TOKEN_PROGRAMS
from mutoscope.engines.solana.payments.domain.deltas import Transaction, Unreadable
from mutoscope.engines.solana.rpc import questions
from mutoscope.engines.solana.rpc.client import Rpc
from mutoscope.engines.solana.rpc.errors import RpcError


class NotReturned(Failure):
    """The chain does not say that these tokens were sent back."""

    problem: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """What somebody says that they sent back: `amount` base units, by the transaction `signature`.

    `receipt` is the transaction that brought them to the wallet `receiver`; `destination` is empty for who paid there.
    """

    signature: str
    receipt: str
    receiver: str
    mint: str
    amount: int
    destination: str = ""


def check_returned(rpc: Rpc, claimed: Claimed) -> None:
    """Hold it against two final transactions: two calls. Raises NotReturned, also where no node answers.

    All that others gave of the token has to have gone to that one wallet, and be enough: what a mint takes as its fee on the way is no
    shortfall.
    """
    if claimed.signature == claimed.receipt:
        raise NotReturned(problem="this is the transaction that brought them")
    brought, sent = (_final(rpc, signature) for signature in (claimed.receipt, claimed.signature))
    payers = {owner for owner, change in _changes(brought, claimed.mint).items() if change < 0}
    wanted = {claimed.destination} if claimed.destination else payers - {claimed.receiver}
    changes = _changes(sent, claimed.mint)
    gained = {owner for owner, change in changes.items() if change > 0}
    given = -sum(change for change in changes.values() if change < 0)
    if sent.slot < brought.slot:
        raise NotReturned(problem="it is older than the payment")
    if len(gained) != 1 or not gained <= wanted:
        to = ", ".join(sorted(wanted)) or "nobody that can be read from the payment"
        raise NotReturned(problem=f"it brought this token not to {to} alone")
    if given < claimed.amount:
        raise NotReturned(problem=f"it moved {given} base units, and {claimed.amount} were to go back")


def _final(rpc: Rpc, signature: str) -> Transaction:
    try:
        found = questions.finalised_transaction(rpc, signature)
    except (RpcError, Unreadable) as trouble:
        raise NotReturned(problem=f"the chain cannot be asked: {trouble}") from None
    if found is None:
        raise NotReturned(problem=f"the chain knows no final transaction {signature}")
    transaction, _ = found
    if transaction.failed:
        raise NotReturned(problem=f"the transaction {signature} failed, and moved nothing")
    return transaction


def _changes(transaction: Transaction, mint: str) -> dict[str, int]:
    """What each wallet gained or gave of a token, in base units."""
    changes: dict[str, int] = {}
    for sign, balances in ((-1, transaction.tokens_before), (1, transaction.tokens_after)):
        for balance in balances.values():
            if balance.mint == mint and balance.program in TOKEN_PROGRAMS:
                changes[balance.owner] = changes.get(balance.owner, 0) + sign * balance.amount
    return changes
