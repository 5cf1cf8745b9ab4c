"""What a project uses.

    payment = create_payment({"": 500_000_000, USDC: 70_000_000}, purpose="order:17")
    payment_links(payment)          # {"": "solana:...", USDC: "solana:..."}

and a receiver of `signals.settled`. Creating a payment asks no node anything; a worker (`manage.py solana_watch`) does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mutoscope.engines.solana.links import payment_links, qr_svg, transfer_link
from mutoscope.engines.solana.payments.abstract import AbstractPayment
from mutoscope.engines.solana.payments.creation import (
    CreateInputs,
    CreatePayment,
    KeyUsedDifferently,
    NowhereToReceive,
    PriceNotPayable,
)
from mutoscope.engines.solana.payments.domain.amounts import NotPayable, amount_text, base_units, plain_text, rounded_up
from mutoscope.engines.solana.payments.domain.states import Money, Status, Step
from mutoscope.engines.solana.payments.ending import (
    AlreadyAllocated,
    GoesBack,
    accept_late,
    allocate,
    close_unmatched,
    expire_due,
)
from mutoscope.engines.solana.payments.swapped import payment_model, token_model
from mutoscope.engines.solana.payments.tokens import TokenRefused, accept_token

__all__ = [
    "AlreadyAllocated",
    "GoesBack",
    "KeyUsedDifferently",
    "Money",
    "NotPayable",
    "NowhereToReceive",
    "PriceNotPayable",
    "Status",
    "Step",
    "TokenRefused",
    "accept_late",
    "accept_token",
    "allocate",
    "amount_text",
    "base_units",
    "close_unmatched",
    "create_payment",
    "expire_due",
    "payment_links",
    "payment_model",
    "plain_text",
    "qr_svg",
    "rounded_up",
    "token_model",
    "transfer_link",
]


def create_payment(
    prices: Mapping[str, int],
    *,
    purpose: str = "",
    owner_ref: str = "",
    idempotency_key: str | None = None,
    receive_by: str | None = None,
    expires_after_s: int | None = None,
    metadata: Mapping[str, Any] | None = None,
    **extra: Any,
) -> AbstractPayment:
    """Offer to be paid. `prices` are base units by mint, the empty mint being SOL; `extra` are columns of your own model.

    Runs in the caller's transaction and asks no node anything. Raises PriceNotPayable, NowhereToReceive, and
    KeyUsedDifferently if the key was used for something else; with the same again it returns the payment there is.
    """
    inputs = CreateInputs(
        prices=dict(prices),
        purpose=purpose,
        owner_ref=owner_ref,
        idempotency_key=idempotency_key,
        receive_by=receive_by,
        expires_after_s=expires_after_s,
        metadata=dict(metadata or {}),
        extra=extra,
    )
    return CreatePayment().call(inputs).payment
