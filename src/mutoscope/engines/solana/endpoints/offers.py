"""What a project sells: the only place where an amount of the endpoints comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.utils.module_loading import import_string

from mutoscope.engines.solana import public
from mutoscope.engines.solana.conf import configuration
from mutoscope.engines.solana.payments.abstract import AbstractPayment


@dataclass(frozen=True)
class Offer:
    """What one item costs this visitor: `prices` in base units by mint, the empty mint being SOL.

    Guests are refused unless `to_guests`. `key` makes asking twice the same payment; it is the order's, never the visitor's.
    """

    prices: Mapping[str, int]
    purpose: str
    key: str | None = None
    to_guests: bool = False
    receive_by: str | None = None
    expires_after_s: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


def find_offer(request: HttpRequest, item: str) -> Offer | None:
    """The project's answer; None when nothing is configured or no such thing is sold. Raises whatever the project raises."""
    if not configuration().offers:
        return None
    ask: Callable[[HttpRequest, str], Offer | None] = import_string(configuration().offers)
    return ask(request, item)


def accept(offer: Offer, owner_ref: str) -> AbstractPayment:
    """Make the payment of an offer. Raises what `create_payment` raises."""
    return public.create_payment(
        offer.prices,
        purpose=offer.purpose,
        owner_ref=owner_ref,
        idempotency_key=offer.key,
        receive_by=offer.receive_by,
        expires_after_s=offer.expires_after_s,
        metadata=offer.metadata,
        **offer.extra,
    )
