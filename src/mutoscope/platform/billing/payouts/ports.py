"""What billing needs from whoever pays creators: the signer, or the operator's own hands. `web` plugs one in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from mutoscope.engines.services import Socket


@dataclass(frozen=True, slots=True)
class PayoutOrder:
    """A payout that was approved. `key` is unique: the same again is the same payment, and is never sent twice.

    `address` is the proven one of the channel, empty where payouts need none.
    """

    key: str
    payout_id: int
    channel_id: int
    points: int
    address: str = ""


@dataclass(frozen=True, slots=True)
class PaidWith:
    """What points are paid with: `amount` base units of a token, and the dollars of one whole token that it was reckoned by."""

    mint: str
    symbol: str
    decimals: int
    amount: int
    rate_usd: str


class PaysCreators(Protocol):
    """Sends what was approved, from a process that alone holds the keys."""

    def needs_address(self) -> bool:
        """Whether a payout goes to an address that its creator proved to hold."""
        ...

    def quote(self, points: int, /) -> PaidWith | None:
        """What so many points are worth now; None where whoever pays reckons. May ask somebody: not to be called in a transaction.

        Raises CannotPayOut.
        """
        ...

    def order(self, payout: PayoutOrder, quote: PaidWith | None, /) -> None:
        """Note this payout for sending, in the transaction that approves: the order exists if and only if the approval does.

        At finality `EndPayout` is called with PAID and the signature; where it is certain that nothing was sent and nothing
        will be, with FAILED or VOIDED.
        """
        ...


class PaidByHand:
    """Nothing is sent. The operator pays, and says so in the operator pages."""

    def needs_address(self) -> bool:
        return False

    def quote(self, points: int, /) -> PaidWith | None:
        return None

    def order(self, payout: PayoutOrder, quote: PaidWith | None, /) -> None:
        return


pays_creators: Socket[PaysCreators] = Socket(PaidByHand())
