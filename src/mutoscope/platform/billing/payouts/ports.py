"""What billing needs from whoever pays creators on chain: the signer's side, to be plugged in by `web`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PayoutOrder:
    """A payout that was approved. `key` is unique: the same again is the same payment, and is never sent twice."""

    key: str
    payout_id: int
    channel_id: int
    points: int


class PaysCreators(Protocol):
    """Sends what was approved, from a process that alone holds the keys.

    Asked in the transaction that approves, so the order exists if and only if the approval does. At finality it calls
    `EndPayout` with PAID and the signature; where it is certain that nothing was sent and nothing will be, with FAILED.
    """

    def order(self, payout: PayoutOrder, /) -> None:
        """Note this payout for sending."""
        ...


class PaidByHand:
    """The default: nothing is sent. The operator pays, and says so in the operator pages."""

    def order(self, payout: PayoutOrder, /) -> None:
        return


class Socket:
    """Holds who pays creators."""

    def __init__(self) -> None:
        self._adapter: PaysCreators = PaidByHand()

    def bind(self, adapter: PaysCreators) -> None:
        """Use this one from now on."""
        self._adapter = adapter

    def get(self) -> PaysCreators:
        """Whoever pays creators now."""
        return self._adapter


pays_creators = Socket()
