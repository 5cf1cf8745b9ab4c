"""A payment as data: what events, webhooks and endpoints say about it. Amounts are texts, since JSON's readers round numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mutoscope.engines.solana.payments.abstract import AbstractPayment
from mutoscope.engines.solana.payments.domain.amounts import plain_text
from mutoscope.engines.solana.payments.models import Price


def describe(
    payment: AbstractPayment, prices: Iterable[Price], refundable: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """What may be told about a payment. `refundable` is base units by mint. Metadata is the project's own and stays out."""
    offered = [
        {
            "token": price.token.symbol,
            "mint": price.token.mint,
            "amount": str(price.amount),
            "decimals": price.token.decimals,
            "text": plain_text(price.amount, price.token.decimals),
        }
        for price in prices
    ]
    paid_in = next((price.token.mint for price in prices if price.token_id == payment.paid_in_id), None)
    return {
        "payment": payment.public_id,
        "purpose": payment.purpose,
        "status": str(payment.status),
        "money": str(payment.money),
        "next_steps": [step.value for step in payment.next_steps()],
        "prices": offered,
        "paid_in": paid_in,
        "signature": payment.signature,
        "refundable": {mint: str(amount) for mint, amount in (refundable or {}).items()},
        "expires_at": payment.expires_at.isoformat(),
    }
