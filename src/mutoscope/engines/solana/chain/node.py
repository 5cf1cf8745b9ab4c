"""One address at which the chain answers, with faults of its own: several nodes of one chain may disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mutoscope.engines.solana.chain.bank import Bank, Commitment
from mutoscope.engines.solana.chain.errors import MIN_CONTEXT_SLOT_NOT_REACHED, RpcError
from mutoscope.engines.solana.chain.faults import Fault, Faults
from mutoscope.engines.solana.chain.params import Params

if TYPE_CHECKING:
    from mutoscope.engines.solana.chain.sandbox import SandboxChain


class Node:
    """`chain.node()` is the one at the root; `chain.node("second")` answers below /nodes/second."""

    def __init__(self, chain: SandboxChain, name: str = "") -> None:
        self.chain = chain
        self.name = name
        self.faults = Faults()
        self._lag = 0

    @property
    def bank(self) -> Bank:
        return self.chain.bank

    @property
    def path(self) -> str:
        return f"/nodes/{self.name}" if self.name else "/"

    @property
    def url(self) -> str:
        """Where this node answers JSON-RPC by POST."""
        return self.chain.url + self.path.rstrip("/")

    @property
    def websocket_url(self) -> str:
        return self.chain.websocket_url + self.path.rstrip("/")

    def drop_websockets(self) -> int:
        """Close every websocket of this node without a word. Returns how many there were."""
        return self.chain.sockets.drop(self)

    # What a reader of this node sees. The bank's lock is held for the length of a call.

    def begin(self, method: str) -> None:
        """Before each call: whether this node lags in it."""
        stale = self.faults.take(Fault.STALE, method)
        self._lag = 0 if stale is None else stale.slots

    def lag(self) -> int:
        """How many slots behind this node is in the call under way."""
        return self._lag

    def slot(self, commitment: Commitment) -> int:
        """The newest slot of that commitment, as far as this node knows."""
        number = self.bank.slot(commitment).number
        if not self._lag:
            return number
        known = number - self._lag
        while known > self.bank.first_slot() and self.bank.slot_numbered(known) is None:
            known -= 1
        return max(known, self.bank.first_slot())

    def view(self, params: Params) -> int:
        """The slot that a call reads at, by its commitment. Raises RpcError below the caller's minContextSlot."""
        slot = self.slot(params.commitment())
        least = params.number("minContextSlot")
        if least is not None and slot < least:
            raise RpcError(
                MIN_CONTEXT_SLOT_NOT_REACHED, "Minimum context slot has not been reached", {"contextSlot": slot}
            )
        return slot

    def head_seen(self) -> int:
        return self.slot(Commitment.PROCESSED)

    def commitment_seen(self, slot: int) -> Commitment:
        """How sure this node is of what happened in that slot."""
        if slot <= self.slot(Commitment.FINALIZED):
            return Commitment.FINALIZED
        return Commitment.CONFIRMED if slot <= self.slot(Commitment.CONFIRMED) else Commitment.PROCESSED
