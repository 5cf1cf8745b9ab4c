"""What billing needs from whoever takes money: one order in, one settlement out. engines/solana is to be plugged in by `web`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Order:
    """A pack that somebody wants to pay for. `key` is unique; the same again is the same payment."""

    key: str
    person_id: int
    pack_id: int
    points: int
    bonus_points: int
    price_usd_cents: int
    token: str


@dataclass(frozen=True, slots=True)
class Quote:
    """What is to be paid, fixed until `expires_at`: `amount` in the token's smallest unit, by opening `url`."""

    payment_id: int
    token: str
    amount: int
    url: str
    expires_at: datetime


class TakesPayments(Protocol):
    """Opens payments, in the caller's transaction, and says how they stand. When one is final it calls `CreditTopUp`."""

    def tokens(self) -> tuple[str, ...]:
        """The tokens that can be paid with now, such as ("USDC", "SOL"). A token whose rate is stale is not among them."""
        ...

    def open(self, order: Order, /) -> Quote:
        """A payment for this order."""
        ...


class Socket:
    """Holds who takes payments: nobody, until `web` plugs somebody in."""

    def __init__(self) -> None:
        self._adapter: TakesPayments | None = None

    def bind(self, adapter: TakesPayments | None) -> None:
        """Use this one from now on."""
        self._adapter = adapter

    def get(self) -> TakesPayments | None:
        """Whoever takes payments now."""
        return self._adapter


top_ups = Socket()
